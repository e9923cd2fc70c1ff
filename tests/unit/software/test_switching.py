"""A release that does not do well is taken back, wherever its trial is interrupted."""

import ast
import itertools
import shutil
from pathlib import Path

import msgspec
import pytest

from protocol.errors import ConfigError, DocumentRefused
from tests.unit.software.test_receiving import KEY, Archive
from volet.software import switching
from volet.software.health import Health
from volet.software.manifest import sign
from volet.software.places import Places
from volet.software.switching import Switch

UNIT = "volet-edge@pi.service"
CHIP = Path("/nowhere")
# What `Switch` calls of the machine's places: an upgrade is cut short before each that changes it.
CHANGING = (
    *("link", "link_units", "keep_state", "keep_trial", "end_trial", "remove"),
    *("keep_rollback", "end_rollback"),
)
READING = {"trial", "rollback", "state", "manifest", "linked", "program", "complete"}
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
        """Do what `volet-trial` does."""
        is_on_trial = self.switch().begin(version, UNIT, CHIP, 120.0, 300.0)
        return self.switch().judge() if is_on_trial else None

    def watched(self, monkeypatch, event):
        """Have `event` called with the number of steps before each that changes the machine."""
        count = itertools.count()

        def wrapped(change):
            def step(*arguments, **keywords):
                event(next(count))
                return change(*arguments, **keywords)

            return step

        for name in CHANGING:
            monkeypatch.setattr(Places, name, wrapped(getattr(Places, name)))
        monkeypatch.setattr(self, "_restart", wrapped(self._restart))

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


def made(places, monkeypatch):
    machine = Machine(places, monkeypatch)
    machine.install("0.1.0")
    assert not machine.switch().begin("0.1.0", None, CHIP, 120.0, 300.0)
    machine.running = "0.1.0"
    machine.install("0.2.0")
    return machine


@pytest.fixture
def machine(places, monkeypatch):
    return made(places, monkeypatch)


@pytest.fixture
def fresh(places, monkeypatch, tmp_path):
    """Return what makes a new machine each time, on which 0.2.0 does well or badly."""
    count = itertools.count()

    def make(what):
        root = tmp_path / f"opt-{next(count)}"
        shutil.copytree(places.root, root)
        machine = made(Places(root), monkeypatch)
        if what == "bad":
            machine.health["0.2.0"] = Health(is_active=False)
        return machine

    return make


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


UNENROLLED = Health(is_active=True, memory_mb=60, is_enrolled=False)


def test_a_chip_that_waits_for_its_enrolment_is_upgraded_too(machine):
    """Its program looks at the line and reports nothing, in each release."""
    machine.health |= {"0.1.0": UNENROLLED, "0.2.0": UNENROLLED}
    assert machine.upgrade("0.2.0") is None
    assert machine.places.linked("current") == "0.2.0"


@pytest.mark.parametrize(
    "bad",
    [
        msgspec.structs.replace(UNENROLLED, restarts=1),
        msgspec.structs.replace(UNENROLLED, memory_mb=400),
        msgspec.structs.replace(UNENROLLED, is_enrolled=True),
    ],
)
def test_what_it_does_worse_is_seen_there_as_well(machine, bad):
    """Also where it is enrolled meanwhile, and reports nothing of itself."""
    machine.health |= {"0.1.0": UNENROLLED, "0.2.0": bad}
    assert machine.upgrade("0.2.0")
    assert machine.places.linked("current") == "0.1.0"


def outbox(depth, blocks):
    return msgspec.structs.replace(WELL, outbox_depth=depth, blocks=blocks)


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (outbox(0, 0), "lost 1500 blocks"),
        (outbox(0, 1_000), "lost 500 blocks"),
        (outbox(499, 1499), "lost 1 blocks"),
        (outbox(None, None), "does not report its outbox"),
        (outbox(1_000, 1_500), "500 messages more wait"),
    ],
)
def test_a_release_that_loses_what_waits_for_the_cloud_is_taken_back(machine, now, why):
    machine.health = {"0.1.0": outbox(500, 1_500), "0.2.0": now}
    assert why in machine.upgrade("0.2.0")
    assert machine.places.state().condemned == ("0.2.0",)


