"""Tariff documents for tests: made from the grids beside the project, or made up."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

from protocol.tariff import FixedLine, RegisterLine, Tariff

SHARED = Path(__file__).parents[3] / "shared"
GRID_REGISTERS = {
    "base": {"base": 1},
    "hphc": {"hc": 1, "hp": 2},
    "tempo": {
        "bleu_hc": 1,
        "bleu_hp": 2,
        "blanc_hc": 3,
        "blanc_hp": 4,
        "rouge_hc": 5,
        "rouge_hp": 6,
    },
    "ejp": {"normale": 1, "pointe": 2},
}
CALENDARS = {"base": "BASE", "hphc": "H PLEINE/CREUSE", "tempo": "TEMPO", "ejp": "EJP"}


def grid_tariff(path: Path, option: str, kva: int, valid_to: date | None) -> Tariff:
    """Make the tariff document of one option of a published grid."""
    grid = json.loads(path.read_text())
    taxes, prices = grid["taxes"], grid["options"][option]
    energy_vat, fixed_vat = Decimal(taxes["tva_energy"]), Decimal(taxes["tva_subscription_and_cta"])
    registers = GRID_REGISTERS[option]
    cta_year = Decimal(taxes["cta_rate"]) * (Decimal("38.80") + Decimal("10.11") * kva)
    if "38.80" not in taxes["cta_base_eur_per_year"]:
        raise AssertionError(taxes["cta_base_eur_per_year"])
    return Tariff(
        provider="EDF",
        name=f"Tarif Bleu {option}",
        calendar=CALENDARS[option],
        valid_from=date.fromisoformat(grid["valid_from"]),
        valid_to=valid_to,
        currency="EUR",
        fixed=(
            FixedLine(
                "abonnement",
                Decimal(prices["subscription_eur_month_ht"][str(kva)]),
                "month",
                fixed_vat,
            ),
            FixedLine("CTA", cta_year, "year", fixed_vat),
        ),
        energy=(
            *(
                RegisterLine(f"consommation {name}", (registers[name],), Decimal(price), energy_vat)
                for name, price in prices["kwh_eur_ht"].items()
            ),
            RegisterLine(
                "accise",
                tuple(registers.values()),
                Decimal(taxes["accise_eur_per_kwh"]),
                energy_vat,
            ),
        ),
    )


def simple_tariff(**changes) -> Tariff:
    """Make a small off-peak tariff."""
    fields = {
        "provider": "Ville Énergie",
        "name": "Heures creuses 2026",
        "calendar": "H PLEINE/CREUSE",
        "valid_from": date(2026, 1, 1),
        "valid_to": None,
        "currency": "EUR",
        "fixed": (FixedLine("abonnement", Decimal("12.34"), "month", Decimal("0.20")),),
        "energy": (
            RegisterLine("heures creuses", (1,), Decimal("0.14567"), Decimal("0.20")),
            RegisterLine("heures pleines", (2,), Decimal("0.18901"), Decimal("0.20")),
            RegisterLine("accise", (1, 2), Decimal("0.03085"), Decimal("0.20")),
        ),
    }
    return Tariff(**(fields | changes))
