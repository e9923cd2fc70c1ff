"""Prices every offer on the opened sums, the cheapest first."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

import msgspec
import numpy as np

from edge.metering.events import DayClosed
from edge.quotes.opening import OpenedSums, QuoteFault, QuotesRefused
from protocol.bill import Bill, Energy, price_bill
from protocol.calendar import month_of
from protocol.household import undigits
from protocol.layout import MONTH_COEFFICIENTS, REGISTERS, coefficient
from protocol.quotes import (
    CalendarRegister,
    Column,
    Drawn,
    Injected,
    LeftOut,
    Quoted,
    QuotePlan,
    Register,
    line_columns,
    tariff_registers,
)
from protocol.registers import standard_name
from protocol.statement import WH_PER_KWH
from protocol.tariff import (
    PRICE_UNIT,
    CalendarLine,
    EnergyLine,
    InjectionLine,
    RegisterLine,
    Tariff,
)

# Under this calendar a meter counts everything in register 1.
SINGLE_REGISTER = "BASE"


class PriceBasis(StrEnum):
    """The basis of a price: the meter's own registers, or an estimate from the curve."""

    METER = "meter"
    ESTIMATE = "estimate"


class NoQuote(StrEnum):
    """Why a listed offer has no quote here."""

    NOT_IN_FORCE = "not_in_force"
    NO_SCHEDULE = "no_schedule"
    TOO_MANY = "too_many"
    OTHER_POWER = "other_power"
    OTHER_CALENDAR = "other_calendar"


class Quote(msgspec.Struct, frozen=True):
    """The cost that an offer would have had; `bill` has its lines, `offer` is its hash (hex)."""

    offer: str
    provider: str
    product: str
    basis: PriceBasis
    total_ttc: Decimal
    bill: Bill
    is_current: bool = False


class Unquoted(msgspec.Struct, frozen=True):
    """An offer without a quote."""

    offer: str
    provider: str
    product: str
    why: NoQuote


class Quotes(msgspec.Struct, frozen=True):
    """The comparison over the days [start, end), the cheapest first.

    `missing` are days in it that could not be counted, for all offers alike.
    """

    start: date
    end: date
    missing: tuple[date, ...]
    quotes: tuple[Quote, ...]
    unquoted: tuple[Unquoted, ...]


class HouseholdData(msgspec.Struct, frozen=True):
    """The chip's own data.

    Attributes:
        days: closed days of the period.
        own: hashes (hex) of the offers that the household's contract has or may follow.
        kva: the subscribed power to compare; None: any.
        curves: Wh of each quarter-hour, for the days whose curve the chip still has.
    """

    days: Sequence[DayClosed]
    own: Collection[str] = ()
    kva: int | None = None
    curves: Mapping[date, Sequence[int]] = {}

    @property
    def calendars(self) -> set[str]:
        """The calendars under which the meter counted, by their standard names.

        Restored days do not know theirs.
        """
        parts = {part.calendar for day in self.days for part in day.parts}
        names = (parts | {day.calendar for day in self.days}) - {""}
        return {standard_name(name) for name in names}


def price_quotes(plan: QuotePlan, sums: OpenedSums, home: HouseholdData) -> Quotes:
    """Price every offer of the plan on the opened sums.

    Raises:
        QuotesRefused: nothing of the period is stored, a sum does not open, or it differs from the
            chip's own count.
    """
    if not sums.days:
        raise QuotesRefused(QuoteFault.EMPTY)
    check_registers(plan, sums, home.days)
    start = sums.days[0]
    present = set(sums.days)
    pricer = _Pricer(plan, sums, home, start)
    quotes, unquoted = [], []
    for quoted in plan.quoted:
        outcome = pricer.quote(quoted)
        if isinstance(outcome, Quote):
            quotes.append(outcome)
        else:
            unquoted.append(_unquoted(quoted, outcome))
    check_curves(plan, sums, home.curves)
    quotes.sort(key=lambda quote: (quote.total_ttc, quote.provider, quote.product))
    days = (start.fromordinal(n) for n in range(start.toordinal(), plan.end.toordinal()))
    missing = tuple(day for day in days if day not in present)
    return Quotes(start, plan.end, missing, tuple(quotes), tuple(unquoted))


def left_out(why: LeftOut) -> NoQuote:
    """Return the reason for which the plan has left an offer out."""
    return NoQuote(why.value)


def check_registers(plan: QuotePlan, sums: OpenedSums, days: Sequence[DayClosed]) -> None:
    """Check opened registers and injection against the chip's own, month by month.

    A month is skipped if the chip no longer has every day that was summed.

    Raises:
        QuotesRefused: they differ.
    """
    own = {day.day: day for day in days}
    for month in plan.months:
        summed = [day for day in sums.days if month_of(day) == month]
        if not summed or any(day not in own for day in summed):
            continue
        closed = [own[day] for day in summed]
        for number in range(REGISTERS):
            expected = sum(day.register_steps_kwh[number] for day in closed)
            used = expected or _is_used(plan, number + 1)
            if used and sums.month(Register(number + 1), month) != expected:
                raise QuotesRefused(QuoteFault.DIFFERS)
        if sums.month(Injected(), month) != sum(day.injected_step_kwh for day in closed):
            raise QuotesRefused(QuoteFault.DIFFERS)


