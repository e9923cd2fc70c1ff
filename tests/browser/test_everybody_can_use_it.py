"""WCAG 2.2 AA on each page, in both languages, light and dark, narrow and enlarged, by keyboard."""

from datetime import UTC, datetime
from itertools import product

import pytest

from edge.language.choice import Lang
from edge.page.texts import TEXTS
from protocol.calendar import legal_day
from tests.support.browser import NARROW, WIDE, Look, visit
from tests.support.page_process import ENTER

pytestmark = pytest.mark.long

# 1.4.10 asks for 320 CSS pixels, 1.4.4 for 200 %: half as many pixels each way.
SIZES = {"wide": WIDE, "320 px": NARROW, "200 %": (WIDE[0] // 2, WIDE[1] // 2)}
# A day before this chip was, and a page that is not there.
REFUSED, MISSING = "/partage?jour=2001-01-01", "/nowhere"


PLACES = {
    "today": ("/", 200),
    "shared": ("/partage", 200),
    "many blocks": ("/partage?jour={first_day}", 200),
    "all that left": ("/partage?jour={today}", 200),
    "budget": ("/budget", 200),
    "bills": ("/factures", 200),
    "letters": ("/lettres", 200),
    "offers": ("/offres", 200),
    "agreements": ("/accords", 200),
    "moving": ("/demenager", 200),
    "own_curve": ("/donnees", 200),
    "state": ("/etat", 200),
    "help": ("/aide", 200),
    "enter": (ENTER, 200),
    "no": (REFUSED, 422),
    "none": (MISSING, 404),
}


@pytest.fixture(params=PLACES)
def place(request, home):
    """A page, and the status of its answer."""
    path, status = PLACES[request.param]
    today = legal_day(datetime.now(UTC))
    return path.format(first_day=home.first_day, today=today), status


@pytest.fixture(scope="module")
def windows(browser, home, cookies):
    """A window for each language, since a new one takes seconds."""
    with (
        visit(browser, home.page, Look(Lang.FR), cookies) as fr,
        visit(browser, home.page, Look(Lang.EN), cookies) as en,
    ):
        yield {Lang.FR: fr, Lang.EN: en}


def check(visitor):
    """Check the page that is shown, with all that is folded, at each size and in both colours."""
    visitor.open_all()
    for size, colours in product(SIZES, ("light", "dark")):
        visitor.tab.set_viewport_size(dict(zip(("width", "height"), SIZES[size], strict=True)))
        visitor.tab.emulate_media(color_scheme=colours)
        assert visitor.violations() == "", (size, colours)
        assert visitor.overflow_px() <= 0, size
        assert visitor.cut() == [], size


@pytest.mark.parametrize("lang", Lang)
def test_axe_finds_nothing_and_nothing_is_wider_than_the_window(windows, place, lang):
    path, status = place
    visitor = windows[lang]
    assert visitor.go(path) == status
    assert visitor.tab.get_attribute("html", "lang") == lang
    check(visitor)
    assert visitor.complaints == []
    assert visitor.strangers() == []


@pytest.mark.parametrize("size", ["wide", "320 px"])
def test_tab_reaches_all_in_order_and_shows_where_it_is(windows, place, size):
    visitor = windows[Lang.EN]
    visitor.tab.set_viewport_size(dict(zip(("width", "height"), SIZES[size], strict=True)))
    visitor.go(place[0])
    places = visitor.walk()
    assert [each["number"] for each in places] == list(range(visitor.reachable()))
    assert [each for each in places if not each["isSeen"] or each["outline"] < 2] == []


def test_the_first_place_skips_to_the_content(browser, home, cookies):
    with visit(browser, home.page, cookies=cookies) as visitor:
        visitor.go("/partage")
        visitor.press("Tab")
        assert visitor.tab.inner_text(":focus") == TEXTS[Lang.EN]["skip"]
        visitor.press("Enter", "Tab")
        assert visitor.tab.locator("main :focus").get_attribute("id") == "day"


@pytest.mark.parametrize("lang", Lang)
def test_a_whole_visit_by_keyboard(browser, home, lang):
    """In, what left, the table, the other language, out."""
    other = Lang.EN if lang is Lang.FR else Lang.FR
    texts, others = TEXTS[lang], TEXTS[other]
    with visit(browser, home.page, Look(lang)) as visitor:
        visitor.go(ENTER)
        visitor.tab_to(texts["code"])
        visitor.tab.keyboard.type(home.page.code())
        visitor.press("Enter")
        visitor.tab.wait_for_url(f"{visitor.address}/")
        visitor.tab_to(texts["shared"])
        visitor.press("Enter")
        visitor.tab.wait_for_url(f"{visitor.address}/partage")
        visitor.tab_to(texts["as_table"])
        assert not visitor.tab.is_visible("details td")
        visitor.press("Enter")
        assert visitor.tab.is_visible("details td >> nth=0")
        visitor.tab_to(texts["before"])
        visitor.press("Enter")
        visitor.tab.wait_for_url("**/partage?jour=*")
        visitor.tab_to(texts["other_language"])
        visitor.press("Enter")
        visitor.tab.wait_for_selector(f"html[lang={other}]")
        visitor.tab_to(others["state"])
        visitor.press("Enter")
        visitor.tab.wait_for_url(f"{visitor.address}/etat")
        visitor.tab_to(others["leave"])
        visitor.press("Enter")
        visitor.tab.wait_for_url(f"{visitor.address}{ENTER}")
        assert visitor.tab.inner_text("h1") == others["enter_title"]
        assert visitor.complaints == []


@pytest.mark.parametrize("place", ["/accords", "/budget", "/offres", "/donnees"])
@pytest.mark.parametrize("lang", Lang)
def test_a_change_by_keyboard_is_asked_for_twice(browser, home, lang, place, cookies):
    texts = TEXTS[lang]
    with visit(browser, home.page, Look(lang), cookies) as visitor:
        visitor.go(place)
        visitor.tab_to(visitor.tab.locator("main form button:visible").first.inner_text())
        visitor.press("Enter")
        visitor.tab.wait_for_selector("input[name=sure]", state="attached")
        assert not visitor.violations()
        assert visitor.overflow_px() <= 0
        assert visitor.tab.get_by_role("link", name=texts["change_nothing"]).count() == 1
        visitor.tab_to(visitor.tab.locator("main form button").inner_text())
        visitor.press("Enter")
        visitor.tab.wait_for_selector("[role=status]")
        assert not visitor.violations()
        visitor.tab_to(texts["back_to_page"])
        visitor.press("Enter")
        visitor.tab.wait_for_url(visitor.address + place)
        assert visitor.complaints == []
        assert visitor.strangers() == []


@pytest.mark.parametrize("lang", Lang)
def test_a_line_that_is_repeated_is_told_to_everybody_and_ended_by_keyboard(
    browser, home, lang, cookies
):
    texts = TEXTS[lang]
    with visit(browser, home.page, Look(lang), cookies) as visitor:
        for name, is_repeated in (("repeat_line", True), ("repeat_end", False)):
            visitor.go("/etat")
            visitor.tab_to(texts[f"{name}_do"])
            visitor.press("Enter")
            visitor.tab.wait_for_selector("input[name=sure]", state="attached")
            check(visitor)
            visitor.tab_to(texts[f"{name}_yes"])
            visitor.press("Enter")
            visitor.tab.wait_for_selector("[role=status]")
            check(visitor)
            visitor.go("/etat")
            told = visitor.tab.locator("section:has(#repeater) p.warning")
            assert told.count() == is_repeated
            check(visitor)
        assert visitor.complaints == []
