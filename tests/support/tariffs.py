"""Synthetic tariff documents for tests, and the folder of real data beside the project."""

from datetime import date
from decimal import Decimal
from pathlib import Path

from protocol.tariff import FixedLine, RegisterLine, Tariff

SHARED = Path(__file__).parents[3] / "shared"


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
