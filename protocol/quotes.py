"""Quotes: every listed offer priced on a household's encrypted months, in one answer.

The request names a period and the list's head, never an offer. The answer contains every sum that
some listed offer needs. Each sum is a *column*: a register, injection, all energy drawn, a class of
a calendar, or a digit of a market price on each quarter-hour. Offers share columns, and both sides
derive them from the list alone (`QuotePlan`). Prices are those in force on the day after the
period, which a household that chooses now would pay; market prices are those of the period.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from itertools import groupby
from typing import Annotated

import msgspec
import numpy as np
import numpy.typing as npt

from protocol.calendar import DayNumber, day_of_number, days_between, month_of, quarter_hours
from protocol.catalogue import Catalogue
from protocol.contract import Offer
from protocol.errors import DocumentRefused, MessageRefused, Reason
from protocol.household import split_digits
from protocol.layout import (
    DAY_COEFFICIENTS,
    INJECTED_STEP,
    MONTH_COEFFICIENTS,
    REGISTER_STEP,
    REGISTERS,
    coefficient,
)
from protocol.messages import Hash, IncarnationId, KeyId, StatementId
from protocol.packed import Count
from protocol.schedule import Schedules, Values, market_units
from protocol.tariff import (
    CalendarLine,
    CurveLine,
    MarketLine,
    RegisterCalendar,
    RegisterLine,
    Tariff,
)

MONTHS_MAX = 13
# A part of an answer fits with its envelope into a message of 64 KiB.
PART_BYTES = 60 * 1024
PARTS_MAX = 16
# What the offers of one provider may add to every answer. Those beyond it, in the order of the list,
# are left out; others' offers are not.
PROVIDER_COLUMNS_MAX = 64

# |weight| < 2^10.
Matrix = npt.NDArray[np.int16]


class _Body(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    pass


class QuoteRequest(_Body, frozen=True):
    """up/quote: the chip asks for quotes over the days [start, end) under the list with this head.

    Every offer of the list is priced, so the request reveals nothing about the household's wishes.
    """

    household_key: KeyId
    id: StatementId
    start: DayNumber
    end: DayNumber
    head: Hash


class QuotePart(_Body, frozen=True):
    """down/quote/{id}/{part}: one part of an encoded QuoteAnswer; all parts joined give it."""

    household_key: KeyId
    id: StatementId
    part: Annotated[int, msgspec.Meta(ge=0, lt=PARTS_MAX)]
    parts: Annotated[int, msgspec.Meta(ge=1, le=PARTS_MAX)]
    data: Annotated[bytes, msgspec.Meta(min_length=1, max_length=PART_BYTES)]


class BlockRange(_Body, frozen=True):
    """The summed blocks of one incarnation, as half-open ranges of sequences."""

    incarnation: IncarnationId
    ranges: tuple[tuple[Count, Count], ...]


class QuoteAnswer(_Body, frozen=True):
    """The encrypted sums of every column of the plan, month by month.

    `missing` are the days of the period that are not completely stored; no sum includes them.
    `sums` holds 8 bytes each, little-endian, for each month in order and each column in order.
    """

    head: Hash
    start: DayNumber
    end: DayNumber
    missing: tuple[DayNumber, ...]
    covers: tuple[BlockRange, ...]
    sums: bytes


class Register(msgspec.Struct, frozen=True):
    """Whole kWh of a supplier register, 1…10."""

    register: int


class Injected(msgspec.Struct, frozen=True):
    """Whole kWh injected."""


class Drawn(msgspec.Struct, frozen=True):
    """All Wh drawn."""


class CalendarClass(msgspec.Struct, frozen=True):
    """Wh drawn in one class of a calendar."""

    publisher: bytes
    calendar: str
    name: str


class CalendarRegister(msgspec.Struct, frozen=True):
    """Wh that a register would have counted on a meter with a given calendar."""

    calendar: RegisterCalendar
    register: int


class MarketDigit(msgspec.Struct, frozen=True):
    """Wh × one base-2^10 digit (0: low, 1: high) of a market line's price, in 0.00001 €."""

    publisher: bytes
    series: str
    factor: Decimal
    eur_per_kwh: Decimal
    digit: int


Column = Register | Injected | Drawn | CalendarClass | CalendarRegister | MarketDigit


class LeftOut(StrEnum):
    """Why a listed offer has no quote."""

    NOT_IN_FORCE = "not_in_force"
    NO_SCHEDULE = "no_schedule"
    TOO_MANY = "too_many"


