"""What the collectivity does with lying trustees: one opens nothing, two leave proofs behind.

The collectivity asks some trustees for a set of homes and the others for the same set without one
home, and withholds the trustees' words from each other. The two sums differ by that home.
"""

import itertools

import msgspec
import pytest

from protocol.convictions import Offence, Proof
from protocol.trustee_messages import Answer
from tests.support.trustee_area import TrusteeArea, ask, greet, share_answers
from trustee.rules import Bound

ORDERS = ("", "x", "y", "xy", "yx")


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


@pytest.mark.parametrize("is_withheld", [False, True], ids=["two faces", "no word"])
def test_two_liars_open_one_home_and_the_logs_convict_once_honest_ones_meet(area, is_withheld):
    """Each liar keeps two logs, one for each honest trustee, or sends no log at all."""
    honest = {"x": area.trustee(2, is_alone=False), "y": area.trustee(3, is_alone=False)}
    greet([*honest.values(), area.trustee(0, is_alone=False), area.trustee(1, is_alone=False)])
    sums = {}
    for name, homes in sets(area).items():
        liars = [area.trustee(n, is_alone=True) for n in (0, 1)]
        answers = dict(enumerate(ask(each, area.request(homes)) for each in liars))
        for liar in liars:
            if not is_withheld:
                share_answers(liar, [honest[name]])
        answers[2 if name == "x" else 3] = ask(honest[name], area.request(homes))
        sums[name] = area.opened(homes, answers)
    assert (sums["x"] - sums["y"] == area.near[0].values).all()
    assert alarms(honest["x"]) == alarms(honest["y"]) == set()

    greet(list(honest.values()))
    for trustee in honest.values():
        liars = set() if is_withheld else {"trustee-a", "trustee-b"}
        assert convicted(area, trustee) == {"collectivity"} | liars
        assert (Offence.TWO_SETS, "collectivity") in alarms(trustee)


def sets_opened(area):
    """Yield, for each order in which three honest trustees are asked, the sets that open.

    The fourth one answers whatever it is asked. Nobody hears of another one's answers. The three
    are alike, so that the order among them is no matter.
    """
    for orders in itertools.combinations_with_replacement(ORDERS, 3):
        honest = [area.trustee(n) for n in (1, 2, 3)]
        there = {"x": {0}, "y": {0}}
        for number, (trustee, order) in enumerate(zip(honest, orders, strict=True), 1):
            for name in order:
                if isinstance(ask(trustee, area.request(sets(area)[name])), Answer):
                    there[name].add(number)
        yield {name for name, trustees in there.items() if area.shape.covers(trustees)}


def test_one_liar_and_the_collectivity_never_open_two_sets():
    area = TrusteeArea(homes=7, far=0)
    assert all(len(opened) < 2 for opened in sets_opened(area))


def test_sabotage_without_its_own_log_a_trustee_lets_them_open_two_sets(monkeypatch):
    area = TrusteeArea(homes=7, far=0)
    monkeypatch.setattr(Bound, "check", lambda *_: None)
    monkeypatch.setattr("trustee.alarms.Alarms.has_two_sets", lambda *_: False)
    assert any(len(opened) == 2 for opened in sets_opened(area))
