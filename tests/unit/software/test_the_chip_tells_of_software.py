"""What `volet software` notes of a trial and of its end is what the chip reads and tells of."""

from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from edge.status.software import read_software
from tests.unit.software.test_switching import CHIP, UNIT, made
from volet.software.cli import software
from volet.software.health import Health


@pytest.fixture
def machine(places, monkeypatch):
    return made(places, monkeypatch)


def told(places):
    """Return what a chip that runs now says of its release."""
    return read_software(places.release(places.linked("current")) / "venv")


def seen_in_trial(machine, monkeypatch):
    """Upgrade to 0.2.0; return what the chip says as often as it is asked how it does."""
    seen, ask = [], machine._ask

    def asked(*arguments):
        if machine.places.trial() is not None:
            seen.append(told(machine.places))
        return ask(*arguments)

    monkeypatch.setattr(machine, "_ask", asked)
    machine.upgrade("0.2.0")
    return seen


def test_a_release_on_trial_says_so_until_it_has_done_well(machine, monkeypatch):
    assert not told(machine.places).is_on_trial
    seen = seen_in_trial(machine, monkeypatch)
    assert {(each.version, each.is_on_trial, each.taken_back) for each in seen} == {
        ("0.2.0", True, None)
    }
    after = told(machine.places)
    assert (after.version, after.is_on_trial, after.taken_back) == ("0.2.0", False, None)


def test_a_release_that_was_taken_back_is_told_by_the_one_that_runs_again(
    machine,
    monkeypatch,
):
    machine.health["0.2.0"] = Health(is_active=False)
    seen_in_trial(machine, monkeypatch)
    now = told(machine.places)
    assert (now.version, now.is_on_trial) == ("0.1.0", False)
    assert (now.taken_back.version, now.taken_back.to) == ("0.2.0", "0.1.0")
    assert abs(datetime.now(UTC) - now.taken_back.at) < timedelta(hours=1)
    machine.install("0.2.1")
    assert machine.upgrade("0.2.1") is None
    assert told(machine.places).taken_back is None


def test_one_that_a_boot_took_back_is_told_too(machine):
    assert machine.switch().begin("0.2.0", UNIT, CHIP, 120.0, 300.0)
    assert told(machine.places).is_on_trial
    machine.start_anew()
    now = told(machine.places)
    assert (now.version, now.is_on_trial, now.taken_back.version) == ("0.1.0", False, "0.2.0")
    assert machine.places.state().condemned == ()


def test_one_that_is_forgiven_is_no_longer_told(machine):
    machine.health["0.2.0"] = Health(is_active=False)
    machine.upgrade("0.2.0")
    root = str(machine.places.root)
    done = CliRunner().invoke(software, ["forgive", "0.2.0", "--root", root])
    assert done.exit_code == 0, done.output
    assert told(machine.places).taken_back is None
    assert machine.places.state().condemned == ()


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"version": "../../x"}',
        b'{"taken_back": {"version": "0.2.0", "to": "0.1.0"}}',
        b'{"taken_back": {"version": "<b>", "to": "0.1.0", "at": "2026-01-01T00:00:00Z"}}',
        b'{"taken_back": {"version": "0.2.0", "to": "9.9.9", "at": "2026-01-01T00:00:00Z"}}',
        b'{"version": "0.1.0"' + b" " * 100_000 + b"}",
    ],
)
def test_what_cannot_be_read_is_not_told(machine, text):
    for name in ("trial.json", "state.json"):
        (machine.places.root / name).write_bytes(text)
    now = told(machine.places)
    assert (now.version, now.is_on_trial, now.taken_back) == ("0.1.0", False, None)


def test_a_program_of_no_release_tells_of_none(tmp_path):
    assert read_software(tmp_path / "checkout/.venv") is None
