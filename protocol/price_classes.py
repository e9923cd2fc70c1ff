"""The price classes of the measure `classes`: energy by its price to the household.

The table is fixed and the same for every provider, so figures of different tariffs add up. A price
is the sum of all lines that count a kWh of one register, in €/kWh with VAT. The edges span the
prices seen in regulated tariffs, in peak hours of dynamic tariffs and in negative hours.
"""

from bisect import bisect_right
from decimal import Decimal

from protocol.measures import PRICE_CLASSES

# Class n covers prices in [EDGES[n - 1], EDGES[n]); class 0 is below zero, the last is unbounded.
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
