"""When to try again: waits that grow to a cap, drawn by the jitter of a policy."""

import random
import re
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.backoff import FULL_JITTER, NO_JITTER, QUARTER_JITTER, RetryPolicy, RetryTimer
from tests.support.environments import ROOT
from tests.support.product import PRODUCT

EXACT = RetryPolicy(first_s=0.5, cap_s=5, jitter=NO_JITTER)


def test_ceilings_grow_up_to_the_cap():
    assert list(islice(EXACT.waits_s(), 6)) == [0.5, 1, 2, 4, 5, 5]
    slower = RetryPolicy(first_s=1, growth=1.5, cap_s=3, jitter=NO_JITTER, floor_s=10)
    assert list(islice(slower.waits_s(), 4)) == [11, 11.5, 12.25, 13]


@given(
    st.sampled_from([FULL_JITTER, QUARTER_JITTER, NO_JITTER]),
    st.integers(0, 10_000),
    st.floats(0.01, 100),
    st.floats(1, 3),
)
def test_a_wait_is_within_its_jitter_of_a_ceiling_that_never_falls(jitter, attempts, first, growth):
    policy = RetryPolicy(first_s=first, cap_s=100, growth=growth, jitter=jitter)
    exact = RetryPolicy(first_s=first, cap_s=100, growth=growth, jitter=NO_JITTER)
    ceiling = exact.wait_s(attempts)
    assert first <= ceiling <= exact.wait_s(attempts + 1) <= 100
    assert jitter[0] * ceiling <= policy.wait_s(attempts) <= jitter[1] * ceiling


def test_waits_are_spread_over_the_whole_interval():
    rng = random.Random(1)
    waits = [RetryPolicy(first_s=1).wait_s(0, rng) for _ in range(1000)]
    assert min(waits) < 0.05
    assert max(waits) > 0.95


@pytest.mark.parametrize(
    "bad",
    [
        {"first_s": 2, "cap_s": 1},
        {"first_s": 0},
        {"growth": 0.5},
        {"jitter": (1, 0.5)},
        {"floor_s": -1},
    ],
)
def test_a_policy_that_cannot_be_is_refused(bad):
    with pytest.raises(ValueError, match="a retry policy has"):
        RetryPolicy(**bad)


def test_a_timer_is_due_ever_later_and_at_once_after_a_restart():
    timer = RetryTimer()
    timer.restart(100)
    assert timer.due_s == 0
    for due_s in (0.5, 1.5, 3.5, 7.5):
        timer.sent(timer.due_s, EXACT)
        assert timer.due_s == due_s
    timer.restart(100)
    timer.sent(100, EXACT)
    assert timer.due_s == 100.5


# A second way of growing waits, as it would be written.
_OWN_WAY = re.compile(
    r"2(\.0)? *\*\* *(min\()?\(?(self\.)?_?attempt|min\(2 \* \w|_s \* 2\b|_s \*= 2"
)


def own_ways(sources):
    return [name for name, text in sources if _OWN_WAY.search(text)]


def test_nobody_else_makes_waits_grow():
    paths = (path for name in PRODUCT for path in (ROOT / name).rglob("*.py"))
    assert own_ways((path.name, path.read_text()) for path in paths) == []


@pytest.mark.parametrize(
    "written",
    [
        "longest_s = first_s * 2 ** min(self.attempts, 16)",
        "pause_s = min(2 * waiting.pause_s, LONGEST_S)",
        "ceiling_s = min(cap_s, ceiling_s * 2)",
    ],
)
def test_the_ways_that_there_were_would_be_found(written):
    assert own_ways([("retry.py", written)])


def test_the_default_is_half_a_second_up_to_half_a_minute():
    assert RetryPolicy() == RetryPolicy(
        first_s=0.5, growth=2.0, cap_s=30.0, jitter=FULL_JITTER, floor_s=0.0
    )
