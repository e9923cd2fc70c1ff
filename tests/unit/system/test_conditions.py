"""A condition that lasts is told when it begins, changes and ends, and once a day between."""

from hypothesis import given
from hypothesis import strategies as st

from system.conditions import AGAIN_AFTER_S, REPORT_EVERY_S, REPORTS_AT_ONCE, Condition

DAY_S = int(AGAIN_AFTER_S)
rounds = st.lists(
    st.tuples(
        st.sampled_from([None, "away", "refused"]), st.integers(int(REPORT_EVERY_S), DAY_S // 4)
    ),
    max_size=60,
)


@given(rounds=rounds)
def test_a_condition_is_told_on_change_and_once_a_day(rounds):
    now_s, told, before, told_at_s = 0, [], None, 0
    condition = Condition(lambda: now_s)
    for why, pause_s in rounds:
        now_s += pause_s
        is_told = condition.ends() if why is None else condition.begins(why)
        is_old = why is not None and now_s - told_at_s >= DAY_S
        assert is_told is (why != before or is_old)
        if is_told:
            told.append(now_s)
            told_at_s = now_s
        before = why
    assert len(told) <= len(rounds)


def test_a_condition_found_every_second_is_told_once_a_day():
    seconds = iter(range(10 * DAY_S))
    condition = Condition(lambda: next(seconds))
    assert sum(condition.begins("away") for _ in range(3 * DAY_S)) == 3
    assert condition.ends()
    assert not condition.ends()


flickers = st.lists(st.tuples(st.booleans(), st.floats(0.0, 400.0)), max_size=200)


@given(flickers=flickers)
def test_what_comes_and_goes_is_told_as_pairs_and_never_fills_a_log(flickers):
    now_s, told, found, counted = 0.0, [], 0, []
    condition = Condition(lambda: now_s)
    for is_there, pause_s in flickers:
        now_s += pause_s
        found += is_there
        if is_there and condition.begins():
            told.append("begins")
        elif not is_there and condition.ends():
            told.append("ends")
            counted.append(condition.times)
    assert told == ["begins", "ends"] * (len(told) // 2) + ["begins"] * (len(told) % 2)
    assert told.count("begins") <= REPORTS_AT_ONCE + now_s / REPORT_EVERY_S
    assert sum(counted) <= found


def test_a_condition_that_lasts_after_it_flickered_is_told():
    now_s = 0.0
    condition = Condition(lambda: now_s)
    for _ in range(1_000):
        condition.begins()
        condition.ends()
    assert not condition.begins()
    now_s += REPORT_EVERY_S
    assert condition.begins()
    assert condition.ends()
    assert condition.times == 1_000 - REPORTS_AT_ONCE + 2
