"""Patience lasts while something moves, and not a moment longer than its limit after that."""

from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from system.patience import Patience, wait_until

LIMIT_S = 10.0
pauses = st.lists(st.integers(1, 39).map(lambda quarters: quarters / 4), max_size=50)


class Clock:
    def __init__(self):
        self.now_s = 0.0

    def __call__(self):
        return self.now_s

    def advance(self, by_s):
        self.now_s += by_s


@given(pauses)
def test_it_lasts_as_long_as_something_moves_within_the_limit(pauses_s):
    clock = Clock()
    patience = Patience(LIMIT_S, clock)
    for count, pause_s in enumerate(pauses_s):
        clock.advance(pause_s)
        assert patience.lasts(count)


@given(pauses, st.integers(0, 100))
def test_it_runs_out_when_nothing_has_moved_for_the_limit(pauses_s, beyond_s):
    clock = Clock()
    patience = Patience(LIMIT_S, clock)
    for count, pause_s in enumerate(pauses_s):
        clock.advance(pause_s)
        patience.lasts(count)
    clock.advance(LIMIT_S + beyond_s)
    assert not patience.lasts(len(pauses_s) - 1 if pauses_s else None)


@given(st.lists(st.sampled_from([0.0, 3.0, 6.0, 9.0]), min_size=1, max_size=30))
def test_without_a_count_the_limit_is_one_for_all(pauses_s):
    clock = Clock()
    patience = Patience(LIMIT_S, clock)
    for at_s, pause_s in zip(accumulate(pauses_s), pauses_s, strict=True):
        clock.advance(pause_s)
        assert patience.lasts() == (at_s < LIMIT_S)


@given(steps=st.integers(0, 200), step_s=st.floats(0.1, 9.9))
def test_what_takes_long_and_progresses_is_waited_for(steps, step_s):
    clock, done = Clock(), []

    def work():
        clock.advance(step_s)
        done.append(1)

    held = wait_until(
        lambda: len(done) >= steps, Patience(LIMIT_S, clock), lambda: len(done), pause=work
    )
    assert held
    assert len(done) == steps


@given(steps=st.integers(1, 50), stuck_at=st.integers(0, 49))
def test_what_stands_still_is_given_up_at_the_limit(steps, stuck_at):
    clock, done = Clock(), []

    def work():
        clock.advance(1.0)
        if len(done) < stuck_at:
            done.append(1)

    held = wait_until(
        lambda: len(done) >= steps, Patience(LIMIT_S, clock), lambda: len(done), pause=work
    )
    assert held == (stuck_at >= steps)
    if not held:
        assert clock.now_s == stuck_at + LIMIT_S


def test_a_waiter_that_was_held_up_looks_once_more():
    clock, looks = Clock(), iter([False, True])
    assert wait_until(
        lambda: next(looks),
        Patience(LIMIT_S, clock),
        lambda: clock.advance(60.0),
        pause=lambda: None,
    )
