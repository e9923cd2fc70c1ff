"""The chip asks again what a visitor may see, whether the page is right or not."""

from datetime import date
from types import MappingProxyType
from typing import get_args

import pytest

from edge.household.entrance import Entrance
from edge.household.pairing import PairingWindow
from edge.household.requests import (
    FOR_VIEWERS,
    AskBillPdf,
    AskPairing,
    AskQuarters,
    AskToEnter,
    AskWhetherLetIn,
    CapYear,
    KeepCurve,
    Pair,
    Question,
    RepeatLine,
    SeeOffer,
    TakeAnswer,
    TakePart,
)
from edge.household.shown import Done
from edge.household.visitors import VisitorRole, household_name
from edge.language.choice import Lang
from protocol.ids import HouseholdKeyId

KEY = HouseholdKeyId(bytes(range(16)))
OPEN_TO_ALL = {AskPairing, Pair, AskToEnter, AskWhetherLetIn}
OWNERS = set(get_args(Question)) - OPEN_TO_ALL - FOR_VIEWERS
DAY = date(2026, 11, 30)
NEEDED = MappingProxyType(
    {
        AskQuarters: {"first": DAY, "last": DAY},
        AskBillPdf: {"statement": "31" * 16},
        SeeOffer: {"offer": "{}", "start": DAY},
        KeepCurve: {"months": 3},
        RepeatLine: {"is_on": True},
        TakePart: {"is_on": True},
        CapYear: {"rho": 0.5},
        TakeAnswer: {"answer": "{}"},
    }
)
DONE = Done(dict.fromkeys(Lang, "done"))


@pytest.fixture
def entrance(tmp_path):
    return Entrance(lambda: KEY, PairingWindow(tmp_path, lambda: pytest.fail("no window")))


def asked(kind, role):
    return kind(**NEEDED.get(kind, {}), household=household_name(KEY), role=role, lang=Lang.EN)


@pytest.mark.parametrize("kind", sorted(OWNERS, key=str))
def test_what_is_not_listed_is_the_owners(entrance, kind):
    refused = entrance.answer(asked(kind, VisitorRole.VIEWER), lambda _: DONE)
    assert refused.texts[Lang.EN] == "This is for visitors who may see everything."
    assert entrance.answer(asked(kind, VisitorRole.OWNER), lambda _: DONE) == DONE


@pytest.mark.parametrize("kind", sorted(FOR_VIEWERS, key=str))
def test_the_curve_is_for_all_who_were_let_in(entrance, kind):
    assert entrance.answer(asked(kind, VisitorRole.VIEWER), lambda _: DONE) == DONE
