"""One provider's offers cost the others nothing: its columns are counted before any is laid out."""

import tracemalloc
from datetime import date
from unittest.mock import patch

from protocol.quotes import LeftOut, QuotePlan, Weights
from tests.support.listing import Provider, Publisher
from tests.support.quoting import catalogue_of

START, END = date(2026, 1, 1), date(2026, 3, 1)
# 8 offers fill the 1 024 columns of a list exactly.
LINES, OFFERS = 64, 9
PLAN_MAX_BYTES = 3_000_000


def crowded():
    """Return a list that one provider fills with lines on the market, an honest offer at its end."""
    publisher, greedy, honest = Publisher(), Provider("Greedy"), Provider("Honest")
    offers = [
        greedy.offer(
            greedy.tariff(
                name=f"t{n}",
                fixed=(),
                energy=tuple(
                    publisher.market_line(markup=f"0.{n:02}{line:03}", name=f"m{line}")
                    for line in range(LINES)
                ),
            ),
            product=f"t{n}",
        )
        for n in range(OFFERS)
    ]
    fair = honest.offer(honest.tariff(energy=(publisher.market_line(),)))
    return catalogue_of(*publisher.months("series", START, END), *offers, fair), fair


def test_no_provider_leaves_a_later_one_out():
    catalogue, fair = crowded()
    plan = QuotePlan(catalogue, START, END)
    assert fair.hash in {quoted.hash for quoted in plan.quoted}
    assert LeftOut.TOO_MANY in {why for _, why in plan.left_out}


def test_a_plan_lays_nothing_out():
    catalogue, _ = crowded()
    tracemalloc.start()
    with patch.object(Weights, "row", side_effect=AssertionError):
        QuotePlan(catalogue, START, END)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < PLAN_MAX_BYTES
