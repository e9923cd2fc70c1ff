"""Drafts measures from a list of groups: noise, thresholds, transforms, weights, grid."""

import csv
import hashlib
import io
import math
from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec

from cloud.estimation.derive import released_sigma
from protocol.errors import DocumentRefused
from protocol.json_text import read_json
from protocol.measures import (
    GRID_BITS_MAX,
    GRID_BITS_MIN,
    GROUP_MIN,
    PRICE_CLASSES,
    PROFILE_CLASSES,
    Group,
    Measure,
    MeasureKind,
    Measures,
    Shares,
    check_measures,
)
from protocol.packed import Count
from protocol.privacy import gaussian_sigma, share_std
from protocol.transform import Transform, read_transform

DELTA = 1e-6
GAMMA = 0.1
CROWD_TENTHS = 7
# A transform serves areas up to this many times larger or smaller than the one it was made for.
_SIZE_RATIO = 2.0
# Grid units in a share's standard deviation, so that rounding is negligible beside the noise.
_SHARE_UNITS = 64.0
# A day of 25 kWh and 6 € has norm 0.8; two adults and two children with 20 kWh have 0.94.
_ENERGY_DAY_WH = 40_000.0
_COST_DAY_CENT = 1_200.0
_COUNT_WEIGHT = 0.2
_PROFILE_ENERGY_WH = 50_000.0

WEIGHTS = {
    MeasureKind.CURVE: (),
    MeasureKind.CLASSES: (
        *(1 / _ENERGY_DAY_WH,) * PRICE_CLASSES,
        1 / _COST_DAY_CENT,
        1 / _ENERGY_DAY_WH,
    ),
    MeasureKind.PROFILE: (
        *(_COUNT_WEIGHT,) * PROFILE_CLASSES,
        *(1 / _PROFILE_ENERGY_WH,) * PROFILE_CLASSES,
    ),
}


class PlannedMeasure(StrEnum):
    """The measures that a city may list, by name.

    curve-town: a curve of the whole town beside those of its cells. The same homes give it a tenth
    of the curves' budget; it is clipped less, and says what the cells have in common.
    """

    CURVE = "curve"
    CURVE_TOWN = "curve-town"
    CLASSES = "classes"
    PROFILE = "profile"

    @property
    def kind(self) -> MeasureKind:
        """The meaning of its slots."""
        return MeasureKind(self.partition("-")[0])


SHARES = {
    PlannedMeasure.CURVE: 0.7,
    PlannedMeasure.CLASSES: 0.15,
    PlannedMeasure.PROFILE: 0.15,
}
# What a town's curve takes of the share of the curves.
_TOWN_SHARE = 0.1


class PlannedGroup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A group as a city lists it; `roster` is its number of households."""

    measure: PlannedMeasure
    code: str
    areas: tuple[str, ...]
    roster: Count
    provider: str = ""


class PlanTerms(msgspec.Struct, frozen=True):
    """The terms of all groups; see protocol.measures.Measures.

    `minimum` is the smallest set of households that is ever opened, whatever the crowd.
    """

    collectivity: str
    trustees: bytes
    effective: int
    end: int
    version: int = 1
    previous: bytes | None = None
    epsilon: float = 2.0
    delta: float = DELTA
    gamma: float = GAMMA
    days_a_week: int = 2
    profile_days_a_year: int = 4
    deadline_h: int = 48
    minimum: int = GROUP_MIN


def crowd_of(roster: int) -> int:
    """Return the crowd, the number of a group's households for which its noise is sized."""
    return roster * CROWD_TENTHS // 10


def planned_sigma(
    homes: int, epsilon: float, share: float = 1.0, delta: float = DELTA, gamma: float = GAMMA
) -> float:
    """Return the noise of a sum over all `homes` of such a group, in clip radii."""
    sigma = gaussian_sigma(epsilon, delta) / math.sqrt(share)
    return released_sigma(share_std(sigma, crowd_of(homes), gamma), homes)


def shares_of(names: Sequence[PlannedMeasure]) -> dict[PlannedMeasure, Shares]:
    """Return each measure's parts of the budget; those of each kind of day add up to 1."""
    parts = {name: SHARES[name] for name in names if name in SHARES}
    if PlannedMeasure.CURVE_TOWN in names:
        curves = SHARES[PlannedMeasure.CURVE]
        parts[PlannedMeasure.CURVE_TOWN] = _TOWN_SHARE * curves
        if PlannedMeasure.CURVE in parts:
            parts[PlannedMeasure.CURVE] = (1 - _TOWN_SHARE) * curves
    plain = {name: part for name, part in parts.items() if name is not PlannedMeasure.PROFILE}
    totals = sum(plain.values()), sum(parts.values())
    return {
        name: Shares(part / totals[0] if name in plain else 0.0, part / totals[1])
        for name, part in parts.items()
    }


