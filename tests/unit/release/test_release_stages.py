"""A figure's way: fixed, checked, released or discarded; nothing that is noise gets out."""

import msgspec
import numpy as np
import pytest

from cloud.release.closing import basis_of, close, due
from cloud.release.opening import advance, asked
from cloud.store.area import FigureStage
from cloud.store.put import Put
from protocol.area_cipher import Shape
from protocol.errors import Reason
from protocol.trustee_messages import Ask
from tests.support.area_release import DAY, SmallArea


def opened(figure) -> np.ndarray:
    return np.frombuffer(figure.opened, "<i8")


def run(area: SmallArea, trustees=(0, 1, 2), day: int = DAY, *, is_complete=True):
    basis = basis_of(area.store, area.key(day))
    figure = close(area.store, basis, area.roster, area.after(day))
    while figure.stage in (FigureStage.FIXED, FigureStage.CHECKED):
        answers = area.answers(asked(figure), trustees)
        step = advance(
            area.store,
            basis,
            area.roster,
            figure,
            answers,
            area.after(day),
            is_complete=is_complete,
        )
        if step is None:
            break
        figure = step
        area.store.put_figure(figure)
    return figure


def test_a_sum_opens_to_the_plain_sum():
    area = SmallArea()
    area.contribute_all()
    figure = run(area)
    assert figure.stage is FigureStage.RELEASED
    assert opened(figure).tolist() == area.plain_sum(area.members).tolist()


@pytest.mark.parametrize("shape", [Shape(3, 4), Shape(2, 3), Shape(2, 2)])
def test_a_quorum_opens_and_fewer_do_not(shape):
    area = SmallArea(shape=shape)
    area.contribute_all()
    assert run(area, range(shape.threshold)).stage is FigureStage.RELEASED
    area.contribute_all(DAY + 1)
    assert run(area, range(shape.threshold - 1), DAY + 1).stage is FigureStage.FIXED


def test_any_one_trustee_may_be_away():
    area = SmallArea()
    for away in range(4):
        area.contribute_all(DAY + away)
        figure = run(area, [n for n in range(4) if n != away], DAY + away)
        assert opened(figure).tolist() == area.plain_sum(area.members).tolist()


def test_a_figure_is_due_after_its_deadline_only():
    area = SmallArea()
    area.contribute_all()
    before = area.after() - (area.after() - area.after(DAY - 1)) / 2
    assert list(due(area.store, before)) == []
    assert list(due(area.store, before, until=DAY + 1)) == [area.key()]
    assert list(due(area.store, area.after())) == [area.key()]
    run(area)
    assert list(due(area.store, area.after())) == []


def test_what_comes_after_the_set_is_fixed_is_late():
    area = SmallArea()
    for member in area.members[1:]:
        area.contribute(member)
    close(area.store, basis_of(area.store, area.key()), area.roster, area.after())
    assert area.contribute(area.members[0]) is Reason.LATE
    assert area.contribute(area.members[1]) is Put.AGAIN


def test_a_wrong_seed_is_named_and_left_out():
    area = SmallArea()
    wrong = area.members[7]
    area.contribute(wrong, seeds=(bytes(32), *wrong.seeds[1:]))
    area.contribute_all()
    figure = run(area)
    assert figure.left_out == ((wrong.entry, Reason.CHECK_SLOT),)
    assert figure.stage is FigureStage.RELEASED
    rest = [each for each in area.members if each is not wrong]
    assert opened(figure).tolist() == area.plain_sum(rest).tolist()


def test_a_household_whose_seeds_one_trustee_lacks_is_left_out():
    area = SmallArea()
    area.contribute_all()
    area.fakes[1].unknown = {area.members[3].entry}
    figure = run(area)
    assert figure.left_out == ((area.members[3].entry, Reason.SEEDS),)
    assert figure.stage is FigureStage.RELEASED


def test_a_liar_is_never_published():
    area = SmallArea()
    area.contribute(area.members[5], extra=2**40)
    area.contribute_all()
    figure = run(area)
    assert figure.stage is FigureStage.DISCARDED
    assert "Slots 0 of 120 households" in figure.detail
    assert not figure.opened


def test_a_liar_within_the_bound_moves_the_figure_only_by_what_it_adds():
    area = SmallArea()
    area.contribute(area.members[5], extra=2**16)
    area.contribute_all()
    figure = run(area)
    assert opened(figure)[0] == area.plain_sum(area.members)[0] + 2**16


@pytest.mark.parametrize("value", [2**63 - 1, -(2**63)])
def test_extremes_of_a_word_are_seen(value):
    area = SmallArea()
    area.contribute(area.members[5], values=np.array([value] + [0] * 17, np.int64))
    area.contribute_all()
    assert run(area).stage is FigureStage.DISCARDED


def test_a_trustee_that_lies_about_what_nobody_else_holds_is_caught_by_the_check_slot():
    area = SmallArea()
    area.contribute_all()
    honest = area.fakes[2].answer

    def lie(request):
        answer = honest(request)
        if request.ask is Ask.CHECK:
            return answer
        number, words = answer.sums[-1]  # the set of trustees 2 and 3, of whom 3 is away
        return msgspec.structs.replace(
            answer, sums=(*answer.sums[:-1], (number, words[:-1] + bytes([words[-1] ^ 1])))
        )

    area.fakes[2].answer = lie
    figure = run(area)
    assert figure.stage is FigureStage.DISCARDED
    assert "check slot" in figure.detail


def test_too_few_are_never_asked_about():
    area = SmallArea()
    for member in area.members[:83]:
        area.contribute(member)
    figure = run(area)
    assert figure.stage is FigureStage.DISCARDED
    assert not figure.requests
    assert "83 households of dep-75 count" in figure.detail


def test_too_few_after_the_check_are_not_summed():
    area = SmallArea()
    for member in area.members[:84]:
        area.contribute(member, seeds=(bytes(32),) * 6 if member.number == 0 else None)
    figure = run(area)
    assert figure.stage is FigureStage.DISCARDED
    assert len(figure.requests) == 1
    assert "83 households" in figure.detail


def test_who_joined_of_late_is_in_the_sum_but_counts_not():
    area = SmallArea()
    for member in area.members[:83]:
        area.contribute(member)
    area.contribute(area.join(500, start=DAY - 5))
    assert run(area).stage is FigureStage.DISCARDED
    for member in area.members[:84]:
        area.contribute(member, DAY + 1)
    area.contribute(area.members[-1], DAY + 1)
    figure = run(area, day=DAY + 1)
    assert len(asked(figure).entries) == 85


def test_who_moved_away_meanwhile_is_left_out():
    area = SmallArea()
    area.contribute_all()
    moved = area.members[0]
    area.join(0, cell=None, start=DAY)
    figure = run(area)
    assert figure.left_out == ((moved.entry, Reason.ROSTER),)


def test_the_roster_that_grows_between_the_stages_changes_nothing():
    area = SmallArea()
    area.contribute_all()
    basis = basis_of(area.store, area.key())
    figure = close(area.store, basis, area.roster, area.after())
    for number in range(60):
        area.join(number, cell=None, start=DAY)
    answers = area.answers(asked(figure))
    figure = advance(area.store, basis, area.roster, figure, answers, area.after())
    assert figure.stage is FigureStage.CHECKED
    assert len(asked(figure).entries) == 120
