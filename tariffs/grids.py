"""The regulated French tariff (Tarif Bleu, residential), as shipped, dated grids."""

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cache
from importlib.resources import files

import msgspec

from protocol.errors import DocumentRefused
from protocol.json_text import read_json

_GRID_FILE = re.compile(r"tarif_bleu_\d{4}-\d\d-\d\d\.json")


class GridOption(StrEnum):
    """An option of the Tarif Bleu."""

    BASE = "base"
    HPHC = "hphc"
    TEMPO = "tempo"
    EJP = "ejp"


# The meter's name for the calendar (NGTF or OPTARIF), and the supplier register of each period.
CALENDARS = {
    GridOption.BASE: "BASE",
    GridOption.HPHC: "H PLEINE/CREUSE",
    GridOption.TEMPO: "TEMPO",
    GridOption.EJP: "EJP",
}
REGISTERS = {
    GridOption.BASE: {"base": 1},
    GridOption.HPHC: {"hc": 1, "hp": 2},
    GridOption.TEMPO: {
        "bleu_hc": 1,
        "bleu_hp": 2,
        "blanc_hc": 3,
        "blanc_hp": 4,
        "rouge_hc": 5,
        "rouge_hp": 6,
    },
    GridOption.EJP: {"normale": 1, "pointe": 2},
}


class Subscription(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A monthly subscription at a power: € before tax, and with CTA and VAT as published."""

    kva: int
    ht: Decimal
    ttc: Decimal


class EnergyPrice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The €/kWh of a register before tax, and with excise and VAT as published."""

    register: str
    ht: Decimal
    ttc: Decimal
    kva_min: int = 0
    kva_max: int = 36


class OptionPrices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The prices of one option: subscription by power and energy by register."""

    subscriptions: tuple[Subscription, ...]
    energy: tuple[EnergyPrice, ...]

    def subscription(self, kva: int) -> Subscription | None:
        """Return the subscription at a power, None if the option does not offer it."""
        return next((row for row in self.subscriptions if row.kva == kva), None)

    def prices(self, kva: int) -> list[EnergyPrice]:
        """Return the energy prices at a power, in the order of the grid."""
        return [price for price in self.energy if price.kva_min <= kva <= price.kva_max]


class Cta(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The contribution to grid pensions, a share of the fixed part of the network tariff."""

    rate: Decimal
    eur_a_year: Decimal
    eur_a_kva_and_year: Decimal

    def eur(self, kva: int) -> Decimal:
        """Return € a year before tax."""
        return self.rate * (self.eur_a_year + self.eur_a_kva_and_year * kva)


class Grid(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One grid, valid from `valid_from` until the next.

    `derived` lists the figures computed from published ones, `assumed` those that are not known.
    """

    valid_from: date
    vat_fixed: Decimal
    vat_energy: Decimal
    excise_eur_per_kwh: Decimal
    cta: Cta
    options: dict[GridOption, OptionPrices]
    sources: tuple[str, ...]
    derived: tuple[str, ...]
    assumed: tuple[str, ...]

    @property
    def name(self) -> str:
        """The grid's name: its first day."""
        return self.valid_from.isoformat()


@cache
def grids() -> tuple[Grid, ...]:
    """Return the shipped grids, oldest first."""
    data = files("tariffs").joinpath("data")
    shipped = [
        read_json(entry.read_bytes(), Grid)
        for entry in data.iterdir()
        if _GRID_FILE.fullmatch(entry.name)
    ]
    return tuple(sorted(shipped, key=lambda grid: grid.valid_from))


def parse_option(text: str) -> GridOption:
    """Read an option's name.

    Raises:
        DocumentRefused: there is no such option.
    """
    try:
        return GridOption(text)
    except ValueError as exc:
        raise DocumentRefused(
            f"The option {text!r} is unknown; the regulated tariff has {', '.join(GridOption)}."
        ) from exc


def prices_of(grid: Grid, option: GridOption, kva: int) -> tuple[Subscription, list[EnergyPrice]]:
    """Return an option's prices at a power under a grid.

    Raises:
        DocumentRefused: the grid does not offer that power.
    """
    prices = grid.options[option]
    subscription = prices.subscription(kva)
    if subscription is None:
        offered = ", ".join(str(row.kva) for row in prices.subscriptions)
        raise DocumentRefused(
            f"The grid of {grid.name} has no {option} at {kva} kVA; it has {offered} kVA."
        )
    return subscription, prices.prices(kva)


def grids_between(
    start: date, end: date, among: Sequence[Grid] | None = None
) -> list[tuple[Grid, date, date]]:
    """Split the days [start, end) by grid into (grid, first day, end).

    Raises:
        DocumentRefused: the days begin before the first grid.
    """
    known = list(grids() if among is None else among)
    if start < known[0].valid_from:
        raise DocumentRefused(
            f"{start} lies before the first grid known here, of {known[0].name}; begin later."
        )
    ends = [grid.valid_from for grid in known[1:]] + [date.max]
    return [
        (grid, max(start, grid.valid_from), min(end, grid_end))
        for grid, grid_end in zip(known, ends, strict=True)
        if max(start, grid.valid_from) < min(end, grid_end)
    ]