def check_curves(plan: QuotePlan, sums: OpenedSums, curves: Mapping[date, Sequence[int]]) -> None:
    """Check opened sums of the curve against the chip's own curve, where it still has it.

    Raises:
        QuotesRefused: they differ.
    """
    for month in plan.months:
        summed = [day for day in sums.days if month_of(day) == month]
        if not summed or any(day not in curves for day in summed):
            continue
        values = np.zeros(MONTH_COEFFICIENTS, np.int64)
        for day in summed:
            first = coefficient(day, 0)
            values[first : first + len(curves[day])] = curves[day]
        for column in (Drawn(), *sums.opened_columns):
            if isinstance(column, Register | Injected):
                continue
            if sums.month(column, month) != int(plan.row(column, month).astype(np.int64) @ values):
                raise QuotesRefused(QuoteFault.DIFFERS)


def _is_used(plan: QuotePlan, register: int) -> bool:
    return any(register in tariff_registers(quoted.tariff) for quoted in plan.quoted)


class _Pricer:
    def __init__(self, plan: QuotePlan, sums: OpenedSums, home: HouseholdData, start: date) -> None:
        self._plan = plan
        self._sums = sums
        self._home = home
        self._start = start

    def quote(self, quoted: Quoted) -> Quote | NoQuote:
        tariff = quoted.tariff
        if self._home.kva is not None and tariff.kva not in {None, self._home.kva}:
            return NoQuote.OTHER_POWER
        basis = self._basis(quoted)
        if basis is None:
            return NoQuote.OTHER_CALENDAR
        energies = [
            self._energy(tariff, number, line, basis) for number, line in enumerate(tariff.energy)
        ]
        # Today's prices for the whole period: a household that takes the offer pays these.
        undated = msgspec.structs.replace(tariff, valid_from=self._start, valid_to=None)
        bill = price_bill((undated,), self._start, self._plan.end, energies)
        name = quoted.hash.hex()
        return Quote(
            name,
            quoted.provider,
            quoted.product,
            basis,
            bill.total_ttc,
            bill,
            name in self._home.own,
        )

    def _basis(self, quoted: Quoted) -> PriceBasis | None:
        tariff, calendars = quoted.tariff, self._home.calendars
        is_own = calendars == {standard_name(tariff.calendar)}
        if not tariff_registers(tariff) or is_own or _is_single(tariff):
            return PriceBasis.METER
        return PriceBasis.ESTIMATE if quoted.is_estimable else None

    def _energy(self, tariff: Tariff, number: int, line: EnergyLine, basis: PriceBasis) -> Energy:
        days, price = tuple(self._sums.days), Fraction(line.eur_per_kwh)
        if isinstance(line, RegisterLine):
            kwh = self._register_kwh(tariff, line.registers, basis)
            return Energy(0, number, days, price * kwh, kwh=kwh)
        if isinstance(line, InjectionLine):
            kwh = self._sums.total(Injected())
            return Energy(0, number, days, price * kwh, kwh=kwh)
        if isinstance(line, CalendarLine):
            wh = sum(self._sums.total(column) for column in line_columns(line))
            return Energy(0, number, days, price * wh / WH_PER_KWH, wh=wh)
        units = undigits([self._sums.total(column) for column in line_columns(line)])
        eur = units * Fraction(PRICE_UNIT) / WH_PER_KWH
        return Energy(0, number, days, eur, wh=self._sums.total(Drawn()))

    def _register_kwh(self, tariff: Tariff, registers: Sequence[int], basis: PriceBasis) -> int:
        """Return the whole kWh of registers: the meter's own, or estimated (rounded half up)."""
        if basis is PriceBasis.ESTIMATE and tariff.register_calendar is not None:
            calendar = tariff.register_calendar
            columns: list[Column] = [CalendarRegister(calendar, n) for n in registers]
            wh = sum(self._sums.total(column) for column in columns)
            return (2 * wh + WH_PER_KWH) // (2 * WH_PER_KWH)
        if _is_single(tariff):
            registers = range(1, REGISTERS + 1)
        return sum(self._sums.total(Register(register)) for register in registers)


def _is_single(tariff: Tariff) -> bool:
    """Return whether a tariff has one price for all energy drawn: any meter can then price it."""
    return tariff.calendar == SINGLE_REGISTER and tariff_registers(tariff) == [1]


def _unquoted(quoted: Quoted, why: NoQuote) -> Unquoted:
    return Unquoted(quoted.hash.hex(), quoted.provider, quoted.product, why)
