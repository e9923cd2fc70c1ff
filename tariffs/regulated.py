"""The regulated tariff as tariff documents for offers, the list and bills."""

from datetime import date

from protocol.errors import DocumentRefused
from protocol.tariff import FixedLine, RegisterCalendar, RegisterLine, Tariff
from tariffs.grids import CALENDARS, REGISTERS, Grid, GridOption, grids, prices_of

PROVIDER = "EDF"
SUBSCRIPTION, ENERGY, CTA, EXCISE = "abonnement", "consommation", "CTA", "accise"
SOURCE_CHARS_MAX = 2_000


def regulated_tariff(
    grid: Grid,
    option: GridOption,
    kva: int,
    valid_to: date | None,
    *,
    provider: str = PROVIDER,
    register_calendar: RegisterCalendar | None = None,
) -> Tariff:
    """Make the tariff document of one option at one power under one grid.

    Raises:
        DocumentRefused: the grid does not offer that power.
    """
    subscription, prices = prices_of(grid, option, kva)
    numbers = REGISTERS[option]
    energy = [
        RegisterLine(
            f"{ENERGY} {price.register}", (numbers[price.register],), price.ht, grid.vat_energy
        )
        for price in prices
    ]
    excise = RegisterLine(
        EXCISE, tuple(numbers.values()), grid.excise_eur_per_kwh, grid.vat_energy, is_tax=True
    )
    return Tariff(
        provider=provider,
        name=f"Tarif Bleu {option} {kva} kVA",
        calendar=CALENDARS[option],
        valid_from=grid.valid_from,
        valid_to=valid_to,
        currency="EUR",
        fixed=(
            FixedLine(SUBSCRIPTION, subscription.ht, "month", grid.vat_fixed),
            FixedLine(CTA, grid.cta.eur(kva), "year", grid.vat_fixed, is_tax=True),
        ),
        energy=(*energy, excise),
        source=" ".join((*grid.sources, *grid.derived, *grid.assumed))[:SOURCE_CHARS_MAX],
        register_calendar=register_calendar,
        kva=kva,
    )


def regulated_tariffs(
    option: GridOption,
    kva: int,
    since: date | None = None,
    *,
    provider: str = PROVIDER,
    register_calendar: RegisterCalendar | None = None,
) -> list[Tariff]:
    """Make the dated tariffs of one option at one power, from the grid valid on `since`.

    Raises:
        DocumentRefused: a grid does not offer that power, or `since` is before the first grid.
    """
    known = grids()
    if since is not None and since < known[0].valid_from:
        raise DocumentRefused(f"The first grid known here is of {known[0].name}; begin then.")
    ends: list[date | None] = [grid.valid_from for grid in known[1:]]
    return [
        regulated_tariff(
            grid,
            option,
            kva,
            valid_to,
            provider=provider,
            register_calendar=register_calendar,
        )
        for grid, valid_to in zip(known, [*ends, None], strict=True)
        if since is None or valid_to is None or valid_to > since
    ]