class Quoted(msgspec.Struct, frozen=True):
    """A priced offer with its tariff in force on the day after the period.

    `is_estimable` means that it can also be priced for a meter without the tariff's calendar: the
    tariff counts no registers, or a listed calendar gives what they would have counted.
    """

    hash: bytes
    provider: str
    product: str
    tariff: Tariff
    is_estimable: bool


def check_request(request: QuoteRequest) -> None:
    """Check the rules that types cannot express.

    Raises:
        MessageRefused: with reason `out_of_bounds`.
    """
    start, end = day_of_number(request.start), day_of_number(request.end)
    if not start < end or len(months_of(start, end)) > MONTHS_MAX:
        raise MessageRefused(Reason.BOUNDS, f"quotes are for 1 day to {MONTHS_MAX} months")


def months_of(start: date, end: date) -> list[date]:
    """Return the first day of each month that overlaps the days [start, end)."""
    return [month for month, _ in groupby(days_between(start, end), month_of)]


class QuotePlan:
    """The sums for a list and a period, and the offers that they price.

    Attributes:
        quoted: the priced offers, in the order of the list.
        left_out: the other offers, with the reason.
        columns: the sums, in the order of the answer.
    """

    def __init__(self, catalogue: Catalogue, start: date, end: date) -> None:
        """Plan quotes of everything in `catalogue` over the days [start, end)."""
        self.start, self.end = start, end
        self.months = months_of(start, end)
        self.quoted: list[Quoted] = []
        self.left_out: list[tuple[bytes, LeftOut]] = []
        self._of_provider: dict[bytes, set[Column]] = {}
        self._schedules = catalogue.schedules()
        self._weights = Weights(self._schedules, start, end)
        for name, offer in catalogue.latest_offers():
            self._place(name, offer)
        columns = [column for quoted in self.quoted for column in self._columns_of(quoted)]
        registers = [Register(number + 1) for number in range(REGISTERS)]
        always: list[Column] = [*registers, Injected(), Drawn()]
        self.columns: tuple[Column, ...] = tuple(dict.fromkeys([*always, *columns]))
        self._number = {column: number for number, column in enumerate(self.columns)}

    def number(self, column: Column) -> int:
        """Return a column's index in the answer."""
        return self._number[column]

    def row(self, column: Column, month: date) -> Matrix:
        """Return a column's weights in a month, int16[3968]; 0 outside the period."""
        return self._weights.row(column, month)

    def matrix(self, month: date) -> Matrix:
        """Return the weights of all columns in a month, int16[columns, 3968]."""
        return np.array([self.row(column, month) for column in self.columns], np.int16)

    def _place(self, name: bytes, offer: Offer) -> None:
        tariff = tariff_on(offer, self.end)
        if tariff is None:
            self.left_out.append((name, LeftOut.NOT_IN_FORCE))
            return
        calendar, registers = tariff.register_calendar, tariff_registers(tariff)
        is_estimable = not registers or (calendar is not None and self._covers(calendar))
        quoted = Quoted(name, offer.provider, offer.product, tariff, is_estimable)
        columns = self._of_provider.get(offer.provider_key, set()) | set(self._columns_of(quoted))
        if len(columns) > PROVIDER_COLUMNS_MAX:
            self.left_out.append((name, LeftOut.TOO_MANY))
            return
        curve = [line for line in tariff.energy if isinstance(line, CalendarLine | MarketLine)]
        if not self._covers(*curve):
            self.left_out.append((name, LeftOut.NO_SCHEDULE))
            return
        self._of_provider[offer.provider_key] = columns
        self.quoted.append(quoted)

    def _columns_of(self, quoted: Quoted) -> Iterator[Column]:
        yield from curve_columns(quoted.tariff)
        if quoted.is_estimable:
            yield from register_columns(quoted.tariff, tariff_registers(quoted.tariff))

    def _covers(self, *lines: CurveLine | RegisterCalendar) -> bool:
        """Return whether the listed schedules cover all days of the period."""
        try:
            for line in lines:
                self._schedules.check(line, self.start, self.end)
        except DocumentRefused:  # no document covers a day, or a price is beyond what can be billed
            return False
        return True


def tariff_on(offer: Offer, day: date) -> Tariff | None:
    """Return an offer's tariff in force on a day, which is the last to begin, if there is one."""
    begun = [t for t in offer.tariffs if t.valid_from <= day]
    last = max(begun, key=lambda tariff: tariff.valid_from, default=None)
    is_over = last is not None and last.valid_to is not None and last.valid_to <= day
    return None if is_over else last


def curve_columns(tariff: Tariff) -> list[Column]:
    """Return the columns of a tariff's lines on the curve."""
    columns: list[Column] = []
    for line in tariff.energy:
        columns += line_columns(line) if isinstance(line, CalendarLine | MarketLine) else ()
    return columns


