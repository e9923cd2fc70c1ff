"""Which clock times a reading, and that nothing closes while none is believed."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from edge.metering.events import DayClosed, Event, Notice, NoticeKind, QuarterHourClosed
from edge.metering.meter import Meter
from edge.metering.reopening import Undone
from edge.metering.restore import RestorePoint, restore
from edge.metering.state import MeterState
from edge.tic.frame import Mode
from protocol.calendar import QUARTER_HOUR, legal_day, quarter_hour
from system.clock import HostTime
from tests.unit.metering.test_meter import historique, standard

NOON = datetime(2025, 6, 10, 10, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = (
    timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days")
)
POWER_W = 3_600  # a Wh a second
BASE_WH = 7_000_000


@dataclass
class Room:
    """A meter that draws evenly, a chip beside it, and what their clocks say of the true time."""

    mode: Mode = Mode.STANDARD
    at: datetime = NOON
    meter_off: timedelta = timedelta()
    host_off: timedelta = timedelta()
    is_degraded: bool = False
    calendar: str = "BASE"
    is_synchronised: bool = True
    boot: str = "first"
    booted_at: datetime = NOON - HOUR
    meter: Meter = field(default_factory=Meter)
    events: list[Event] = field(default_factory=list)

    def drawn_wh(self) -> int:
        return (self.at - NOON) // SECOND

    def see(self) -> None:
        """Let the meter send a frame."""
        index_wh = BASE_WH + self.drawn_wh()
        if self.mode is Mode.STANDARD:
            shown = self.at + self.meter_off
            frame = standard(shown, index_wh, calendar=self.calendar, is_degraded=self.is_degraded)
        else:
            frame = historique("BASE", BASE=index_wh)
        monotonic_s = (self.at - self.booted_at).total_seconds()
        host = HostTime(self.at + self.host_off, self.is_synchronised, monotonic_s, self.boot)
        self.events += self.meter.observe(frame, host)

    def live(self, time: timedelta, step: timedelta = SECOND) -> None:
        """Let time pass, with a frame after each step."""
        end = self.at + time
        while self.at < end:
            self.at = min(self.at + step, end)
            self.see()

    def reboot(self) -> None:
        """Start the machine again on what was stored; the kernel has not heard of the time yet."""
        state = msgspec.msgpack.decode(msgspec.msgpack.encode(self.meter.state), type=MeterState)
        self.meter = Meter(state)
        self.boot, self.booted_at, self.is_synchronised = "next", self.at, False

    def closed(self) -> list[QuarterHourClosed]:
        return [event for event in self.events if isinstance(event, QuarterHourClosed)]

    def days(self) -> list[DayClosed]:
        return [event for event in self.events if isinstance(event, DayClosed)]

    def told(self) -> list[NoticeKind]:
        return [event.kind for event in self.events if isinstance(event, Notice)]

    def assert_right(self) -> None:
        """What has closed is past, and all that was drawn since the start is accounted for."""
        account = self.meter.state.account
        assert (account.day, account.j) == quarter_hour(self.at)
        total_wh = sum(each.energy_wh for each in self.closed()) + account.pool_wh
        assert total_wh == account.last.total_wh - BASE_WH - 1
        assert account.last.total_wh == BASE_WH + self.drawn_wh()


def begun(**how) -> Room:
    room = Room(**how)
    room.live(2 * SECOND)
    room.events.clear()
    return room


@pytest.mark.parametrize("ahead", [11 * MINUTE, DAY, 400 * DAY])
def test_a_clock_that_the_meter_calls_unsure_closes_nothing(ahead):
    room = begun()
    room.live(5 * MINUTE)
    room.is_degraded, room.meter_off = True, ahead
    room.live(10 * SECOND)
    assert not room.closed()
    assert room.told() == [NoticeKind.CLOCK_DEGRADED]
    room.is_degraded, room.meter_off = False, timedelta()
    room.live(HOUR)
    room.assert_right()
    assert not any(each.is_estimated for each in room.closed()[1:])


@pytest.mark.parametrize("is_synchronised", [True, False])
def test_days_go_on_to_close_beside_a_clock_that_is_unsure_for_long(is_synchronised):
    room = begun(is_synchronised=is_synchronised) if is_synchronised else begun()
    room.is_synchronised = is_synchronised
    room.is_degraded, room.meter_off = True, 90 * DAY
    room.live(3 * DAY, 10 * MINUTE)
    assert [each.day for each in room.days()] == [legal_day(NOON) + n * DAY for n in range(3)]
    room.assert_right()


def test_an_unsure_meter_beside_an_unsure_host_closes_nothing_until_one_is_sure():
    room = begun()
    room.live(5 * MINUTE)
    room.reboot()
    room.is_degraded, room.host_off = True, -55 * 365 * DAY
    room.live(2 * DAY, 10 * MINUTE)
    assert not room.closed()
    assert not room.meter.is_time_known
    room.is_synchronised, room.host_off = True, timedelta()
    room.live(2 * SECOND)
    room.assert_right()
    assert room.meter.is_time_known
    spread = [each.energy_wh for each in room.closed()][2:]
    assert max(spread) - min(spread) <= 1  # as over a gap
    room.live(DAY, 10 * MINUTE)
    assert sum(sum(day.register_steps_kwh) for day in room.days()) == room.drawn_wh() // 1_000 - (
        room.meter.state.account.last.total_wh // 1_000 - room.days()[-1].register_index_kwh[0]
    )


def test_the_host_counts_in_historique_only_once_it_is_synchronised():
    room = Room(mode=Mode.HISTORIQUE, is_synchronised=False, host_off=40 * DAY)
    room.live(DAY, 10 * MINUTE)
    assert not room.events
    assert room.meter.state.account is None
    room.is_synchronised, room.host_off = True, timedelta()
    room.live(2 * DAY, 10 * MINUTE)
    assert [each.day for each in room.days()] == [legal_day(NOON) + n * DAY for n in (1, 2)]


def test_a_boot_with_the_hosts_clock_ahead_closes_nothing_in_historique():
    room = begun(mode=Mode.HISTORIQUE)
    room.live(5 * MINUTE)
    room.reboot()
    room.host_off = 4 * DAY
    room.live(HOUR, 10 * SECOND)
    assert not room.closed()
    room.is_synchronised, room.host_off = True, timedelta()
    room.live(2 * SECOND)
    room.assert_right()


def test_a_host_that_loses_its_network_is_carried_on_by_the_monotonic_clock():
    room = begun(mode=Mode.HISTORIQUE)
    room.is_synchronised, room.host_off = False, 7 * DAY
    room.live(2 * DAY, 10 * MINUTE)
    room.assert_right()


@pytest.mark.parametrize("mode", [Mode.STANDARD, Mode.HISTORIQUE])
def test_a_step_ahead_is_doubted_told_once_and_believed_after_three_agreeing_minutes(mode):
    room = begun(mode=mode)
    room.is_synchronised = mode is Mode.HISTORIQUE
    room.live(DAY + 5 * MINUTE, 5 * MINUTE)
    room.events.clear()
    if mode is Mode.STANDARD:
        room.meter_off = 2 * DAY
    else:
        room.host_off = 2 * DAY
    room.live(3 * MINUTE)
    assert not room.closed()
    assert room.told() == [NoticeKind.CLOCK_DOUBTED]
    room.live(5 * SECOND)
    assert room.closed()
    assert room.told() == [NoticeKind.CLOCK_DOUBTED, NoticeKind.GAP]


def test_a_step_ahead_that_goes_back_within_three_minutes_closes_nothing():
    room = begun()
    room.is_synchronised = False
    room.live(5 * MINUTE)
    for _ in range(3):
        room.meter_off = 2 * DAY
        room.live(2 * MINUTE)
        room.meter_off = timedelta()
        room.live(30 * SECOND)
    room.live(HOUR)
    room.assert_right()
    assert room.told().count(NoticeKind.CLOCK_DOUBTED) == 1


def test_one_frame_whose_clock_lies_is_no_doubt():
    room = begun()
    room.is_synchronised = False
    room.live(5 * MINUTE)
    room.meter_off = 2 * DAY
    room.live(SECOND)
    room.meter_off = timedelta()
    room.live(HOUR)
    room.assert_right()
    assert not room.told()


@pytest.mark.parametrize("off", [11 * MINUTE, -11 * MINUTE, 30 * DAY])
def test_two_trusted_clocks_that_differ_close_nothing_until_they_agree_for_three_minutes(off):
    room = begun()
    room.live(5 * MINUTE)
    room.meter_off = off
    room.live(2 * HOUR, 5 * SECOND)
    assert not room.closed()
    assert room.told() == [NoticeKind.CLOCK_DOUBTED]
    room.meter_off = timedelta()
    room.live(2 * MINUTE)
    assert not room.closed()
    room.live(2 * MINUTE)
    room.assert_right()
    assert room.told() == [NoticeKind.CLOCK_DOUBTED, NoticeKind.GAP]


@pytest.mark.parametrize(
    ("meter_off", "host_off"),
    [
        (3 * DAY, timedelta()),
        (-3 * DAY, timedelta()),
        (timedelta(), 3 * DAY),
        (timedelta(), -3 * DAY),
    ],
)
def test_clocks_that_differ_for_good_stop_metering_for_a_day_at_most(meter_off, host_off):
    room = begun()
    room.live(5 * MINUTE)
    room.meter_off, room.host_off = meter_off, host_off
    room.live(DAY - MINUTE, 10 * MINUTE)
    assert not room.closed()
    room.live(2 * DAY, 10 * MINUTE)
    room.assert_right()
    assert room.told() == [NoticeKind.CLOCK_DOUBTED, NoticeKind.CLOCKS_DIFFER, NoticeKind.GAP]
    assert room.days()
    assert not any(day.is_index_read for day in room.days())


def test_a_difference_does_not_end_because_the_host_is_no_longer_sure():
    room = begun()
    room.live(5 * MINUTE)
    room.meter_off = 3 * DAY
    room.live(HOUR, 10 * SECOND)
    room.is_synchronised = False
    room.live(HOUR, 10 * SECOND)
    assert not room.closed()
    room.meter_off, room.is_synchronised = timedelta(), True
    room.live(4 * MINUTE)
    room.assert_right()


def test_a_boot_after_a_long_silence_believes_a_far_meter_after_three_minutes_or_a_second_clock():
    for is_soon_synchronised in (False, True):
        room = begun()
        room.at += 2 * DAY
        room.reboot()
        room.is_synchronised = is_soon_synchronised
        room.live(MINUTE)
        assert bool(room.closed()) is is_soon_synchronised
        room.live(3 * MINUTE)
        room.assert_right()
        assert room.told() == [NoticeKind.GAP]


def test_a_boot_after_a_short_silence_needs_nothing():
    room = begun()
    room.at += 5 * MINUTE
    room.reboot()
    room.live(2 * SECOND)
    room.assert_right()
    assert not room.told()


def test_a_long_silence_of_the_line_alone_is_no_doubt():
    room = begun()
    room.is_synchronised = False
    room.at += 3 * DAY
    room.live(2 * SECOND)
    room.assert_right()
    assert room.told() == [NoticeKind.GAP]
    assert len(room.closed()) == 3 * DAY // QUARTER_HOUR


@pytest.mark.parametrize("ahead", [3 * DAY, -3 * DAY])
def test_clocks_that_differ_from_the_very_first_frame_on_are_told_and_the_one_behind_is_used(ahead):
    room = Room(meter_off=ahead)
    room.live(DAY - MINUTE, 10 * MINUTE)
    assert room.meter.state.account is None
    room.live(2 * DAY, 10 * MINUTE)
    assert room.told() == [NoticeKind.CLOCK_DOUBTED, NoticeKind.CLOCKS_DIFFER]
    assert room.days()[-1].day == legal_day(room.at + min(ahead, timedelta()) - DAY)


@pytest.mark.parametrize(
    ("meter_off", "used"), [(3 * DAY, timedelta()), (-DAY, -DAY), (-30 * DAY, timedelta())]
)
def test_after_a_loss_the_clock_behind_is_used_unless_it_is_before_what_is_stored(meter_off, used):
    room = begun()
    room.live(5 * DAY, 10 * MINUTE)
    last = room.days()[-3]
    point = RestorePoint(
        last.day, 95, last.drawn_index_wh, last.register_index_kwh, 0, 0, mode=Mode.STANDARD
    )
    room.meter = Meter(restore(point, last.meter_serial, last.calendar))
    room.meter_off = meter_off
    room.live(DAY + HOUR, 10 * MINUTE)
    assert room.meter.state.account.last.at == room.at + used


@pytest.mark.parametrize("calendar", ["BASE", "HEURES CREUSES"])
@pytest.mark.parametrize("kept", [0, 1])
def test_what_is_reopened_is_counted_once(calendar, kept):
    """Of three days that a wrong time closed, `kept` have left; the calendar may have changed."""
    room = begun()
    room.is_synchronised = False
    room.live(DAY, 10 * MINUTE)
    room.meter_off = 3 * DAY
    room.live(4 * MINUTE)
    room.calendar = calendar
    room.live(MINUTE)
    room.meter_off = timedelta()
    room.live(3 * SECOND)
    day, j = room.meter.closed_ahead
    since = (day + kept * DAY, 0) if kept else (day, j)
    undone = Undone(
        since,
        tuple([each for each in room.closed() if (each.day, each.j) >= since]),
        tuple([each for each in room.days() if each.day >= since[0]]),
    )
    assert undone.days
    room.meter.reopen(undone)
    gone = {*undone.quarter_hours}, {*undone.days}
    room.live(6 * DAY, 10 * MINUTE)
    closed = [each for each in room.closed() if each not in gone[0]]
    days = [each for each in room.days() if each not in gone[1]]
    places = [(each.day, each.j) for each in closed]
    assert places == sorted({*places})
    account = room.meter.state.account
    total_wh = account.last.total_wh - BASE_WH - 1
    assert sum(each.energy_wh for each in closed) + account.pool_wh == total_wh
    steps_kwh = sum(sum(each.register_steps_kwh) for each in days)
    assert steps_kwh == account.billed_kwh[0] - BASE_WH // 1_000
    assert [each.day for each in days] == sorted({each.day for each in days})
