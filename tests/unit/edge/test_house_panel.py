"""The panel in a home: what it shows of a real vault, and what a press does there."""

import resource
import signal
import sqlite3
from contextlib import contextmanager
from datetime import timedelta

import msgspec
import pytest
from structlog.testing import capture_logs

from edge.area.settings import AreaConfig
from edge.bills.release_token import FILE_NAME
from edge.chip.house_panel import AWAY_S, EnrolledHome, HousePanel
from edge.household.pairing import KNOCK_FOR, OPEN_FOR, ORDER, PairingWindow
from edge.household.panel_questions import ASKED_FOR, Matter, PanelQuestions
from edge.household.visitors import VisitorRole
from edge.moving.erasing import ORDER as ERASE
from edge.moving.erasing import EraseOrder
from edge.mqtt.message import Absence, Connected, Disconnected, Unreachable
from edge.status import software
from edge.status.lights import DARK, EVEN, FAST, SLOW, STEADY, Light, Press, counted
from edge.status.news import NEWS_FOR, SEEN
from edge.status.report import report
from edge.vault.kept_curve import KeptCurve, load_kept_curve, save_kept_curve
from protocol.errors import StoreError
from tests.support.billing_home import BillingHome


class HandAndEye:
    """A panel without pins, whose button a test holds."""

    lights, has_button, is_held = tuple(Light), True, False

    def __init__(self):
        self.shown, self.next, self.is_broken = {}, None, False

    def show(self, rhythms, _now_s):
        if self.is_broken:
            raise OSError("a pin that is gone")
        self.shown = rhythms

    def press(self):
        press, self.next = self.next, None
        return press


class Room:
    """A home with a panel on its wall."""

    def __init__(self, directory, *, is_quiet=False):
        self.home = BillingHome(directory)
        self.home.begin()
        self.home.live(2)
        self.home.settle()
        self.wall = HandAndEye()
        self.fault = None
        self.window = PairingWindow(self.home.directory, self.home.clock.now, has_button=True)
        clock = self.home.clock
        self.questions = PanelQuestions(clock, has_panel=True)
        key = self.home.identity.household_key
        told = EnrolledHome(self.home.directory, key, self.questions, self.report, clock.now)
        self.panel = HousePanel(self.wall, self.window, clock, told, is_quiet=is_quiet)

    def report(self):
        if self.fault is not None:
            raise self.fault
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
        """Press while the light shows what it has shown for a while."""
        self.look()
        self.hold()
        return self.let_go(press)

    def hold(self):
        self.wall.is_held = True
        self.look(timedelta(seconds=1))

    def let_go(self, press):
        self.wall.is_held, self.wall.next = False, press
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


@pytest.fixture
def releases(tmp_path, monkeypatch):
    """The folder of a machine's releases, of which 0.1.0 runs."""
    root = tmp_path / "opt"
    monkeypatch.setattr(software, "PREFIX", root / "releases/0.1.0/venv")
    root.mkdir()
    return root


def test_a_release_on_trial_shows_until_it_has_done_well(room, releases):
    (releases / "trial.json").write_text('{"version": "0.1.0"}')
    assert room.look()[Light.HOME] == EVEN
    (releases / "trial.json").write_text('{"version": "0.2.0"}')
    assert room.look()[Light.HOME] == DARK, "another's trial, whose way back has begun"
    (releases / "trial.json").unlink()
    assert room.look()[Light.HOME] == DARK


def test_a_release_that_was_taken_back_lights_up_until_a_press(room, releases):
    at = room.home.clock.now()
    back = {"version": "0.2.0", "to": "0.1.0", "at": at}
    (releases / "state.json").write_bytes(msgspec.json.encode({"taken_back": back}))
    assert room.look()[Light.HOME] == STEADY
    assert room.press(Press.YES)[Light.HOME] == DARK
    later = back | {"version": "0.3.0", "at": room.home.clock.now()}
    (releases / "state.json").write_bytes(msgspec.json.encode({"taken_back": later}))
    assert room.look()[Light.HOME] == STEADY
    assert room.look(NEWS_FOR)[Light.HOME] == DARK


def hold_receipts_back(room):
    with room.home.vault.receipt_change() as tables:
        for statement in (b"1" * 16, b"2" * 16):
            tables.put_mismatch(statement)


def test_held_receipts_ask_and_a_press_releases_them_and_nothing_else(room):
    room.home.live(28)
    bill(room)
    hold_receipts_back(room)
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
    room.fault = StoreError("damaged")
    shown = room.look()
    assert (shown[Light.LINE], shown[Light.HOME]) == (SLOW, FAST)


