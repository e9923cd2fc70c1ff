"""A release that does not do well is taken back, wherever its trial is interrupted."""

from pathlib import Path

import pytest

from protocol.errors import ConfigError, DocumentRefused
from tests.unit.software.test_receiving import KEY, Archive
from volet.software import switching
from volet.software.health import Health
from volet.software.manifest import sign
from volet.software.switching import Switch

UNIT = "volet-edge@pi.service"
CHIP = Path("/nowhere")
WELL = Health(is_active=True, memory_mb=90, is_line_good=True, is_session_up=True)


class PowerCut(BaseException):
    """The machine stops here."""


class Machine:
    """A machine with releases whose health a test decides."""

    def __init__(self, places, monkeypatch):
        self.places, self.boot = places, "first"
        self.now_s = 0.0
        self.health = {}
        self.running = None
        self.restarts = 0
        monkeypatch.setattr(switching, "boot_id", lambda: self.boot)
        monkeypatch.setattr(switching.time, "monotonic", lambda: self.now_s)
        monkeypatch.setattr(switching.time, "sleep", self._sleep)

    def install(self, version, rolls_back_to="0.1.0"):
        release = self.places.release(version)
        release.mkdir(parents=True)
        archive = Archive(version=version, changes={"rolls_back_to": rolls_back_to})
        data, signature = sign(archive.manifest(), KEY)
        (release / "manifest.json").write_bytes(data)
        (release / "manifest.sig").write_bytes(signature)
        (release / "complete").touch()
        self.health.setdefault(version, WELL)

    def switch(self):
        return Switch(self.places, self._restart, self._ask)

    def upgrade(self, version):
        trial = self.switch().begin(version, UNIT, CHIP, 120.0, 300.0)
        return trial and self.switch().judge()

    def start_anew(self):
        """Boot: the unit that goes back runs first, then the chip."""
        self.boot = self.boot + "'"
        self.switch().resume_at_boot()
        self.running = self.places.linked("current")

    def _restart(self, unit):
        assert unit == UNIT
        self.restarts += 1
        self.running = self.places.linked("current")

    def _ask(self, unit, program, directory):
        assert (unit, directory) == (UNIT, CHIP)
        assert program.parts[-3:] == ("venv", "bin", "volet")
        return self.health[self.running]

    def _sleep(self, seconds):
        self.now_s += seconds


@pytest.fixture
def machine(places, monkeypatch):
    machine = Machine(places, monkeypatch)
    machine.install("0.1.0")
    assert machine.switch().begin("0.1.0", None, CHIP, 120.0, 300.0) is None
    machine.running = "0.1.0"
    machine.install("0.2.0")
    return machine


def test_a_release_that_does_well_stays(machine):
    assert machine.upgrade("0.2.0") is None
    assert machine.places.linked("current") == machine.running == "0.2.0"
    assert machine.places.trial() is None
    assert machine.now_s >= 120


@pytest.mark.parametrize(
    "bad",
    [
        Health(is_active=False),
        Health(is_active=True, restarts=1, is_line_good=True, is_session_up=True),
        Health(is_active=True, memory_mb=400, is_line_good=True, is_session_up=True),
        Health(is_active=True, is_line_good=False, is_session_up=True),
        Health(is_active=True, is_line_good=True, is_session_up=False),
        Health(is_active=True),
    ],
)
def test_a_release_that_does_worse_is_taken_back_and_not_tried_again(machine, bad):
    machine.health["0.2.0"] = bad
    assert machine.upgrade("0.2.0")
    assert machine.places.linked("current") == machine.running == "0.1.0"
    assert machine.places.state().condemned == ("0.2.0",)
    with pytest.raises(DocumentRefused, match="not tried again"):
        machine.upgrade("0.2.0")
    machine.install("0.2.1")
    assert machine.upgrade("0.2.1") is None


