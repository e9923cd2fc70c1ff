"""Composes a release from a figure's opened slots; it depends only on what is stored."""

import hashlib
import math
import struct
from collections import OrderedDict
from collections.abc import Sequence
from datetime import date
from functools import lru_cache

import numpy as np

from cloud.estimation.filter import Estimate, Filter, Observation
from cloud.estimation.model import ReleaseModel, read_model
from cloud.release.closing import FigureBasis, basis_of
from cloud.release.opening import asked
from cloud.store.area import AreaStore, Figure, FigureStage
from protocol.calendar import day_number, day_of_number
from protocol.errors import DocumentRefused
from protocol.measures import PRICE_CLASSES, MeasureKind
from protocol.privacy import share_std
from protocol.release import (
    FIRST_REVISION,
    CurveRelease,
    FigureTerms,
    Release,
    TableRelease,
    Value,
    decode,
)
from protocol.roster import Roster
from protocol.socio import AGE_BANDS, EMPLOYED, SIZES
from protocol.transform import Curve, Transform, from_clock, read_transform
from protocol.trustee_messages import SetRequest

# The filter uses between this many and twice as many earlier counted days. Older days have no
# weight any more, and its start rarely moves, so that a cached filter can usually continue.
HISTORY_DAYS = 60
_A_YEAR = 366
# Digits after the decimal point; further ones hold only rounding errors.
_DIGITS = 3
_COVERAGE_DIGITS = 6

CLASSES_NAMES = (
    *((f"class-{number}", "Wh") for number in range(PRICE_CLASSES)),
    ("cost", "cent"),
    ("injected", "Wh"),
)
_PROFILE_CLASSES = (
    *(f"size {size}" for size in SIZES),
    *(f"age {age}" for age in AGE_BANDS),
    *(f"employed {number}" for number in EMPLOYED),
)
PROFILE_NAMES = (
    *((name, "persons" if name.startswith("age") else "households") for name in _PROFILE_CLASSES),
    *((f"energy, {name}", "Wh") for name in _PROFILE_CLASSES),
)


def compose(
    store: AreaStore,
    basis: FigureBasis,
    roster: Roster,
    figure: Figure,
    days: Sequence[int] | None = None,
) -> Release:
    """Compose a figure's release from its opened slots.

    `days` are the earlier days that the filter uses; by default the released ones, see `history`.

    Raises:
        DocumentRefused: the transform, the model or one of these days is not in the store.
    """
    terms = _terms(basis, roster, figure)
    if basis.measure.kind is MeasureKind.CURVE:
        return _curve(store, basis, figure, terms, days)
    return _table(basis, figure, terms)


def compose_again(store: AreaStore, roster: Roster, figure: Figure) -> Release:
    """Compose a stored release again from the same days. Raises as `compose` does."""
    basis = basis_of(store, figure.key)
    before = decode(figure.release)
    days = None
    if isinstance(before, CurveRelease):
        days = [day_number(date.fromisoformat(day)) for day in before.filtered_days]
    return compose(store, basis, roster, figure, days)


def codes(basis: FigureBasis, figure: Figure) -> Curve:
    """Return a figure's opened slots in clip radii, float64[slots]."""
    return np.frombuffer(figure.opened, "<i8") / float(basis.document.grid)


def share_radii(basis: FigureBasis) -> float:
    """Return the standard deviation of one household's noise in a slot, in clip radii."""
    sigma = basis.document.sigma_of(basis.share)
    return share_std(sigma, basis.group.crowd, basis.document.gamma)


def _terms(basis: FigureBasis, roster: Roster, figure: Figure) -> FigureTerms:
    request = asked(figure)
    households = len(request.entries)
    members, coverage = _coverage(basis, roster, request)
    return FigureTerms(
        households=households,
        roster=members,
        coverage=coverage,
        epsilon=basis.document.epsilon,
        delta=basis.document.delta,
        share=basis.share,
        crowd=basis.group.crowd,
        gamma=basis.document.gamma,
        measures=basis.key.measures.hex(),
        set=request.id.hex(),
        is_witnessed=figure.is_witnessed,
    )


def _coverage(basis: FigureBasis, roster: Roster, request: SetRequest) -> tuple[int, float]:
    """Return how many were in the group on the day, and which share of them is in the set."""
    members = sum(
        basis.group.holds(membership.entry.cell or "", membership.entry.provider)
        for membership in roster.memberships(basis.key.day, request.length)
    )
    return members, round(len(request.entries) / members, _COVERAGE_DIGITS)


def _table(basis: FigureBasis, figure: Figure, terms: FigureTerms) -> TableRelease:
    kind = basis.measure.kind
    names = CLASSES_NAMES if kind is MeasureKind.CLASSES else PROFILE_NAMES
    noise = share_radii(basis) * math.sqrt(terms.households)
    values = tuple(
        Value(name, unit, round(float(code) / weight, _DIGITS), round(noise / weight, _DIGITS))
        for (name, unit), code, weight in zip(
            names, codes(basis, figure), basis.measure.weights, strict=True
        )
    )
    day = str(day_of_number(basis.key.day))
    return TableRelease(basis.measure.name, basis.group.code, day, FIRST_REVISION, values, terms)


