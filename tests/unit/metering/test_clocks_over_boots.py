"""Clocks that differ, beside a machine that starts again and again: days close all the same."""

from datetime import timedelta

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from edge.metering.events import NoticeKind
from edge.metering.meter import Meter
from edge.metering.reopening import Undone
from edge.metering.state import MeterState
from edge.metering.timekeeping import AGREEMENT, Source
from protocol.calendar import legal_day, quarter_hour, quarter_hour_start
from tests.unit.metering.test_timekeeping import DAY, HOUR, MINUTE, NOON, SECOND, Room, begun

NIGHT = 23 * HOUR + 55 * MINUTE


def boot(room: Room, *, is_synchronised: bool, off: timedelta = 5 * MINUTE) -> None:
    """Switch the machine off for a while."""
    before = room.boot
    room.at += off
    room.reboot()
    room.boot, room.is_synchronised = before + "'", is_synchronised


def days_with_a_boot_each_night(room: Room, number: int, *, is_synchronised: bool) -> None:
    for _ in range(number):
        boot(room, is_synchronised=is_synchronised)
        room.live(NIGHT, 5 * MINUTE)


@pytest.mark.parametrize("off", [-2 * HOUR, 15 * MINUTE, 3 * HOUR])
def test_a_boot_each_night_does_not_make_the_wait_begin_anew(off):
    room = begun()
    room.live(5 * MINUTE)
    room.meter_off = off
    days_with_a_boot_each_night(room, 30, is_synchronised=True)
    right_at = room.at + min(off, timedelta())  # the clock with less to close
    assert [day.day for day in room.days()] == [legal_day(NOON) + n * DAY for n in range(30)]
    account = room.meter.state.account
    assert (account.day, account.j) == quarter_hour(right_at)
    assert room.told().count(NoticeKind.CLOCK_DOUBTED) == 1
    assert room.told().count(NoticeKind.CLOCKS_DIFFER) == 1


def test_the_wait_is_as_long_over_boots_as_without_them():
    room = begun()
    room.live(5 * MINUTE)
    room.meter_off = 3 * HOUR
    room.live(MINUTE)
    for _ in range(4):
        boot(room, is_synchronised=True, off=DAY)
        room.live(6 * HOUR - MINUTE, 30 * SECOND)
    assert not room.closed()
    room.live(6 * MINUTE)
    room.assert_right()


@pytest.mark.parametrize("off", [-2 * HOUR, 2 * HOUR])
def test_a_host_that_was_the_likelier_and_is_gone_stops_metering_for_one_day(off):
    room = begun()
    room.live(5 * MINUTE)
    room.meter_off = off
    room.live(2 * DAY, 5 * MINUTE)
    before = len(room.days())
    room.meter_off = timedelta()
    days_with_a_boot_each_night(room, 10, is_synchronised=False)
    room.assert_right()
    assert len(room.days()) >= before + 9


def test_minutes_without_the_host_after_each_boot_do_not_add_up_to_a_day():
    room = begun()
    room.live(5 * MINUTE)
    room.meter_off = 3 * DAY
    room.live(2 * DAY, 5 * MINUTE)
    assert room.meter.state.time.lasting is Source.HOST
    for _ in range(14):
        boot(room, is_synchronised=False)
        room.live(2 * HOUR, 5 * MINUTE)
        room.is_synchronised = True
        room.live(22 * HOUR, 5 * MINUTE)
        room.assert_right()
    assert room.told().count(NoticeKind.CLOCK_DOUBTED) == 1


def test_a_clock_in_doubt_that_then_calls_itself_unsure_stops_nothing():
    room = begun()
    room.is_synchronised = False
    room.live(5 * MINUTE)
    room.meter_off = 3 * DAY
    room.live(5 * SECOND)
    room.is_degraded = True
    room.live(2 * DAY, 5 * MINUTE)
    room.assert_right()
    assert room.days()


def test_two_clocks_that_differ_and_both_fall_silent_stop_metering_for_a_day():
    room = begun()
    room.live(5 * MINUTE)
    room.meter_off = 3 * DAY
    room.live(HOUR, MINUTE)
    room.is_synchronised, room.is_degraded = False, True
    room.live(22 * HOUR, MINUTE)
    assert not room.closed()
    room.live(2 * HOUR, MINUTE)
    room.assert_right()


