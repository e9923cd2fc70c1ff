"""A condition that lasts is told when it begins, changes and ends, and once a day between."""

from hypothesis import given
from hypothesis import strategies as st

from system.conditions import AGAIN_AFTER_S, Condition

DAY_S = int(AGAIN_AFTER_S)
rounds = st.lists(
    st.tuples(st.sampled_from([None, "away", "refused"]), st.integers(1, DAY_S // 4)), max_size=60
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
