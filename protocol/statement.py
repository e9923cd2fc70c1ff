"""Which coefficients a statement sums, and with which weights; computed alike on both sides."""

from collections import Counter, defaultdict
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

# So that no statement can be built to read one day or quarter-hour (docs/explanation/billing.md):
# whatever it tells apart stands on so many quarter-hours, and on so many days. A class that holds
# on one day of the week stands on three days of any three weeks.
SPREAD_QUARTER_HOURS = 32
SPREAD_DAYS = 3
# Of a last period that is shorter, on a quarter of its days.
SPREAD_SHARE = 4
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
        DocumentRefused: something stands out on few hours or days (`check_spread`).
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
    check_spread(found)
    return found


def check_spread(parts: Sequence[Component]) -> None:
    """Check that a statement tells no few days or quarter-hours from the others.

    Each line stands on SPREAD_DAYS days: every dated tariff, and every tariff of late days. And the
    quarter-hours that are priced by the same calendar lines, those priced by none included, are
    SPREAD_QUARTER_HOURS at least on SPREAD_DAYS days; so neither a price, nor a line's quantity, nor
    the difference of two lines says more. Market series are excepted: docs/explanation/billing.md.

    Raises:
        DocumentRefused: names what stands out.
    """
    days = {day for part in parts for day in part.days}
    needed = min(SPREAD_DAYS, max(1, len(days) // SPREAD_SHARE))
    for part in parts:
        if len(part.days) < needed:
            raise DocumentRefused(
                f"{part.line.name} would stand on {len(part.days)} of these days, from "
                f"{part.days[0]}; a line needs {needed}. Let the period end where the tariff "
                "changes, or leave out and bill late as many days of one tariff."
            )
    for group in _priced_alike(parts):
        quarter_hours_of, days_of = _atoms(group)
        if any(count < SPREAD_QUARTER_HOURS for count in quarter_hours_of.values()) or any(
            len(found) < needed for found in days_of.values()
        ):
            raise DocumentRefused(
                f"{group[0].line.name}: what its calendar tells apart stands on less than "
                f"{SPREAD_QUARTER_HOURS // 4} hours or {needed} days of this period; ask for a "
                "longer one."
            )


def _priced_alike(parts: Sequence[Component]) -> list[list[Component]]:
    """Group the calendar lines that stand on the same days."""
    groups: dict[tuple[date, ...], list[Component]] = {}
    for part in parts:
        if isinstance(part.line, CalendarLine):
            groups.setdefault(part.days, []).append(part)
    return list(groups.values())


def _atoms(group: Sequence[Component]) -> tuple[Counter[int], dict[int, set[date]]]:
    """Return quarter-hours and days for each set of lines (a bitmap) that counts any."""
    count, days = Counter[int](), defaultdict[int, set[date]](set)
    for day in group[0].days:
        lines = np.zeros(quarter_hours(day), np.int64)
        for number, part in enumerate(group):
            if isinstance(part.line, CalendarLine):
                lines |= part.schedules.members(part.line, day).astype(np.int64) << number
        found, counts = np.unique(lines, return_counts=True)
        for bits, quarters in zip(found.tolist(), counts.tolist(), strict=True):
            count[bits] += quarters
            days[bits].add(day)
    return count, days
