"""Who was let in by a household that has left is told nothing of the one that came."""

import asyncio
from datetime import UTC, datetime

import httpx
import pytest

from edge.area.settings import AreaConfig
from edge.household.answers import Answers, LiveChip
from edge.household.call import door_in
from edge.household.door import open_door
from edge.household.pairing import PairingWindow, open_window
from edge.household.panel_questions import PanelQuestions
from edge.household.requests import (
    AskBudget,
    AskLive,
    AskOwnCurve,
    AskPairing,
    AskShared,
    AskState,
    AskToday,
    Pair,
)
from edge.household.shown import FormerHouseholds, Live, NotDone, Paired, Pairing
from edge.household.visitors import VisitorRole, household_name
from edge.page.app import Page, application
from edge.page.visit import SESSION_COOKIE
from edge.status.live import LiveValues
from protocol.errors import ConfigError
from protocol.ids import HouseholdKeyId
from tests.support.chip_bench import BenchClock

NOW = datetime(2026, 11, 30, 7, tzinfo=UTC)
KEY, FORMER = HouseholdKeyId(bytes(range(16))), "ab" * 8
QUESTIONS = (AskToday, AskShared, AskBudget, AskState, AskOwnCurve, AskLive)


def no_chip():
    raise ConfigError("There is no chip.")


@pytest.fixture
def answers(tmp_path):
    window = PairingWindow(tmp_path, lambda: NOW)
    questions, chip = (
        PanelQuestions(BenchClock(NOW)),
        LiveChip(LiveValues, no_chip, no_chip, no_chip),
    )
    return Answers(tmp_path, KEY, window, questions, AreaConfig(), lambda: NOW, chip)


def test_each_question_is_for_visitors_of_this_household(answers):
    """Whether the page is right or not: it may be another than ours."""
    for ask in QUESTIONS:
        assert answers.answer(ask(household=FORMER)) == FormerHouseholds()
        assert answers.answer(ask()) == FormerHouseholds()
    own = household_name(KEY)
    assert answers.answer(AskLive(household=own)) == Live()
    assert isinstance(answers.answer(AskToday(household=own)), NotDone), "there is no vault"


def test_whether_and_how_somebody_can_pair_may_be_asked_by_all(answers, tmp_path):
    assert answers.answer(AskPairing()) == Pairing(is_open=False)
    code = open_window(tmp_path, VisitorRole.OWNER, NOW).code
    paired = answers.answer(Pair(code=code, household=FORMER))
    assert paired == Paired(VisitorRole.OWNER, household_name(KEY))


def test_a_former_visitor_pairs_anew(answers, tmp_path):
    page = Page(door_in(tmp_path), tmp_path)
    token = page.sessions.begin(VisitorRole.OWNER, FORMER, "")
    app = application(page, ["localhost"])

    async def visit():
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="https://localhost",
            cookies={SESSION_COOKIE: token},
        ) as visitor:
            return await visitor.get("/etat")

    with open_door(tmp_path, answers.answer):
        answer = asyncio.run(visit())
    assert (answer.status_code, answer.headers["location"]) == (303, "/entrer")
    assert page.sessions.of(token) is None
