"""The price classes of the measure `classes`: energy by what a kWh of it costs the household.

A fixed table, the same for every provider, so that figures of different tariffs add up. A price is
that of a kWh of one register, all lines that count it together, in €/kWh with VAT. The edges bound
what the regulated tariffs, the peak hours of dynamic ones and negative hours have seen.
"""

from bisect import bisect_right
from decimal import Decimal

from protocol.measures import PRICE_CLASSES

# Class n holds prices in [EDGES[n - 1], EDGES[n]); class 0 is below zero, the last has no end.
EDGES: tuple[Decimal, ...] = tuple(
    Decimal(edge)
    for edge in (
        "0",
        "0.05",
        "0.10",
        "0.12",
        "0.14",
        "0.16",
        "0.18",
        "0.20",
        "0.22",
        "0.24",
        "0.27",
        "0.30",
        "0.40",
        "0.55",
        "0.75",
    )
)
if len(EDGES) != PRICE_CLASSES - 1:  # pragma: no cover - two tables must not drift apart
    raise AssertionError("one edge less than there are classes")


def price_class(eur_per_kwh: Decimal) -> int:
    """Return the class, in [0, 16), of a price with VAT."""
    return bisect_right(EDGES, eur_per_kwh)
