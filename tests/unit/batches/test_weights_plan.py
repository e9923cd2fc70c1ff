"""A plan's matrices sum what the components' own weights sum."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.provider_town import END, MONTH, TARIFF
from cloud.billing.plan import WeightPlan
from protocol.household import Q, weighted_sum
from protocol.layout import MONTH_COEFFICIENTS
from protocol.schedule import Schedules
from protocol.statement import components

PARTS = components((TARIFF,), MONTH, END, Schedules())


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32), is_worst=st.booleans())
def test_a_plan_sums_as_each_line_would(seed, is_worst):
    drawn = np.random.default_rng(seed).integers(0, Q, MONTH_COEFFICIENTS, np.uint64)
    coefficients = np.full(MONTH_COEFFICIENTS, Q - 1, np.uint64) if is_worst else drawn
    lines = WeightPlan(PARTS).lines({MONTH: coefficients})
    for part, line in zip(PARTS, lines, strict=True):
        weights = part.weights(MONTH)
        (sums,) = line.months
        assert sums.quantity == weighted_sum(coefficients, weights.quantity)
        assert sums.amount == tuple(weighted_sum(coefficients, w) for w in weights.amount)
