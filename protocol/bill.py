"""A bill in plain arithmetic: pro rata, lines to the cent, VAT once per rate, as in France.

The one place where money is rounded, half-up; the chip uses it for the amount, providers for
their side, and tests as the oracle.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import msgspec

from protocol.calendar import next_month
from protocol.tariff import PRICE_UNIT, Tariff

CENT = Decimal("0.01")
MONTHS_A_YEAR = 12

# kWh by (position of the tariff in the bill, position of the energy line in it)
Quantities = Mapping[tuple[int, int], int]


class Line(msgspec.Struct, frozen=True):
    """A line before tax; `kwh` and `eur_per_kwh` are None on fixed lines."""

    name: str
    tariff: str
    start: date
    end: date
    ht: Decimal
    vat: Decimal
    kwh: int | None = None
    eur_per_kwh: Decimal | None = None


class VatPart(msgspec.Struct, frozen=True):
    """The VAT of one rate: once on the sum of its lines."""

    rate: Decimal
    base: Decimal
    amount: Decimal


class Bill(msgspec.Struct, frozen=True):
    """A bill over the days [start, end)."""

    start: date
    end: date
    lines: tuple[Line, ...]
    total_ht: Decimal
    vat: tuple[VatPart, ...]
    total_ttc: Decimal


def to_cent(amount: Fraction) -> Decimal:
    """Round to the cent, half-up in magnitude."""
    cents = (2 * abs(amount) * 100 + 1) // 2
    return (cents if amount >= 0 else -cents) * CENT


def months(start: date, end: date) -> Fraction:
    """Return the days [start, end) in months: whole ones count 1, others days/days in month."""
    total = Fraction(0)
    while start < end:
        month_end = next_month(start)
        first = start.replace(day=1)
        upto = min(end, month_end)
        total += Fraction((upto - start).days, (month_end - first).days)
        start = upto
    return total


def periods(tariffs: Sequence[Tariff], start: date, end: date) -> list[tuple[int, date, date]]:
    """Cut the days [start, end) by the tariffs' validity: (position, first day, end).

    Raises:
        ValueError: a day has no tariff, or two.
    """
    cut = sorted(
        (part[0], part[1], position)
        for position, tariff in enumerate(tariffs)
        if (part := tariff.covers(start, end))
    )
    at = start
    for first, last, _ in cut:
        if first != at:
            raise ValueError(f"{min(first, at)} has {'no tariff' if first > at else 'two tariffs'}")
        at = last
    if at != end:
        raise ValueError(f"{end - timedelta(days=1)} has no tariff")
    return [(position, first, last) for first, last, position in cut]


def price_bill(tariffs: Sequence[Tariff], start: date, end: date, quantities: Quantities) -> Bill:
    """Price whole-kWh `quantities` over the days [start, end).

    Raises:
        ValueError: a day of the period has no tariff, or two.
    """
    lines: list[Line] = []
    for position, first, last in periods(tariffs, start, end):
        tariff = tariffs[position]
        span = months(first, last)
        for fixed in tariff.fixed:
            per_month = Fraction(fixed.eur) / (1 if fixed.per == "month" else MONTHS_A_YEAR)
            ht = to_cent(per_month * span)
            lines.append(Line(fixed.name, tariff.name, first, last, ht, fixed.vat))
        for number, energy in enumerate(tariff.energy):
            kwh = quantities[position, number]
            ht = to_cent(Fraction(PRICE_UNIT) * energy.price_units * kwh)
            lines.append(
                Line(energy.name, tariff.name, first, last, ht, energy.vat, kwh, energy.eur_per_kwh)
            )
    return _total(start, end, lines)


def _total(start: date, end: date, lines: Sequence[Line]) -> Bill:
    vat = []
    for rate in sorted({line.vat for line in lines}):
        base = sum((line.ht for line in lines if line.vat == rate), Decimal(0))
        vat.append(VatPart(rate, base, to_cent(Fraction(base) * Fraction(rate))))
    total_ht = sum((line.ht for line in lines), Decimal(0))
    total_ttc = total_ht + sum((part.amount for part in vat), Decimal(0))
    return Bill(start, end, tuple(lines), total_ht, tuple(vat), total_ttc)
