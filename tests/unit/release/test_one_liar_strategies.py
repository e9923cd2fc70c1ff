"""Every strategy of one lying trustee of four, against what is promised; with all there, and one away.

The trustees are the product's, on their databases, and the oracle below is the promise:

* all four there: no wrong sum is released. Who differs in two seeds, or in the check slot, is named
  and left out. Who differs otherwise in one seed leaves a tie: discarded, and both are named.
* one away: a liar can stop a figure. It can shift one where it alone answers, and then the release
  is not witnessed and has waited a week.
"""

import itertools

import msgspec
import pytest

from cloud.release import opening
from cloud.store.area import FigureStage
from protocol.errors import Reason
from protocol.trustee_messages import Ask
from tests.support.one_liar import (
    A_WEEK,
    BEYOND,
    EVERYWHERE,
    LESS,
    MORE,
    RIGHT,
    SLOT,
    FourTrustees,
    Lie,
    opened,
)
from tests.support.trustee_area import DAY, SHAPE

FIRST = (0,)
CHECKS = {
    "right": {},
    "one home, first seed": {"checks": FIRST, "check_seeds": (0,)},
    "one home, second seed": {"checks": FIRST, "check_seeds": (1,)},
    "one home, third seed": {"checks": FIRST, "check_seeds": (2,)},
    "one home, two seeds": {"checks": FIRST, "check_seeds": (0, 2)},
    "all homes, one seed": {"checks": tuple(range(10)), "check_seeds": (1,)},
    "all homes, two seeds": {"checks": tuple(range(10)), "check_seeds": (0, 1)},
    "all homes, all seeds": {"checks": tuple(range(10)), "check_seeds": (0, 1, 2)},
    "lacks one": {"unknown": FIRST},
    "lacks all": {"unknown": tuple(range(10))},
    "silent": {"is_silent": (Ask.CHECK,)},
}
NO_SUM = ({"is_silent": (Ask.SUM,)}, {"is_malformed": True})
SUMS = (*({"sums": sums} for sums in EVERYWHERE), *NO_SUM)
FEW_SUMS = tuple(
    {"sums": sums}
    for sums in ((RIGHT,) * 3, (MORE, RIGHT, RIGHT), (RIGHT, LESS, MORE), (RIGHT, RIGHT, SLOT))
)


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    town = FourTrustees(tmp_path_factory.mktemp("four"))
    yield town
    town.end()


def partner(liar, place):
    """Return the trustee that shares the seed at a place of a liar's own."""
    (other,) = set(SHAPE.seed_sets[SHAPE.sets_of(liar)[place]]) - {liar}
    return other


def name(number):
    return f"trustee-{'abcd'[number]}"


def lies():
    """Yield every lie about the sums after a true check, and some after each lie about a check."""
    yield from (Lie(**sums) for sums in SUMS)
    for check, sums in itertools.product(list(CHECKS.values())[1:], FEW_SUMS):
        yield Lie(**check, **sums)


def broken(town, liar, lie, away=None, *, comes_back=False):
    """Return what a lie does that is not promised; empty if it does nothing else."""
    gone = () if away is None else (away,)
    later = A_WEEK
    figure, has_waited, plain = town.run(liar, lie, gone, later=later)
    if figure.stage is FigureStage.RELEASED:
        is_true = opened(figure).tolist() == plain.tolist()
        if away is None and not is_true:
            return "a wrong sum is released while all are there"
        if not figure.is_witnessed and not has_waited:
            return "a sum without a witness is released at once"
        if figure.is_witnessed and not is_true:
            return "a shifted sum is called witnessed"
        if not is_true and any(
            lie.sums[place] is not RIGHT and partner(liar, place) != away for place in range(3)
        ):
            return "a sum is shifted where the liar is not alone"
    if away is None and comes_back is False:
        return _with_all_there(liar, lie, figure)
    return _accuses(liar, figure)


def _with_all_there(liar, lie, figure):
    wrong = [place for place in range(3) if lie.sums[place] is not RIGHT]
    says_no_sum = lie.is_malformed or Ask.SUM in lie.is_silent
    is_tie = not says_no_sum and len(wrong) == 1 and lie.sums[wrong[0]] is not SLOT
    if is_tie != (figure.stage is FigureStage.DISCARDED):
        return f"a figure is {figure.stage}"
    if is_tie:
        both = {name(liar), name(partner(liar, wrong[0]))}
        return "" if all(one in figure.detail for one in both) else "a tie without both names"
    if wrong and not says_no_sum and f"{name(liar)} gave wrong masks" not in figure.detail:
        return "a liar is not named"
    if not set(figure.left_out) <= {(_first(figure), Reason.SEEDS)}:
        return "households are left out that nobody lied about"
    return _accuses(liar, figure)


def _first(figure):
    return figure.left_out[0][0] if figure.left_out else None


def _accuses(liar, figure):
    """Return whether an honest trustee is called wrong by itself."""
    for other in set(range(4)) - {liar}:
        if f"{name(other)} gave wrong masks" in figure.detail:
            return f"{name(other)} is accused"
    return ""