def line_columns(line: CalendarLine | MarketLine) -> list[Column]:
    """Return the columns of a line on the curve: one per class, or the price's two digits."""
    if isinstance(line, CalendarLine):
        return [CalendarClass(line.publisher, line.calendar, name) for name in line.classes]
    return [
        MarketDigit(line.publisher, line.series, line.factor, line.eur_per_kwh, digit)
        for digit in range(2)
    ]


def register_columns(tariff: Tariff, registers: Sequence[int]) -> list[Column]:
    """Return the columns that replace registers on a meter without the tariff's calendar."""
    calendar = tariff.register_calendar
    if calendar is None:
        return []
    return [CalendarRegister(calendar, register) for register in registers]


def tariff_registers(tariff: Tariff) -> list[int]:
    """Return the registers that a tariff's lines count, in order."""
    lines = [line for line in tariff.energy if isinstance(line, RegisterLine)]
    return sorted({register for line in lines for register in line.registers})


class Weights:
    """Rows of the matrices: a column's weights in a month, 0 on days outside the period."""

    def __init__(self, schedules: Schedules, start: date, end: date) -> None:
        self._schedules = schedules
        self._days = {
            month: list(days) for month, days in groupby(days_between(start, end), month_of)
        }
        # Computed once per month, whatever mark-ups and registers the offers apply.
        self._registers = lru_cache(maxsize=None)(self._counting_registers)
        self._prices = lru_cache(maxsize=None)(self._market_prices)

    def row(self, column: Column, month: date) -> Matrix:
        """Return int16[3968].

        Raises:
            ScheduleMissing: no document covers a day of the period.
            DocumentRefused: a market price is too high to be billed.
        """
        return self._make(column, month).astype(np.int16)

    def _make(self, column: Column, month: date) -> Values:
        days = self._days[month]
        row = np.zeros((31, DAY_COEFFICIENTS), np.int64)
        rows = [day.day - 1 for day in days]
        match column:
            case Register(register):
                row[rows, REGISTER_STEP + register - 1] = 1
            case Injected():
                row[rows, INJECTED_STEP] = 1
            case Drawn():
                for day in days:
                    row[day.day - 1, : quarter_hours(day)] = 1
            case CalendarClass(publisher, calendar, name):
                zero = Decimal(0)
                line = CalendarLine("class", publisher, calendar, (name,), zero, zero)
                for day in days:
                    members = self._schedules.members(line, day)
                    row[day.day - 1, : len(members)] = members
            case CalendarRegister(calendar, register):
                counting: Values = self._registers(calendar, month)
                return np.equal(counting, register).astype(np.int64)
            case MarketDigit(publisher, series, factor, eur_per_kwh, digit):
                prices, is_priced = self._prices(publisher, series, month)
                units = np.where(is_priced, market_units(prices, factor, eur_per_kwh), 0)
                return split_digits(units)[digit]
        return row.reshape(MONTH_COEFFICIENTS)

    def _counting_registers(self, calendar: RegisterCalendar, month: date) -> Values:
        """Return the register that would count each quarter-hour of a month, [3968]; 0: none."""
        registers = np.zeros(MONTH_COEFFICIENTS, np.int64)
        for day in self._days[month]:
            counting = self._schedules.registers(calendar, day)
            first = coefficient(day, 0)
            registers[first : first + len(counting)] = counting
        return registers

    def _market_prices(
        self, publisher: bytes, series: str, month: date
    ) -> tuple[Values, npt.NDArray[np.bool_]]:
        """Return a series' own prices in a month, and where it has one, [3968] each."""
        zero = Decimal(0)
        line = MarketLine("series", publisher, series, Decimal(1), zero, zero)
        prices = np.zeros(MONTH_COEFFICIENTS, np.int64)
        is_priced = np.zeros(MONTH_COEFFICIENTS, np.bool_)
        for day in self._days[month]:
            day_prices = self._schedules.prices(line, day)
            first = coefficient(day, 0)
            prices[first : first + len(day_prices)] = day_prices
            is_priced[first : first + len(day_prices)] = True
        return prices, is_priced


def split_answer(answer: QuoteAnswer) -> list[bytes]:
    """Encode an answer and split it into parts.

    Raises:
        DocumentRefused: it needs more parts than allowed.
    """
    data = msgspec.msgpack.encode(answer)
    parts = [data[at : at + PART_BYTES] for at in range(0, len(data), PART_BYTES)]
    if len(parts) > PARTS_MAX:
        raise DocumentRefused("These quotes do not fit into the messages that may carry them.")
    return parts
