"""An index that nobody but a person can vouch for: what is kept of it, and what a word sets free."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.metering.events import NoticeKind
from edge.metering.unconfirmed import is_waiting, quarantine_in
from tests.support.metered_line import SECOND, Line, LineMeter
from tests.support.sweeps import swept

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
START = datetime(2026, 5, 5, 8, tzinfo=UTC)


class Home:
    """A meter on a line, both of which go on minute by minute."""

    def __init__(self, *registers_wh: int) -> None:
        self.source = LineMeter(list(registers_wh), calendar="HC")
        self.line = Line()
        self.at = START
        self.live(HOUR)

    def live(self, span: timedelta, *energies_wh: int, step: timedelta = MINUTE, **false: str):
        """Let `energies_wh` be counted between two frames; `false` is of the first."""
        until = self.at + span
        while self.at < until:
            self.at += step
            self.source.count(*energies_wh)
            self.line.send(self.source, self.at, **false)
            false = {}

    def zero(self, number: int, *, is_in_total: bool = True) -> None:
        """Set a register to zero at a visit."""
        if not is_in_total:
            self.source.earlier_wh += self.source.registers_wh[number]
        self.source.registers_wh[number] = 0

    def confirm(self) -> None:
        self.line.events += self.line.meter.confirm_index()

    def steps_kwh(self) -> list[int]:
        counted = self.line.steps_kwh().values()
        return [sum(steps) for steps in zip(*counted, strict=True)]


@pytest.mark.parametrize(("days", "step"), [(0, MINUTE), (3, 10 * MINUTE), (300, 3 * HOUR)])
@pytest.mark.parametrize("is_in_total", swept([False, True], 2))
def test_however_late_a_word_comes_all_counts_from_the_first_new_reading(days, step, is_in_total):
    home = Home(3_000_000, 5_000_000)
    home.zero(0, is_in_total=is_in_total)
    home.live(4 * SECOND, step=SECOND)
    home.live(days * DAY, 100, 200, step=step)
    assert NoticeKind.INDEX_QUARANTINED in home.line.kinds()
    home.confirm()
    home.live(2 * DAY, 100, 200, step=step)
    home.live(4 * SECOND, step=2 * SECOND)
    first_wh = home.source.registers_wh[0]
    assert home.line.curve_wh() == 3 * first_wh
    home.live(30 * HOUR, step=10 * MINUTE)
    assert home.steps_kwh() == [first_wh // 1_000, 2 * first_wh // 1_000]
    doubted = [closed.day for closed in home.line.days() if closed.doubts]
    assert doubted == [START.date()]


def test_a_register_that_was_not_set_to_zero_goes_on_over_the_silence():
    home = Home(3_000_000, 5_000_000)
    home.zero(0, is_in_total=False)
    home.source.count(0, 42_000)
    home.at += 30 * HOUR
    home.live(10 * MINUTE)
    home.confirm()
    home.live(2 * DAY, step=10 * MINUTE)
    assert home.steps_kwh() == [0, 42]
    assert home.line.curve_wh() == 42_000


def test_a_leap_that_is_confirmed_is_billed_to_nobody():
    home = Home(3_000_000, 5_000_000)
    home.source.count(4_000_000, 0)
    home.live(10 * MINUTE, 10, 20)
    home.confirm()
    home.live(2 * DAY, 10, 20)
    assert home.steps_kwh()[0] < 40
    assert home.line.curve_wh() < 100_000


def test_registers_zeroed_one_after_the_other_are_shown_as_they_stand():
    home = Home(3_000_000, 5_000_000)
    home.zero(1)
    home.live(MINUTE, step=2 * SECOND)
    early = quarantine_in(home.line.meter.state)
    milestone = home.line.meter.state.milestone
    home.zero(0)
    home.live(MINUTE, step=2 * SECOND)
    state = home.line.meter.state
    assert state.milestone != milestone  # so it is stored, and shown to the person
    now = quarantine_in(state)
    assert early is not None
    assert now is not None
    assert now.now.registers_wh[:2] == (0, 0)
    assert not is_waiting(state, early)
    assert is_waiting(state, now)
    home.live(DAY, 100, 200, step=10 * MINUTE)
    home.confirm()
    home.live(DAY, 100, 200, step=10 * MINUTE)
    assert home.line.curve_wh() == 300 * 288
    assert home.line.kinds().count(NoticeKind.INDEX_BEGAN_ANEW) == 2


def test_a_register_that_was_not_shown_is_not_confirmed_with_the_others():
    home = Home(3_000_000, 5_000_000)
    home.zero(0)
    home.live(6 * SECOND, step=2 * SECOND)
    home.live(2 * SECOND, step=2 * SECOND, EASF02="")
    shown = quarantine_in(home.line.meter.state)
    home.live(10 * SECOND, step=2 * SECOND)
    assert shown is not None
    assert shown.now.registers_wh[1] is None
    assert not is_waiting(home.line.meter.state, shown)


@given(st.integers(0, 5), st.booleans())
def test_the_old_index_ends_a_quarantine_by_itself(hours, is_restarted):
    home = Home(3_000_000, 5_000_000)
    kept = list(home.source.registers_wh)
    home.zero(0)
    home.live(10 * SECOND, step=2 * SECOND)
    home.live(hours * HOUR, step=2 * MINUTE)
    home.source.registers_wh = kept
    if is_restarted:
        home.line.restart()
    home.live(HOUR, 10, 20)
    assert NoticeKind.QUARANTINE_ENDED in home.line.kinds()
    assert home.line.meter.state.quarantined is None
    assert home.line.curve_wh() == 30 * 60


def test_another_meter_in_between_loses_nothing_that_is_in_quarantine():
    home = Home(3_000_000, 5_000_000)
    home.zero(0)
    home.live(DAY, 100, 200, step=10 * MINUTE)
    own, home.source = home.source, LineMeter([7_000_000], serial="021669999999")
    home.live(HOUR, step=MINUTE)
    home.source = own
    home.live(DAY - HOUR, 100, 200, step=10 * MINUTE)
    home.confirm()
    assert home.line.curve_wh() == 300 * (287 - 6)
    assert NoticeKind.OTHER_METER_DROPPED in home.line.kinds()


def test_an_index_that_falls_at_a_meter_set_aside_waits_for_a_person():
    home = Home(3_000_000, 5_000_000)
    home.source = LineMeter([7_000_000, 1_000_000], calendar="HC", serial="021669999999")
    home.live(HOUR, 100, 200)
    home.zero(0)
    home.live(HOUR, 100, 200)
    home.line.events += home.line.meter.confirm_meter()
    assert quarantine_in(home.line.meter.state) is not None
    home.confirm()
    home.live(2 * DAY, 0, 0, step=10 * MINUTE)
    assert 300 * 114 < home.line.curve_wh() < 300 * 118  # the frames at the fall, no more


@pytest.mark.parametrize("is_in_total", [False, True])
def test_a_calendar_that_changes_with_a_second_reset_throws_nothing_away(is_in_total):
    home = Home(3_000_000, 5_000_000)
    home.zero(0, is_in_total=is_in_total)
    home.live(4 * SECOND, step=SECOND)
    home.live(2 * DAY, 100, 200, step=10 * MINUTE)
    home.source.calendar = "TEMPO"
    home.zero(1, is_in_total=is_in_total)
    home.live(10 * SECOND, step=2 * SECOND)
    assert NoticeKind.QUARANTINE_ENDED not in home.line.kinds()
    home.live(DAY, 100, 200, step=10 * MINUTE)
    home.confirm()
    home.live(2 * DAY, step=10 * MINUTE)
    assert home.line.curve_wh() == 300 * 3 * 144
    by_calendar = {calendar: steps for (_, calendar), steps in home.line.steps_kwh().items()}
    assert by_calendar == {"HC": [28, 57], "TEMPO": [15, 28]}


@pytest.mark.parametrize("is_moving_out", [False, True])
def test_what_goes_on_beside_a_quarantine_is_billed_where_nobody_confirms_any_more(is_moving_out):
    home = Home(3_000_000, 5_000_000)
    home.zero(0, is_in_total=False)
    home.live(4 * SECOND, step=SECOND)
    home.live(2 * DAY, 100, 200, step=10 * MINUTE)
    if is_moving_out:
        home.line.events += home.line.meter.close()
    else:
        home.source = LineMeter([10_000, 20_000], "HC", serial="021669999999")
        home.live(10 * MINUTE)
        home.line.events += home.line.meter.confirm_meter()
        home.live(2 * DAY, step=10 * MINUTE)
    assert home.line.steps_kwh()["021661000001", "HC"] == [0, 57]
    assert NoticeKind.QUARANTINE_ENDED not in home.line.kinds()
    assert any(closed.doubts for closed in home.line.days())


def test_a_change_of_calendar_stays_where_it_was_however_long_a_quarantine_lasts():
    home = Home(3_000_000, 5_000_000)
    home.zero(0)
    home.live(4 * SECOND, step=SECOND)
    home.live(140 * DAY, 100, 200, step=6 * HOUR)
    shown = [index_wh // 1_000 for index_wh in home.source.registers_wh]
    home.source.calendar = "TEMPO"
    home.live(30 * DAY, 100, 200, step=6 * HOUR)
    home.confirm()
    home.live(2 * DAY, step=10 * MINUTE)
    by_calendar = {calendar: steps for (_, calendar), steps in home.line.steps_kwh().items()}
    assert abs(by_calendar["HC"][0] - shown[0]) <= 1
    assert sum(by_calendar["TEMPO"]) <= 40  # of which the silent 6 hours at the change


@pytest.mark.parametrize("lacking", range(4))
def test_a_register_that_noise_hides_at_a_reset_goes_on(lacking):
    home = Home(3_000_000, 5_000_000)
    home.zero(0)
    home.source.count(0, 81_000)
    home.at += 5 * DAY
    for n in range(8):
        false = {"EASF02": ""} if n in (lacking, lacking + 1) else {}
        home.live(2 * SECOND, step=2 * SECOND, **false)
    home.confirm()
    home.live(2 * DAY, step=10 * MINUTE)
    assert home.steps_kwh() == [0, 81]


def test_a_clock_put_right_at_the_visit_is_told_when_the_index_is_confirmed():
    home = Home(3_000_000, 5_000_000)
    home.at += 2 * HOUR
    home.live(10 * MINUTE)
    home.at -= 2 * HOUR
    home.zero(0)
    home.live(10 * MINUTE)
    home.confirm()
    assert NoticeKind.CLOCK_JUMP in home.line.kinds()


def test_a_meter_that_comes_back_with_one_register_at_zero_keeps_the_other():
    home = Home(3_000_000, 5_000_000)
    own, other = home.source, LineMeter([7_000_000], "HC", serial="021669999999")
    other.registers_wh.append(9_000_000)
    home.source = other
    home.live(10 * MINUTE)
    home.line.events += home.line.meter.confirm_meter()
    home.live(DAY, step=10 * MINUTE)
    home.source = own
    home.zero(0, is_in_total=False)
    home.source.count(0, 66_000)
    home.live(10 * MINUTE)
    home.line.events += home.line.meter.confirm_meter()
    home.live(2 * DAY, step=10 * MINUTE)
    assert home.line.steps_kwh()[own.serial, "HC"] == [0, 66]
    assert any(closed.doubts for closed in home.line.days())
