"""A visitor is let in by the button, over the real page and the real door."""

from datetime import timedelta

import pytest

from edge.household.pairing import KNOCK_FOR, open_window
from edge.household.visitors import VisitorRole
from tests.support.billing_home import BillingHome
from tests.support.lived_home import lived_home
from tests.support.page_process import ENTER

KNOCK = f"{ENTER}/bouton"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    chip = BillingHome(tmp_path_factory.mktemp("button") / "town")
    chip.begin()
    chip.live(2)
    with lived_home(chip, has_button=True) as home:
        yield home
    chip.kill()


@pytest.fixture(autouse=True)
def window(home):
    open_window(home.chip.directory, VisitorRole.OWNER, home.chip.clock.now())
    return home.window


def knock(home, visitor):
    return visitor.post(KNOCK, headers=home.page.origin)


def test_a_press_lets_in_the_visitor_who_sees_the_number(home, window):
    with home.page.visitor() as visitor, home.page.visitor() as stranger:
        assert "bouton" in visitor.get(ENTER).text
        assert knock(home, visitor).headers["location"] == KNOCK
        shown = visitor.get(KNOCK)
        assert f'<p class="number">{window.seen()[1].number}</p>' in shown.text
        assert visitor.get("/").headers["location"] == ENTER
        assert knock(home, stranger).status_code == 403
        assert stranger.get(KNOCK).headers["location"] == ENTER
        assert window.let_in(window.seen()[1].id)
        assert visitor.get(KNOCK).headers["location"] == "/"
        assert visitor.get("/").status_code == 200
        assert stranger.get("/").headers["location"] == ENTER
        assert visitor.get(KNOCK).headers["location"] == ENTER


def test_nobody_is_let_in_by_a_number_that_has_ended(home, window):
    with home.page.visitor() as visitor:
        knock(home, visitor)
        knock_id = window.seen()[1].id
        home.chip.clock.at += KNOCK_FOR + timedelta(seconds=1)
        assert not window.let_in(knock_id)
        assert visitor.get(KNOCK).status_code == 403
        assert visitor.get("/").headers["location"] == ENTER


@pytest.mark.parametrize("other", ["0" * 32, "../../etc", "f" * 33])
def test_another_id_in_the_cookie_lets_nobody_in(home, window, other):
    with home.page.visitor() as visitor, home.page.visitor() as thief:
        knock(home, visitor)
        window.let_in(window.seen()[1].id)
        thief.headers["cookie"] = f"__Host-volet-knock={other}"
        assert thief.get(KNOCK).status_code in {303, 403}
        assert thief.get("/").headers["location"] == ENTER


def test_a_form_of_another_site_asks_for_no_number(home, window):
    with home.page.visitor() as visitor:
        assert visitor.post(KNOCK, headers={"origin": "https://evil.example"}).status_code == 403
        assert window.seen()[1] is None
