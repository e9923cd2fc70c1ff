"""Which coefficients a statement sums, and with which weights; computed alike on both sides."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import date, timedelta
from fractions import Fraction
from itertools import groupby
from typing import Literal

import msgspec
import numpy as np

from protocol.bill import periods
from protocol.calendar import days_between, month_of, quarter_hours
from protocol.errors import DocumentRefused
from protocol.household import Weights, split_digits
from protocol.layout import INJECTED_STEP, MONTH_COEFFICIENTS, REGISTER_STEP, coefficient
from protocol.schedule import Schedules
from protocol.tariff import (
    PRICE_UNIT,
    CalendarLine,
    EnergyLine,
    InjectionLine,
    MarketLine,
    RegisterLine,
    Tariff,
    price_units,
    tariff_hash,
)

# So that no tariff can be built to read one quarter-hour (docs/explanation/billing.md).
SPIKE_QUARTER_HOURS = 32
WH_PER_KWH = 1_000
ONE_DAY = timedelta(days=1)


class MonthWeights(msgspec.Struct, frozen=True):
    """The weights of one line in one month, int64[3968] each.

    `quantity` is 1 on the coefficients that the line counts; `amount` are the price in units of
    0.00001 €/kWh on each, in signed base-2^10 digits, lowest first.
    """

    quantity: Weights
    amount: tuple[Weights, Weights]


class Component(msgspec.Struct, frozen=True):
    """One energy line of one tariff on those of a statement's days on which it holds.

    `position` is the tariff's place in the offer, `number` the energy line's in the tariff.
    """

    position: int
    tariff: bytes
    number: int
    line: EnergyLine
    days: tuple[date, ...]
    schedules: Schedules

    @property
    def is_curve(self) -> bool:
        """Whether the line counts Wh of the curve rather than whole kWh of a register."""
        return isinstance(self.line, CalendarLine | MarketLine)

    @property
    def unit(self) -> Literal["kWh", "Wh"]:
        """What the line's quantity counts."""
        return "Wh" if self.is_curve else "kWh"

    def months(self) -> list[date]:
        """Return the first day of each month that the component touches."""
        return [month for month, _ in groupby(self.days, month_of)]

    def schedule_hashes(self) -> set[bytes]:
        """Return the hashes of the calendars or series that the line's days need."""
        if isinstance(self.line, CalendarLine | MarketLine):
            return self.schedules.hashes(self.line, self.days)
        return set()

    def weights(self, month: date) -> MonthWeights:
        """Return the line's weights in `month`.

        Raises:
            ScheduleMissing: no document says which class or price a quarter-hour has.
        """
        quantity = np.zeros(MONTH_COEFFICIENTS, np.int64)
        units = np.zeros(MONTH_COEFFICIENTS, np.int64)
        for day in self.days:
            if month_of(day) == month:
                self._fill(day, quantity, units)
        return MonthWeights(quantity, split_digits(units))

    def eur(self, amount_units: int) -> Fraction:
        """Return an amount summed in price units × (kWh or Wh) in euros before tax, exact."""
        return amount_units * Fraction(PRICE_UNIT) / (WH_PER_KWH if self.is_curve else 1)

    def _fill(self, day: date, quantity: Weights, units: Weights) -> None:
        line = self.line
        if isinstance(line, RegisterLine):
            for register in line.registers:
                k = coefficient(day, REGISTER_STEP + register - 1)
                quantity[k], units[k] = 1, price_units(line.eur_per_kwh)
        elif isinstance(line, InjectionLine):
            k = coefficient(day, INJECTED_STEP)
            quantity[k], units[k] = 1, price_units(line.eur_per_kwh)
        else:
            k = coefficient(day, 0)
            if isinstance(line, CalendarLine):
                members = self.schedules.members(line, day).astype(np.int64)
                prices = members * price_units(line.eur_per_kwh)
            else:
                prices = self.schedules.prices(line, day)
                members = np.ones(len(prices), np.int64)
            quantity[k : k + len(members)] = members
            units[k : k + len(prices)] = prices


def components(
    tariffs: Sequence[Tariff],
    start: date,
    end: date,
    schedules: Schedules,
    *,
    without: Collection[date] = (),
    late: Collection[date] = (),
) -> list[Component]:
    """Give the energy lines that price a statement's days, in the order of the bill.

    The days are [start, end) but those of `without`, which a later statement bills; and before
    them the days `late`, which an earlier one left out, as components of their own.

    Raises:
        ValueError: a day has no tariff, or two.
        ScheduleMissing: no document says which class or price a quarter-hour has.
        DocumentRefused: a line prices less than 8 hours (SPIKE_QUARTER_HOURS) on its own.
    """
    days_of: dict[tuple[bool, int], list[date]] = {}
    for day in sorted(late):
        ((position, _, _),) = periods(tariffs, day, day + ONE_DAY)
        days_of.setdefault((False, position), []).append(day)
    for position, first, last in periods(tariffs, start, end):
        days = [day for day in days_between(first, last) if day not in without]
        days_of.setdefault((True, position), []).extend(days)
    found = [
        Component(position, tariff_hash(tariffs[position]), number, line, tuple(days), schedules)
        for (_, position), days in days_of.items()
        if days
        for number, line in enumerate(tariffs[position].energy)
    ]
    for position, tariff in enumerate(tariffs):
        check_spikes(tariff, [part for part in found if part.position == position])
    return found


def check_spikes(tariff: Tariff, parts: Sequence[Component]) -> None:
    """Check that no price of the curve stands out on less than 8 hours of the days of `parts`.

    Market series are excepted: their publisher knows no household.

    Raises:
        DocumentRefused: names the tariff and what stands out.
    """
    by_price, by_line = Counter[int](), Counter[str]()
    priced = [(part, part.line) for part in parts if isinstance(part.line, CalendarLine)]
    for day in sorted({day for part, _ in priced for day in part.days}):
        total = np.zeros(quarter_hours(day), np.int64)
        for part, line in priced:
            if day in part.days:
                members = part.schedules.members(line, day)
                by_line[line.name] += int(members.sum())
                total += members * price_units(line.eur_per_kwh)
        units, counts = np.unique(total, return_counts=True)
        by_price.update(dict(zip(units.tolist(), counts.tolist(), strict=True)))
    for name, count in by_line.items():
        if 0 < count < SPIKE_QUARTER_HOURS:
            raise DocumentRefused(
                f"{tariff.name}: {name} prices only {count} quarter-hours of these days; a line on "
                f"the curve needs {SPIKE_QUARTER_HOURS} or none."
            )
    if any(count < SPIKE_QUARTER_HOURS for count in by_price.values()):
        raise DocumentRefused(
            f"{tariff.name}: a price of its calendar lines together stands on fewer than "
            f"{SPIKE_QUARTER_HOURS} quarter-hours of these days."
        )
