"""Erasing a household on the page: what it says at each step, and who may ask at the panel."""

import pytest

from edge.household.panel_questions import ASKED_FOR
from edge.household.visitors import VisitorRole
from edge.moving.erasing import ORDER
from tests.support.billing_home import BillingHome
from tests.support.lived_home import left_home, lived_home
from tests.support.page_process import patiently, sent_patiently

MOVING, ERASE, MODEL = "/demenager", "/demenager/effacer", "/api/v1/moving"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A household that has moved out; its chip has a panel."""
    with left_home(tmp_path_factory.mktemp("left") / "town", has_button=True) as home:
        yield home


@pytest.fixture(autouse=True)
def earlier(request):
    """Let the question of the test before end."""
    if "home" in request.fixturenames:
        clock = request.getfixturevalue("home").chip.clock
        clock.at += ASKED_FOR
        clock.seconds += ASKED_FOR.total_seconds()


def token_of(visitor):
    page = patiently(lambda: visitor.get("/etat")).text
    return page.split('name="form" value="')[1].split('"')[0]


def send(home, visitor, **form):
    form = {"form": token_of(visitor)} | form
    return sent_patiently(visitor, lambda: visitor.post(ERASE, data=form, headers=home.page.origin))


def test_the_owner_asks_after_a_yes_and_sees_until_when(home):
    with home.visitor() as owner:
        shown = patiently(lambda: owner.get(MOVING)).text
        assert "You have left" in shown
        assert f'action="{ERASE}"' in shown
        asked = send(home, owner)
        assert "for good" in asked.text
        assert home.questions.standing() is None, "nothing is asked before the yes"
        done = send(home, owner, sure="yes")
        assert "twenty seconds" in done.text
        assert home.questions.standing() is not None
        shown = patiently(lambda: owner.get(MOVING)).text
        assert "The chip waits until" in shown
        assert f'action="{ERASE}"' not in shown
        told = patiently(lambda: owner.get(MODEL)).json()
        assert told["step"] == "left"
        assert told["can_erase"]
        assert told["asked_until"]
    assert not ORDER.is_in(home.chip.directory), "the page alone orders nothing"


def test_the_question_ends_by_itself(home):
    with home.visitor() as owner:
        send(home, owner, sure="yes")
        home.chip.clock.at += ASKED_FOR
        home.chip.clock.seconds += ASKED_FOR.total_seconds()
        assert home.questions.standing() is None
        assert f'action="{ERASE}"' in patiently(lambda: owner.get(MOVING)).text


def test_nobody_else_asks(home):
    with home.visitor() as owner, home.visitor(VisitorRole.VIEWER) as viewer:
        with home.visitor() as other:
            stolen = token_of(other)
        for token in ("", stolen):
            assert send(home, owner, form=token, sure="yes").status_code == 403
        own = {"form": token_of(owner), "sure": "yes"}
        evil = {"Origin": "https://a.test"}
        assert patiently(lambda: owner.post(ERASE, data=own, headers=evil)).status_code == 403
        assert patiently(lambda: owner.get(ERASE)).headers["location"] == MOVING
        assert send(home, viewer, sure="yes").status_code == 403
        for place in (MOVING, MODEL):
            assert patiently(lambda: viewer.get(place)).status_code == 403  # noqa: B023
        with home.page.visitor() as stranger:
            sent = patiently(lambda: stranger.post(ERASE, data=own, headers=home.page.origin))
            assert (sent.status_code, sent.headers["location"]) == (303, "/entrer")
    assert home.questions.standing() is None


def test_a_household_that_lives_here_cannot_ask_and_is_told_what_to_do(tmp_path):
    chip = BillingHome(tmp_path / "town")
    chip.begin()
    chip.live(1)
    with lived_home(chip, has_button=True) as home, home.visitor() as owner:
        shown = patiently(lambda: owner.get(MOVING)).text
        assert "volet edge move-out" in shown
        assert f'action="{ERASE}"' not in shown
        refused = send(home, owner, sure="yes")
        assert (refused.status_code, "has not left" in refused.text) == (422, True)
        assert home.questions.standing() is None
    chip.kill()


def test_without_a_panel_the_page_says_what_to_type(tmp_path):
    with left_home(tmp_path / "town", has_button=False) as home, home.visitor() as owner:
        shown = patiently(lambda: owner.get(MOVING)).text
        assert "Erase this chip" in shown
        assert f'action="{ERASE}"' not in shown
        refused = send(home, owner, sure="yes")
        assert (refused.status_code, "no panel" in refused.text) == (422, True)
