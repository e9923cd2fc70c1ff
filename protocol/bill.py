"""A bill in plain arithmetic, by French rules: pro rata, lines to the cent, VAT once per rate.

This is the only place where money is rounded (half-up). The chip and providers compute amounts with
it, and tests use it as the oracle.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import msgspec

from protocol.calendar import next_month
from protocol.tariff import InjectionLine, MarketLine, RegisterLine, Tariff

CENT = Decimal("0.01")
MONTHS_A_YEAR = 12


class Energy(msgspec.Struct, frozen=True):
    """The quantity that an energy line counted, and its exact cost before tax.

    `position` is the tariff's index in the offer, `number` the line's index in the tariff. The
    quantity is in `kwh` for registers and injection, in `wh` for the curve. `days` are the days
    counted; days before the bill's first day are late days, billed on lines of their own.
    """

    position: int
    number: int
    days: tuple[date, ...]
    eur: Fraction
    kwh: int | None = None
    wh: int | None = None


def register_energies(
    position: int,
    tariff: Tariff,
    days: Sequence[date],
    steps_kwh: Sequence[int],
    injected_kwh: int = 0,
) -> list[Energy]:
    """Compute a tariff's lines from whole kWh: `steps_kwh` of supplier registers 1…10, injection.

    Raises:
        ValueError: a line of the tariff counts the curve.
    """
    energies = []
    for number, line in enumerate(tariff.energy):
        if isinstance(line, RegisterLine):
            kwh = sum(steps_kwh[register - 1] for register in line.registers)
        elif isinstance(line, InjectionLine):
            kwh = injected_kwh
        else:
            raise ValueError(f"{line.name} counts the curve, not registers")  # noqa: TRY004
        eur = Fraction(line.eur_per_kwh) * kwh
        energies.append(Energy(position, number, tuple(days), eur, kwh=kwh))
    return energies


class Line(msgspec.Struct, frozen=True):
    """A line before tax over the days [start, end).

    An energy line has either `kwh` (registers, injection) or `wh` (curve), a fixed line neither.
    `eur_per_kwh` is None on fixed lines and where a market sets the price. `is_late` marks days of
    an earlier period that could not be billed then, `is_tax` a tax or contribution.
    """

    name: str
    tariff: str
    start: date
    end: date
    ht: Decimal
    vat: Decimal
    kwh: int | None = None
    wh: int | None = None
    eur_per_kwh: Decimal | None = None
    is_late: bool = False
    is_tax: bool = False

    @property
    def quantity_kwh(self) -> Decimal | int | None:
        """The energy in kWh, with three decimals if the curve counted it; None on fixed lines."""
        return self.kwh if self.wh is None else Decimal(self.wh).scaleb(-3)


class VatPart(msgspec.Struct, frozen=True):
    """The VAT of one rate, computed once on the sum of its lines."""

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
    """Return the days [start, end) in months: a whole month counts 1, a part days/days in month."""
    total = Fraction(0)
    while start < end:
        month_end = next_month(start)
        first = start.replace(day=1)
        upto = min(end, month_end)
        total += Fraction((upto - start).days, (month_end - first).days)
        start = upto
    return total


def periods(tariffs: Sequence[Tariff], start: date, end: date) -> list[tuple[int, date, date]]:
    """Split the days [start, end) by the tariffs' validity into (position, first day, end).

    A tariff without an end applies until the next one begins.

    Raises:
        ValueError: a day has no tariff, or two.
    """
    ordered = sorted(enumerate(tariffs), key=lambda item: item[1].valid_from)
    begins = [tariff.valid_from for _, tariff in ordered]
    cut = []
    for position, tariff in ordered:
        successor = next((day for day in begins if day > tariff.valid_from), date.max)
        first, last = max(start, tariff.valid_from), min(end, tariff.valid_to or successor)
        if first < last:
            cut.append((first, last, position))
    at = start
    for first, last, _ in cut:
        if first != at:
            raise ValueError(f"{min(first, at)} has {'no tariff' if first > at else 'two tariffs'}")
        at = last
    if at != end:
        raise ValueError(f"{end - timedelta(days=1)} has no tariff")
    return [(position, first, last) for first, last, position in cut]


def price_bill(
    tariffs: Sequence[Tariff], start: date, end: date, energies: Sequence[Energy]
) -> Bill:
    """Price the counted energies; fixed lines cover all of the days [start, end).

    Raises:
        ValueError: a day of the period has no tariff, or two.
    """
    lines = [
        _energy_line(tariffs[energy.position], energy, is_late=True)
        for energy in energies
        if energy.days and energy.days[-1] < start
    ]
    for position, first, last in periods(tariffs, start, end):
        tariff = tariffs[position]
        span = months(first, last)
        for fixed in tariff.fixed:
            per_month = Fraction(fixed.eur) / (1 if fixed.per == "month" else MONTHS_A_YEAR)
            ht = to_cent(per_month * span)
            lines.append(
                Line(fixed.name, tariff.name, first, last, ht, fixed.vat, is_tax=fixed.is_tax)
            )
        lines += [
            _energy_line(tariff, energy, is_late=False)
            for energy in energies
            if energy.position == position and energy.days and first <= energy.days[0] < last
        ]
    return _total(start, end, lines)


def _energy_line(tariff: Tariff, energy: Energy, *, is_late: bool) -> Line:
    line = tariff.energy[energy.number]
    return Line(
        name=line.name,
        tariff=tariff.name,
        start=energy.days[0],
        end=energy.days[-1] + timedelta(days=1),
        ht=to_cent(energy.eur),
        vat=line.vat,
        kwh=energy.kwh,
        wh=energy.wh,
        eur_per_kwh=None if isinstance(line, MarketLine) else line.eur_per_kwh,
        is_late=is_late,
        is_tax=line.is_tax,
    )


def _total(start: date, end: date, lines: Sequence[Line]) -> Bill:
    vat = []
    for rate in sorted({line.vat for line in lines}):
        base = sum((line.ht for line in lines if line.vat == rate), Decimal(0))
        vat.append(VatPart(rate, base, to_cent(Fraction(base) * Fraction(rate))))
    total_ht = sum((line.ht for line in lines), Decimal(0))
    total_ttc = total_ht + sum((part.amount for part in vat), Decimal(0))
    return Bill(start, end, tuple(lines), total_ht, tuple(vat), total_ttc)