def test_a_press_counts_for_no_visitor_who_came_while_the_button_was_held(room):
    room.press(Press.PAIR)
    room.hold()
    knock = room.window.knock()
    room.let_go(Press.YES)
    assert room.window.admit_by_button(knock.knock) == knock
    room.press(Press.YES)
    assert room.window.admit_by_button(knock.knock) is VisitorRole.OWNER


def test_a_press_counts_for_no_visitor_whose_number_could_not_be_counted_yet(room):
    room.press(Press.PAIR)
    knock = room.window.knock()
    room.look(timedelta(seconds=0.25))
    room.look(timedelta(seconds=0.25))
    room.hold()
    room.let_go(Press.YES)
    assert room.window.admit_by_button(knock.knock) == knock


def test_a_press_for_a_visitor_who_is_late_releases_no_receipts(room):
    hold_receipts_back(room)
    room.press(Press.PAIR)
    room.window.knock()
    room.press(Press.YES)
    room.look(KNOCK_FOR)
    room.window.knock()
    room.look()
    room.hold()
    room.look(KNOCK_FOR)
    room.let_go(Press.YES)
    room.press(Press.YES)
    assert not (room.home.directory / FILE_NAME).exists()
    room.look(OPEN_FOR)
    room.press(Press.YES)
    assert (room.home.directory / FILE_NAME).exists()


@pytest.fixture
def left(room):
    """A room whose household has left."""
    room.home.move_out()
    room.home.settle()
    return room


def hold_on(room):
    """Hold the button, which is held already, up to twenty seconds, and let it go."""
    room.wall.next = Press.PAIR
    room.look(timedelta(seconds=9))
    room.wall.next = Press.ERASE
    room.look(timedelta(seconds=10))
    return room.let_go(None)


def orders_erasure(room):
    order = ERASE.read(room.home.directory)
    return order == EraseOrder(room.home.identity.household_key)


def test_twenty_seconds_order_the_erasure_that_the_page_has_asked_for(left):
    left.look()
    left.questions.ask(Matter.ERASE)
    assert left.look()[Light.HOME] == SLOW
    left.hold()
    assert not ERASE.is_in(left.home.directory)
    assert hold_on(left)[Light.HOME] != SLOW
    assert orders_erasure(left)
    assert left.questions.standing() is None
    assert not left.window.state().is_open, "the ten seconds on the way open nothing"


@pytest.mark.parametrize("press", [Press.YES, Press.PAIR])
def test_nothing_else_erases(left, press):
    left.look()
    question = left.questions.ask(Matter.ERASE)
    left.press(press)
    assert not ERASE.is_in(left.home.directory)
    assert left.questions.standing() == question
    assert not left.window.state().is_open


def test_three_seconds_keep_the_fewer_months_that_the_page_has_asked_for(room):
    save_kept_curve(room.home.directory, KeptCurve(12))
    room.look()
    room.questions.ask(Matter.KEEP_FEWER, months=3)
    assert room.look()[Light.HOME] == SLOW
    room.press(Press.PAIR)
    assert load_kept_curve(room.home.directory) == KeptCurve(12)
    room.press(Press.YES)
    assert load_kept_curve(room.home.directory) == KeptCurve(3)
    assert not room.window.state().is_open
    save_kept_curve(room.home.directory, KeptCurve(12))
    room.press(Press.YES)
    assert load_kept_curve(room.home.directory) == KeptCurve(12), "a question is answered once"
    room.questions.ask(Matter.KEEP_FEWER, months=3)
    room.look(ASKED_FOR)
    room.press(Press.YES)
    assert load_kept_curve(room.home.directory) == KeptCurve(12), "it ended by itself"


def test_twenty_seconds_without_a_question_erase_nothing(left):
    left.look()
    left.hold()
    hold_on(left)
    assert not ERASE.is_in(left.home.directory)
    assert left.window.state().is_open, "they were ten first"


def test_a_hold_does_not_answer_what_the_page_has_asked_since(left):
    left.look()
    left.hold()
    left.questions.ask(Matter.ERASE)
    hold_on(left)
    assert not ERASE.is_in(left.home.directory)
    left.look(OPEN_FOR)
    left.questions.ask(Matter.ERASE)
    left.look()
    left.hold()
    left.questions.ask(Matter.ERASE)
    hold_on(left)
    assert not ERASE.is_in(left.home.directory), "another question, in the same words"


