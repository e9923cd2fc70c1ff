"""A command that a household is told to type reaches its own chip, wherever its directory is."""

import ast
import re
import shlex
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from edge.bills.remarks import SENTENCES as REMARKS
from edge.commands.confirm_words import MEANING
from edge.commands.table import edge
from edge.language.choice import Lang
from edge.language.directories import WITHOUT_DIRECTORY, in_directory
from edge.moving.departure import leave_order
from edge.status.advice_words import ADVICE
from edge.status.notice_words import NOTICES
from protocol.errors import VoletError
from tests.support.chip_bench import PLATFORM_KEY, Bench, BenchMeter, instant, make_identity
from tests.support.chip_cloud import FakeCloud
from tests.support.confirming import confirm
from tests.unit.edge.test_confirm_meter import NEW, SECOND

ROOT = Path(__file__).parents[3]
COMMAND = re.compile(r"`(volet\s+edge\s[^`]*)`")
TEXTS = [text for words in ADVICE.values() for text in words.values()]


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
    return [each for each in found if each[-2:] != ["--dir", str(directory)]]


@pytest.mark.parametrize("lang", Lang)
def test_status_and_confirm_name_commands_that_reach_this_chip(bench, lang):
    leave_order(bench.directory, datetime.now(UTC))
    arguments = ["--lang", lang.value, "status", "--dir", str(bench.directory)]
    status = CliRunner().invoke(edge, arguments).output
    assert status.count("`volet edge ") >= 4
    assert named_without(bench.directory, status) == []
    told = confirm(bench, "--lang", lang.value, answer="o\n" if lang is Lang.FR else "y\n").output
    assert named_without(bench.directory, told) == []


@pytest.mark.parametrize("lang", Lang)
def test_an_error_names_commands_that_reach_this_chip(bench, lang):
    arguments = ["--lang", lang.value, "bills", "--dir", str(bench.directory), "--html", "x.html"]
    done = CliRunner().invoke(edge, arguments)
    assert isinstance(done.exception, VoletError)
    assert named_without(bench.directory, str(done.exception)) == []


def lacking(text):
    """Return what a text tells to type without what it needs: a file to install, an offer."""
    told = [shlex.split(each) for each in COMMAND.findall(text)]
    return [
        command
        for command in told
        if (command[2] == "enrol" and f"(`{shlex.join(command)}`)" in text and len(command) == 3)
        or (command[2] == "request" and not {"--offer", "--from"} <= set(command))
    ]


HINTS = [
    text
    for words in (*ADVICE.values(), *NOTICES.values(), *REMARKS.values(), *MEANING.values())
    for text in words.values()
]


@pytest.mark.parametrize("command", ["enrol", "request", "request --offer OFFER.json"])
def test_a_command_that_lacks_what_it_needs_is_found(command):
    assert lacking(f"Do it (`volet edge {command}`).")


def test_every_hint_names_the_file_to_install_and_the_offer_to_take():
    assert [found for text in HINTS if (found := lacking(text))] == []


@pytest.mark.parametrize("lang", Lang)
def test_a_request_without_an_offer_says_that_it_holds_no_contract(tmp_path, lang):
    options = ["--dir", str(tmp_path / "chip")]
    assert CliRunner().invoke(edge, ["init", *options]).exit_code == 0
    done = CliRunner().invoke(edge, ["--lang", lang.value, "request", *options])
    said = {Lang.EN: "holds no contract", Lang.FR: "ne porte aucun contrat"}
    assert said[lang] in done.output
    typed = {Lang.EN: "--offer OFFER.json --from DAY", Lang.FR: "--offer OFFRE.json --from JOUR"}
    assert typed[lang] in done.output


@given(text=st.sampled_from(TEXTS), name=st.text(st.characters(codec="utf-8"), min_size=1))
def test_a_directory_is_named_once_and_nothing_else_changes(text, name):
    directory = Path("/") / name.replace("`", "").replace("\0", "").replace("/", "")
    shown = in_directory(text, directory)
    assert in_directory(shown, directory) == shown
    assert shown.replace(f" --dir {shlex.quote(str(directory))}", "") == text


def typed(command):
    """Return what is typed of a command: itself, or those of a group."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        return [command.get_command(context, name) for name in command.list_commands(context)]
    return [command]


def test_which_commands_work_on_no_directory_is_known():
    commands = {name: edge.get_command(click.Context(edge), name) for name in edge.targets}
    lacking = {
        name
        for name, command in commands.items()
        for each in typed(command)
        if "--dir" not in [option for parameter in each.params for option in parameter.opts]
    }
    assert lacking == WITHOUT_DIRECTORY


def printed_as_it_is(text):
    """Return what a module of commands prints past `echo`: JSON, and what comes from a meter, may."""
    return [
        ast.unparse(node)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in {"click.echo", "print", "click.secho"}
        and not ast.unparse(node.args[0]).startswith("msgspec.json.encode(")
    ]


# What they print names no command: `echo` itself, a meter's values, and a file's diff.
PRINTING = {"household.py", "decode_views.py", "setup.py"}


def test_no_command_prints_past_what_names_the_directory():
    found = {
        path.name: echoes
        for path in (ROOT / "edge/commands").glob("*.py")
        if path.name not in PRINTING
        if (echoes := printed_as_it_is(path.read_text("utf-8")))
    }
    assert found == {}


@pytest.mark.parametrize("text", ["click.echo(WORDS[lang])", "print('x')"])
def test_one_that_does_is_found(text):
    assert printed_as_it_is(text)
    assert not printed_as_it_is(f"echo({text.partition('(')[2]}")