def violations(town, each=1):
    """Yield what breaks a promise: every lie of everyone, with all there and another one away.

    Or one of `each` so many of these.
    """
    tries = (
        (liar, lie, away)
        for liar, lie in itertools.product(range(4), lies())
        for away in (None, *(set(range(4)) - {liar}))
    )
    return (
        (*one, sentence)
        for one in itertools.islice(tries, 0, None, each)
        if (sentence := broken(town, *one))
    )


@pytest.mark.parametrize("each", [9, pytest.param(1, marks=pytest.mark.long)])
def test_no_lie_does_more_than_is_promised(town, each):
    assert list(itertools.islice(violations(town, each), 5)) == []


def test_a_liar_can_leave_out_a_household_and_is_named_with_the_other_holder(town):
    figure, _, _ = town.run(2, Lie(checks=FIRST, check_seeds=(0,)))
    assert figure.stage is FigureStage.RELEASED
    assert [reason for _, reason in figure.left_out] == [Reason.SEEDS]
    assert "trustee-a and trustee-c gave different masks" in figure.detail
    figure, _, _ = town.run(2, Lie(unknown=FIRST))
    assert figure.detail == "trustee-c has no seeds of 1 household."


def test_with_one_away_a_liar_shifts_a_figure_that_waits_a_week_and_is_marked(town):
    """The seed that it shares with the one that is away; what both promises are about."""
    lie = Lie(sums=(RIGHT, RIGHT, MORE))
    assert partner(0, 2) == 3
    figure, has_waited, plain = town.run(0, lie, (3,), later=A_WEEK)
    assert has_waited
    assert not figure.is_witnessed
    assert opened(figure)[0] == plain[0] - 1
    assert figure.detail.startswith("Not witnessed")
    figure, _, _ = town.run(0, lie)
    assert figure.stage is FigureStage.DISCARDED


def test_with_one_away_a_liar_stops_a_figure(town):
    figure, _, _ = town.run(0, Lie(is_silent=(Ask.CHECK,)), (3,), later=A_WEEK)
    assert figure.stage is FigureStage.FIXED
    figure, has_waited, _ = town.run(0, Lie(sums=(MORE, RIGHT, RIGHT)), (3,), later=A_WEEK)
    assert has_waited
    assert figure.stage is FigureStage.DISCARDED


@pytest.mark.parametrize("away", [1, 2, 3])
def test_one_that_was_away_ends_every_shift_when_it_comes_back_in_time(town, away):
    for sums in EVERYWHERE:
        lie = Lie(sums=sums)
        figure, _, _ = town.run(0, lie, (away,))
        if figure.stage is FigureStage.CHECKED:
            _, fixed = town.closed(figure.key.day)
            figure = town.step(figure.key.day, figure, 0, lie)
            assert figure == msgspec.structs.replace(town.run(0, lie)[0], left_out=fixed.left_out)


def _without_pairs(read):
    return lambda *asked: msgspec.structs.replace(read(*asked), pairs=())


def _first_reading(readings):
    return lambda *asked: itertools.islice(readings(*asked), 1)


RULES = {
    "copies are compared": ("_read", _without_pairs),
    "each trustee is ignored in turn": ("_readings", _first_reading),
    "what nobody confirms waits": ("_is_witnessed", lambda _: lambda _: True),
    "both of a tie are named": ("_not_opened", lambda _: lambda *_: ""),
    "who is ignored is named": ("_set_aside", lambda _: lambda *_: ""),
}


@pytest.mark.parametrize("rule", RULES)
def test_sabotage_without_a_rule_some_lie_does_more(town, monkeypatch, rule):
    target, change = RULES[rule]
    monkeypatch.setattr(opening, target, change(getattr(opening, target)))
    assert any(violations(town))


def by_bounds(basis):
    """Return what takes a sum beyond its bound for evidence of a lie."""
    right = opening.wrong_check_slot
    return lambda opened, count: right(opened, count) or opening.implausible(basis, opened, count)


@pytest.mark.parametrize("is_bound_evidence", [False, True])
def test_a_household_cannot_help_a_liar_to_shift_a_figure(tmp_path, monkeypatch, is_bound_evidence):
    """It adds what no chip may, and the liar takes that back, and more, in one seed.

    If a slot beyond its bound were evidence, the honest holder would be named and ignored.
    """
    town = FourTrustees(tmp_path, added=2**50 - 500)
    basis, _ = town.closed(DAY)
    if is_bound_evidence:
        monkeypatch.setattr(opening, "wrong_check_slot", by_bounds(basis))
    figure, _, _ = town.run(0, Lie(sums=(BEYOND, RIGHT, RIGHT)))
    town.end()
    if is_bound_evidence:
        assert figure.stage is FigureStage.RELEASED
        assert "trustee-b gave wrong masks" in figure.detail
    else:
        assert figure.stage is FigureStage.DISCARDED
        assert "trustee-a and trustee-b gave different masks" in figure.detail
