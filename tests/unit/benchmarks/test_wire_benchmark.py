"""A household's month on the wire: every kind of message is counted, and the sum keeps its bound."""

import math

import pytest

from benchmarks import wire
from protocol.topics import Kind, PublicKind, TrusteeKind


@pytest.fixture(scope="module")
def rows():
    return {row.name: row for row in wire.run(1)}


def test_every_kind_of_the_protocol_has_a_line_and_a_size(rows):
    assert set(wire.LINES) == {*Kind, *PublicKind, TrusteeKind.SEALING}
    for kind, line in wire.LINES.items():
        row = rows[f"{line.lane}: {kind}, a month"]
        assert math.isfinite(row.value)
        assert (row.value > 0) == (line.a_year > 0)


def test_both_lanes_keep_their_bound(rows):
    both = rows["both lanes, a month"]
    assert both.bound is not None
    assert both.value < both.bound.value == 64_000
    lanes = [
        row.value
        for name, row in rows.items()
        if not name.startswith(("beside: ", "both ", "all "))
    ]
    assert sum(lanes) == pytest.approx(both.value)


def test_key_shares_published_in_each_session_would_break_the_bound(monkeypatch):
    often = wire.Line(wire.Lane.AREA, 24, "each session")
    monkeypatch.setattr(wire, "LINES", {**wire.LINES, Kind.KEY: often})
    assert not next(row for row in wire.run(1) if row.name == "both lanes, a month").is_kept