def test_a_question_ends_by_itself_also_while_the_button_is_held(left):
    left.look()
    left.questions.ask(Matter.ERASE)
    left.look(ASKED_FOR - timedelta(seconds=5))
    left.hold()
    hold_on(left)
    assert not ERASE.is_in(left.home.directory)
    assert not left.window.state().is_open
    assert left.look()[Light.HOME] != SLOW


def test_a_visitor_who_knocks_meanwhile_keeps_a_hold_from_erasing(left):
    left.look()
    left.window.open(VisitorRole.OWNER)
    left.questions.ask(Matter.ERASE)
    left.look()
    left.hold()
    knock = left.window.knock()
    hold_on(left)
    assert not ERASE.is_in(left.home.directory)
    assert left.window.admit_by_button(knock.knock) == knock


def test_a_household_that_has_not_left_is_not_erased_whatever_the_page_asks(room):
    room.look()
    room.questions.ask(Matter.ERASE)
    room.look()
    room.hold()
    with capture_logs() as lines:
        hold_on(room)
    assert [line["why"] for line in lines if line["event"] == "panel_failed"] == ["DocumentRefused"]
    assert not ERASE.is_in(room.home.directory)


def test_receipts_and_visitors_are_not_answered_by_twenty_seconds(room):
    hold_receipts_back(room)
    room.look()
    room.hold()
    hold_on(room)
    assert not (room.home.directory / FILE_NAME).exists()


@contextmanager
def full_disk():
    """A disk that takes no byte more, also of the log, which is kept in memory."""
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.getsignal(signal.SIGXFSZ)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        with capture_logs() as lines:
            yield lines
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("asked", [Press.PAIR, "receipts", "news", "visitor"])
def test_a_press_that_cannot_be_kept_does_not_end_the_program(room, asked):
    press = Press.PAIR if asked is Press.PAIR else Press.YES
    if asked == "receipts":
        hold_receipts_back(room)
    elif asked == "news":
        room.home.live(28)
        bill(room)
    elif asked == "visitor":
        room.press(Press.PAIR)
        knock = room.window.knock()
    room.look()
    room.look()
    before = sorted(room.home.directory.iterdir())
    with full_disk() as lines:
        room.wall.next = press
        room.panel.step(is_line_good=True)
        room.panel.step(is_line_good=True)
    assert [line["why"] for line in lines if line["event"] == "panel_failed"] == ["ConfigError"]
    assert room.wall.next is None
    assert sorted(room.home.directory.iterdir()) == before
    if asked == "visitor":
        assert room.window.admit_by_button(knock.knock) == knock


def test_what_a_yes_cannot_do_on_a_full_disk_is_asked_on(room):
    """The light went out as if it were done."""
    save_kept_curve(room.home.directory, KeptCurve(12))
    asked = room.questions.ask(Matter.KEEP_FEWER, months=3)
    room.look()
    with full_disk():
        room.wall.next = Press.YES
        room.panel.step(is_line_good=True)
        room.panel.step(is_line_good=True)
    assert load_kept_curve(room.home.directory) == KeptCurve(12)
    assert room.questions.standing() == asked
    assert room.look()[Light.HOME] == SLOW
    room.press(Press.YES)
    assert load_kept_curve(room.home.directory) == KeptCurve(3)
    assert room.questions.standing() is None


@pytest.mark.parametrize("name", [ORDER.name, SEEN.name])
def test_a_directory_in_a_files_place_does_not_end_the_program(room, name):
    (room.home.directory / name).mkdir()
    assert room.press(Press.YES)[Light.LINE] == SLOW
    room.press(Press.PAIR)
    assert room.look()[Light.LINE] == SLOW


def test_a_pin_that_is_gone_does_not_end_the_program(room):
    room.wall.is_broken = True
    room.look()
    room.wall.is_broken = False
    assert room.look()[Light.LINE] == SLOW


@pytest.mark.parametrize("error", [OSError, sqlite3.OperationalError, RecursionError])
def test_whatever_keeps_the_panel_from_looking_shows_at_the_light(room, error):
    room.fault = error("what")
    assert room.look()[Light.HOME] == FAST
    room.fault = None
    assert room.look()[Light.HOME] == DARK


def test_a_quiet_panel_is_dark_at_night(tmp_path):
    room = Room(tmp_path / "town", is_quiet=True)
    by_hour = {}
    for _ in range(24):
        shown = room.look(timedelta(hours=1))
        by_hour[room.home.clock.now().astimezone().hour] = shown[Light.LINE]
    assert sum(rhythm == DARK for rhythm in by_hour.values()) == 9
    room.home.kill()