def draw_up_measures(
    terms: PlanTerms, groups: Sequence[PlannedGroup], transforms: Sequence[bytes]
) -> Measures:
    """Make the document with the listed measures, in their usual order; `transforms` are encoded.

    Raises:
        DocumentRefused: a rule of measures is broken, or no transform fits a curve's size.
    """
    known = {hashlib.sha256(data).digest(): read_transform(data) for data in transforms}
    names = [name for name in PlannedMeasure if any(group.measure is name for group in groups)]
    shares = shares_of(names)
    measures = tuple(
        Measure(
            name=name.value,
            kind=name.kind,
            shares=shares[name],
            groups=tuple(
                _group(group, terms.minimum, known) for group in groups if group.measure is name
            ),
            weights=WEIGHTS[name.kind],
        )
        for name in names
    )
    document = Measures(
        collectivity=terms.collectivity,
        version=terms.version,
        trustees=terms.trustees,
        previous=terms.previous,
        effective=terms.effective,
        end=terms.end,
        epsilon=terms.epsilon,
        delta=terms.delta,
        gamma=terms.gamma,
        grid_bits=GRID_BITS_MAX,
        days_a_week=terms.days_a_week,
        profile_days_a_year=terms.profile_days_a_year,
        deadline_h=terms.deadline_h,
        measures=measures,
    )
    check_measures(document)
    document = msgspec.structs.replace(document, grid_bits=_grid_bits(document))
    check_measures(document)
    return document


def read_groups(data: bytes, name: str) -> tuple[PlannedGroup, ...]:
    """Read groups from JSON (a list), or from CSV with a header and areas separated by blanks.

    Raises:
        DocumentRefused: says what cannot be read.
    """
    try:
        if data.lstrip()[:1] == b"[":
            return read_json(data, tuple[PlannedGroup, ...])
        rows = [
            {**row, "areas": (row.get("areas") or "").split()}
            for row in csv.DictReader(io.StringIO(data.decode("utf-8-sig")))
        ]
        return msgspec.convert(rows, tuple[PlannedGroup, ...], strict=False)
    except (msgspec.MsgspecError, UnicodeDecodeError, csv.Error, TypeError) as exc:
        raise DocumentRefused(
            f"{name} is no list of groups: {exc}. A group has measure, code, areas, roster and, "
            "if it is one provider's, provider."
        ) from exc


def _group(planned: PlannedGroup, minimum: int, known: Mapping[bytes, Transform]) -> Group:
    crowd = crowd_of(planned.roster)
    transform = None
    slots = len(WEIGHTS[planned.measure.kind])
    if planned.measure.kind is MeasureKind.CURVE:
        transform = _nearest(planned, known)
        slots = known[transform].rows
    if crowd < 1:
        raise DocumentRefused(f"{planned.code}: {planned.roster} households are no group.")
    group = Group(
        planned.code,
        planned.areas,
        planned.roster,
        crowd,
        max(crowd, minimum),
        slots,
        transform,
        planned.provider,
    )
    try:
        return msgspec.convert(msgspec.to_builtins(group), Group)
    except msgspec.ValidationError as exc:
        raise DocumentRefused(f"{planned.code}: {exc}.") from exc


def _nearest(planned: PlannedGroup, known: Mapping[bytes, Transform]) -> bytes:
    """Return the hash of the transform whose size has the nearest ratio."""

    def ratio(key: bytes) -> float:
        return abs(math.log(known[key].homes / max(planned.roster, 1)))

    best = min(sorted(known), key=ratio, default=None)
    if best is None or ratio(best) > math.log(_SIZE_RATIO):
        sizes = ", ".join(str(size) for size in sorted(t.homes for t in known.values()))
        raise DocumentRefused(
            f"{planned.code}: there is no transform for {planned.roster} households "
            f"(there are for {sizes or 'none'}); `volet cloud measures derive` makes one."
        )
    return best


def _grid_bits(document: Measures) -> int:
    """Return the fewest bits at which rounding is negligible."""
    least = min(
        document.noise_units(max(measure.shares.plain, measure.shares.profile), group)
        / document.grid
        for measure in document.measures
        for group in measure.groups
    )
    return min(GRID_BITS_MAX, max(GRID_BITS_MIN, math.ceil(math.log2(_SHARE_UNITS / least))))
