"""Reads releases: lists them, recomputes them bit for bit, and makes rows for export."""

from collections.abc import Iterator
from datetime import date

import msgspec

from cloud.release.closing import figure_codes, read_document
from cloud.release.composing import compose_again
from cloud.release.parents import children_of, parent_of, sum_of
from cloud.store.area import AreaStore, Figure, FigureStage
from protocol.calendar import day_number, day_of_number, quarter_hour_start
from protocol.errors import DocumentRefused, VoletError
from protocol.governance import read_cosigned
from protocol.measures import Measures
from protocol.release import (
    CurveRelease,
    CurveSum,
    Release,
    TableRelease,
    decode,
    encode,
)
from protocol.roster import Roster


class Period(msgspec.Struct, frozen=True):
    """The days [start, end)."""

    start: date
    end: date


class FigureLine(msgspec.Struct, frozen=True):
    """One figure in a list; `left_out` counts households by reason, `late` late contributions."""

    measure: str
    code: str
    day: str
    stage: str
    left_out: dict[str, int]
    late: int
    detail: str


class ExportRow(msgspec.Struct, frozen=True):
    """One value in an export; `error` is the half-width of the 90 % band, or the standard error."""

    measure: str
    code: str
    day: str
    name: str
    unit: str
    value: float
    error: float
    raw: float | None
    households: int
    coverage: float
    is_witnessed: bool
    revision: int


def codes(store: AreaStore) -> list[tuple[str, str]]:
    """Return (measure, code) of all figures of all documents."""
    pairs = set()
    for cosigned in store.cosigned_documents(Measures.__name__):
        pairs.update(figure_codes(read_cosigned(cosigned, Measures)))
    return sorted(pairs)


def all_figures(
    store: AreaStore, period: Period, stage: FigureStage | None = None
) -> Iterator[Figure]:
    """Yield the figures of a period by measure, code and day."""
    for measure, code in codes(store):
        yield from figures_of(store, measure, code, period, stage)


def figures_of(
    store: AreaStore, measure: str, code: str, period: Period, stage: FigureStage | None = None
) -> tuple[Figure, ...]:
    """Return the figures of one measure and code."""
    start, end = day_number(period.start), day_number(period.end)
    return store.figures(measure, code, start, end, stage)


def releases_of(store: AreaStore, measure: str, code: str, period: Period) -> list[Release]:
    """Return what was released for one measure and code.

    Raises:
        DocumentRefused: no document has such a figure; the message names some that exist.
    """
    known = codes(store)
    if (measure, code) not in known:
        some = ", ".join(sorted({known_code for name, known_code in known if name == measure})[:5])
        raise DocumentRefused(
            f"There is no figure {measure} of {code}"
            + (f"; there are {some} and so on." if some else "; no document measures it.")
        )
    figures = figures_of(store, measure, code, period, FigureStage.RELEASED)
    return [decode(figure.release) for figure in figures]


def line_of(figure: Figure) -> FigureLine:
    """Return a figure as a line of a list."""
    left_out: dict[str, int] = {}
    for _, reason in figure.left_out:
        left_out[str(reason)] = left_out.get(str(reason), 0) + 1
    key = figure.key
    day = str(day_of_number(key.day))
    return FigureLine(
        key.measure, key.group, day, str(figure.stage), left_out, figure.late, figure.detail
    )


def differs(store: AreaStore, roster: Roster, figure: Figure) -> str:
    """Recompute a release; return a sentence unless it is the same bit for bit."""
    try:
        again = encode(_again(store, roster, figure))
    except VoletError as exc:
        return str(exc)
    return "" if again == figure.release else "worked out again it is another."


def rows_of(release: Release) -> Iterator[ExportRow]:
    """Yield a release as rows."""
    terms = release.terms if isinstance(release, CurveRelease | TableRelease) else release
    terms_of_row = (terms.households, terms.coverage, terms.is_witnessed)
    head = (release.measure, release.code, release.day)
    if isinstance(release, CurveRelease | CurveSum):
        day = date.fromisoformat(release.day)
        for j, (value, band, raw) in enumerate(
            zip(release.quarter_hours, release.band_90, release.raw, strict=True)
        ):
            name = quarter_hour_start(day, j).isoformat()
            yield ExportRow(
                *head, name, release.unit, value, band, raw, *terms_of_row, release.revision
            )
        return
    for item in release.values:
        yield ExportRow(
            *head,
            item.name,
            item.unit,
            item.value,
            item.standard_error,
            None,
            *terms_of_row,
            release.revision,
        )


def roster_of(store: AreaStore) -> Roster:
    """Return the roster; empty if there is no measures document yet."""
    cosigned_documents = store.cosigned_documents(Measures.__name__)
    if not cosigned_documents:
        return Roster(bytes(32))
    roster = Roster(read_document(store, cosigned_documents[-1].hash)[1].registrar_key)
    roster.load(store.roster())
    return roster


def _again(store: AreaStore, roster: Roster, figure: Figure) -> Release:
    document, _ = read_document(store, figure.key.measures)
    parent = parent_of(document, figure.key)
    if parent is None:
        return compose_again(store, roster, figure)
    children = [child for child in children_of(store, parent, figure.key) if child is not None]
    if len(children) < len(parent.children):
        raise DocumentRefused(f"A part of {parent.code} is not in the store.")
    return sum_of(parent, figure.key.day, [decode(child.release) for child in children])
