"""Whenever a household moves, on whatever day: steps and curve add up to what the meters counted."""

from datetime import UTC, date, datetime, timedelta
from itertools import accumulate

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.metering.events import DayClosed, QuarterHourClosed
from edge.metering.meter import Meter
from edge.metering.state import MeterState
from edge.simulate.host import host_time_at
from protocol.calendar import (
    QUARTER_HOUR,
    day_start,
    legal_day,
    quarter_hour,
    quarter_hour_start,
    quarter_hours,
)
from tests.support.chip_bench import BenchMeter

# 92, 100 and 96 quarter-hours, a month's and a year's end.
DAYS = (
    date(2026, 3, 29),
    date(2026, 10, 25),
    date(2026, 2, 28),
    date(2025, 12, 31),
    date(2026, 6, 10),
)


def follow(meter, bench, start, end, step=QUARTER_HOUR):
    """Feed a meter the frames of [start, end], two at the start; returns what it closes."""
    events = []
    at = start
    while at <= end:
        events += meter.observe(bench.frame(at), host_time_at(at))
        if at == start:
            second = at + timedelta(seconds=1)
            events += meter.observe(bench.frame(second), host_time_at(second))
        at += step
    if (end - start) % step:
        events += meter.observe(bench.frame(end), host_time_at(end))
    return events


def steps_kwh(events):
    closed = [event for event in events if isinstance(event, DayClosed)]
    return [sum(day.register_steps_kwh[n] for day in closed) for n in range(2)]


def curve_wh(events):
    return sum(event.energy_wh for event in events if isinstance(event, QuarterHourClosed))


def indices_kwh(bench, at):
    return [index_wh // 1_000 for index_wh in bench.registers_wh(at)]


def risen(bench, start, end):
    pairs = zip(indices_kwh(bench, start), indices_kwh(bench, end), strict=True)
    return [after - before for before, after in pairs]


@given(
    day=st.sampled_from(DAYS),
    j=st.integers(0, 99),
    second=st.integers(0, 899),
    days_before=st.integers(0, 2),
    seed=st.integers(0, 1_000),
)
def test_steps_up_to_the_move_are_the_difference_of_indices(day, j, second, days_before, seed):
    j %= quarter_hours(day)
    start = day_start(day - timedelta(days=days_before))
    end = quarter_hour_start(day, j) + timedelta(seconds=second)
    bench = BenchMeter(start, seed)
    meter = Meter()
    events = follow(meter, bench, start, end)
    events += meter.close()
    assert steps_kwh(events) == risen(bench, start, end)
    assert curve_wh(events) == sum(bench.registers_wh(end)) - sum(bench.base_wh)
    closed = [event for event in events if isinstance(event, DayClosed)]
    assert [each.day for each in closed] == [
        day - timedelta(days=n) for n in range(days_before, -1, -1)
    ]
    assert closed[-1].is_index_read
    assert closed[-1].register_index_kwh[:2] == tuple(indices_kwh(bench, end))
    places = [(event.day, event.j) for event in events if isinstance(event, QuarterHourClosed)]
    assert len(set(places)) == len(places)
    assert max(places, default=(day, 0)) <= (day, quarter_hours(day) - 1)
    assert meter.state == MeterState()


@given(
    day=st.sampled_from(DAYS),
    minute=st.integers(0, 1_379),
    days_after=st.integers(1, 2),
    days_between=st.integers(0, 3),
    seed=st.integers(0, 1_000),
    is_restarted=st.booleans(),
)
def test_what_the_new_meter_counts_from_the_first_reading_on_is_billed_once(
    day, minute, days_after, days_between, seed, is_restarted
):
    """On the day of the move too, of which the household's blocks are all taken."""
    first_day = day + timedelta(days=1)
    start = day_start(day + timedelta(days=days_between)) + timedelta(minutes=minute)
    end = day_start(legal_day(start) + timedelta(days=1 + days_after))
    bench = BenchMeter(start, seed)
    state = MeterState(first_day=first_day)
    if is_restarted:
        state = msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=MeterState)
    meter = Meter(state)
    events = follow(meter, bench, start, end)
    at = start + (end - start) // QUARTER_HOUR * QUARTER_HOUR
    at = end if (end - start) % QUARTER_HOUR else at
    closed = [event for event in events if isinstance(event, DayClosed)]
    assert min(each.day for each in closed) == max(first_day, legal_day(start))
    assert min(quarter_hour(start), (first_day, 0)) <= min(
        (event.day, event.j) for event in events if isinstance(event, QuarterHourClosed)
    )
    assert all(event.day >= first_day for event in events if isinstance(event, QuarterHourClosed))
    assert steps_kwh(events) == risen(bench, start, at)
    left_wh = meter.state.account.pool_wh
    assert curve_wh(events) + left_wh == sum(bench.registers_wh(at)) - sum(bench.base_wh)


@pytest.mark.parametrize("length", [92, 96, 100])
def test_energy_that_the_open_quarter_hour_does_not_take_goes_into_the_next_ones(length):
    day = next(each for each in DAYS if quarter_hours(each) == length)
    bench = BenchMeter(day_start(day))
    meter = Meter()
    events = follow(meter, bench, day_start(day), day_start(day) + QUARTER_HOUR)
    pool_wh = 20_000
    account = msgspec.structs.replace(meter.state.account, pool_wh=pool_wh)
    closed = [
        event
        for event in Meter(MeterState(account=account)).close()
        if isinstance(event, QuarterHourClosed)
    ]
    assert [event.energy_wh for event in closed] == [9_000, 9_000, 2_000]
    assert [event.j for event in closed] == list(accumulate([account.j, 1, 1]))
    assert events


def test_a_meter_that_has_seen_nothing_has_nothing_to_close():
    assert Meter().close() == []


def test_a_meter_that_was_closed_begins_anew():
    at = datetime(2026, 6, 10, 12, tzinfo=UTC)
    bench = BenchMeter(at)
    meter = Meter()
    follow(meter, bench, at, at + 2 * QUARTER_HOUR)
    meter.close()
    follow(meter, bench, at + 3 * QUARTER_HOUR, at + 3 * QUARTER_HOUR)
    assert meter.state.account.billed_kwh[:2] == tuple(indices_kwh(bench, at + 3 * QUARTER_HOUR))
