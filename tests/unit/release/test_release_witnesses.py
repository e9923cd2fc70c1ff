"""A trustee that lies: named and set aside where the others suffice, and never published."""

import msgspec
import numpy as np
import pytest

from cloud.release import opening
from cloud.release.closing import basis_of, close
from cloud.release.opening import WITNESS_WAIT, advance, asked
from cloud.store.area import FigureStage
from protocol.area_cipher import Shape, from_bytes, to_bytes
from protocol.errors import Reason
from protocol.trustee_messages import Ask
from tests.support.area_release import SHAPE, SmallArea
from tests.support.sweeps import swept

ALL = (0, 1, 2, 3)


def lying(area, number, ask, *, places=slice(None), sums=slice(None), by=1):
    """Let a trustee add `by` to these words of these of its seed sets."""
    honest = area.fakes[number].answer

    def lie(request):
        answer = honest(request)
        if request.ask is not ask:
            return answer
        changed = list(answer.sums)
        for place, (seed_set, data) in list(enumerate(changed))[sums]:
            words = from_bytes(data).copy()
            words[places] += np.uint64(by)
            changed[place] = (seed_set, to_bytes(words))
        return msgspec.structs.replace(answer, sums=tuple(changed))

    area.fakes[number].answer = lie


def run(area, trustees=ALL, *, is_complete=True, later=None):
    basis = basis_of(area.store, area.key())
    figure = close(area.store, basis, area.roster, area.after())
    while figure.stage in (FigureStage.FIXED, FigureStage.CHECKED):
        answers = area.answers(asked(figure), trustees)
        now = figure.at if later is None else figure.at + later
        step = advance(
            area.store, basis, area.roster, figure, answers, now, is_complete=is_complete
        )
        if step is None:
            break
        figure = step
    return figure


def full(shape=SHAPE, households=120):
    area = SmallArea(households, shape=shape)
    area.contribute_all()
    return area


def is_plain_sum(area, figure):
    slots = np.frombuffer(figure.opened, "<i8")
    return slots.tolist() == area.plain_sum(area.members).tolist()


@pytest.mark.parametrize("ask", [Ask.CHECK, Ask.SUM])
@pytest.mark.parametrize(("shape", "liar"), [(Shape(3, 4), 3), (Shape(3, 4), 0), (Shape(2, 3), 1)])
def test_a_liar_is_named_and_the_figure_released_without_it(ask, shape, liar):
    area = full(shape)
    lying(area, liar, ask)
    figure = run(area, range(shape.trustees))
    assert figure.stage is FigureStage.RELEASED
    assert not figure.left_out
    assert is_plain_sum(area, figure)
    assert (
        figure.detail == f"{area.trustees.trustees[liar].name} gave wrong masks; opened without it."
    )


def test_one_wrong_copy_is_enough_to_tell_if_the_check_slot_shows_it():
    area = full()
    lying(area, 2, Ask.SUM, sums=slice(1))
    figure = run(area)
    assert is_plain_sum(area, figure)
    assert "trustee-c" in figure.detail
    assert "trustee-a" not in figure.detail


def test_a_lie_that_opens_to_another_sum_is_not_published_and_both_are_named():
    """One copy of one mask is a little off: without either trustee something plausible opens."""
    area = full()
    lying(area, 2, Ask.SUM, sums=slice(1), places=slice(1))
    figure = run(area)
    assert figure.stage is FigureStage.DISCARDED
    assert "trustee-a and trustee-c gave different masks" in figure.detail
    assert "without trustee-a, trustee-c, and to different sums" in figure.detail


def test_a_lie_about_a_few_households_leaves_them_out_and_names_both_holders():
    area = full()
    lying(area, 2, Ask.CHECK, sums=slice(1), places=slice(2))
    figure = run(area)
    assert figure.stage is FigureStage.RELEASED
    assert figure.left_out == ((0, Reason.SEEDS), (1, Reason.SEEDS))
    assert "trustee-a and trustee-c gave different masks" in figure.detail


