"""Delays between attempts: full jitter below a doubling, capped ceiling."""

import random
from itertools import islice

import pytest

from protocol.backoff import backoff


class Highest(random.Random):
    def uniform(self, a, b):
        assert a == 0
        return b


def test_delays_are_drawn_below_a_doubling_ceiling_up_to_the_cap():
    assert list(islice(backoff(base_s=0.5, cap_s=5, rng=Highest()), 6)) == [0.5, 1, 2, 4, 5, 5]


def test_delays_are_spread_over_the_whole_interval():
    rng = random.Random(1)
    delays = [next(backoff(base_s=1, rng=rng)) for _ in range(1000)]
    assert min(delays) < 0.05
    assert max(delays) > 0.95


def test_a_cap_below_the_base_is_refused():
    with pytest.raises(ValueError, match="base_s"):
        next(backoff(base_s=2, cap_s=1))
