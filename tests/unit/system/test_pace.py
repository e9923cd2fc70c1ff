"""What a pace admits: never more than a day's in a day, nor more than a part of it at once."""

from hypothesis import given
from hypothesis import strategies as st

from system import pace as pace_module
from system.pace import AT_ONCE, DAY_S, Pace


class Clock:
    def __init__(self):
        self.now_s = 1_000_000.0

    def __call__(self):
        return self.now_s


def admitted(pace, name, tries):
    return sum(pace.admits(name) for _ in range(tries))


def test_a_part_may_come_at_once_and_the_rest_over_the_day():
    clock = Clock()
    pace = Pace(1_000, clock)
    assert admitted(pace, "a", 2_000) == 1_000 * AT_ONCE
    clock.now_s += DAY_S / 2
    assert admitted(pace, "a", 2_000) == 1_000 * AT_ONCE
    clock.now_s += 116.0
    assert admitted(pace, "a", 10) == 1


def test_names_count_each_for_itself():
    pace = Pace(40, Clock())
    assert admitted(pace, "a", 100) == admitted(pace, "b", 100) == 10


@given(
    daily=st.integers(1, 300),
    steps=st.lists(st.tuples(st.floats(0, 40_000), st.integers(0, 200)), max_size=60),
)
def test_no_24_hours_have_more_than_a_day_s(daily, steps):
    clock, times = Clock(), []
    pace = Pace(daily, clock)
    for pause_s, tries in steps:
        clock.now_s += pause_s
        times += [clock.now_s] * admitted(pace, "a", tries)
    for begin_s in times:
        assert sum(begin_s <= at_s < begin_s + DAY_S for at_s in times) <= max(daily, 2)


def test_names_that_no_longer_count_are_forgotten(monkeypatch):
    monkeypatch.setattr(pace_module, "_KEPT_LEAST", 10)
    clock = Clock()
    pace = Pace(1_000, clock)
    for number in range(1_000):
        clock.now_s += 100.0
        assert pace.admits(str(number))
    assert len(pace._until_s) <= 10


def test_whoever_hurries_is_not_forgotten(monkeypatch):
    monkeypatch.setattr(pace_module, "_KEPT_LEAST", 10)
    pace = Pace(40, Clock())
    assert admitted(pace, "a", 10) == 10
    for number in range(1_000):
        pace.admits(str(number))
    assert not pace.admits("a")