@pytest.mark.parametrize("ask", [Ask.CHECK, Ask.SUM])
def test_with_one_away_a_lie_waits_for_it_a_week_and_is_then_discarded(ask):
    area = full()
    lying(area, 2, ask)
    waiting = run(area, (0, 1, 2), is_complete=False)
    assert waiting.stage is (FigureStage.FIXED if ask is Ask.CHECK else FigureStage.CHECKED)
    assert is_plain_sum(area, run(area, ALL, is_complete=False, later=WITNESS_WAIT))
    given_up = run(area, (0, 1, 2), is_complete=False, later=WITNESS_WAIT)
    assert given_up.stage is FigureStage.DISCARDED
    assert "trustee-a and trustee-c; trustee-b and trustee-c gave different" in given_up.detail
    assert not given_up.opened


@pytest.mark.parametrize("ask", [Ask.CHECK, Ask.SUM])
def test_two_of_two_cannot_tell_who_lies(ask):
    area = full(Shape(2, 2))
    lying(area, 0, ask)
    assert run(area, (0, 1)).stage is FigureStage.DISCARDED


def test_two_liars_of_four_publish_nothing():
    area = full()
    lying(area, 1, Ask.SUM)
    lying(area, 2, Ask.SUM, by=2)
    figure = run(area)
    assert figure.stage is FigureStage.DISCARDED
    assert not figure.opened


def test_who_lacks_a_household_s_seeds_is_named_and_is_no_liar():
    area = full()
    area.fakes[1].unknown = {area.members[3].entry}
    figure = run(area)
    assert figure.left_out == ((area.members[3].entry, Reason.SEEDS),)
    assert figure.detail == "trustee-b has no seeds of 1 household."


def test_without_comparing_copies_a_lie_would_be_published(monkeypatch):
    area = full()
    lying(area, 2, Ask.SUM, sums=slice(1), places=slice(1))
    read = opening._read
    monkeypatch.setattr(
        "cloud.release.opening._read",
        lambda *asked: msgspec.structs.replace(read(*asked), pairs=()),
    )
    figure = run(area, (2, 1, 0))
    assert figure.stage is FigureStage.RELEASED


SIX = Shape(4, 6)
KINDS = {"plausible": (0, 1), "beyond its bound": (0, 2**50), "check slot": (-1, 1)}


def outcomes(kind, away=()):
    """Yield (liar, holders of the seed, figure, area) for a lie in each single seed of 4 of 6."""
    slot, by = KINDS[kind]
    there = [number for number in range(SIX.trustees) if number not in away]
    area = full(SIX, 20)
    for liar in there:
        for place, seed_set in enumerate(SIX.sets_of(liar)):
            places = slice(slot, None) if slot < 0 else slice(slot, slot + 1)
            honest = area.fakes[liar].answer
            lying(area, liar, Ask.SUM, sums=slice(place, place + 1), places=places, by=by)
            yield liar, set(SIX.seed_sets[seed_set]), run(area, there), area
            area.fakes[liar].answer = honest


@pytest.mark.parametrize("kind", swept(KINDS, 3))
def test_with_three_holders_a_majority_names_a_liar_in_a_single_seed(kind):
    for liar, _, figure, area in outcomes(kind):
        assert figure.stage is FigureStage.RELEASED
        assert is_plain_sum(area, figure)
        assert figure.is_witnessed
        name = area.trustees.trustees[liar].name
        assert figure.detail == f"{name} gave wrong masks; opened without it."


@pytest.mark.parametrize("kind", swept(KINDS, 3))
def test_with_three_holders_and_one_away_nothing_wrong_is_released(kind):
    for liar, holders, figure, area in outcomes(kind, away=(5,)):
        is_tie = 5 in holders and kind != "check slot"
        assert figure.stage is (FigureStage.DISCARDED if is_tie else FigureStage.RELEASED)
        if not is_tie:
            assert is_plain_sum(area, figure)
            assert area.trustees.trustees[liar].name in figure.detail


def test_with_three_holders_a_figure_has_its_witness_while_one_is_away():
    figure = run(full(SIX), range(5), is_complete=False)
    assert figure.stage is FigureStage.RELEASED
    assert figure.is_witnessed
    waiting = run(full(SIX), range(4), is_complete=False)
    assert waiting.stage is FigureStage.CHECKED
    assert not run(full(SIX), range(4), is_complete=False, later=WITNESS_WAIT).is_witnessed
