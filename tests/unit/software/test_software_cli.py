"""The commands themselves switch nothing that they might leave half done."""

from subprocess import CompletedProcess

import pytest
from click.testing import CliRunner

from protocol.errors import ConfigError, VoletError
from tests.unit.software.test_switching import UNIT, made
from volet.software import cli, trying


@pytest.fixture
def machine(places, monkeypatch):
    return made(places, monkeypatch)


def activate(machine, monkeypatch, trial):
    """Type `activate 0.2.0`; `trial` stands for what the unit does that is started."""
    started = []

    def run(command, **_):
        started.append(command)
        return trial() or CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(cli, "running_unit", lambda: UNIT)
    monkeypatch.setattr(cli, "check_release", lambda *_: None)
    monkeypatch.setattr(cli, "show", lambda *_: {"ActiveState": "inactive"})
    monkeypatch.setattr(trying.subprocess, "run", run)
    given = ["activate", "0.2.0", "--root", str(machine.places.root)]
    result = CliRunner().invoke(cli.software, given)
    return result, started


def test_the_whole_trial_is_in_a_unit_that_is_started_again_when_it_is_killed(machine, monkeypatch):
    """So nothing waits for the next boot, wherever `activate` is killed."""

    def killed_at_once():
        raise KeyboardInterrupt

    before = {path: path.lstat().st_mtime_ns for path in machine.places.root.rglob("*")}
    _, started = activate(machine, monkeypatch, killed_at_once)
    assert machine.places.linked("current") == "0.1.0"
    assert machine.places.trial() is None
    assert before == {path: path.lstat().st_mtime_ns for path in machine.places.root.rglob("*")}
    (command,) = started
    assert command[0] == "systemd-run"
    assert "--property=Restart=on-failure" in command
    assert str(machine.places.program("0.1.0")) in command
    assert command[-2:] == ("0.2.0", UNIT)


def test_what_the_trial_came_to_is_reported(machine, monkeypatch):
    def well():
        assert machine.upgrade("0.2.0") is None

    result, _ = activate(machine, monkeypatch, well)
    assert "does well" in result.output
    result, started = activate(machine, monkeypatch, well)
    assert "is the current one" in result.output
    assert not started


def test_a_trial_that_ended_early_is_no_success(machine, monkeypatch):
    result, _ = activate(machine, monkeypatch, lambda: None)
    assert isinstance(result.exception, VoletError)
    assert "ended early" in str(result.exception)


def test_a_trial_that_cannot_begin_is_named(machine, monkeypatch):
    result, _ = activate(machine, monkeypatch, lambda: CompletedProcess((), 1, "", "no bus"))
    assert isinstance(result.exception, ConfigError)
    assert "no bus" in str(result.exception)


def test_the_unit_tries_out_what_it_is_given(machine, monkeypatch):
    monkeypatch.setattr(cli, "Switch", lambda _: machine.switch())
    given = ["try-out", "0.2.0", UNIT, "--root", str(machine.places.root), "--dir", "/nowhere"]
    for _ in range(2):  # it may be run again after its end
        result = CliRunner().invoke(cli.software, given)
        assert result.exit_code == 0, result.output
        assert machine.running == "0.2.0"
