"""The way to the question at the panel in a real browser: each page of it, by keyboard, for all."""

import pytest

from edge.language.choice import Lang
from edge.page.texts import TEXTS
from tests.support.browser import NARROW, Look, running_browser, visit
from tests.support.lived_home import left_home
from tests.support.page_process import ENTER

pytestmark = pytest.mark.long

MOVING = "/demenager"


@pytest.fixture(scope="module")
def left(tmp_path_factory):
    with left_home(tmp_path_factory.mktemp("left") / "town", has_button=True) as home:
        yield home


@pytest.mark.parametrize("lang", Lang)
def test_the_household_that_has_left_is_asked_twice_and_sent_to_the_button(
    left, tmp_path_factory, lang
):
    texts = TEXTS[lang]
    with (
        running_browser(tmp_path_factory.mktemp("browser"), left.page) as browser,
        visit(browser, left.page, Look(lang, size=NARROW)) as visitor,
    ):
        visitor.go(ENTER)
        visitor.type_code(left.code())
        visitor.tab.wait_for_url(f"{visitor.address}/")
        visitor.go(MOVING)
        check(visitor)
        visitor.tab_to(texts["erase_do"])
        visitor.press("Enter")
        visitor.tab.wait_for_selector("input[name=sure]", state="attached")
        assert left.questions.standing() is None
        check(visitor)
        visitor.tab_to(texts["erase_yes"])
        visitor.press("Enter")
        visitor.tab.wait_for_selector("[role=status]")
        question = left.questions.standing()
        check(visitor)
        visitor.tab_to(texts["back_to_page"])
        visitor.press("Enter")
        visitor.tab.wait_for_selector("[data-look-again]")
        check(visitor)
        assert left.questions.take(question)
        visitor.tab.get_by_role("button", name=texts["erase_do"]).wait_for()
        assert visitor.complaints == []
        assert visitor.strangers() == []


def check(visitor):
    assert not visitor.violations()
    assert visitor.overflow_px() <= 0
