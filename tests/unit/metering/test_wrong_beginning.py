"""An account whose very first reading was timed by a wrong clock goes on at the right time."""

from datetime import date, timedelta

import pytest

from edge.metering.events import NoticeKind
from edge.metering.reopening import Undone
from protocol.calendar import legal_day, quarter_hour, quarter_hour_start
from tests.support.sweeps import swept
from tests.unit.metering.test_timekeeping import BASE_WH, DAY, HOUR, MINUTE, NOON, SECOND, Room

# A meter's clock that nothing bears out is believed after three minutes.
BEGUN_AT = NOON + 3 * MINUTE
TODAY = legal_day(NOON)
OFFSETS = [
    *[(n * DAY, 10 * MINUTE) for n in (-9_000, -60, 30, 365)],
    *[(n * MINUTE, 10 * MINUTE) for n in (-121, -120, 120, 121)],
    (-122 * MINUTE, 16 * MINUTE),  # a quarter-hour would have ended by the right time
]


def begun(meter_off: timedelta, lives: timedelta) -> Room:
    """A chip that is new, beside a host that does not know the time."""
    room = Room(is_synchronised=False, meter_off=meter_off)
    room.live(lives)
    assert room.meter.state.account is not None
    return room


def assert_all_is_counted(room: Room) -> None:
    account = room.meter.state.account
    assert (account.day, account.j) == quarter_hour(room.at)
    begun_wh = (BEGUN_AT - NOON) // SECOND + 1
    total_wh = sum(each.energy_wh for each in room.closed()) + account.pool_wh
    assert total_wh == room.drawn_wh() - begun_wh
    places = [(each.day, each.j) for each in room.closed()]
    assert places == sorted({*places})
    assert all(0 <= each.energy_wh <= 1_800 for each in room.closed())
    steps_kwh = sum(sum(day.register_steps_kwh) for day in room.days())
    assert steps_kwh == account.billed_kwh[0] - BASE_WH // 1_000


@pytest.mark.parametrize(("off", "lives"), OFFSETS)
def test_a_beginning_of_which_nothing_has_closed_is_moved(off, lives):
    room = begun(off, lives)
    assert not room.closed()
    room.meter_off = timedelta()
    room.live(2 * DAY, 5 * MINUTE)
    assert_all_is_counted(room)
    first, *_ = room.closed()
    assert (first.day, first.j) == quarter_hour(BEGUN_AT)
    assert first.energy_wh == 12 * 60 - 1
    assert [day.day for day in room.days()] == [TODAY, TODAY + DAY]
    assert [kind for kind in room.told() if kind is not NoticeKind.GAP] == [
        NoticeKind.BEGINNING_MOVED
    ]


def reopen(room: Room) -> None:
    """Take back what was closed ahead, as the chip does with what has not left it."""
    since = room.meter.closed_ahead
    quarters = [each for each in room.closed() if (each.day, each.j) >= since]
    days = [each for each in room.days() if each.day >= since[0]]
    room.events = [each for each in room.events if each not in quarters and each not in days]
    room.meter.reopen(Undone(since, tuple(quarters), tuple(days)))


@pytest.mark.parametrize("lives", [20 * MINUTE, 14 * HOUR])
@pytest.mark.parametrize("off", swept([30 * DAY + 7 * MINUTE, 30 * DAY, 365 * DAY], 3))
def test_what_a_beginning_that_was_ahead_has_closed_is_opened_again(off, lives):
    room = begun(off, lives)
    assert room.closed()
    room.meter_off = timedelta()
    room.live(3 * SECOND)
    assert room.meter.closed_ahead == quarter_hour(BEGUN_AT)
    reopen(room)
    assert not room.closed()
    room.live(2 * DAY, 5 * MINUTE)
    assert_all_is_counted(room)
    assert (room.closed()[0].day, room.closed()[0].j) == quarter_hour(BEGUN_AT)
    passed = (legal_day(room.at) - TODAY).days
    assert [day.day for day in room.days()] == [TODAY + n * DAY for n in range(passed)]


@pytest.mark.parametrize("off", [-60 * DAY, -9_000 * DAY, -60 * DAY - 7 * MINUTE])
def test_days_between_a_beginning_that_was_behind_and_the_right_one_are_left_out(off):
    room = begun(off, 20 * MINUTE)
    assert len(room.closed()) == 1
    room.meter_off = timedelta()
    room.live(2 * DAY, 5 * MINUTE)
    assert_all_is_counted(room)
    assert [day.day for day in room.days()] == [legal_day(BEGUN_AT + off), TODAY, TODAY + DAY]
    before, *_ = room.days()
    assert sum(before.register_steps_kwh) == 1  # what was counted until the clock went right
    early = [each.energy_wh for each in room.closed() if each.day < TODAY]
    assert len(early) == 96 - quarter_hour(BEGUN_AT + off)[1]
    assert sum(early) == 17 * 60 - 1


def test_a_beginning_that_was_ahead_before_a_boot_is_moved_to_the_first_reading_after_it():
    room = begun(30 * DAY, 10 * MINUTE)
    room.at += 5 * MINUTE
    room.reboot()
    room.meter_off = timedelta()
    room.live(2 * DAY, 5 * MINUTE)
    account = room.meter.state.account
    assert (account.day, account.j) == quarter_hour(room.at)
    assert quarter_hour_start(room.closed()[0].day, room.closed()[0].j) >= NOON
    assert [day.day for day in room.days()] == [TODAY, TODAY + DAY]


def test_one_frame_whose_clock_lies_moves_nothing():
    room = begun(timedelta(), 10 * MINUTE)
    room.meter_off = -60 * DAY
    room.live(SECOND)
    room.meter_off = timedelta()
    room.live(2 * DAY, 10 * SECOND)
    assert_all_is_counted(room)
    assert NoticeKind.BEGINNING_MOVED not in room.told()
    assert [day.day for day in room.days()] == [TODAY, TODAY + DAY]


@pytest.mark.parametrize("off", [-60 * DAY, 60 * DAY])
def test_a_beginning_that_the_host_bore_out_is_right_whatever_the_clock_says_later(off):
    room = Room()
    room.live(5 * MINUTE)
    assert room.meter.state.account.began_at is None
    room.is_synchronised, room.meter_off = False, off
    room.live(4 * MINUTE)
    room.meter_off = timedelta()
    room.live(4 * MINUTE)
    assert NoticeKind.BEGINNING_MOVED not in room.told()


def test_a_beginning_is_right_after_a_day():
    room = begun(timedelta(), DAY + 5 * MINUTE)
    assert room.meter.state.account.began_at is None
    assert room.days()[0].day == TODAY == date(2025, 6, 10)
