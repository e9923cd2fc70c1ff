"""The panel from the first run on: its pins are gpiozero's, and a test's hand is at the button."""

import threading
from contextlib import contextmanager

import gpiozero
import msgspec
import pytest
from gpiozero.pins.mock import MockFactory

from edge.chip import house_panel
from edge.chip.agent import StopSignal
from edge.chip.config import PanelConfig
from edge.chip.panel_pins import panel_pins
from edge.commands.run import run_chip
from edge.contracts.enrolling import draw_keys, install_answer
from edge.household.call import call, door_in
from edge.household.requests import AskPairing, AskState, AskToEnter, AskWhetherLetIn
from edge.household.shown import ChipState, Knocked, NotDone, NotEnrolled, Paired
from edge.household.visitors import VisitorRole, household_name
from edge.identity.keys import load_keys
from edge.language.choice import Lang
from edge.stage import REQUEST
from edge.status.lights import DARK, FAST, PAIR_S, SLOW, YES_S, Light, counted
from edge.status.panel import Panel
from protocol.errors import TransportError
from tests.support.answering import Registrar
from tests.support.broker import wait_until
from tests.support.first_run import PtyMeter
from tests.unit.page.test_first_run_answers import TAKEN, Chip

BUTTON = 27
WIRED = PanelConfig(line_gpio=17, city_gpio=22, home_gpio=23, button_gpio=BUTTON)


class Wall:
    """A panel whose lights a test sees, and whose button it holds for as long as it says."""

    def __init__(self, monkeypatch) -> None:
        self.pins, self.held_s, self.shown, self.panel = MockFactory(), 0.0, {}, None
        self.opened = self.closed = self.steps = 0
        show, close = Panel.show, Panel.close

        def seen(panel, rhythms, now_s):
            if panel is not self.panel:
                self.panel, self.opened = panel, self.opened + 1
            self.shown, self.steps = dict(rhythms), self.steps + 1
            show(panel, rhythms, now_s)

        def counted_close(panel):
            self.closed += 1
            close(panel)

        monkeypatch.setattr(gpiozero.Device, "pin_factory", self.pins)
        monkeypatch.setattr(Panel, "show", seen)
        monkeypatch.setattr(Panel, "close", counted_close)
        monkeypatch.setattr(
            gpiozero.DigitalInputDevice, "active_time", property(lambda _: self.held_s)
        )
        # Nobody counts flashes here.
        monkeypatch.setattr(house_panel, "counting_s", lambda _: 0.0)

    def hold(self, held_s):
        self.held_s = held_s
        self.pins.pin(BUTTON).drive_low()
        wait_until(lambda: self.panel is not None and self.panel.is_held, "the button to be held")

    def let_go(self):
        self.pins.pin(BUTTON).drive_high()
        wait_until(lambda: not self.panel.is_held, "the button to be let go")

    def press(self, held_s):
        self.hold(held_s)
        self.let_go()

    def shows(self, **rhythms):
        for name, rhythm in rhythms.items():
            light = Light(name)
            wait_until(lambda: self.shown.get(light) == rhythm, f"{light}: {rhythm}")  # noqa: B023
        # A hand that comes in the step in which a light changes did not come for it.
        steps = self.steps
        wait_until(lambda: self.steps > steps, "the next step")


@pytest.fixture
def wall(monkeypatch):
    wall = Wall(monkeypatch)
    yield wall
    wall.pins.close()


@contextmanager
def running(chip, source):
    """Run the chip's program in a thread."""
    stop, ended = StopSignal(), []

    def run():
        try:
            run_chip(chip, str(source), stop)
        except Exception as exc:
            ended.append(exc)
            raise

    thread = threading.Thread(target=run)
    thread.start()
    try:
        wait_until(lambda: bool(ended) or answers(chip), "the chip to answer")
        yield
    finally:
        stop.set()
        thread.join()
        stop.close()
    assert ended == []