@pytest.mark.parametrize("is_booted", [False, True])
def test_the_likelier_clock_that_then_goes_ahead_is_not_the_likelier_any_more(is_booted):
    room = begun()
    room.live(5 * MINUTE)
    room.host_off = -2 * HOUR
    boot(room, is_synchronised=True)
    room.live(2 * DAY, 5 * MINUTE)
    assert room.meter.state.time.lasting is Source.HOST
    room.host_off = 3 * DAY
    if is_booted:
        boot(room, is_synchronised=True)
    room.live(2 * DAY, 5 * MINUTE)
    room.assert_right()
    assert room.told().count(NoticeKind.CLOCK_DOUBTED) == 2


def test_how_far_the_wait_is_outlives_a_power_cut():
    """What is kept without anything being closed: `milestone` changes."""
    room = begun()
    room.live(5 * MINUTE)
    room.meter_off = 3 * HOUR
    room.live(MINUTE)
    milestones = set()
    for _ in range(12):
        room.live(5 * MINUTE)
        milestones.add(room.meter.state.milestone)
    assert len(milestones) == 5


def test_a_state_of_before_is_read_although_it_waits_anew():
    room = begun()
    room.live(5 * MINUTE)
    room.meter_off = 3 * HOUR
    room.live(MINUTE)
    stored = msgspec.to_builtins(room.meter.state)
    doubt = stored["time"]["doubt"]
    doubt["began_s"] = doubt.pop("differed_s")
    del stored["time"]["difference"]
    room.meter = Meter(msgspec.convert(stored, type=MeterState))
    room.live(DAY + 15 * MINUTE, 5 * MINUTE)
    room.assert_right()


def test_a_likelier_host_that_becomes_unsure_and_jumps_gives_way_to_the_meter():
    room = begun()
    room.live(5 * MINUTE)
    room.host_off = -2 * HOUR
    boot(room, is_synchronised=True)
    room.live(2 * DAY, 5 * MINUTE)
    assert room.meter.state.time.lasting is Source.HOST
    room.host_off, room.is_synchronised = 2 * HOUR, False
    room.live(2 * DAY, 5 * MINUTE)
    assert abs(room.meter.state.account.last.at - room.at) <= AGREEMENT


def test_a_host_chosen_after_it_fell_silent_has_a_day_to_come_back():
    room = begun()
    room.live(5 * MINUTE)
    room.meter_off = 3 * DAY
    room.live(MINUTE)
    room.is_synchronised = False
    room.live(DAY + HOUR, 5 * MINUTE)
    assert room.told().count(NoticeKind.CLOCKS_DIFFER) == 1
    room.live(20 * HOUR, 5 * MINUTE)
    room.is_synchronised = True
    room.live(2 * DAY, 5 * MINUTE)
    room.assert_right()
    assert room.told().count(NoticeKind.CLOCKS_DIFFER) == 1


def test_a_chosen_host_whose_network_fails_for_a_night_stays_chosen():
    room = begun()
    room.live(5 * MINUTE)
    room.meter_off = 3 * DAY
    room.live(2 * DAY, 5 * MINUTE)
    for _ in range(5):
        room.is_synchronised = False
        room.live(20 * HOUR, 5 * MINUTE)
        room.is_synchronised = True
        room.live(4 * HOUR, 5 * MINUTE)
        room.assert_right()
    assert room.told().count(NoticeKind.CLOCKS_DIFFER) == 1


@pytest.mark.parametrize("is_host_wrong", [False, True])
@pytest.mark.parametrize("off", [-3 * DAY, -2 * HOUR, 2 * HOUR, 3 * DAY])
def test_the_clock_that_steps_away_from_a_time_both_bore_out_is_the_wrong_one(off, is_host_wrong):
    room = begun()
    room.live(5 * MINUTE)
    if is_host_wrong:
        room.host_off = off
    else:
        room.meter_off = off
    room.live(2 * DAY, 5 * MINUTE)
    room.assert_right()
    room.is_synchronised = False
    room.live(2 * DAY, 5 * MINUTE)
    room.assert_right()


OFFSETS = st.sampled_from([timedelta(), *(n * HOUR for n in (-72, -2, 2, 72))])
SPANS = st.sampled_from([SECOND, 2 * MINUTE, 2 * HOUR, 11 * HOUR, 30 * HOUR])


