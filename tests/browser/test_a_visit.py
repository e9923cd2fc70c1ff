"""What a visitor sees in a real browser: who is let in, what changes by itself, what is shown."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from edge.language.choice import Lang
from edge.page.texts import TEXTS
from edge.vault.reader import read_vault
from edge.vault.rows import Key
from protocol.calendar import legal_day
from tests.support.broker import wait_until
from tests.support.browser import Look, visit
from tests.support.page_process import ENTER

pytestmark = pytest.mark.long

EN = TEXTS[Lang.EN]
WRONG = "00000000"
PLACES = {
    "/": "today",
    "/partage": "meter_said",
    "/budget": "spent",
    "/factures": "no_bill",
    "/lettres": "letters_how",
    "/offres": "offers_how",
    "/accords": "who_contract",
    "/demenager": "moving_how",
    "/donnees": "take_curve_how",
    "/etat": "state_title",
    "/aide": "help_what",
}


def a_wrong_code(code: str) -> str:
    return f"{(int(code) + 1) % 10**8:08}"


@pytest.mark.parametrize("has_scripts", [True, False])
def test_nobody_is_let_in_without_the_code_of_the_console(browser, home, has_scripts):
    with visit(browser, home.page, Look(has_scripts=has_scripts)) as visitor:
        for place in PLACES:
            visitor.go(place)
            assert visitor.tab.url == visitor.address + ENTER
        visitor.type_code(WRONG)
        assert visitor.tab.inner_text("[role=alert]")
        code = home.page.code()
        visitor.type_code(a_wrong_code(code))
        assert visitor.tab.inner_text("[role=alert]")
        visitor.go("/")
        assert visitor.tab.url == visitor.address + ENTER
        visitor.type_code(f"{code[:4]} {code[4:]}")
        visitor.tab.wait_for_url(f"{visitor.address}/")
        assert visitor.strangers() == []
    with visit(browser, home.page) as second:
        second.go(ENTER)
        second.type_code(code)
        assert second.tab.inner_text("[role=alert]")


def test_the_browser_sends_no_code_that_is_none(browser, home):
    with visit(browser, home.page) as visitor:
        visitor.go(ENTER)
        asked = len(visitor.asked)
        for text in ("", "1234", "abcdefgh"):
            visitor.type_code(text)
            assert visitor.tab.evaluate("() => !document.querySelector('#code').validity.valid")
        assert len(visitor.asked) == asked


def test_what_the_meter_says_now_changes_without_a_new_page(browser, home, cookies):
    with visit(browser, home.page, cookies=cookies) as visitor:
        visitor.go("/")
        visitor.tab.evaluate("() => { window.isSame = true }")
        first = visitor.tab.inner_text("#live")
        assert "VA" in first
        wait_until(lambda: visitor.tab.inner_text("#live") != first, "another value on the page")
        assert "VA" in visitor.tab.inner_text("#live")
        assert visitor.tab.evaluate("() => window.isSame")
        assert visitor.asked.count(f"{visitor.address}/") == 1
        assert visitor.complaints == []


@pytest.mark.parametrize("lang", Lang)
def test_all_is_there_without_scripts(browser, home, lang):
    with visit(browser, home.page, Look(lang, has_scripts=False)) as visitor:
        visitor.enter()
        for place, text in PLACES.items():
            assert visitor.go(place) == 200
            assert TEXTS[lang][text] in visitor.tab.inner_text("main")
        visitor.go("/")
        first = visitor.tab.inner_text("#live")

        def is_another() -> bool:
            visitor.tab.reload()
            return visitor.tab.inner_text("#live") != first

        wait_until(is_another, "another value on the page")
        assert f"{visitor.address}/live" not in visitor.asked
        visitor.go("/etat")
        visitor.tab.get_by_role("button", name=TEXTS[lang]["leave"]).click()
        assert visitor.tab.url == visitor.address + ENTER
        visitor.go("/")
        assert visitor.tab.url == visitor.address + ENTER


@pytest.mark.parametrize(("place", "count"), [("/", 1), ("/partage", 2)])
def test_each_picture_has_a_name_and_its_numbers_as_a_table(browser, home, cookies, place, count):
    with visit(browser, home.page, cookies=cookies) as visitor:
        visitor.go(place)
        visitor.open_all()
        figures = visitor.tab.locator("figure").all()
        amounts = visitor.tab.locator(".amount").all_inner_texts()
        assert len(figures) == len(amounts) == count
        for figure, amount in zip(figures, amounts, strict=True):
            picture = figure.get_by_role("img")
            assert re.search(r"\d{4}-\d\d-\d\d", picture.get_attribute("aria-label"))
            rows = figure.locator("xpath=following-sibling::details[1]").locator("tbody tr")
            assert rows.count() == picture.locator(".bar").count() > 0
            own = rows.locator("td.n:not(td.n ~ td.n)").all_inner_texts()
            whole_wh = sum(int(re.sub(r"\D", "", each)) for each in own)
            assert f"{whole_wh / 1000:,.3f} kWh" in amount


def test_the_bytes_on_the_page_are_those_that_left(browser, home, cookies):
    yesterday = legal_day(datetime.now(UTC)) - timedelta(days=1)
    with read_vault(home.chip_directory) as vault:
        sent = {
            block.sequence: vault.blocks.payload(Key(block.incarnation, block.sequence))
            for day in (home.first_day, yesterday)
            for block in vault.blocks.between(day, day + timedelta(days=1))
        }
    shown = {}
    with visit(browser, home.page, cookies=cookies) as visitor:
        for day in (home.first_day, yesterday):
            visitor.go(f"/partage?jour={day}")
            visitor.open_all()
            titles = visitor.tab.locator("h3:has(+ p + pre)").all_inner_texts()
            texts = visitor.tab.locator("pre").all_inner_texts()
            for title, text in zip(titles, texts, strict=True):
                shown[int(re.search(r"\d+", title)[0])] = bytes.fromhex(text.partition("…")[0])
    assert shown.keys() == sent.keys()
    assert all(sent[sequence].startswith(data) and data for sequence, data in shown.items())


def test_a_visitor_ends_the_session_of_another(browser, home):
    with visit(browser, home.page) as own, visit(browser, home.page, Look(Lang.FR)) as other:
        other.enter("--viewer")
        own.enter()
        own.go("/etat")
        viewer = own.tab.locator(".sessions li", has_text=EN["viewer"])
        viewer.get_by_role("button").click()
        own.tab.wait_for_url(f"{own.address}/etat")
        assert viewer.count() == 0
        other.go("/")
        assert other.tab.url == other.address + ENTER
        own.go("/")
        assert own.tab.url == f"{own.address}/"


def test_the_browser_loads_and_runs_nothing_that_the_page_did_not_bring(browser, home, cookies):
    """The guard that the other tests trust: what would break it is seen."""
    attempts = {
        "script-src": "document.body.append(Object.assign(document.createElement('script'), "
        "{textContent: 'window.isHit = true'}))",
        "img-src": "document.body.append(Object.assign(new Image(), {src: 'https://else.test/a'}))",
        "connect-src": "fetch('https://else.test/b').catch(() => {})",
        "style-src": "document.body.setAttribute('style', 'color: red')",
    }
    with visit(browser, home.page, cookies=cookies) as visitor:
        visitor.go("/aide")
        for directive, attempt in attempts.items():
            visitor.tab.evaluate(f"() => {{ {attempt} }}")
            wait_until(
                lambda directive=directive: any(
                    f"CSP: {directive}" in each for each in visitor.said()
                ),
                f"the browser to refuse what {directive} forbids: {visitor.complaints}",
            )
        assert visitor.tab.evaluate("() => window.isHit") is None


@pytest.mark.parametrize("lang", Lang)
def test_the_page_says_so_when_the_chip_does_not_answer(browser, home, cookies, lang):
    with visit(browser, home.page, Look(lang), cookies) as visitor:
        home.stop_chip()
        try:
            assert visitor.go("/") == 503
            assert visitor.tab.inner_text("h1") == TEXTS[lang]["away_title"]
            assert not visitor.violations()
            assert visitor.go("/aide") == 200
        finally:
            home.start_chip()
        assert visitor.go("/") == 200
        assert visitor.complaints == []
