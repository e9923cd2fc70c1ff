"""What the collectivity does with trustees' help: up to its bound one set opens, beyond it two.

The collectivity asks some trustees for a set of homes and the others for the same set without one
home, and withholds the trustees' words from each other. The two sums differ by that home.
"""

import itertools

import msgspec
import pytest

from protocol.area_cipher import Shape
from protocol.convictions import Offence, Proof
from protocol.errors import Reason
from protocol.trustee_messages import Answer
from tests.support.sweeps import swept
from tests.support.trustee_area import TrusteeArea, ask, greet, log_line, share_answers
from trustee.quorum import Quorum
from trustee.rules import Bound

# (shape, how many lie, how many hand over all that they hold and keep the rules).
MOST = [
    (Shape(3, 4), 1, 0),
    (Shape(3, 4), 1, 1),
    (Shape(3, 4), 0, 2),
    (Shape(4, 6), 1, 2),
    (Shape(4, 6), 0, 3),
    (Shape(2, 3), 0, 1),
    (Shape(2, 2), 1, 0),
]


@pytest.fixture(scope="module")
def area():
    return TrusteeArea(far=0)


def sets(area):
    return {"x": area.near, "y": area.near[1:]}


def alarms(trustee):
    return {(alarm.offence, alarm.offender) for alarm in trustee._log.alarms()}


def convicted(area, trustee):
    """Return whom the proofs that a trustee keeps convict, by the keys of the set alone."""
    proofs = [msgspec.msgpack.decode(alarm.proof, type=Proof) for alarm in trustee._log.alarms()]
    return {proof.convicts([area.set]) for proof in proofs}


def test_two_liars_open_one_home_and_the_logs_convict_once_honest_ones_meet(area):
    """Each liar keeps two logs, one for each honest trustee."""
    honest = {"x": area.trustee(2, is_alone=False), "y": area.trustee(3, is_alone=False)}
    greet([*honest.values(), area.trustee(0, is_alone=False), area.trustee(1, is_alone=False)])
    sums = {}
    for name, homes in sets(area).items():
        request = area.request(homes)
        liars = [area.trustee(n, is_alone=True) for n in (0, 1)]
        answers = dict(enumerate(ask(each, request) for each in liars))
        for liar in liars:
            share_answers(liar, [honest[name]])
        answers[2 if name == "x" else 3] = ask(honest[name], request)
        sums[name] = area.opened(homes, answers)
    assert (sums["x"] - sums["y"] == area.near[0].values).all()
    assert alarms(honest["x"]) == alarms(honest["y"]) == set()

    greet(list(honest.values()))
    for trustee in honest.values():
        assert convicted(area, trustee) == {"collectivity", "trustee-a", "trustee-b"}
        assert (Offence.TWO_SETS, "collectivity") in alarms(trustee)


def test_two_liars_who_sign_nothing_get_nothing(area):
    """So whoever opens two sets leaves a proof against each liar with the honest ones."""
    honest = [area.trustee(n, is_alone=False) for n in (2, 3)]
    greet([*honest, area.trustee(0, is_alone=False), area.trustee(1, is_alone=False)])
    for trustee, homes in zip(honest, sets(area).values(), strict=True):
        assert ask(trustee, area.request(homes)) is None
        assert ask(trustee, area.request(homes)).reason is Reason.NOT_READY


def sets_opened(shape, liars, givers):
    """Yield the sets that open, for each way to ask some trustees for one set, others for another.

    Each is asked for both sets, in one of the orders. It hears of those only that are asked in the
    same order, and of the liars, which say to everybody that they have logged the same.
    """
    area = TrusteeArea(shape, homes=7, far=0)
    requests = {name: area.request(homes) for name, homes in sets(area).items()}
    numbers = range(shape.trustees)
    lying, giving, honest = numbers[:liars], numbers[liars:][:givers], numbers[liars + givers :]
    orders = itertools.product(
        *(
            itertools.combinations_with_replacement(("xy", "yx"), len(each))
            for each in (giving, honest)
        )
    )
    for of_giving, of_honest in orders:
        asked = dict(zip((*giving, *honest), (*of_giving, *of_honest), strict=True))
        trustees = {n: area.trustee(n, is_alone=False) for n in asked}
        greet([*trustees.values(), *(area.trustee(n, is_alone=False) for n in lying)])
        for number, order in asked.items():
            for name in order:
                ask(trustees[number], requests[name])
        for number, order in asked.items():
            alike = [trustees[n] for n, other in asked.items() if other == order and n != number]
            share_answers(trustees[number], alike)
            for liar in lying:
                line = log_line(area.identities[liar], requests[order[0]])
                trustees[number].take_peer(area.identities[liar].name, line)
        known = {name: {*lying, *giving} for name in requests}
        for number, order in asked.items():
            for name in order:
                if isinstance(ask(trustees[number], requests[name]), Answer):
                    known[name].add(number)
        yield {name for name, trustees in known.items() if shape.covers(trustees)}


@pytest.mark.parametrize(("shape", "liars", "givers"), swept(MOST, 3), ids=str)
def test_with_as_much_help_as_is_claimed_two_sets_never_open(shape, liars, givers):
    assert max(len(opened) for opened in sets_opened(shape, liars, givers)) == 1


@pytest.mark.parametrize(("shape", "liars", "givers"), MOST, ids=str)
def test_sabotage_without_the_others_logs_those_who_hand_over_are_enough(
    shape, liars, givers, monkeypatch
):
    monkeypatch.setattr(Quorum, "missing", lambda *_: 0)
    is_too_many = liars + givers >= shape.liars_for_two_sets
    assert any(len(opened) == 2 for opened in sets_opened(shape, liars, givers)) == is_too_many


def test_sabotage_without_its_own_log_a_trustee_lets_one_liar_open_two_sets(monkeypatch):
    monkeypatch.setattr(Bound, "check", lambda *_: None)
    monkeypatch.setattr("trustee.alarms.Alarms.has_two_sets", lambda *_: False)
    assert any(len(opened) == 2 for opened in sets_opened(Shape(3, 4), 1, 0))
