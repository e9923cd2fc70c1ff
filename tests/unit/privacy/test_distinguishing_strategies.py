"""A search: whatever the collectivity does, what opens tells no home apart better than is claimed.

It shows chips and trustees documents and rosters as it likes, asks for sets, orders and days as it
likes, keeps letters back, and withholds the trustees' words from each other. Of four trustees one
lies, or two hand over all that they hold, or one does this and one that.
"""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

from protocol.area_cipher import MaskContext
from tests.support.told_apart import (
    EPSILON,
    HOMES,
    TERMS,
    Strategy,
    excess,
    proven_epsilon,
    told_by,
)
from trustee.quorum import Quorum
from trustee.rules import Bound

EVERYBODY = frozenset(range(HOMES))


def search(examples):
    return settings(
        deadline=None,
        max_examples=examples,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow],
        database=None,
    )


numbers = st.integers(0, HOMES - 1)
documents = st.integers(0, len(TERMS) - 1)
some_homes = st.frozensets(numbers, max_size=2) | st.just(frozenset())


def shown(to):
    """Show one document to all of so many, or others to some."""
    one = documents.map(lambda document: (document,) * to)
    return one | st.lists(documents, min_size=to, max_size=to).map(tuple)


PAIRS = [(by, to) for by in range(4) for to in range(4) if by != to]
# Helpers of the collectivity: those who lie, and those who hand over and keep the rules.
HELPED = {"one lies": ((0,), ()), "two hand over": ((), (0, 1)), "one of each": ((0,), (1,))}


@st.composite
def strategies(draw, liars, givers):
    keepers = 4 - len(liars)
    pairs = [(by, to) for by, to in PAIRS if by not in liars and to not in liars]
    asked = draw(documents)
    orders = st.sampled_from([(0,), (0, 1), (1, 0), (1,), ()])
    everybody = some_homes.map(lambda left_out: EVERYBODY - left_out)
    sets = everybody | st.frozensets(numbers, min_size=2, max_size=4)
    return Strategy(
        liars=liars,
        givers=givers,
        trustees=draw(st.just((asked,) * keepers) | shown(keepers)),
        chips=draw(shown(HOMES)),
        other_roster=draw(some_homes),
        sets=(draw(sets), draw(sets)),
        orders=draw(orders.map(lambda one: (one,) * keepers) | st.tuples(*[orders] * keepers)),
        asked=asked,
        later_days=draw(st.sampled_from([0, 0, 0, 1])),
        withheld=draw(st.frozensets(st.tuples(st.integers(0, 3), numbers), max_size=1)),
        heard=draw(st.just(frozenset(pairs)) | st.frozensets(st.sampled_from(pairs))),
        is_late=draw(st.booleans()),
    )


ONE, TWO = strategies(*HELPED["one lies"]), strategies(*HELPED["two hand over"])
# The best that the searches are known to find: two sets that differ by a home. Each trustee hears
# of those only that are asked for the same one.
TWO_SETS = Strategy(
    liars=(0,),
    givers=(),
    trustees=(1, 1, 1),
    chips=(1,) * HOMES,
    other_roster=frozenset(),
    sets=(EVERYBODY, EVERYBODY - {0}),
    orders=((0, 1), (0, 1), (1, 0)),
    asked=1,
    later_days=0,
    withheld=frozenset(),
    heard=frozenset({(1, 2), (2, 1)}),
    is_late=False,
)
SMALL_CROWD = replace(
    TWO_SETS,
    trustees=(2, 2, 2),
    chips=(0,) * HOMES,
    asked=2,
    sets=(frozenset({0, 1}), frozenset({0, 1})),
    orders=((0,), (0,), (0,)),
    heard=frozenset((by, to) for by, to in PAIRS if by and to),
)
# Two hand over, and each of the others is asked for one of the sets.
PAIR = replace(
    TWO_SETS,
    liars=(),
    givers=(0, 1),
    trustees=(1,) * 4,
    orders=((0,), (1,), (0,), (1,)),
    heard=frozenset({(0, 2), (2, 0), (1, 3), (3, 1)}),
)
BEST = [TWO_SETS, SMALL_CROWD, PAIR, replace(PAIR, heard=frozenset()), replace(PAIR, is_late=True)]


def is_broken(strategy):
    return excess(strategy) > 0


@pytest.mark.parametrize("helped", HELPED)
@search(8)
@given(data=st.data())
def test_nothing_opens_that_tells_a_home_apart_better_than_claimed(helped, data):
    assert not is_broken(data.draw(strategies(*HELPED[helped])))


@pytest.mark.long
@pytest.mark.parametrize("helped", HELPED)
@search(400)
@given(data=st.data())
def test_a_long_search_finds_nothing_either(helped, data):
    assert not is_broken(data.draw(strategies(*HELPED[helped])))


@pytest.mark.parametrize("strategy", BEST)
def test_the_strategies_that_are_known_to_be_the_best_gain_nothing(strategy):
    assert not is_broken(strategy)


@pytest.mark.parametrize("helped", HELPED)
def test_the_search_finds_sums_that_open_and_measures_them(helped):
    """Otherwise it would prove nothing."""
    drawn = strategies(*HELPED[helped])
    found = find(drawn, told_by, settings=search(60), random=Random(1))
    for crowds in told_by(found):
        assert 0.4 * EPSILON < proven_epsilon(crowds) <= EPSILON


def without_binding(monkeypatch):
    monkeypatch.setattr(MaskContext, "encoded", lambda context: context.measure.encode())


def without_views(monkeypatch):
    monkeypatch.setattr("trustee.letters.difference", lambda *_: None)


def without_own_log(monkeypatch):
    monkeypatch.setattr(Bound, "check", lambda *_: None)
    monkeypatch.setattr("trustee.alarms.Alarms.has_two_sets", lambda *_: False)


def without_others_logs(monkeypatch):
    monkeypatch.setattr(Quorum, "missing", lambda *_: 0)


@pytest.mark.parametrize(
    ("rules", "strategy"),
    [
        ((without_binding, without_views), SMALL_CROWD),
        ((without_own_log,), TWO_SETS),
        ((without_others_logs,), PAIR),
    ],
    ids=[
        "a crowd of 8 opened over 2",
        "one lies: two sets that differ by a home",
        "two hand over: two sets that differ by a home",
    ],
)
def test_sabotage_without_its_rules_a_strategy_tells_a_home_apart(monkeypatch, rules, strategy):
    for remove in rules:
        remove(monkeypatch)
    assert is_broken(strategy)
    assert max(map(proven_epsilon, told_by(strategy))) > EPSILON


def test_its_own_log_alone_keeps_one_liar_from_two_sets(monkeypatch):
    without_others_logs(monkeypatch)
    assert not is_broken(TWO_SETS)


@pytest.mark.long
@pytest.mark.parametrize(
    ("rules", "drawn"),
    [
        ((without_binding, without_views), ONE),
        ((without_own_log,), ONE),
        ((without_others_logs,), TWO),
    ],
)
def test_sabotage_without_its_rules_the_search_finds_such_a_strategy(monkeypatch, rules, drawn):
    for remove in rules:
        remove(monkeypatch)
    assert is_broken(find(drawn, is_broken, settings=search(600), random=Random(1)))
