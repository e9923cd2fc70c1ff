"""The coefficients that a statement sums, and their weights; both sides compute them alike."""

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
from protocol.leverage import stands_out
from protocol.schedule import Schedules, Values
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

# Keep a statement from revealing one day or quarter-hour (docs/explanation/billing.md): everything
# that it shows separately covers this many quarter-hours and days. A class of one day of the week
# covers three days of any three weeks.
SPREAD_QUARTER_HOURS = 32
SPREAD_DAYS = 3
# In a shorter period, it covers a quarter of the days.
SPREAD_SHARE = 4
WH_PER_KWH = 1_000
ONE_DAY = timedelta(days=1)


class MonthWeights(msgspec.Struct, frozen=True):
    """The weights of one line in one month, int64[3968] each.

    `quantity` is 1 on the coefficients that the line counts. `amount` is their price in units of
    0.00001 €/kWh, in signed base-2^10 digits, lowest first.
    """

    quantity: Weights
    amount: tuple[Weights, Weights]


class Component(msgspec.Struct, frozen=True):
    """One energy line of one tariff, on the days of a statement to which it applies.

    `position` is the tariff's index in the offer, `number` the energy line's index in the tariff.
    """

    position: int
    tariff: bytes
    number: int
    line: EnergyLine
    days: tuple[date, ...]
    schedules: Schedules

    @property
    def is_curve(self) -> bool:
        """Return whether the line counts Wh of the curve rather than whole kWh of a register."""
        return isinstance(self.line, CalendarLine | MarketLine)

    @property
    def unit(self) -> Literal["kWh", "Wh"]:
        """The unit of the line's quantity."""
        return "Wh" if self.is_curve else "kWh"

    def months(self) -> list[date]:
        """Return the first day of each month that overlaps the component's days."""
        return [month for month, _ in groupby(self.days, month_of)]

    def schedule_hashes(self) -> set[bytes]:
        """Return the hashes of the calendars or series that the line's days need."""
        if isinstance(self.line, CalendarLine | MarketLine):
            return self.schedules.hashes(self.line, self.days)
        return set()

    def weights(self, month: date) -> MonthWeights:
        """Return the line's weights in `month`.

        Raises:
            ScheduleMissing: no document gives the class or price of a quarter-hour.
        """
        quantity = np.zeros(MONTH_COEFFICIENTS, np.int64)
        units = np.zeros(MONTH_COEFFICIENTS, np.int64)
        for day in self.days:
            if month_of(day) == month:
                self._fill(day, quantity, units)
        return MonthWeights(quantity, split_digits(units))

    def eur(self, amount_units: int) -> Fraction:
        """Convert an amount in price units × (kWh or Wh) to exact euros before tax."""
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
    """Return the energy lines that price a statement's days, in the order of the bill.

    The days are [start, end) except those in `without`, which a later statement bills. The days in
    `late`, which an earlier statement left out, come first as separate components.

    Raises:
        ValueError: a day has no tariff, or two.
        ScheduleMissing: no document gives the class or price of a quarter-hour.
        DocumentRefused: few hours or days are priced separately (`check_spread`).
    """
    days_of: dict[tuple[bool, int], list[date]] = {}
    for day in sorted(late):
        ((position, _, _),) = periods(tariffs, day, day + ONE_DAY)
        days_of.setdefault((False, position), []).append(day)
    for position, first, last in periods(tariffs, start, end):
        days = [day for day in days_between(first, last) if day not in without]
        days_of.setdefault((True, position), []).extend(days)
    parts = [
        Component(position, tariff_hash(tariffs[position]), number, line, tuple(days), schedules)
        for (_, position), days in days_of.items()
        if days
        for number, line in enumerate(tariffs[position].energy)
    ]
    check_spread(parts)
    return parts


def check_spread(parts: Sequence[Component]) -> None:
    """Check that a statement does not single out a few days or quarter-hours.

    Each line of every dated tariff, and of every tariff of late days, must cover SPREAD_DAYS days.
    The quarter-hours priced by the same calendar lines, or by none, must number at least
    SPREAD_QUARTER_HOURS on SPREAD_DAYS days. So a price, a line's quantity or the difference of two
    lines reveals no more. Of market prices none may stand out (protocol/leverage.py), whoever
    publishes them.

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
            len(part_days) < needed for part_days in days_of.values()
        ):
            raise DocumentRefused(
                f"{group[0].line.name}: what its calendar tells apart stands on less than "
                f"{SPREAD_QUARTER_HOURS // 4} hours or {needed} days of this period; ask for a "
                "longer one."
            )
        _check_market(group)


def _priced_alike(parts: Sequence[Component]) -> list[list[Component]]:
    """Group the lines of the curve that cover the same days."""
    groups: dict[tuple[date, ...], list[Component]] = {}
    for part in parts:
        if part.is_curve:
            groups.setdefault(part.days, []).append(part)
    return list(groups.values())


def _atoms(group: Sequence[Component]) -> tuple[Counter[int], dict[int, set[date]]]:
    """Return quarter-hours and days by the set of calendar lines (a bitmap) that count them."""
    count, days = Counter[int](), defaultdict[int, set[date]](set)
    for day in group[0].days:
        bitmaps, counts = np.unique(_counting(group, day), return_counts=True)
        for bits, quarters in zip(bitmaps.tolist(), counts.tolist(), strict=True):
            count[bits] += quarters
            days[bits].add(day)
    return count, days


def _counting(group: Sequence[Component], day: date) -> Values:
    """Return which calendar lines count each quarter-hour of a day, int64[92…100], as bitmaps."""
    lines = np.zeros(quarter_hours(day), np.int64)
    for number, part in enumerate(group):
        if isinstance(part.line, CalendarLine):
            lines |= part.schedules.members(part.line, day).astype(np.int64) << number
    return lines


def _check_market(group: Sequence[Component]) -> None:
    """Check that no price of the market stands out on the days of a group of lines."""
    days = group[0].days
    market = [(p.line, p.schedules) for p in group if isinstance(p.line, MarketLine)]
    if not market:
        return
    prices = [
        np.concatenate([schedules.prices(line, day) for day in days]) for line, schedules in market
    ]
    found = stands_out(prices, np.concatenate([_counting(group, day) for day in days]), days)
    if found is not None:
        raise DocumentRefused(
            f"{market[0][0].name}: the market price at {found.time} stands out so far that a "
            "receipt would show what is drawn then; ask for a longer period."
        )
