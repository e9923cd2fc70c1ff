"""What lights show and presses mean, over everything that a chip can tell and a hand can do."""

from itertools import product
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.status.lights import (
    DARK,
    ERASE_S,
    EVEN,
    FAST,
    PAIR_S,
    SLOW,
    STEADY,
    YES_S,
    Button,
    Facts,
    Light,
    Press,
    counted,
    rhythms,
)

some_facts = st.builds(Facts, number=st.none() | st.integers(2, 9))
FLASHES_A_SECOND_MAX = 3.0


@given(some_facts, st.booleans())
def test_no_light_flashes_more_than_three_times_a_second(facts, is_night):
    shown = rhythms(facts, is_night=is_night)
    assert shown.keys() == set(Light)
    for rhythm in shown.values():
        if rhythm.lit_s and rhythm.dark_s:
            assert 1 / (rhythm.lit_s + rhythm.dark_s) <= FLASHES_A_SECOND_MAX


@given(some_facts)
def test_at_night_only_a_question_is_lit(facts):
    shown = rhythms(facts, is_night=True)
    asks = facts.is_asking or facts.number is not None
    assert (shown[Light.HOME] != DARK) == asks
    assert shown[Light.LINE] == shown[Light.CITY] == DARK


@given(some_facts)
def test_each_light_tells_its_own(facts):
    shown = rhythms(facts, is_night=False)
    assert shown[Light.LINE] == (SLOW if facts.is_line_good else FAST)
    if facts.is_refused:
        assert shown[Light.CITY] == FAST
    elif facts.is_connected:
        assert shown[Light.CITY] == (SLOW if facts.is_sending else STEADY)
    else:
        assert shown[Light.CITY] == DARK


def test_every_state_of_the_lights_is_one_of_the_table_and_each_can_be_told_apart():
    """The whole model: each fact and its opposite, each number, by day and by night."""
    names = [name for name in Facts.__struct_fields__ if name != "number"]
    seen = {light: set() for light in Light}
    for *values, number, is_night in product(
        *[(False, True)] * len(names), (None, *range(2, 10)), (False, True)
    ):
        facts = Facts(**dict(zip(names, values, strict=True)), number=number)
        for light, rhythm in rhythms(facts, is_night=is_night).items():
            seen[light].add(rhythm)
    assert seen == {
        Light.LINE: {DARK, SLOW, FAST},
        Light.CITY: {DARK, STEADY, SLOW, FAST},
        Light.HOME: {DARK, STEADY, SLOW, FAST, EVEN, *map(counted, range(2, 10))},
    }


@pytest.mark.parametrize(
    ("facts", "rhythm"),
    [
        (Facts(), DARK),
        (Facts(has_news=True), STEADY),
        (Facts(has_news=True, is_on_trial=True), EVEN),
        (Facts(has_news=True, is_on_trial=True, needs_attention=True), FAST),
        (Facts(has_news=True, needs_attention=True, is_asking=True), SLOW),
        (Facts(has_news=True, needs_attention=True, is_asking=True, number=4), counted(4)),
    ],
)
def test_the_home_light_shows_the_most_urgent(facts, rhythm):
    assert rhythms(facts, is_night=False)[Light.HOME] == rhythm


# A hold as it is polled: at growing times since it began, then not held.
holds = st.lists(st.floats(0, 30), min_size=1, max_size=20).map(sorted)


@given(st.lists(holds, max_size=6))
def test_each_hold_means_one_thing_by_its_length(hands):
    button, presses = Button(), []
    for hold in hands:
        seen = [button.step(held_s) for held_s in hold]
        seen.append(button.step(None))
        presses.append([press for press in seen if press is not None])
        assert button.step(None) is None
    for hold, seen in zip(hands, presses, strict=True):
        if hold[-1] >= PAIR_S:
            by_length = {Press.PAIR: (PAIR_S, ERASE_S), Press.ERASE: (ERASE_S, inf)}
            assert seen == [
                press
                for press, (least, most) in by_length.items()
                if any(least <= held_s < most for held_s in hold)
            ]
        else:
            assert seen == ([Press.YES] if hold[-1] >= YES_S else [])
