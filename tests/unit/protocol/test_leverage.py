"""No market price tells a quarter-hour, and no real market is refused.

What a price tells is measured by an attack: whoever knows all but one quarter-hour's average reads
the energy from a total by least squares.
"""

import csv
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.calendar import days_between, next_month, quarter_hours
from protocol.leverage import (
    FORTNIGHT_DAYS,
    HOUR_SHARE_MAX,
    QUARTER_HOUR_SHARE_MAX,
    stands_out,
)
from protocol.schedule import quarter_number, quarter_range

MARCH, APRIL, MAY = date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1)
DAYS = days_between(MARCH, APRIL)
COUNT = sum(quarter_hours(day) for day in DAYS)
NO_CLASS = np.zeros(COUNT, np.int64)
REAL = (
    Path(os.environ.get("VOLET_SHARED", Path(__file__).resolve().parents[4] / "shared"))
    / "tariffs"
    / "day_ahead_fr.csv"
)


def of_day():
    """Return the quarter-hour's number in its day, for each of the month."""
    return np.concatenate([np.arange(quarter_hours(day)) for day in DAYS])


def market(seed=1, deviation=6_000):
    """Return a month of prices such as a market has: a profile of the day, and scatter."""
    rng = np.random.default_rng(seed)
    profile = 9_000 + 4_000 * np.sin(of_day() / 96 * 4 * np.pi)
    hours = np.repeat(rng.normal(0, deviation, COUNT // 4 + 1), 4)[:COUNT]
    return (profile + hours).astype(np.int64)


def found(*prices, classes=NO_CLASS, days=DAYS):
    return stands_out(prices, classes, days)


@given(at=st.integers(0, COUNT - 1), apart=st.integers(2_000, 1_000_000), base=st.integers(0, 9))
def test_a_quarter_hour_that_alone_has_its_price_stands_out(at, apart, base):
    prices = np.full(COUNT, base * 1_000)
    prices[at] += apart
    out = found(prices)
    assert out is not None
    assert out.share > QUARTER_HOUR_SHARE_MAX
    assert sum(quarter_hours(day) for day in DAYS if day < out.day) + out.quarter_hour == at


@given(seed=st.integers(0, 99), at=st.integers(0, COUNT - 1))
def test_a_spike_stands_out_of_a_market_if_it_is_higher_than_all_of_that_hides_it(seed, at):
    prices = market(seed)
    assert found(prices) is None
    scatter = np.sqrt(np.square(prices - prices.mean()).sum())
    prices[at] += int(2 * scatter)
    assert found(prices) is not None


def test_prices_that_scatter_in_the_night_hide_nothing_of_the_evening():
    rng = np.random.default_rng(2)
    night = (of_day() < 24) * rng.integers(-200_000, 200_000, COUNT)
    evening = 3 * 96 + 76
    night[evening] = 500_000
    assert found(night).quarter_hour == 76


def test_a_profile_that_each_day_repeats_hides_nothing():
    profile = (of_day() // 4) * 10_000
    assert found(profile) is None
    profile[3 * 96 + 76] += 20_000
    assert found(profile) is not None


def test_two_lines_that_differ_by_a_quarter_hour_show_it():
    first = market()
    second = first.copy()
    second[1_000] += 20_000
    assert found(first) is None
    assert found(second) is None
    assert found(first, second) is not None


def test_scatter_between_the_classes_of_a_calendar_hides_nothing():
    classes = np.random.default_rng(3).integers(0, 2, COUNT)
    prices = classes * 100_000
    prices[1_000] += 30_000
    assert found(prices) is None
    assert found(prices, classes=classes) is not None


def test_an_hour_apart_stands_out_where_none_of_its_quarter_hours_does():
    by_height = []
    for height in range(0, 100_000, 500):
        prices = np.zeros(COUNT, np.int64) + market(deviation=1_000)
        prices[2_000:2_004] += height
        by_height.append(found(prices))
    first = next(out for out in by_height if out is not None)
    assert first.share > HOUR_SHARE_MAX > QUARTER_HOUR_SHARE_MAX


def test_the_dearest_hours_of_the_french_market_pass():
    """4 April 2022: 2 713 and 2 988 €/MWh at seven and eight, in a month of about 230."""
    days = days_between(APRIL, MAY)
    rng = np.random.default_rng(4)
    hours = 23_000 + rng.normal(0, 9_000, 24 * len(days))
    hours[3 * 24 + 7], hours[3 * 24 + 8] = 271_299, 298_778
    prices = np.repeat(hours.astype(np.int64), 4)
    assert found(prices, classes=np.zeros(len(prices), np.int64), days=days) is None


@pytest.mark.parametrize("length", [None, 25, FORTNIGHT_DAYS, FORTNIGHT_DAYS - 1, 3])
def test_every_hour_of_the_real_market_passes(length):
    """In every month, and in every period of so many days."""
    if not REAL.exists():
        pytest.skip(f"{REAL}: the real day-ahead market is not here")
    with REAL.open(encoding="utf-8") as file:
        rows = [(datetime.fromisoformat(at), float(price)) for at, price in csv.reader(file)]
    first, prices = quarter_number(rows[0][0]), np.array([round(100 * price) for _, price in rows])
    assert rows[-1][0] - rows[0][0] == timedelta(minutes=15) * (len(rows) - 1)
    start, end = date(2021, 1, 1), rows[-1][0].astimezone(UTC).date()
    seen = 0
    while True:
        until = next_month(start) if length is None else start + timedelta(days=length)
        if until > end:
            break
        span = prices[quarter_range(start)[0] - first : quarter_range(until)[0] - first]
        out = found(span, classes=np.zeros(len(span), np.int64), days=days_between(start, until))
        assert out is None, out
        start = until if length is None else start + timedelta(days=1)
        seen += 1
    assert seen >= 59
