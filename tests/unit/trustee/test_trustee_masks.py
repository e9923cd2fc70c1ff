"""Keystreams in bulk are those of the cipher, one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.area_cipher import MaskContext, add_up, mask
from trustee import masks


def context_of(slots):
    return MaskContext(bytes(32), "curve", "75", slots, 20_522)


def draws_of(count, sets):
    return [
        masks.Draw(tuple(b"%032d" % (100 * n + number) for number in range(sets)), b"%016d" % n)
        for n in range(count)
    ]


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 40), st.integers(1, 3), st.integers(2, 97))
def test_sums_and_check_masks_are_those_of_the_cipher(count, sets, slots):
    draws = draws_of(count, sets)
    sums = masks.sums(draws, sets, context_of(slots))
    checks = masks.check_masks(draws, sets, context_of(slots))
    for number in range(sets):
        rows = np.array(
            [mask(one.keys[number], context_of(slots), one.nonce) for one in draws], np.uint64
        ).reshape(count, slots)
        assert (sums[number] == add_up(rows)).all()
        assert (checks[number] == rows[:, -1]).all()


@pytest.mark.parametrize("count", [masks.CHUNK - 1, masks.CHUNK, masks.CHUNK + 1])
def test_chunks_join(count):
    draws = draws_of(count, 1)
    (total,) = masks.sums(draws, 1, context_of(5))
    rows = [mask(one.keys[0], context_of(5), one.nonce) for one in draws]
    assert (total == add_up(np.array(rows))).all()


def test_households_without_seeds_have_no_mask():
    draws = draws_of(3, 2)
    found = masks.check_masks([draws[0], None, draws[2]], 2, context_of(20))
    assert all(each[1] == 0 and each[0] and each[2] for each in found)
