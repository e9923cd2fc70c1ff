"""The bill of a usage under the regulated tariff: parts by grid, lines in a bill's order, as JSON.

As a rule, only the indices at start and end of a period are read. If a grid changes in between, the
index at the change is interpolated by days and rounded down to the Wh. Whole kWh are counted from
it as from a read index, so the parts add up to the difference of the indices read.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import msgspec

from protocol.bill import Bill, Energy, Line, months, price_bill, register_energies
from protocol.calendar import days_between
from protocol.layout import REGISTERS as REGISTER_COUNT
from protocol.tariff import Tariff
from tariffs.grids import REGISTERS, Grid, grids_between
from tariffs.regulated import CTA, ENERGY, EXCISE, SUBSCRIPTION, regulated_tariff
from tariffs.usage import Usage, whole_kwh

_ORDER = (SUBSCRIPTION, ENERGY, CTA, EXCISE)
_MONTHS_UNIT = Decimal("0.000001")


class UsagePart(msgspec.Struct, frozen=True):
    """The days [start, end) of a usage under one grid, and the whole kWh of each register 1…10."""

    grid: Grid
    tariff: Tariff
    start: date
    end: date
    steps_kwh: tuple[int, ...]


class PricedLine(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A printed line of a bill; amounts in € before tax, `months` with six decimals."""

    line: str
    grid: str
    kwh: int | None = None
    unit_ht: Decimal | None = None
    months: str | None = None
    ht: Decimal


class PricedVat(msgspec.Struct, frozen=True):
    """The VAT of one rate, computed once on the sum of its lines."""

    rate: Decimal
    base: Decimal
    amount: Decimal


class PricedBill(msgspec.Struct, frozen=True, rename={"start": "from", "end": "to_exclusive"}):
    """A usage's bill; `notes` lists what was interpolated or assumed."""

    option: str
    kva: int
    start: date
    end: date
    kwh: dict[str, int]
    lines: tuple[PricedLine, ...]
    total_ht: Decimal
    vat: tuple[PricedVat, ...]
    total_ttc: Decimal
    notes: tuple[str, ...]


def parts_of(usage: Usage) -> list[UsagePart]:
    """Split a usage by grid."""
    parts = []
    for grid, first, last in grids_between(usage.start, usage.end):
        steps = [0] * REGISTER_COUNT
        for name, number in REGISTERS[usage.option].items():
            steps[number - 1] = whole_kwh(usage.index_wh(name, first), usage.index_wh(name, last))
        tariff = regulated_tariff(grid, usage.option, usage.kva, None)
        parts.append(UsagePart(grid, tariff, first, last, tuple(steps)))
    return parts


def plain_energies(parts: Sequence[UsagePart]) -> list[Energy]:
    """Compute the energy lines of each part by plain arithmetic."""
    return [
        energy
        for position, part in enumerate(parts)
        for energy in register_energies(
            position, part.tariff, days_between(part.start, part.end), part.steps_kwh
        )
    ]


def price_usage(usage: Usage, parts: Sequence[UsagePart], energies: Sequence[Energy]) -> PricedBill:
    """Price the `energies` of the `parts`, however they were counted."""
    bill = price_bill([part.tariff for part in parts], usage.start, usage.end, energies)
    lines = [
        _priced(line, part)
        for part in parts
        for line in sorted(_lines_of(bill, part), key=lambda line: _ORDER.index(_kind(line)))
    ]
    return PricedBill(
        usage.option,
        usage.kva,
        usage.start,
        usage.end,
        usage.kwh(),
        tuple(lines),
        bill.total_ht,
        tuple(PricedVat(part.rate, part.base, part.amount) for part in bill.vat),
        bill.total_ttc,
        tuple(_notes(usage, parts)),
    )


def _lines_of(bill: Bill, part: UsagePart) -> list[Line]:
    return [line for line in bill.lines if part.start <= line.start < part.end]


def _kind(line: Line) -> str:
    return line.name.split()[0]


def _priced(line: Line, part: UsagePart) -> PricedLine:
    kind = _kind(line)
    is_subscription = kind == SUBSCRIPTION
    span = months(part.start, part.end)
    return PricedLine(
        line=line.name,
        grid=part.grid.name,
        kwh=line.kwh,
        unit_ht=part.tariff.fixed[0].eur if is_subscription else line.eur_per_kwh,
        months=_decimals(span.numerator, span.denominator) if is_subscription else None,
        ht=line.ht,
    )


def _decimals(numerator: int, denominator: int) -> str:
    return str((Decimal(numerator) / Decimal(denominator)).quantize(_MONTHS_UNIT))


def _notes(usage: Usage, parts: Sequence[UsagePart]) -> list[str]:
    notes = [
        f"The index at {part.start} was not given; it is taken in proportion to days."
        for part in parts[1:]
        if not usage.is_read(part.start)
    ]
    notes += [f"Grid of {part.grid.name}: {text}" for part in parts for text in part.grid.assumed]
    return notes