@pytest.mark.parametrize(
    "now",
    [
        outbox(500, 1_500),
        outbox(503, 1_502),  # a new incarnation's header, and blocks of the next quarter-hours
        outbox(0, 1_500),  # all was sent
        outbox(500, 1_404),  # a day that the cloud has had for long was deleted
        outbox(460, 1_440),  # that, while the outbox is sent
    ],
)
def test_an_outbox_that_is_sent_or_waits_condemns_no_release(machine, now):
    machine.health = {"0.1.0": outbox(500, 1_500), "0.2.0": now}
    assert machine.upgrade("0.2.0") is None


def test_a_broker_that_is_away_condemns_no_release(machine):
    alone = Health(is_active=True, memory_mb=90, is_line_good=True, is_session_up=False)
    machine.health = {"0.1.0": alone, "0.2.0": alone}
    assert machine.upgrade("0.2.0") is None


def upgrade(machine):
    machine.upgrade("0.2.0")


def go_back(machine):
    machine.switch().rollback(UNIT)


def steps(machine, monkeypatch, act=upgrade):
    """Return how many steps an upgrade, or what else is done, takes that is not cut short."""
    taken = []
    with monkeypatch.context() as patched:
        machine.watched(patched, taken.append)
        act(machine)
    return len(taken)


def cut_at(machine, monkeypatch, cut, act=upgrade):
    def stop(step):
        if step == cut:
            raise PowerCut

    with monkeypatch.context() as patched:
        machine.watched(patched, stop)
        with pytest.raises(PowerCut):
            act(machine)


