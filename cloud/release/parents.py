"""Figures that are sums of released ones: a département of its cells, a region of its départements.

They cost nobody anything. A parent is released when all its children are; if one is discarded, so
is the parent: a sum that lacks a part would say less than it seems to.
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
    """Store and return the parents whose children have all ended since the last time."""
    found: list[Figure] = []
    for cosigned in store.cosigned_documents(Measures.__name__):
        document = read_cosigned(cosigned, Measures)
        for parent in document.parents:
            for key in _open_days(store, cosigned.hash, parent):
                figure = _parent(store, parent, key, now)
                if figure is not None:
                    store.put_figure(figure)
                    found.append(figure)
    return found


def parent_of(document: Measures, key: FigureKey) -> Parent | None:
    """Return the parent that a figure is of, None if it is a group's."""
    for parent in document.parents:
        if (parent.measure, parent.code) == (key.measure, key.group):
            return parent
    return None


def sum_of(parent: Parent, day: int, children: Sequence[Release]) -> CurveSum | TableSum:
    """Return a parent's release; bands and errors add up in squares."""
    parts = [each for each in children if isinstance(each, CurveRelease | TableRelease)]
    households = sum(each.terms.households for each in parts)
    roster = sum(each.terms.roster for each in parts)
    coverage = round(households / roster, _COVERAGE_DIGITS)
    sets = tuple((each.code, each.terms.set) for each in parts)
    curves = [each for each in parts if isinstance(each, CurveRelease)]
    name, code, text = parent.measure, parent.code, str(day_of_number(day))
    if curves:
        return CurveSum(
            name,
            code,
            text,
            unit=curves[0].unit,
            quarter_hours=_sums([each.quarter_hours for each in curves]),
            band_90=_norms([each.band_90 for each in curves]),
            raw=_sums([each.raw for each in curves]),
            households=households,
            roster=roster,
            coverage=coverage,
            children=sets,
        )
    tables = [each.values for each in parts if isinstance(each, TableRelease)]
    values = tuple(
        Value(
            same[0].name,
            same[0].unit,
            round(math.fsum(each.value for each in same), _DIGITS),
            round(math.hypot(*(each.standard_error for each in same)), _DIGITS),
        )
        for same in zip(*tables, strict=True)
    )
    return TableSum(name, code, text, values, households, roster, coverage, sets)


def children_of(store: AreaStore, parent: Parent, key: FigureKey) -> list[Figure | None]:
    """Return the children of a parent on its day, None for one that is not closed."""
    return [
        store.figure(FigureKey(key.measures, key.measure, code, key.day))
        for code in parent.children
    ]


def _parent(store: AreaStore, parent: Parent, key: FigureKey, now: datetime) -> Figure | None:
    children = [each for each in children_of(store, parent, key) if each is not None]
    stages = {each.stage for each in children}
    if len(children) < len(parent.children) or stages - {
        FigureStage.RELEASED,
        FigureStage.DISCARDED,
    }:
        return None
    missing = [each.key.group for each in children if each.stage is FigureStage.DISCARDED]
    if missing:
        return Figure(
            key,
            FigureStage.DISCARDED,
            now,
            detail=f"{', '.join(missing)} of {parent.code} was not released.",
        )
    release = sum_of(parent, key.day, [decode(each.release) for each in children])
    return Figure(key, FigureStage.RELEASED, now, release=encode(release))


def _open_days(store: AreaStore, measures: bytes, parent: Parent) -> list[FigureKey]:
    keys = [FigureKey(measures, parent.measure, parent.code, day) for day in store.days(measures)]
    return [key for key in keys if store.figure(key) is None]


def _sums(curves: Sequence[Sequence[float]]) -> tuple[float, ...]:
    return tuple(round(math.fsum(each), _DIGITS) for each in zip(*curves, strict=True))


def _norms(curves: Sequence[Sequence[float]]) -> tuple[float, ...]:
    return tuple(round(math.hypot(*each), _DIGITS) for each in zip(*curves, strict=True))
