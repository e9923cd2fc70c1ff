"""A running chip whose household has left: the page asks, twenty seconds at the button erase it."""

import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager

import msgspec
import pytest

from edge.chip.agent import StopSignal
from edge.commands.run import run_chip
from edge.household.call import call, door_in
from edge.household.requests import AskFirstRun, AskMoving, EraseHousehold
from edge.household.shown import Done, FormerHouseholds, Moving, MovingStep, NotDone
from edge.household.shown_first_run import FirstRunStep, ShownFirstRun
from edge.household.visitors import VisitorRole, household_name
from edge.identity.keys import load_keys
from edge.language.choice import Lang
from edge.moving.erasing import ORDER, order_erasure
from edge.stage import Stage, stage
from edge.status.lights import DARK, ERASE_S, SLOW, YES_S
from tests.support.billing_home import BillingHome
from tests.support.broker import WITHIN_S, wait_until
from tests.unit.edge.test_panel_before_enrolment import WIRED, Wall, answers

PROGRAM = """
import os
from system.program import begin_anew
print(os.getpid())
if os.environ.pop("IS_FIRST", None):
    begin_anew()
"""


@pytest.fixture
def wall(monkeypatch):
    wall = Wall(monkeypatch)
    yield wall
    wall.pins.close()


@pytest.fixture
def left(tmp_path):
    """The directory of a chip whose household has left."""
    home = BillingHome(tmp_path / "town")
    home.begin()
    home.live(2)
    home.move_out()
    home.settle()
    home.kill()
    return home.directory


@contextmanager
def running(chip, source):
    """Run the chip's program in a thread; yields what it has returned."""
    stop, returned = StopSignal(), []
    thread = threading.Thread(target=lambda: returned.append(run_chip(chip, str(source), stop)))
    thread.start()
    try:
        wait_until(lambda: bool(returned) or answers(chip), "the chip to answer")
        yield returned
    finally:
        stop.set()
        thread.join()
        stop.close()


class Visitor:
    """One whom the household of a chip has let in, as the page asks for it."""

    def __init__(self, chip) -> None:
        self._chip = chip
        self._household = household_name(load_keys(chip).household.id)

    def ask(self, question, role=VisitorRole.OWNER):
        asked = question(lang=Lang.EN, household=self._household, role=role)
        return call(door_in(self._chip), asked)


def test_the_button_erases_the_household_once_the_page_has_asked(wall, left, tmp_path):
    (left / "edge.toml").write_bytes(msgspec.toml.encode({"panel": msgspec.to_builtins(WIRED)}))
    owner, former = Visitor(left), load_keys(left).household.id
    with running(left, tmp_path / "tic") as returned:
        wall.shows(city=DARK)
        wall.press(ERASE_S)
        assert not ORDER.is_in(left)
        refused = owner.ask(EraseHousehold, VisitorRole.VIEWER)
        assert isinstance(refused, NotDone)
        assert owner.ask(AskMoving).asked_until is None
        assert isinstance(owner.ask(EraseHousehold), Done)
        shown = owner.ask(AskMoving)
        assert isinstance(shown, Moving)
        assert (shown.step, shown.can_erase) == (MovingStep.LEFT, True)
        assert shown.asked_until is not None
        wall.shows(home=SLOW)
        wall.press(YES_S)
        assert owner.ask(AskMoving).asked_until == shown.asked_until
        wall.hold(ERASE_S)
        wait_until(lambda: bool(returned), "the program to end")
        assert returned == [True]
        assert load_keys(left).household.id == former, "the next start erases it"
    with running(left, tmp_path / "tic") as returned:
        assert stage(left) is Stage.KEYS_DRAWN
        assert load_keys(left).household.id != former
        assert owner.ask(AskFirstRun) == FormerHouseholds()
        found = Visitor(left).ask(AskFirstRun)
        assert isinstance(found, ShownFirstRun)
        assert found.step is FirstRunStep.LINE
    assert returned == [False]


def test_a_chip_without_a_panel_says_what_to_type(left, tmp_path):
    owner = Visitor(left)
    with running(left, tmp_path / "tic"):
        refused = owner.ask(EraseHousehold)
        assert isinstance(refused, NotDone)
        assert "`volet edge erase`" in refused.texts[Lang.EN]
        shown = owner.ask(AskMoving)
        assert (shown.can_erase, shown.asked_until) == (False, None)


def test_the_program_itself_goes_on_with_its_first_run(left, tmp_path):
    """As the same process, which systemd watches, and as a new program, which knows no key."""
    log = tmp_path / "log"
    (left / "edge.toml").write_bytes(msgspec.toml.encode({"source": str(tmp_path / "tic")}))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard, log.open("ab") as out:
        heard.bind("")
        heard.settimeout(WITHIN_S)
        process = subprocess.Popen(
            [sys.executable, "-m", "volet.main", "edge", "run", "--dir", left],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env=os.environ | {"NOTIFY_SOCKET": "@" + heard.getsockname()[1:].decode()},
        )
        try:
            assert heard.recv(64) == b"READY=1"
            wait_until(lambda: "chip_started" in log.read_text(), "the chip to start")
            order_erasure(left, load_keys(left).household.id)
            # One that said that it stops, and goes on, would be killed.
            assert heard.recv(64) == b"READY=1"
            wait_until(lambda: "chip_not_enrolled" in log.read_text(), "its first run")
            assert "household_erased" in log.read_text()
            process.send_signal(signal.SIGTERM)
            assert heard.recv(64) == b"STOPPING=1"
            assert process.wait() == 0
        finally:
            process.kill()
            process.wait()


def test_a_program_that_begins_anew_is_the_same_process_of_the_same_command():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=os.environ | {"IS_FIRST": "yes"},
        capture_output=True,
        text=True,
        check=True,
    )
    first, second = done.stdout.split()
    assert first == second
