"""Instants and quarter-hours of legal days, also of 92 and 100."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.calendar import (
    QUARTER_HOUR,
    day_number,
    day_of_number,
    quarter_hour,
    quarter_hour_start,
    quarter_hours,
)

SHORT, LONG = date(2026, 3, 29), date(2026, 10, 25)
days = st.one_of(st.dates(date(2020, 1, 1), date(2049, 12, 31)), st.sampled_from([SHORT, LONG]))


@given(days, st.data())
def test_a_quarter_hour_holds_the_instants_from_its_start_to_the_next(day, data):
    count = quarter_hours(day)
    j = data.draw(st.integers(0, count - 1))
    start = quarter_hour_start(day, j)
    last = start + QUARTER_HOUR - timedelta(microseconds=1)
    assert quarter_hour(start) == quarter_hour(last) == (day, j)
    tomorrow = day + timedelta(days=1)
    assert quarter_hour(quarter_hour_start(day, count)) == (tomorrow, 0)


@pytest.mark.parametrize(
    ("day", "count", "noon_j", "noon_utc"),
    [(SHORT, 92, 44, 10), (LONG, 100, 52, 11), (date(2026, 1, 1), 96, 48, 11)],
)
def test_days_on_which_clocks_change_are_shorter_and_longer(day, count, noon_j, noon_utc):
    assert quarter_hours(day) == count
    noon = datetime(day.year, day.month, day.day, noon_utc, tzinfo=UTC)
    assert quarter_hour(noon) == (day, noon_j)


@given(days)
def test_days_are_numbered_from_1970(day):
    assert day_number(date(1970, 1, 1)) == 0
    assert day_of_number(day_number(day)) == day
    assert day_number(day + timedelta(days=1)) == day_number(day) + 1