def _curve(
    store: AreaStore,
    basis: FigureBasis,
    figure: Figure,
    terms: FigureTerms,
    days: Sequence[int] | None,
) -> CurveRelease:
    transform, model = _constants(store, basis)
    earlier = history(store, basis, days)
    observations = [
        Observation(
            day_of_number(observed.key.day),
            codes(basis, observed),
            len(asked(observed).entries),
            share_radii(basis_of(store, observed.key)),
        )
        for observed in (*earlier, figure)
    ]
    estimate = _filtered(transform.model, model, observations)
    day = estimate.day
    return CurveRelease(
        measure=basis.measure.name,
        code=basis.group.code,
        day=str(day),
        revision=FIRST_REVISION,
        unit="Wh",
        quarter_hours=_rounded(from_clock(estimate.curve_wh, day)),
        band_90=_rounded(from_clock(estimate.band_wh, day)),
        raw=_rounded(from_clock(estimate.raw_wh, day)),
        terms=terms,
        transform=(basis.group.transform or b"").hex(),
        model=transform.model.hex(),
        filtered_days=tuple(str(day_of_number(released.key.day)) for released in earlier),
    )


def history(store: AreaStore, basis: FigureBasis, days: Sequence[int] | None) -> list[Figure]:
    """Return the figures of earlier days that one filter can process before this one.

    Raises:
        DocumentRefused: one of `days` is not released.
    """
    key = basis.key
    by_day = {}
    for figure in store.figures(
        key.measure, key.group, max(0, key.day - _A_YEAR), key.day, FigureStage.RELEASED
    ):
        if figure.key.measures == key.measures or _is_alike(store, basis, figure):
            by_day[figure.key.day] = figure
    if days is None:
        begin = max(0, len(by_day) // HISTORY_DAYS - 1) * HISTORY_DAYS
        return [by_day[day] for day in sorted(by_day)[begin:]]
    missing = sorted(set(days) - set(by_day))
    if missing:
        raise DocumentRefused(
            f"{key.measure} of {key.group} on {day_of_number(missing[0])} went into this release "
            "and is not in the store."
        )
    return [by_day[day] for day in sorted(days)]


def _is_alike(store: AreaStore, basis: FigureBasis, figure: Figure) -> bool:
    """Return whether a figure of another document has the same transform and grid.

    Its noise may differ: the filter takes each day with its own.
    """
    other = basis_of(store, figure.key)
    return (
        other.group.transform == basis.group.transform
        and other.document.grid_bits == basis.document.grid_bits
    )


def _constants(store: AreaStore, basis: FigureBasis) -> tuple[Transform, ReleaseModel]:
    transform_hash = basis.group.transform
    data = None if transform_hash is None else store.blob(transform_hash)
    if data is None:
        raise DocumentRefused(
            f"The transform of {basis.group.code} is not in the store; `volet cloud measures` "
            "puts it there."
        )
    transform = read_transform(data)
    model = store.blob(transform.model)
    if model is None:
        raise DocumentRefused(
            f"The release model of {basis.group.code} is not in the store; `volet cloud measures` "
            "puts it there."
        )
    return transform, _read_model(model)


def _filtered(name: bytes, model: ReleaseModel, observations: Sequence[Observation]) -> Estimate:
    """Return the last day's estimate, continuing a cached filter over the same earlier days.

    Both ways do the same operations in the same order, and so return the same bytes.
    """
    *before, last = observations
    known = _Filters.key(name, before)
    kalman = _FILTERS.take(known)
    if kalman is None:
        kalman = Filter(model)
        for observation in before:
            kalman.step(observation)
    estimate = kalman.step(last)
    _FILTERS.keep(_Filters.key(name, observations), kalman)
    return estimate


class _Filters:
    """Filters in their state after a last day; only the most recently used are kept."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._filters: OrderedDict[bytes, Filter] = OrderedDict()

    @staticmethod
    def key(name: bytes, observations: Sequence[Observation]) -> bytes:
        """Return a hash of everything that a filter has processed."""
        digest = hashlib.sha256(name)
        for observation in observations:
            day, share_std = day_number(observation.day), observation.share_std
            digest.update(struct.pack("<qqd", day, observation.households, share_std))
            digest.update(observation.code_sum.tobytes())
        return digest.digest()

    def take(self, key: bytes) -> Filter | None:
        """Remove and return a filter, because its next step changes it."""
        return self._filters.pop(key, None)

    def keep(self, key: bytes, kalman: Filter) -> None:
        """Keep a filter."""
        self._filters[key] = kalman
        while len(self._filters) > self._most:
            self._filters.popitem(last=False)


# A filter takes two megabytes.
_FILTERS = _Filters(64)


@lru_cache(maxsize=64)
def _read_model(data: bytes) -> ReleaseModel:
    return read_model(data)


def _rounded(curve: Curve) -> tuple[float, ...]:
    return tuple(round(float(value), _DIGITS) for value in curve)
