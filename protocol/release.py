"""The published figures of an area: one JSON document per measure, code and day.

Each can be recomputed, bit for bit, from the contents of the store: opened slots, requests,
documents and models. `revision` counts the releases of one figure from 0.
"""

from typing import Annotated

import msgspec

from protocol.errors import DocumentRefused
from protocol.json_text import read_json
from protocol.packed import Count

# A figure may be released again with more days in its filter; the first release stays.
FIRST_REVISION = 0
REVISION_MAX = 100


class FigureTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The conditions under which a figure was produced.

    Attributes:
        households: the number of households in it.
        roster: the number of households in the group on that day.
        coverage: their ratio.
        epsilon, delta: the whole day's maximum cost to a household, at the opening threshold.
        share: the part of that day's budget that this measure uses.
        crowd: the number of households among which the noise is divided.
        gamma: up to this share of the crowd may add no noise.
        measures: hash of the measures document.
        set: hash of the opened request, which names the set of households.
        is_witnessed: two trustees gave each mask, so that one that lies alone cannot have shifted
            the figure; without it a trustee was away for a week, or the shape is 2 of 2.
    """

    households: Count
    roster: Count
    coverage: float
    epsilon: float
    delta: float
    share: float
    crowd: Count
    gamma: float
    measures: str
    set: str
    is_witnessed: bool


class _Release(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind"):
    measure: str
    code: str
    day: str
    revision: Annotated[int, msgspec.Meta(ge=FIRST_REVISION, le=REVISION_MAX)]


class CurveRelease(_Release, frozen=True, tag="curve"):
    """A day's load curve of a group.

    Attributes:
        unit: unit of all three curves, which have a value per quarter-hour (92, 96 or 100).
        quarter_hours: the best estimate, filtered by the model with earlier days.
        band_90: half-width of the band around it that contains the true value 90 times in 100.
        raw: the curve from this day's sum alone.
        transform, model: hashes of the transform that coded it and the model that filtered it.
        filtered_days: the earlier days whose sums went into it.
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
    """One opened figure of a table, with the standard deviation of its noise."""

    name: str
    unit: str
    value: float
    standard_error: float


class TableRelease(_Release, frozen=True, tag="table"):
    """A day's classes or profile of a group: unfiltered, and unbiased except for clipping."""

    values: tuple[Value, ...]
    terms: FigureTerms


class CurveSum(_Release, frozen=True, tag="curve-sum"):
    """The curve of a parent: the sum of released curves. `children` are (code, set).

    `is_witnessed`: all of them are.
    """

    unit: str
    quarter_hours: tuple[float, ...]
    band_90: tuple[float, ...]
    raw: tuple[float, ...]
    households: Count
    roster: Count
    coverage: float
    is_witnessed: bool
    children: tuple[tuple[str, str], ...]


class TableSum(_Release, frozen=True, tag="table-sum"):
    """The table of a parent: the sum of released tables. `children` are (code, set).

    `is_witnessed`: all of them are.
    """

    values: tuple[Value, ...]
    households: Count
    roster: Count
    coverage: float
    is_witnessed: bool
    children: tuple[tuple[str, str], ...]


Release = CurveRelease | TableRelease | CurveSum | TableSum


def encode(release: Release) -> bytes:
    """Encode a release as the bytes to publish."""
    return msgspec.json.encode(release)


def decode(data: bytes) -> Release:
    """Decode the output of `encode`.

    Raises:
        DocumentRefused: it is none.
    """
    try:
        release: Release = read_json(data, Release)  # type: ignore[arg-type]  # a union
    except msgspec.MsgspecError as exc:
        raise DocumentRefused("These bytes are no released figure.") from exc
    return release
