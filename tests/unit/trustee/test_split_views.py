"""A search: the collectivity shows every chip and every trustee what it likes, with one liar's help.

Whatever it does, a sum that opens holds only households whose noise was cut for the document under
which it is opened, and as many of them as that document asks for.
"""

from dataclasses import dataclass
from random import Random

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from protocol.area_cipher import MaskContext, add_up, from_bytes, unmask
from protocol.governance import draw_up
from protocol.measures import CLASSES_SLOTS, Group, Measure, MeasureKind, Shares, check_measures
from protocol.trustee_messages import Answer
from tests.support.sweeps import swept
from tests.support.trustee_area import TrusteeArea, ask

HOMES = 8
LIAR, HONEST = 0, (1, 2)
# (crowd, threshold): how many homes share the noise, and how many are opened at least.
TERMS = ((8, 8), (4, 4), (2, 2))
SEARCH = settings(
    deadline=None,
    max_examples=60,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
    database=None,
)


@dataclass(frozen=True)
class Strategy:
    """What the collectivity does: documents are numbers of TERMS."""

    chips: tuple[int, ...]
    trustees: tuple[int, ...]
    asked: int
    homes: frozenset[int]
    withheld: frozenset[tuple[int, int]]


documents = st.integers(0, len(TERMS) - 1)
numbers = st.integers(0, HOMES - 1)


def all_but(usual, other, exceptions):
    return tuple(other if n in exceptions else usual for n in range(HOMES))


strategies = st.builds(
    Strategy,
    st.builds(all_but, documents, documents, st.frozensets(numbers, max_size=HOMES // 2)),
    st.lists(documents, min_size=len(HONEST), max_size=len(HONEST)).map(tuple)
    | documents.map(lambda one: (one,) * len(HONEST)),
    documents,
    st.frozensets(numbers, min_size=2) | st.just(frozenset(range(HOMES))),
    st.frozensets(st.tuples(st.sampled_from(HONEST), numbers), max_size=2) | st.just(frozenset()),
)


def measures_of(area, crowd, threshold):
    group = Group("75", ("75",), 300, crowd, threshold, CLASSES_SLOTS)
    weights = (1.0,) * CLASSES_SLOTS
    measure = Measure("classes", MeasureKind.CLASSES, Shares(1.0, 1.0), (group,), weights)
    document = area.measures_of(measures=(measure,))
    check_measures(document)
    return area.signed(draw_up(document))


def opened_by(strategy) -> tuple[bool, bool]:
    """Play a strategy; returns whether the sum opened, and whether it was one that may open."""
    area = TrusteeArea(homes=HOMES, far=0)
    shown = [measures_of(area, *terms) for terms in TERMS]
    asked = shown[strategy.asked]
    homes = [area.near[n] for n in sorted(strategy.homes)]
    saw = {area.near[n].entry: shown[strategy.chips[n]] for n in range(HOMES)}
    answers = []
    # The liar answers whatever it is asked: it has all documents, and takes every view for its own.
    has = {LIAR: strategy.asked, **dict(zip(HONEST, strategy.trustees, strict=True))}
    for number, document in has.items():
        area.signed_measures = shown[document]
        trustee = area.trustee(number, teaches=False)
        area.teach(trustee)
        for place, home in enumerate(area.near):
            if (number, place) in strategy.withheld:
                continue
            named = saw[home.entry].hash if number != LIAR else asked.hash
            heads = msgspec.structs.replace(area.heads(home), measures=named)
            trustee.take_key_shares(home.topic, area.letters(home, seen=heads))
        answers.append(ask(trustee, area.request(homes, measures=asked.hash)))
    if not all(isinstance(answer, Answer) for answer in answers):
        return False, False
    masks = {number: from_bytes(words) for answer in answers for number, words in answer.sums}
    total = add_up(np.array([home.masked(saw[home.entry].hash) for home in homes]))
    is_open = unmask(total, masks.values())[-1] == len(homes)
    may_open = len(homes) >= TERMS[strategy.asked][1] and all(
        saw[home.entry] == asked for home in homes
    )
    return is_open, may_open


@settings(SEARCH, max_examples=20)
@given(strategies)
def test_what_opens_was_contributed_under_that_document_by_enough(strategy):
    is_open, may_open = opened_by(strategy)
    assert may_open or not is_open


@pytest.mark.long
@settings(SEARCH, max_examples=600)
@given(strategies)
def test_a_long_search_opens_nothing_else_either(strategy):
    assert not is_broken(strategy)


def is_broken(strategy) -> bool:
    is_open, may_open = opened_by(strategy)
    return is_open and not may_open


def without_binding(monkeypatch):
    monkeypatch.setattr(MaskContext, "encoded", lambda context: context.measure.encode())


def without_views(monkeypatch):
    monkeypatch.setattr("trustee.letters.difference", lambda *_: None)


def test_the_search_finds_sums_that_open():
    """Otherwise it would prove nothing."""
    found = find(strategies, lambda each: opened_by(each)[0], settings=SEARCH, random=Random(1))
    assert opened_by(found) == (True, True)


@pytest.mark.parametrize("examples", swept([20, 400], 2))
@pytest.mark.parametrize("remove", [without_binding, without_views])
def test_each_of_the_two_rules_alone_withstands_the_search(monkeypatch, remove, examples):
    remove(monkeypatch)
    with pytest.raises(NoSuchExample):
        find(
            strategies,
            is_broken,
            settings=settings(SEARCH, max_examples=examples),
            random=Random(1),
        )


def test_sabotage_without_both_rules_the_search_breaks_it(monkeypatch):
    without_binding(monkeypatch)
    without_views(monkeypatch)
    assert is_broken(find(strategies, is_broken, settings=SEARCH, random=Random(1)))
