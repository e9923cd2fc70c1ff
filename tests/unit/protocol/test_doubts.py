"""Doubts as bits of a day, and back."""

import pytest

from protocol.doubt import Doubt, doubts_from_bits, doubts_to_bits, in_order

BOTH = (Doubt.INDEX_BEGAN_ANEW, Doubt.INDEX_JUMPED)


@pytest.mark.parametrize(("bits", "doubts"), [(0, ()), (1, BOTH[:1]), (2, BOTH[1:]), (3, BOTH)])
def test_each_doubt_is_a_bit(bits, doubts):
    assert doubts_to_bits(doubts) == bits
    assert doubts_from_bits(bits) == doubts
    assert doubts_from_bits(bits | 4 | 1 << 20) == doubts


def test_doubts_stand_once_in_the_order_of_their_names():
    assert in_order([Doubt.INDEX_JUMPED, *BOTH, *BOTH]) == BOTH