def test_a_broker_that_is_away_condemns_no_release(machine):
    alone = Health(is_active=True, memory_mb=90, is_line_good=True, is_session_up=False)
    machine.health = {"0.1.0": alone, "0.2.0": alone}
    assert machine.upgrade("0.2.0") is None


CHANGES = ["link", "keep_trial", "keep_state", "end_trial"]


@pytest.mark.parametrize("what", ["well", "bad"])
@pytest.mark.parametrize("cut", range(12))
def test_wherever_the_power_fails_a_whole_release_runs_and_the_upgrade_can_be_tried_again(
    machine, monkeypatch, cut, what
):
    if what == "bad":
        machine.health["0.2.0"] = Health(is_active=False)
    left = [cut]

    def counted(change):
        def wrapped(*arguments, **keywords):
            if left[0] == 0:
                raise PowerCut
            left[0] -= 1
            return change(*arguments, **keywords)

        return wrapped

    with monkeypatch.context() as patched:
        for name in CHANGES:
            cls = type(machine.places)
            patched.setattr(cls, name, counted(getattr(cls, name)))
        patched.setattr(machine, "_restart", counted(machine._restart))
        try:
            machine.upgrade("0.2.0")
            is_cut = False
        except PowerCut:
            is_cut = True
    if is_cut:
        machine.start_anew()
    assert machine.places.trial() is None
    assert machine.running == machine.places.linked("current")
    if what == "bad":
        assert machine.running == "0.1.0"
    elif "0.2.0" not in machine.places.state().condemned and machine.running == "0.1.0":
        assert machine.upgrade("0.2.0") is None
        assert machine.running == "0.2.0"


def test_a_trial_that_runs_is_not_ended_by_the_boot_unit_of_the_same_boot(machine):
    machine.switch().begin("0.2.0", UNIT, CHIP, 120.0, 300.0)
    machine.switch().resume_at_boot()
    assert machine.places.trial() is not None
    with pytest.raises(ConfigError, match="on trial"):
        machine.switch().begin("0.2.0", UNIT, CHIP, 120.0, 300.0)


def test_a_person_goes_back_and_forth(machine):
    machine.upgrade("0.2.0")
    assert machine.switch().rollback(UNIT) == "0.1.0"
    assert machine.running == "0.1.0"
    assert machine.switch().rollback(UNIT) == "0.2.0"


def test_nobody_goes_back_to_what_cannot_read_the_vault(machine):
    machine.install("0.3.0", rolls_back_to="0.2.0")
    machine.upgrade("0.3.0")
    with pytest.raises(ConfigError, match="cannot read"):
        machine.switch().rollback(UNIT)


def test_an_older_release_is_no_upgrade(machine):
    machine.upgrade("0.2.0")
    with pytest.raises(DocumentRefused, match="older"):
        machine.switch().begin("0.1.0", UNIT, CHIP, 120.0, 300.0)


def test_what_is_not_here_as_a_whole_is_not_switched_to(machine):
    (machine.places.release("0.2.0") / "complete").unlink()
    with pytest.raises(ConfigError, match="not here as a whole"):
        machine.upgrade("0.2.0")
    assert machine.places.linked("current") == "0.1.0"


def test_what_waits_to_be_tried_is_kept_and_what_was_condemned_is_not(machine):
    machine.install("0.3.0")
    machine.install("0.4.0")
    assert machine.upgrade("0.2.0") is None
    machine.health["0.3.0"] = Health(is_active=False)
    machine.upgrade("0.3.0")
    assert machine.places.complete() == ["0.1.0", "0.2.0", "0.3.0", "0.4.0"]
    assert machine.places.linked("previous") == "0.1.0"
    assert machine.upgrade("0.4.0") is None
    assert machine.places.complete() == ["0.1.0", "0.2.0", "0.4.0"]


def test_three_releases_are_kept(machine):
    for version in ("0.2.0", "0.3.0", "0.4.0", "0.5.0"):
        if version != "0.2.0":
            machine.install(version)
        machine.upgrade(version)
    assert machine.places.complete() == ["0.3.0", "0.4.0", "0.5.0"]
