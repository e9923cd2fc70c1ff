"""A household's month on the wire: every kind of message is counted, and the sum keeps its bound."""

import math

import pytest

from benchmarks import wire
from protocol.topics import Kind, PublicKind


@pytest.fixture(scope="module")
def rows():
    return {row.name: row for row in wire.run(1)}


def test_every_kind_of_the_protocol_has_a_line_and_a_size(rows):
    assert set(wire.LINES) == {*Kind, *PublicKind}
    for kind, line in wire.LINES.items():
        row = rows[f"{line.lane}: {kind}, a month"]
        assert math.isfinite(row.value)
        assert (row.value > 0) == (line.a_year > 0)


def test_both_lanes_keep_their_bound(rows):
    both = rows["both lanes, a month"]
    assert both.bound is not None
    assert both.value < both.bound.value == 64_000
    lanes = [row.value for name, row in rows.items() if name.startswith(("billing: ", "area: "))]
    assert sum(lanes) == pytest.approx(both.value)


def test_terms_asked_for_each_day_would_break_the_bound(monkeypatch):
    daily = wire.Line(wire.Lane.AREA, 365, "each day")
    asked = dict.fromkeys((Kind.ASK, Kind.TERMS), daily)
    monkeypatch.setattr(wire, "LINES", {**wire.LINES, **asked})
    assert not next(row for row in wire.run(1) if row.name == "both lanes, a month").is_kept
