"""What is published of an area: one JSON document for a measure, a code and a day.

All of it can be worked out again, bit for bit, from what the store keeps: opened slots, requests,
documents and models.
"""

import msgspec

from protocol.json_text import read_json


class FigureTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a figure came about.

    Attributes:
        households: how many are in it.
        roster: how many stood in the group on that day.
        coverage: their ratio.
        epsilon, delta: what the whole day cost each household at most, at the opening threshold.
        share: the part of the day's budget that this measure takes.
        crowd: for how many households the noise was cut, of whom `gamma` may add none.
        measures: hash of the document.
        set: hash of the request that was opened, which says whose sum it is.
    """

    households: int
    roster: int
    coverage: float
    epsilon: float
    delta: float
    share: float
    crowd: int
    gamma: float
    measures: str
    set: str


class _Release(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind"):
    measure: str
    code: str
    day: str


class CurveRelease(_Release, frozen=True, tag="curve"):
    """A day's load curve of a group.

    Attributes:
        unit: of all three curves, one value for each quarter-hour of the legal day (92, 96, 100).
        quarter_hours: filtered by the model and the days before: the best guess.
        band_90: half-width about it within which the truth is, 90 times in 100.
        raw: from this day's sum alone.
        transform, model: hashes of what coded it and what filtered it.
        filtered_days: the days before whose sums went into it.
    """

    unit: str
    quarter_hours: tuple[float, ...]
    band_90: tuple[float, ...]
    raw: tuple[float, ...]
    terms: FigureTerms
    transform: str
    model: str
    filtered_days: tuple[str, ...]


class Value(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One figure of a table, as opened, with the standard deviation of its noise."""

    name: str
    unit: str
    value: float
    standard_error: float


class TableRelease(_Release, frozen=True, tag="table"):
    """A day's classes or profile of a group: unbiased but for the clip, not filtered."""

    values: tuple[Value, ...]
    terms: FigureTerms


class CurveSum(_Release, frozen=True, tag="curve-sum"):
    """The curve of a parent: the sum of released ones. `children` are (code, set)."""

    unit: str
    quarter_hours: tuple[float, ...]
    band_90: tuple[float, ...]
    raw: tuple[float, ...]
    households: int
    roster: int
    coverage: float
    children: tuple[tuple[str, str], ...]


class TableSum(_Release, frozen=True, tag="table-sum"):
    """The table of a parent: the sum of released ones. `children` are (code, set)."""

    values: tuple[Value, ...]
    households: int
    roster: int
    coverage: float
    children: tuple[tuple[str, str], ...]


Release = CurveRelease | TableRelease | CurveSum | TableSum


def encode(release: Release) -> bytes:
    """Return the bytes that are published."""
    return msgspec.json.encode(release)


def decode(data: bytes) -> Release:
    """Read what `encode` gave."""
    release: Release = read_json(data, Release)  # type: ignore[arg-type]  # a union
    return release