def answers(chip):
    try:
        call(door_in(chip), AskPairing())
    except TransportError:
        return False
    return True


def wired(chip):
    pins = msgspec.to_builtins(WIRED)
    (chip / "edge.toml").write_bytes(msgspec.toml.encode({"panel": pins}))


def knock(chip):
    knocked = call(door_in(chip), AskToEnter(lang=Lang.EN))
    assert isinstance(knocked, Knocked), knocked
    return knocked


def let_in(chip, knocked):
    return call(door_in(chip), AskWhetherLetIn(lang=Lang.EN, knock=knocked.knock))


def state(chip):
    """Return what the chip says of itself, None while it does not answer."""
    household = household_name(load_keys(chip).household.id)
    try:
        return call(door_in(chip), AskState(lang=Lang.EN, household=household))
    except TransportError:
        return None


def test_the_panel_lets_a_visitor_in_before_the_enrolment(wall, tmp_path):
    chip = tmp_path / "chip"
    draw_keys(chip)
    wired(chip)
    with running(chip, tmp_path / "tic"):
        wall.shows(line=FAST, city=DARK, home=DARK)
        with PtyMeter(tmp_path / "tic").running():
            wall.shows(line=SLOW, city=DARK, home=DARK)
        refused = call(door_in(chip), AskToEnter(lang=Lang.EN))
        assert isinstance(refused, NotDone)
        assert "hold the button" in refused.texts[Lang.EN]
        wall.press(YES_S)
        assert not call(door_in(chip), AskPairing()).is_open
        wall.press(PAIR_S)
        wall.shows(home=SLOW, city=DARK)
        assert call(door_in(chip), AskPairing()).by_button
        knocked = knock(chip)
        wall.shows(home=counted(knocked.number))
        assert let_in(chip, knocked) == knocked
        wall.press(YES_S)
        found = let_in(chip, knocked)
        assert isinstance(found, Paired)
        assert found.role is VisitorRole.OWNER
        wall.shows(home=DARK)
    assert wall.closed == 1


def test_the_pins_stay_open_when_the_enrolled_chip_goes_on(wall, tmp_path):
    asked, town = Chip(tmp_path / "chip"), Registrar(tmp_path / "cloud", "testville")
    asked.request(**TAKEN)
    chip = asked.directory
    answer = town.answer((chip / REQUEST).read_text()).encode()
    wired(chip)
    with running(chip, tmp_path / "tic"):
        assert isinstance(state(chip), NotEnrolled)
        wall.press(PAIR_S)
        knocked = knock(chip)
        wall.shows(home=counted(knocked.number))
        wall.hold(YES_S)
        install_answer(chip, answer, "answer")
        wait_until(lambda: isinstance(state(chip), ChipState), "the enrolled chip")
        wall.let_go()
        assert let_in(chip, knocked) == knocked, "the hand came before the chip that was asked"
        wall.press(YES_S)
        assert isinstance(let_in(chip, knocked), Paired)
        wall.shows(city=DARK)
        assert (wall.opened, wall.closed) == (1, 0)
    assert (wall.opened, wall.closed) == (1, 1)


def test_pins_are_opened_anew_only_where_they_were_changed(wall):
    with panel_pins() as pins:
        first = pins.wired(WIRED)
        assert first is not None
        assert pins.wired(WIRED) is first
        assert wall.closed == 0
        changed = msgspec.structs.replace(WIRED, home_gpio=24)
        assert pins.wired(changed) not in {None, first}
        assert wall.closed == 1
        assert pins.wired(None) is None
        assert wall.closed == 2


def test_pins_that_cannot_be_used_are_said_and_keep_nothing_open(wall, capfd):
    with panel_pins() as pins:
        assert pins.wired(msgspec.structs.replace(WIRED, home_gpio=17)) is None
        assert pins.wired(WIRED) is not None
    assert wall.closed == 1
    assert "panel_unusable" in capfd.readouterr().out