class ClocksMachine(RuleBasedStateMachine):
    """A household whose clocks go wrong in any way; of its closed days none has left the chip.

    Where `is_one_right`, both are always trusted, and one of them is right. `borne_out` holds by how
    much both were wrong together since the machine booted.
    """

    def __init__(self) -> None:
        super().__init__()
        self.room = begun()
        self.room.live(4 * MINUTE, 10 * SECOND)
        self.is_one_right = False
        self.borne_out = {timedelta()}

    @initialize(is_one_right=st.booleans())
    def begin(self, is_one_right):
        self.is_one_right = is_one_right

    @rule(off=OFFSETS, is_degraded=st.booleans())
    def meter_changes(self, off, is_degraded):
        if self.is_one_right:
            self.put_right()
        else:
            self.room.is_degraded = is_degraded
        self.room.meter_off = off

    @rule(off=OFFSETS, is_synchronised=st.booleans())
    def host_changes(self, off, is_synchronised):
        if self.is_one_right:
            self.put_right()
        else:
            self.room.is_synchronised = is_synchronised
        self.room.host_off = off

    def put_right(self) -> None:
        """Let the clocks agree for a while: they do not step at one moment, one away, one back."""
        if self.room.meter_off or self.room.host_off:
            self.room.meter_off = self.room.host_off = timedelta()
            self.live(10 * MINUTE)

    @rule(off=st.sampled_from([MINUTE, 8 * HOUR]), is_synchronised=st.booleans())
    def machine_boots(self, off, is_synchronised):
        self.boot(is_synchronised=is_synchronised or self.is_one_right, off=off)

    @rule(span=SPANS)
    def time_passes(self, span):
        self.live(span)

    @precondition(lambda self: not self.room.is_degraded or self.room.is_synchronised)
    @rule(boots=st.integers(0, 4))
    def clocks_stay_as_they_are(self, boots):
        """From here on quarter-hours close after a day of running, however often it boots."""
        room, is_synchronised = self.room, self.room.is_synchronised
        for _ in range(boots):
            self.boot(is_synchronised=is_synchronised, off=5 * MINUTE)
            self.live((DAY + HOUR) / boots)
        self.live(DAY + HOUR if boots == 0 else MINUTE)
        trusted = [] if room.is_degraded else [room.meter_off]
        trusted += [room.host_off] if room.is_synchronised else []
        account, before = room.meter.state.account, len(room.closed())
        is_behind = account.last.at < quarter_hour_start(account.day, account.j)
        self.live(2 * HOUR)
        assert room.meter.is_time_known
        account = room.meter.state.account
        errors = [account.last.at - (room.at + off) for off in (*trusted, *self.borne_out)]
        assert any(abs(error) <= AGREEMENT for error in errors)
        assert is_behind or len(room.closed()) >= before + 7

    def boot(self, *, is_synchronised: bool, off: timedelta) -> None:
        boot(self.room, is_synchronised=is_synchronised, off=off)
        self.borne_out.clear()

    def live(self, span: timedelta) -> None:
        room, heard = self.room, len(self.room.events)
        if room.is_synchronised and not room.is_degraded and room.meter_off == room.host_off:
            self.borne_out.add(room.meter_off)
        room.live(span, min(max(SECOND, span / 40), 10 * MINUTE))
        if self.is_one_right:
            account = room.meter.state.account
            assert quarter_hour_start(account.day, account.j) <= room.at
        if NoticeKind.CLOCK_JUMP in [getattr(each, "kind", None) for each in room.events[heard:]]:
            self.reopen()

    def reopen(self) -> None:
        """Take back what was closed ahead, as the chip does with what has not left it."""
        since = self.room.meter.closed_ahead
        if since is None:
            return
        quarters = [each for each in self.room.closed() if (each.day, each.j) >= since]
        days = [each for each in self.room.days() if (each.day, 0) >= (since[0], 0)]
        if quarters:
            self.room.events = [
                each for each in self.room.events if each not in quarters and each not in days
            ]
            self.room.meter.reopen(Undone(since, tuple(quarters), tuple(days)))


# Its draws depend on the numbers in whatever modules are loaded, so each run plays other events.
TestClocksOverBoots = pytest.mark.long(ClocksMachine.TestCase)
TestClocksOverBoots.settings = settings(
    max_examples=120,
    stateful_step_count=20,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
