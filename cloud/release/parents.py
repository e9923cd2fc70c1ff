"""Figures that are sums of released ones: a département of its cells, a region of its départements.

They cost no privacy. A parent is released once all its children are. If a child is discarded, so is
the parent, because a sum without it would be misleading.
"""

import math
from collections.abc import Sequence
from datetime import datetime

from cloud.store.area import AreaStore, Figure, FigureKey, FigureStage
from protocol.calendar import day_of_number
from protocol.governance import read_cosigned
from protocol.measures import Measures, Parent
from protocol.release import (
    CurveRelease,
    CurveSum,
    Release,
    TableRelease,
    TableSum,
    Value,
    decode,
    encode,
)

_DIGITS = 3
_COVERAGE_DIGITS = 6


def release_parents(store: AreaStore, now: datetime) -> list[Figure]:
    """Store and return the parents whose children have all ended since the last call."""
    released: list[Figure] = []
    for cosigned in store.cosigned_documents(Measures.__name__):
        document = read_cosigned(cosigned, Measures)
        for parent in document.parents:
            for key in _open_days(store, cosigned.hash, parent):
                figure = _parent(store, parent, key, now)
                if figure is not None:
                    store.put_figure(figure)
                    released.append(figure)
    return released


def parent_of(document: Measures, key: FigureKey) -> Parent | None:
    """Return the parent to which a figure belongs, None if it is a group's figure."""
    for parent in document.parents:
        if (parent.measure, parent.code) == (key.measure, key.group):
            return parent
    return None


def sum_of(parent: Parent, day: int, children: Sequence[Release]) -> CurveSum | TableSum:
    """Return a parent's release; bands and errors add up as squares."""
    parts = [child for child in children if isinstance(child, CurveRelease | TableRelease)]
    households = sum(part.terms.households for part in parts)
    roster = sum(part.terms.roster for part in parts)
    coverage = round(households / roster, _COVERAGE_DIGITS)
    revision = max(part.revision for part in parts)
    is_witnessed = all(part.terms.is_witnessed for part in parts)
    sets = tuple((part.code, part.terms.set) for part in parts)
    curves = [part for part in parts if isinstance(part, CurveRelease)]
    name, code, text = parent.measure, parent.code, str(day_of_number(day))
    if curves:
        return CurveSum(
            name,
            code,
            text,
            revision,
            unit=curves[0].unit,
            quarter_hours=_sums([curve.quarter_hours for curve in curves]),
            band_90=_norms([curve.band_90 for curve in curves]),
            raw=_sums([curve.raw for curve in curves]),
            households=households,
            roster=roster,
            coverage=coverage,
            is_witnessed=is_witnessed,
            children=sets,
        )
    tables = [part.values for part in parts if isinstance(part, TableRelease)]
    values = tuple(
        Value(
            same[0].name,
            same[0].unit,
            round(math.fsum(value.value for value in same), _DIGITS),
            round(math.hypot(*(value.standard_error for value in same)), _DIGITS),
        )
        for same in zip(*tables, strict=True)
    )
    return TableSum(
        name, code, text, revision, values, households, roster, coverage, is_witnessed, sets
    )


def children_of(store: AreaStore, parent: Parent, key: FigureKey) -> list[Figure | None]:
    """Return a parent's children on its day, None for each that is not closed."""
    return [
        store.figure(FigureKey(key.measures, key.measure, code, key.day))
        for code in parent.children
    ]


def _parent(store: AreaStore, parent: Parent, key: FigureKey, now: datetime) -> Figure | None:
    children = [child for child in children_of(store, parent, key) if child is not None]
    stages = {child.stage for child in children}
    if len(children) < len(parent.children) or stages - {
        FigureStage.RELEASED,
        FigureStage.DISCARDED,
    }:
        return None
    missing = [child.key.group for child in children if child.stage is FigureStage.DISCARDED]
    if missing:
        return Figure(
            key,
            FigureStage.DISCARDED,
            now,
            detail=f"{', '.join(missing)} of {parent.code} was not released.",
        )
    release = sum_of(parent, key.day, [decode(child.release) for child in children])
    return Figure(key, FigureStage.RELEASED, now, release=encode(release))


def _open_days(store: AreaStore, measures: bytes, parent: Parent) -> list[FigureKey]:
    keys = [FigureKey(measures, parent.measure, parent.code, day) for day in store.days(measures)]
    return [key for key in keys if store.figure(key) is None]


def _sums(curves: Sequence[Sequence[float]]) -> tuple[float, ...]:
    return tuple(round(math.fsum(values), _DIGITS) for values in zip(*curves, strict=True))


def _norms(curves: Sequence[Sequence[float]]) -> tuple[float, ...]:
    return tuple(round(math.hypot(*values), _DIGITS) for values in zip(*curves, strict=True))
