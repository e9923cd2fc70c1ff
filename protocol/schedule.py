"""Calendars and market series: signed, dated documents that give quarter-hours a class or a price.

Time is counted in quarter-hours since 1970-01-01 00:00 UTC, so days that begin at 06:00, colours of
days and changes of clocks are data, not code. Documents of one publisher and name follow each other
without overlap, so a tariff can name them before they exist. A request for a quarter-hour that no
document covers raises `ScheduleMissing`.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Annotated, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from protocol.calendar import QUARTER_HOUR, day_end, day_start, legal_day
from protocol.errors import DocumentRefused
from protocol.ids import PublicKey
from protocol.tariff import (
    PRICE_LIMIT_UNITS,
    PRICE_UNIT,
    CalendarLine,
    CurveLine,
    MarketLine,
    Name,
    RegisterCalendar,
    price_units,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
QUARTER_HOURS_LIMIT = 1 << 23  # the year 2209
DOCUMENT_YEARS_MAX = 2
DOCUMENT_QUARTER_HOURS_MAX = DOCUMENT_YEARS_MAX * 366 * 96
CLASSES_MAX = 32

Values = npt.NDArray[np.int64]
QuarterNumber = Annotated[int, msgspec.Meta(ge=0, lt=QUARTER_HOURS_LIMIT)]
Units = Annotated[int, msgspec.Meta(gt=-PRICE_LIMIT_UNITS, lt=PRICE_LIMIT_UNITS)]


class Run(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """From quarter-hour `start` on, class `number` applies (0 is the calendar's first class)."""

    start: QuarterNumber
    number: Annotated[int, msgspec.Meta(ge=0, lt=CLASSES_MAX)]


class Calendar(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The class of each quarter-hour of [runs[0].start, end)."""

    publisher: PublicKey
    name: Name
    classes: tuple[Name, ...]
    runs: tuple[Run, ...]
    end: QuarterNumber
    source: str = ""

    @property
    def start(self) -> int:
        """The first quarter-hour."""
        return self.runs[0].start

    def values(self) -> Values:
        """Return int64[end - start]: the class of each quarter-hour."""
        bounds = [*(run.start for run in self.runs), self.end]
        return np.repeat([run.number for run in self.runs], np.diff(bounds)).astype(np.int64)


class PriceSeries(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Market prices before tax from quarter-hour `start` on, in 0.00001 €/kWh (0.01 €/MWh).

    Each price applies for `step` quarter-hours: 1, or 4 for an hour.
    """

    publisher: PublicKey
    name: Name
    start: QuarterNumber
    step: Literal[1, 4]
    prices: tuple[Units, ...]
    source: str = ""

    @property
    def end(self) -> int:
        """The quarter-hour after the last."""
        return self.start + self.step * len(self.prices)

    def values(self) -> Values:
        """Return int64[end - start]: the price of each quarter-hour, in 0.00001 €/kWh."""
        return np.repeat(np.array(self.prices, np.int64), self.step)


Schedule = Calendar | PriceSeries


class ScheduleMissing(DocumentRefused):
    """No document covers a quarter-hour that a tariff prices; one may come later."""


def quarter_number(at: datetime) -> int:
    """Return the number of the quarter-hour that contains the instant `at`."""
    return (at - _EPOCH) // QUARTER_HOUR


@lru_cache(maxsize=4_096)
def quarter_range(day: date) -> tuple[int, int]:
    """Return the quarter-hours [first, end) of a legal day: 92, 96 or 100 of them."""
    return quarter_number(day_start(day)), quarter_number(day_end(day))


def check_schedule(schedule: Schedule, origin: str) -> None:
    """Check the rules that types cannot express.

    Raises:
        DocumentRefused: names the origin and what is wrong.
    """
    texts = (schedule.name, *(schedule.classes if isinstance(schedule, Calendar) else ()))
    if not all(text.isprintable() for text in texts):
        raise DocumentRefused(f"{origin}: a name holds characters that cannot be printed.")
    if isinstance(schedule, Calendar):
        _check_calendar(schedule, origin)
    elif not schedule.prices:
        raise DocumentRefused(f"{origin}: a series needs at least one price.")
    if not 0 < schedule.end - schedule.start <= DOCUMENT_QUARTER_HOURS_MAX:
        raise DocumentRefused(
            f"{origin}: a document covers at least a quarter-hour and at most "
            f"{DOCUMENT_YEARS_MAX} years."
        )
    if schedule.end >= QUARTER_HOURS_LIMIT:
        raise DocumentRefused(f"{origin}: this lies too far in the future.")


def _check_calendar(calendar: Calendar, origin: str) -> None:
    classes = calendar.classes
    if not 1 <= len(classes) <= CLASSES_MAX or len(set(classes)) != len(classes):
        raise DocumentRefused(f"{origin}: name 1 to {CLASSES_MAX} classes, each once.")
    if not calendar.runs:
        raise DocumentRefused(f"{origin}: a calendar needs at least one run.")
    starts = [run.start for run in calendar.runs]
    if any(later <= earlier for earlier, later in pairwise(starts)):
        raise DocumentRefused(f"{origin}: the runs must stand in order, each instant once.")
    if any(run.number >= len(classes) for run in calendar.runs):
        raise DocumentRefused(f"{origin}: a run names a class that is not there.")


def market_units(series_units: Values, factor: Decimal, eur_per_kwh: Decimal) -> Values:
    """Return factor × series + mark-up, int64[n] in 0.00001 €/kWh, half-up in magnitude.

    Raises:
        DocumentRefused: a price reaches 2^20 units.
    """
    numerator, denominator = factor.as_integer_ratio()
    exact = numerator * series_units + price_units(eur_per_kwh) * denominator
    units: Values = np.sign(exact) * ((2 * np.abs(exact) + denominator) // (2 * denominator))
    if units.size and int(np.abs(units).max()) >= PRICE_LIMIT_UNITS:
        raise DocumentRefused(
            f"A market price reaches {PRICE_LIMIT_UNITS * PRICE_UNIT} €/kWh; it cannot be billed."
        )
    return units


@dataclass(frozen=True, slots=True)
class ScheduleSpan:
    """A document's place in the list; `read` reads it."""

    publisher: bytes
    name: str
    kind: type[Schedule]
    start: int
    end: int
    hash: bytes
    read: Callable[[], Schedule]


class _Piece:
    """A document that is read on first use, and of which the classes and values are kept."""

    def __init__(self, span: ScheduleSpan) -> None:
        self.span = span
        self.hash = span.hash

    @cached_property
    def _contents(self) -> tuple[tuple[str, ...], npt.NDArray[np.int32]]:
        schedule = self.span.read()
        classes = schedule.classes if isinstance(schedule, Calendar) else ()
        return classes, schedule.values().astype(np.int32)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of a calendar; none for a series."""
        return self._contents[0]

    def part(self, quarters: range) -> Values:
        """Return the values of some of the document's quarter-hours."""
        start = self.span.start
        return self._contents[1][quarters.start - start : quarters.stop - start].astype(np.int64)


class Schedules:
    """Documents by publisher and name, queried by day and read when they are needed."""

    def __init__(self, documents: Iterable[Schedule] = ()) -> None:
        """Index checked documents.

        Raises:
            DocumentRefused: two documents of one publisher and name overlap, or differ in kind.
        """
        self._pieces: dict[tuple[bytes, str], list[_Piece]] = {}
        self._index(_span(schedule) for schedule in documents)

    @classmethod
    def listed(cls, spans: Iterable[ScheduleSpan]) -> "Schedules":
        """Index documents by their places in the list. Raises as the constructor."""
        schedules = cls()
        schedules._index(spans)
        return schedules

    def _index(self, spans: Iterable[ScheduleSpan]) -> None:
        for span in spans:
            self._pieces.setdefault((span.publisher, span.name), []).append(_Piece(span))
        for (_, name), pieces in self._pieces.items():
            pieces.sort(key=lambda piece: piece.span.start)
            if len({piece.span.kind for piece in pieces}) > 1:
                raise DocumentRefused(f"{name} is both a calendar and a series.")
            for earlier, later in pairwise(pieces):
                if later.span.start < earlier.span.end:
                    raise DocumentRefused(f"Two documents of {name} overlap.")

    def hashes(self, line: CurveLine, days: Iterable[date]) -> set[bytes]:
        """Return the hashes of the documents that price `line` on `days`."""
        return {piece.hash for day in days for piece, _ in self._cover(line, quarter_range(day))}

    def check(self, line: CurveLine | RegisterCalendar, start: date, end: date) -> None:
        """Check that `line` can be priced on the days [start, end), without laying them out.

        Raises:
            ScheduleMissing: no document covers a quarter-hour.
            DocumentRefused: a price is too high.
        """
        for piece, part in self._cover(line, (quarter_range(start)[0], quarter_range(end)[0])):
            if isinstance(line, MarketLine):
                values = piece.part(part)
                extremes = np.array([values.min(), values.max()])
                market_units(extremes, line.factor, line.eur_per_kwh)

    def members(self, line: CalendarLine, day: date) -> npt.NDArray[np.bool_]:
        """Return for each quarter-hour of a legal day, bool[92…100], whether `line` prices it.

        Raises:
            ScheduleMissing: no document covers one of them.
        """
        first, end = quarter_range(day)
        is_member = np.zeros(end - first, np.bool_)
        for piece, part in self._cover(line, (first, end)):
            wanted = [n for n, name in enumerate(piece.classes) if name in line.classes]
            is_member[part.start - first : part.stop - first] = np.isin(piece.part(part), wanted)
        return is_member

    def prices(self, line: MarketLine, day: date) -> Values:
        """Return the price of each quarter-hour of a legal day, int64[92…100], 0.00001 €/kWh.

        Raises:
            ScheduleMissing: no document covers one of them.
            DocumentRefused: a price is too high.
        """
        first, end = quarter_range(day)
        units = np.zeros(end - first, np.int64)
        for piece, part in self._cover(line, (first, end)):
            units[part.start - first : part.stop - first] = piece.part(part)
        return market_units(units, line.factor, line.eur_per_kwh)

    def registers(self, calendar: RegisterCalendar, day: date) -> Values:
        """Return the register that counts each quarter-hour of a legal day, int64[92…100], from 1.

        Raises:
            ScheduleMissing: no document covers one of them.
        """
        first, end = quarter_range(day)
        registers = np.zeros(end - first, np.int64)
        for piece, part in self._cover(calendar, (first, end)):
            registers[part.start - first : part.stop - first] = piece.part(part) + 1
        return registers

    def _cover(
        self, line: CurveLine | RegisterCalendar, quarters: tuple[int, int]
    ) -> list[tuple[_Piece, range]]:
        publisher, name, wanted = _named(line)
        covering, (at, end) = [], quarters
        for piece in self._pieces.get((publisher, name), []):
            span = piece.span
            if span.start <= at < span.end and span.kind is wanted:
                covering.append((piece, range(at, min(end, span.end))))
                at = min(end, span.end)
        if at != end:
            day = legal_day(_EPOCH + at * QUARTER_HOUR)
            raise ScheduleMissing(f"No document of {name} covers {day} yet.")
        return covering


def _named(line: CurveLine | RegisterCalendar) -> tuple[bytes, str, type[Schedule]]:
    if isinstance(line, MarketLine):
        return line.publisher, line.series, PriceSeries
    return line.publisher, line.calendar, Calendar


def _span(schedule: Schedule) -> ScheduleSpan:
    return ScheduleSpan(
        schedule.publisher,
        schedule.name,
        type(schedule),
        schedule.start,
        schedule.end,
        schedule_hash(schedule),
        lambda: schedule,
    )


def schedule_hash(schedule: Schedule) -> bytes:
    """Return the SHA-256 by which a document is listed and named."""
    return hashlib.sha256(msgspec.msgpack.encode(schedule)).digest()