def test_every_step_that_changes_the_machine_is_one_before_which_the_tests_cut():
    called = {
        node.func.attr
        for node in ast.walk(ast.parse(Path(switching.__file__).read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and ast.unparse(node.func.value) in {"places", "self._places"}
    }
    assert called - READING == set(CHANGING)


@pytest.mark.parametrize("what", ["well", "bad"])
def test_wherever_the_power_fails_a_whole_release_runs_and_the_upgrade_can_be_tried_again(
    fresh, monkeypatch, what
):
    for cut in range(steps(fresh(what), monkeypatch)):
        machine = fresh(what)
        cut_at(machine, monkeypatch, cut)
        machine.start_anew()
        assert machine.places.trial() is None
        assert machine.running == machine.places.linked("current")
        if what == "bad":
            assert machine.running == "0.1.0"
        elif machine.running == "0.1.0":
            assert machine.upgrade("0.2.0") is None
            assert machine.running == "0.2.0"


def go_on(machine):
    """Do what systemd does with `volet-trial` after a kill."""
    try:
        machine.upgrade("0.2.0")
    except DocumentRefused:
        assert machine.places.trial() is None


def ends(fresh, monkeypatch, what, go_on=go_on):
    """Return how it ended after a kill before each step: what runs, what was condemned."""
    found = set()
    for cut in range(steps(fresh(what), monkeypatch)):
        machine = fresh(what)
        cut_at(machine, monkeypatch, cut)
        go_on(machine)
        places = machine.places
        assert places.trial() is None, cut
        found.add((places.linked("current"), machine.running, places.state().condemned))
    return found


WELL_ENDED, BAD_ENDED = ("0.2.0", "0.2.0", ()), ("0.1.0", "0.1.0", ("0.2.0",))


def test_wherever_the_trial_is_killed_it_goes_on_by_itself(fresh, monkeypatch):
    assert ends(fresh, monkeypatch, "well") == {WELL_ENDED}
    assert ends(fresh, monkeypatch, "bad") == {BAD_ENDED}


def test_without_starting_the_unit_again_a_release_would_be_judged_by_another(fresh, monkeypatch):
    def sabotaged(machine):
        monkeypatch.setattr(machine, "_restart", lambda _: None)
        go_on(machine)

    assert ends(fresh, monkeypatch, "bad", sabotaged) > {BAD_ENDED}


def test_without_going_on_a_trial_would_wait_for_the_next_boot(fresh, monkeypatch):
    with pytest.raises(AssertionError):
        ends(fresh, monkeypatch, "well", lambda _: None)


def test_a_person_who_goes_back_in_a_trial_ends_it(machine, monkeypatch):
    machine.health["0.2.0"] = Health(is_active=False)
    machine.switch().begin("0.2.0", UNIT, CHIP, 120.0, 300.0)
    ask = machine._ask

    def meanwhile(*arguments):
        if machine.places.trial() is not None:
            machine.switch().rollback(UNIT)
        return ask(*arguments)

    monkeypatch.setattr(machine, "_ask", meanwhile)
    assert machine.switch().judge() is None
    assert machine.running == machine.places.linked("current") == "0.1.0"
    assert machine.places.state().condemned == ()


def test_a_trial_that_runs_is_not_ended_by_the_boot_unit_of_the_same_boot(machine):
    machine.switch().begin("0.2.0", UNIT, CHIP, 120.0, 300.0)
    machine.switch().resume_at_boot()
    assert machine.places.trial() is not None
    machine.install("0.3.0")
    with pytest.raises(ConfigError, match="on trial"):
        machine.switch().check("0.3.0")


def test_a_person_goes_back_and_forth(machine):
    machine.upgrade("0.2.0")
    assert machine.switch().rollback(UNIT) == "0.1.0"
    assert machine.running == "0.1.0"
    assert machine.switch().rollback(UNIT) == "0.2.0"


def cut_rollbacks(fresh, monkeypatch, *, is_on_trial=False):
    """Yield machines on which the way back from 0.2.0 was cut short before each of its steps."""

    def begun():
        machine = fresh("well")
        machine.switch().begin("0.2.0", UNIT, CHIP, 120.0, 300.0)
        if not is_on_trial:
            assert machine.switch().judge() is None
        return machine

    for cut in range(steps(begun(), monkeypatch, go_back)):
        machine = begun()
        cut_at(machine, monkeypatch, cut, go_back)
        yield cut, machine


@pytest.mark.parametrize("is_on_trial", [False, True])
def test_wherever_the_power_fails_on_the_way_back_it_ends_there(fresh, monkeypatch, is_on_trial):
    for cut, machine in cut_rollbacks(fresh, monkeypatch, is_on_trial=is_on_trial):
        machine.start_anew()
        places = machine.places
        assert (places.rollback(), places.trial()) == (None, None), cut
        back = (machine.running, places.linked("current"), places.linked("previous"))
        if cut or is_on_trial:
            assert back[:2] == ("0.1.0", "0.1.0"), cut
        if cut:
            assert back[2] == "0.2.0", cut
            assert machine.switch().rollback(UNIT) == "0.2.0"
        elif not is_on_trial:
            assert back == ("0.2.0", "0.2.0", "0.1.0"), "nothing was begun"


def test_wherever_it_is_killed_the_same_command_ends_the_way_back(fresh, monkeypatch):
    for cut, machine in cut_rollbacks(fresh, monkeypatch):
        if cut:
            with pytest.raises(ConfigError, match="volet software rollback"):
                machine.switch().check("0.3.0")
        assert machine.switch().rollback(UNIT) == "0.1.0", cut
        assert machine.running == machine.places.linked("current") == "0.1.0", cut
        assert machine.places.linked("previous") == "0.2.0", cut
        assert machine.places.rollback() is None


def test_a_way_back_that_is_not_kept_would_lead_forth_again(fresh, monkeypatch):
    monkeypatch.setattr(Places, "keep_rollback", lambda *_: None)
    with pytest.raises((AssertionError, ConfigError)):
        test_wherever_it_is_killed_the_same_command_ends_the_way_back(fresh, monkeypatch)


def test_a_trial_does_not_go_on_against_a_person_who_goes_back(fresh, monkeypatch):
    for cut, machine in cut_rollbacks(fresh, monkeypatch, is_on_trial=True):
        if not cut:
            continue
        linked = machine.places.linked("current")
        assert machine.upgrade("0.2.0") is None if machine.places.trial() else True
        assert machine.places.linked("current") == linked, cut
        assert machine.switch().rollback(UNIT) == "0.1.0"
        assert machine.running == machine.places.linked("current") == "0.1.0"
        assert machine.places.state().condemned == ()


def test_units_that_a_release_brings_are_linked_on_a_machine_that_has_ours(machine, tmp_path):
    places = Places(machine.places.root, tmp_path / "units")
    inside, outside = places.root / "current/units", places.units
    outside.mkdir()
    for version, names in (
        ("0.1.0", ["volet-edge@.service"]),
        ("0.2.0", ["volet-edge@.service", "volet-edge-new@.service", "volet-worker.service"]),
    ):
        (places.release(version) / "units").mkdir()
        for name in names:
            (places.release(version) / "units" / name).write_text(version)
    machine.places = places
    machine.upgrade("0.2.0")
    assert list(outside.iterdir()) == [], "nothing of ours was there"
    (outside / "volet-edge@.service").symlink_to(inside / "volet-edge@.service")
    machine.switch().rollback(UNIT)
    places.link("current", "0.2.0")
    places.link_units()
    places.link_units()
    assert {path.name for path in outside.iterdir()} == {
        *("volet-edge@.service", "volet-edge-new@.service")
    }
    assert (outside / "volet-edge-new@.service").read_text() == "0.2.0"


def test_nobody_goes_back_to_what_cannot_read_the_vault(machine):
    machine.install("0.3.0", rolls_back_to="0.2.0")
    machine.upgrade("0.3.0")
    with pytest.raises(ConfigError, match="cannot read"):
        machine.switch().rollback(UNIT)


def test_an_older_release_is_no_upgrade(machine):
    machine.upgrade("0.2.0")
    with pytest.raises(DocumentRefused, match="older"):
        machine.switch().begin("0.1.0", UNIT, CHIP, 120.0, 300.0)


@pytest.mark.parametrize("name", ["../releases/0.2.0", ".", "", "0.2", "0.2.0/", "0.2.0\n"])
def test_what_is_no_version_leads_nowhere(machine, name):
    (machine.places.root / "complete").touch()
    with pytest.raises(ConfigError, match="not here as a whole"):
        machine.upgrade(name)
    assert machine.places.linked("current") == "0.1.0"


def test_a_folder_beside_the_releases_is_none(machine):
    (machine.places.root / "releases/backup").mkdir()
    (machine.places.root / "releases/backup/complete").touch()
    assert machine.places.complete() == ["0.1.0", "0.2.0"]
    assert machine.upgrade("0.2.0") is None


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


def test_what_systemd_enabled_leads_to_the_release_that_runs(places, tmp_path):
    """It makes links to the release of that day, which is removed three releases later."""
    units = tmp_path / "units"
    wants = units / "multi-user.target.wants"
    wants.mkdir(parents=True)
    old = places.root / "releases/0.1.0/units/volet-edge@.service"
    links = (wants / UNIT, units / UNIT)
    for link in links:
        link.symlink_to(old)
    (units / "volet-own.service").symlink_to("/srv/volet-own.service")
    (units / "volet-edge@.service").symlink_to(places.root / "current/units/volet-edge@.service")
    (units / f"{UNIT}.d").mkdir()
    before = {path: path.readlink() for path in units.glob("*.service") if path not in links}
    switching.lead_to_current(places, units)
    for link in links:
        assert link.readlink() == places.root / "current/units/volet-edge@.service"
    assert {path: path.readlink() for path in before} == before
    assert {path.name for path in units.rglob("*") if path.name.startswith(".")} == set()
