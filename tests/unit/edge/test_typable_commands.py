"""A command that a household is told to type reaches its own chip, wherever its directory is."""

import re
import shlex
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from edge.commands.table import edge
from edge.language.choice import Lang
from edge.moving.departure import leave_order
from protocol.errors import VoletError
from tests.support.chip_bench import PLATFORM_KEY, Bench, BenchMeter, instant, make_identity
from tests.support.chip_cloud import FakeCloud
from tests.support.confirming import confirm
from tests.unit.edge.test_confirm_meter import NEW, SECOND

COMMAND = re.compile(r"`(volet\s+edge\s[^`]*)`")


@pytest.fixture
def bench(tmp_path):
    """A chip in a directory of another name, stopped, with another meter on the line."""
    identity = make_identity()
    bench = Bench(
        tmp_path / "my chip", FakeCloud(identity, PLATFORM_KEY), identity, instant(2026, 5, 5, 10)
    )
    bench.begin()
    bench.run(8)
    bench.meter = BenchMeter(bench.clock.at, 5, NEW)
    bench.clock.at += SECOND
    bench.chip.observe(bench.meter.frame(bench.clock.at), bench.clock.host_time())
    bench.run(8)
    bench.kill()
    return bench


def named_without(directory, text):
    """Return the commands of a text that do not reach `directory`."""
    found = [shlex.split(each) for each in COMMAND.findall(text)]
    assert found
    return [each for each in found if each[3:5] != ["--dir", str(directory)]]


@pytest.mark.xfail(strict=True, reason="commands in advice are for the usual directory only")
@pytest.mark.parametrize("lang", Lang)
def test_status_and_confirm_name_commands_that_reach_this_chip(bench, lang):
    leave_order(bench.directory, datetime.now(UTC))
    arguments = ["--lang", lang.value, "status", "--dir", str(bench.directory)]
    status = CliRunner().invoke(edge, arguments).output
    assert status.count("`volet edge ") >= 4
    assert named_without(bench.directory, status) == []
    told = confirm(bench, "--lang", lang.value, answer="o\n" if lang is Lang.FR else "y\n").output
    assert named_without(bench.directory, told) == []


@pytest.mark.xfail(strict=True, reason="commands in advice are for the usual directory only")
@pytest.mark.parametrize("lang", Lang)
def test_an_error_names_commands_that_reach_this_chip(bench, lang):
    arguments = ["--lang", lang.value, "bills", "--dir", str(bench.directory), "--html", "x.html"]
    done = CliRunner().invoke(edge, arguments)
    assert isinstance(done.exception, VoletError)
    assert named_without(bench.directory, str(done.exception)) == []
