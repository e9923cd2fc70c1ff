"""A meter that is said to be simulated at a real serial device: the household is told so."""

import json
import os

import pytest
from click.testing import CliRunner
from structlog.testing import capture_logs

from edge.chip.agent import Agent
from edge.chip.config import EdgeConfig, load_config
from edge.commands.table import edge
from edge.metering.state import MeteringSettings
from edge.status.advice_words import ADVICE
from edge.status.report import Advice
from protocol.errors import ConfigError
from tests.support.chip_bench import PLATFORM_KEY, Bench, instant, make_identity
from tests.support.chip_cloud import FakeCloud

DEVICE = "/dev/null"  # no terminal, but a device


@pytest.fixture
def directory(tmp_path):
    identity = make_identity()
    bench = Bench(
        tmp_path / "chip", FakeCloud(identity, PLATFORM_KEY), identity, instant(2026, 5, 5, 10)
    )
    bench.begin()
    bench.kill()
    return bench.directory


def configured(directory, source, *, is_simulated):
    text = (
        f"source = {json.dumps(str(source))}\nmetering.is_simulated = {str(is_simulated).lower()}\n"
    )
    (directory / "edge.toml").write_text(text)
    return load_config(directory, {})


@pytest.mark.parametrize("lang", list(ADVICE))
def test_status_says_to_take_it_out(directory, lang):
    configured(directory, DEVICE, is_simulated=True)
    ran = CliRunner().invoke(edge, ["status", "--dir", str(directory), "--json"])
    assert Advice.NOT_SIMULATED in json.loads(ran.stdout)["advice"]
    said = CliRunner().invoke(edge, ["status", "--dir", str(directory), "--lang", lang.value])
    assert "metering.is_simulated" in said.stdout
    configured(directory, DEVICE, is_simulated=False)
    ran = CliRunner().invoke(edge, ["status", "--dir", str(directory), "--json"])
    assert Advice.NOT_SIMULATED not in json.loads(ran.stdout)["advice"]


def test_it_is_said_of_devices_only(directory, tmp_path):
    capture = tmp_path / "capture.tic"
    capture.write_bytes(b"")
    leader, follower = os.openpty()
    link = tmp_path / "meter"
    link.symlink_to(os.ttyname(follower))
    for source in ("-", capture, link, tmp_path / "absent"):
        config = configured(directory, source, is_simulated=True)
        assert not config.is_real_line_called_simulated
    os.close(leader)
    os.close(follower)
    alias = tmp_path / "alias"
    alias.symlink_to(DEVICE)
    assert configured(directory, alias, is_simulated=True).is_real_line_called_simulated


def test_the_log_warns_at_each_start(tmp_path):
    """Before anything else, so that a chip without keys of its own is enough here."""
    config = EdgeConfig(source=DEVICE, metering=MeteringSettings(is_simulated=True))
    with (
        capture_logs() as logs,
        pytest.raises(ConfigError, match="TLS identity"),
        Agent.open(tmp_path, make_identity(), config),
    ):
        pass
    assert logs[0] == {
        "event": "real_line_called_simulated",
        "log_level": "warning",
        "device": DEVICE,
    }
