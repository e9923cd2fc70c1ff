"""The panel in a home: what it shows of a real vault, and what a press does there."""

from datetime import timedelta

import pytest

from edge.area.settings import AreaConfig
from edge.chip.house_panel import AWAY_S, HousePanel
from edge.household.messages import VisitorRole
from edge.household.pairing import PairingWindow
from edge.mqtt.message import Absence, Connected, Disconnected, Unreachable
from edge.panel.model import DARK, FAST, SLOW, STEADY, Light, Press, counted
from edge.status.news import NEWS_FOR, SEEN
from edge.status.report import report
from protocol.errors import StoreError
from tests.support.billing_home import BillingHome


class HandAndEye:
    """A panel without pins, whose button a test holds."""

    lights, has_button = tuple(Light), True

    def __init__(self):
        self.shown, self.next = {}, None

    def show(self, rhythms, _now_s):
        self.shown = rhythms

    def press(self):
        press, self.next = self.next, None
        return press

    def close(self):
        self.shown = {}


class Room:
    """A home with a panel on its wall."""

    def __init__(self, directory, *, is_quiet=False):
        self.home = BillingHome(directory)
        self.home.begin()
        self.home.live(2)
        self.home.settle()
        self.wall = HandAndEye()
        self.is_damaged = False
        self.window = PairingWindow(self.home.directory, self.home.clock.now, has_button=True)
        self.panel = HousePanel(
            self.wall,
            self.home.directory,
            self.report,
            self.window,
            self.home.clock,
            is_quiet=is_quiet,
        )

    def report(self):
        if self.is_damaged:
            raise StoreError("damaged")
        home = self.home
        return report(home.directory, AreaConfig(), home.clock.now(), None)

    def look(self, after=timedelta(seconds=10)):
        """Let time pass, and return what the lights show then."""
        self.home.clock.at += after
        self.home.clock.seconds += after.total_seconds()
        self.home.frames(2)
        self.home.pump()
        self.panel.step(is_line_good=self.home.chip.is_line_good)
        return self.wall.shown

    def press(self, press):
        self.wall.next = press
        self.look()
        return self.look()


@pytest.fixture
def room(tmp_path):
    room = Room(tmp_path / "town")
    yield room
    room.home.kill()


def test_a_home_in_which_all_is_well_has_a_slow_and_a_steady_light(room):
    assert room.look() == {Light.LINE: SLOW, Light.CITY: STEADY, Light.HOME: DARK}


def test_the_city_light_tells_sending_refused_and_away(room):
    room.home.drop = lambda _: True
    room.home.live(1)
    assert room.look()[Light.CITY] == SLOW
    room.home.chip.take(Disconnected())
    assert room.look()[Light.CITY] == DARK
    room.home.chip.take(Unreachable(Absence.REFUSED))
    assert room.look()[Light.CITY] == FAST
    room.home.chip.take(Connected())
    assert room.look()[Light.CITY] != DARK


def test_a_city_that_is_away_counts_as_fine_for_a_day(room):
    room.home.is_online = False
    room.home.chip.take(Disconnected())
    assert room.look()[Light.HOME] == DARK
    assert room.look(timedelta(seconds=AWAY_S / 2))[Light.HOME] == DARK
    assert room.look(timedelta(seconds=AWAY_S / 2))[Light.HOME] == FAST


def bill(room):
    room.home.ask(28, room.home.days_lived(), b"statement-number")
    room.home.settle()


def test_a_new_bill_lights_up_until_a_press(room):
    room.home.live(28)
    bill(room)
    assert room.look()[Light.HOME] == STEADY
    assert room.press(Press.YES)[Light.HOME] == DARK
    assert SEEN.is_in(room.home.directory)
    assert room.look(NEWS_FOR)[Light.HOME] == DARK


def test_what_nobody_looks_at_goes_out_after_a_week(room):
    room.home.live(28)
    bill(room)
    assert room.look()[Light.HOME] == STEADY
    assert room.look(NEWS_FOR + timedelta(hours=1))[Light.HOME] != STEADY


def test_held_receipts_ask_and_a_press_releases_them_and_nothing_else(room):
    room.home.live(28)
    bill(room)
    with room.home.vault.receipt_change() as tables:
        for statement in (b"1" * 16, b"2" * 16):
            tables.put_mismatch(statement)
    assert room.look()[Light.HOME] == SLOW
    assert room.press(Press.YES)[Light.HOME] == STEADY
    assert not SEEN.is_in(room.home.directory)


def test_a_long_hold_opens_the_pairing_window_and_the_light_asks(room):
    assert room.press(Press.PAIR)[Light.HOME] == SLOW
    assert room.window.state().is_open
    assert room.look(timedelta(minutes=6))[Light.HOME] == DARK


def test_a_press_lets_in_the_visitor_whose_number_is_flashed_and_does_nothing_else(room):
    room.home.live(28)
    bill(room)
    room.press(Press.PAIR)
    knock = room.window.knock()
    assert room.look()[Light.HOME] == counted(knock.number)
    room.press(Press.YES)
    assert room.window.admit_by_button(knock.knock) is VisitorRole.OWNER
    assert not SEEN.is_in(room.home.directory)
    assert room.look()[Light.HOME] == STEADY


def test_a_damaged_vault_neither_ends_the_program_nor_looks_like_all_is_well(room):
    room.is_damaged = True
    shown = room.look()
    assert (shown[Light.LINE], shown[Light.HOME]) == (SLOW, FAST)


def test_a_quiet_panel_is_dark_at_night(tmp_path):
    room = Room(tmp_path / "town", is_quiet=True)
    by_hour = {}
    for _ in range(24):
        shown = room.look(timedelta(hours=1))
        by_hour[room.home.clock.now().astimezone().hour] = shown[Light.LINE]
    assert sum(rhythm == DARK for rhythm in by_hour.values()) == 9
    room.home.kill()
