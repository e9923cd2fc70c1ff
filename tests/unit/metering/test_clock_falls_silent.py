"""Clocks in doubt, where the one that could settle it never speaks again: days do not stay shut."""

import pytest

from edge.metering.events import NoticeKind
from edge.metering.timekeeping import Source
from protocol.calendar import legal_day
from tests.unit.metering.test_timekeeping import (
    DAY,
    HOUR,
    MINUTE,
    NOON,
    SECOND,
    begun,
    timedelta,
)


def differing(meter_off):
    """A meter whose clock differs from the host's, which then is not sure of its own any more."""
    room = begun()
    room.live(5 * MINUTE)
    room.meter_off = meter_off
    room.live(HOUR, 10 * SECOND)
    room.is_synchronised = False
    room.live(HOUR, 10 * SECOND)
    assert not room.closed()
    return room


@pytest.mark.parametrize("off", [11 * MINUTE, 2 * DAY, -2 * DAY])
def test_a_meters_clock_that_goes_to_and_fro_is_believed_once_it_is_steady(off):
    room = begun()
    room.is_synchronised = False
    room.live(5 * MINUTE)
    for _ in range(30):
        room.meter_off = off
        room.live(2 * MINUTE, 5 * SECOND)
        room.meter_off = timedelta()
        room.live(MINUTE, 5 * SECOND)
    room.live(4 * MINUTE, 5 * SECOND)
    if off > timedelta():
        room.assert_right()
    else:  # a clock that goes back closes nothing, and what it said is no doubt
        assert room.closed()
    room.live(2 * DAY, 10 * MINUTE)
    room.assert_right()


@pytest.mark.parametrize("off", [11 * MINUTE, 2 * DAY, -2 * DAY])
def test_a_meter_that_is_right_again_is_believed_after_three_minutes_without_the_host(off):
    room = differing(off)
    room.meter_off = timedelta()
    room.live(2 * MINUTE)
    assert not room.closed()
    room.live(2 * MINUTE)
    room.assert_right()
    room.live(2 * DAY, MINUTE)
    assert all(day.is_index_read for day in room.days())
    assert NoticeKind.CLOCKS_DIFFER not in room.told()


@pytest.mark.parametrize("off", [11 * MINUTE, 3 * DAY, -3 * DAY])
def test_a_meter_that_stays_wrong_stops_metering_for_a_day_at_most(off):
    room = differing(off)
    room.live(2 * DAY, 10 * MINUTE)
    room.assert_right()
    assert NoticeKind.CLOCKS_DIFFER in room.told()
    assert not any(day.is_index_read for day in room.days())
    room.meter_off = timedelta()
    room.live(2 * DAY, MINUTE)
    room.assert_right()
    assert room.days()[-1].is_index_read


def test_after_a_boot_the_meter_alone_is_used_within_a_day():
    room = differing(3 * DAY)
    room.reboot()
    room.meter_off = timedelta()
    room.live(DAY - 2 * HOUR, 10 * SECOND)  # two hours it had waited before
    assert not room.closed()
    room.live(5 * MINUTE, 10 * SECOND)
    room.assert_right()


def test_where_the_hosts_clock_was_the_likelier_and_is_gone_the_meter_is_used_within_a_day():
    room = begun()
    room.live(5 * MINUTE)
    room.meter_off = 3 * DAY
    room.live(2 * DAY, 10 * MINUTE)
    assert room.meter.state.time.lasting is Source.HOST
    room.is_synchronised = False
    room.live(DAY, 10 * MINUTE)
    room.assert_right()  # by the monotonic clock
    room.reboot()
    room.meter_off = timedelta()
    room.live(DAY + HOUR, 30 * SECOND)
    room.assert_right()
    assert room.days()[-1].day == legal_day(NOON) + 3 * DAY


def test_a_meter_that_was_the_likelier_does_not_bear_itself_out():
    """Else each pause of the host's would begin a new day without closing."""
    room = begun()
    room.live(5 * MINUTE)
    room.host_off = 3 * DAY
    room.live(2 * DAY, 10 * MINUTE)
    assert room.meter.state.time.lasting is Source.METER
    told = room.told()
    for _ in range(3):
        room.is_synchronised = False
        room.live(HOUR, 10 * SECOND)
        room.is_synchronised = True
        room.live(HOUR, 10 * SECOND)
        room.assert_right()
    assert room.told() == told
