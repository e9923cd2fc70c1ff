"""A curve that the chip writes in Enedis' layouts reads back exactly, over both changes of the clock."""

import json
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edge.household.enedis import csv_lines, json_parts
from edge.household.shown import Quarter
from edge.simulate.curve_files import load_curve
from protocol.calendar import (
    PARIS,
    QUARTER_HOUR,
    days_between,
    quarter_hour_start,
    quarter_hours,
)
from protocol.errors import FrameError

BACK, FORWARD, NEW_YEAR = date(2026, 10, 25), date(2027, 3, 28), date(2026, 12, 31)
STEP_S = 900
QUARTERS_PER_HOUR = 4


@st.composite
def runs(draw):
    """Draw whole days with quarter-hours that are known, estimated or not known."""
    middle = draw(st.sampled_from([BACK, FORWARD, NEW_YEAR, date(2026, 7, 14)]))
    first = middle - timedelta(days=draw(st.integers(0, 2)))
    days = days_between(first, first + timedelta(days=draw(st.integers(1, 4))))
    starts = [quarter_hour_start(day, j) for day in days for j in range(quarter_hours(day))]
    known = draw(st.lists(st.none() | st.integers(0, 9_000), min_size=1, max_size=12))
    shift = draw(st.integers(0, 99))
    values = [known[(at + shift) % len(known)] for at in range(len(starts))]
    # A spell without values, which may hide part of the hour that comes twice.
    begin, length = draw(st.integers(0, len(starts))), draw(st.integers(0, len(starts)))
    values[begin : begin + length] = [None] * len(values[begin : begin + length])
    return [
        Quarter(start, wh, is_estimated=wh is not None and draw(st.booleans()) if at < 9 else False)
        for at, (start, wh) in enumerate(zip(starts, values, strict=True))
    ]


def known_of(quarters):
    return [each for each in quarters if each.energy_wh is not None]


def expected(quarters):
    """Return first instant and energies, from the first to the last that is known."""
    known = known_of(quarters)
    within = [each for each in quarters if known[0].start <= each.start <= known[-1].start]
    return int(known[0].start.timestamp()), [each.energy_wh or 0 for each in within]


def is_hour_unclear(quarters):
    """Return whether times of the hour that comes twice are there, and only ascend."""
    ends = [(each.start + QUARTER_HOUR).astimezone(PARIS) for each in known_of(quarters)]
    walls = [
        at.replace(tzinfo=None)
        for at in ends
        if at.replace(fold=0).utcoffset() > at.replace(fold=1).utcoffset()
    ]
    return bool(walls) and all(before < after for before, after in pairwise(walls))


def read_back(path):
    curve = load_curve(path)
    assert curve.step_s == STEP_S
    return curve.start_s, [watts // QUARTERS_PER_HOUR for watts in curve.power_w.tolist()]


def days_of(quarters):
    return [each.start.astimezone(PARIS).date() for each in (quarters[0], quarters[-1])]


@example([Quarter(quarter_hour_start(BACK, j), j) for j in range(100)])
@given(runs())
def test_a_csv_reads_back_exactly(tmp_path_factory, quarters):
    path = tmp_path_factory.mktemp("curve") / "curve.csv"
    path.write_text("".join(csv_lines(quarters)))
    if not known_of(quarters):
        with pytest.raises(FrameError, match="one measurement at least"):
            load_curve(path)
        return
    assert read_back(path) == expected(quarters)


@example([Quarter(quarter_hour_start(BACK, j), j) for j in range(100)])
@example([Quarter(quarter_hour_start(BACK, j), j if j < 12 else None) for j in range(100)])
@example([Quarter(quarter_hour_start(BACK, j), None if 6 < j < 15 else j) for j in range(100)])
@given(runs())
def test_a_json_reads_back_exactly_or_is_refused(tmp_path_factory, quarters):
    """It is refused where the repeated hour is there in part, so that nobody can tell which part."""
    path = tmp_path_factory.mktemp("curve") / "curve.json"
    path.write_text("".join(json_parts(*days_of(quarters), quarters)))
    if not known_of(quarters):
        with pytest.raises(FrameError, match="no load curve"):
            load_curve(path)
    elif is_hour_unclear(quarters):
        with pytest.raises(FrameError, match=r"reading \d+: .* comes twice"):
            load_curve(path)
    else:
        assert read_back(path) == expected(quarters)


def test_the_json_is_as_data_connect_lays_it_out():
    quarters = [
        Quarter(quarter_hour_start(NEW_YEAR, 94), 135),
        Quarter(quarter_hour_start(NEW_YEAR, 95), 0, is_estimated=True),
        Quarter(quarter_hour_start(NEW_YEAR + timedelta(days=1), 0)),
    ]
    reading = json.loads("".join(json_parts(NEW_YEAR, NEW_YEAR, quarters)))["meter_reading"]
    assert (reading["start"], reading["end"]) == ("2026-12-31", "2027-01-01")
    assert reading["usage_point_id"] == ""
    assert reading["reading_type"] == {
        "unit": "W",
        "measurement_kind": "power",
        "aggregate": "average",
    }
    assert reading["interval_reading"] == [
        {"value": "540", "date": "2026-12-31 23:45:00", "interval_length": "PT15M"}
        | {"measure_type": "B"},
        {"value": "0", "date": "2027-01-01 00:00:00", "interval_length": "PT15M"}
        | {"measure_type": "C"},
    ]
