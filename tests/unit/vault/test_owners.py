"""Each coefficient of a sum belongs to one incarnation, or the sum is none."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.bills.readings import Span
from edge.vault.owners import CoefficientOwners, OwnerFault
from protocol.ids import new_incarnation
from protocol.layout import DAY_COEFFICIENTS, MONTH_COEFFICIENTS, coefficient

MONTH, OTHER = date(2026, 10, 1), date(2026, 11, 1)
WHO = [new_incarnation() for _ in range(3)]


class Refused(Exception):
    def __init__(self, fault):
        super().__init__(fault)
        self.fault = fault


def spans(cuts):
    """Cut a day into blocks at `cuts`; incarnations take turns."""
    ends = [*sorted(cuts), DAY_COEFFICIENTS]
    starts = [0, *ends[:-1]]
    return [
        Span(WHO[n % len(WHO)], n + 1, MONTH, j0, j1)
        for n, (j0, j1) in enumerate(zip(starts, ends, strict=True))
    ]


@given(st.sets(st.integers(1, DAY_COEFFICIENTS - 1), max_size=8), st.integers(0, 2**32))
def test_the_parts_of_weights_add_up_and_each_is_of_its_owner(cuts, seed):
    blocks = spans(cuts)
    weights = np.zeros(MONTH_COEFFICIENTS, np.int64)
    first = coefficient(MONTH, 0)
    drawn = np.random.default_rng(seed).integers(-3, 4, DAY_COEFFICIENTS)
    weights[first : first + DAY_COEFFICIENTS] = drawn
    parts = dict(CoefficientOwners(blocks, Refused).split(MONTH, weights))
    assert (sum(parts.values(), np.zeros_like(weights)) == weights).all()
    for incarnation, own in parts.items():
        held = np.zeros(MONTH_COEFFICIENTS, np.bool_)
        for block in blocks:
            if block.incarnation == incarnation:
                held[first + block.j0 : first + block.j1] = True
        assert own.any()
        assert not own[~held].any()


def test_a_coefficient_in_two_blocks_is_refused():
    with pytest.raises(Refused) as refused:
        CoefficientOwners([*spans({5}), Span(WHO[2], 9, MONTH, 4, 6)], Refused)
    assert refused.value.fault is OwnerFault.DAY_TWICE


@pytest.mark.parametrize("month", [MONTH, OTHER])
def test_a_weight_on_what_no_block_holds_is_refused(month):
    owners = CoefficientOwners(spans({5})[1:], Refused)
    weights = np.zeros(MONTH_COEFFICIENTS, np.int64)
    assert list(owners.split(month, weights)) == []
    weights[coefficient(month, 4)] = 1
    with pytest.raises(Refused) as refused:
        list(owners.split(month, weights))
    assert refused.value.fault is OwnerFault.DAY_MISSING
