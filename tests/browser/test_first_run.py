"""The first run in a browser: for everybody, without scripts, from the line to the enrolment."""

import pytest

from edge.language.choice import Lang
from edge.page.texts import TEXTS
from tests.browser.test_everybody_can_use_it import SIZES
from tests.support.answering import Registrar
from tests.support.broker import wait_until
from tests.support.browser import Look, running_browser, visit
from tests.support.first_run import FIRST, FIRST_RUN, new_home

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    return Registrar(tmp_path_factory.mktemp("town") / "cloud", "testville")


@pytest.fixture
def home(tmp_path, town):
    with new_home(tmp_path, town.directory) as home:
        wait_until(lambda: bool(home.shown().line), "the chip to read its meter")
        yield home


@pytest.fixture
def browser(home, tmp_path):
    with running_browser(tmp_path / "browser", home.page) as running:
        yield running


def check(visitor):
    """Check that everybody can use the page that is shown."""
    visitor.open_all()
    for width, height in SIZES.values():
        visitor.tab.set_viewport_size({"width": width, "height": height})
        assert not visitor.violations(), (visitor.tab.url, width)
        assert visitor.overflow_px() <= 0, (visitor.tab.url, width)
        assert visitor.cut() == [], (visitor.tab.url, width)
    places = visitor.walk()
    assert [each["number"] for each in places] == list(range(visitor.reachable()))
    assert [each for each in places if not each["isSeen"] or each["outline"] < 2] == []


@pytest.mark.parametrize("has_scripts", [True, False])
@pytest.mark.parametrize("lang", Lang)
def test_a_chip_is_set_up_in_a_browser(browser, home, town, tmp_path, lang, has_scripts):
    texts, looks_closely = TEXTS[lang], has_scripts
    offer, answer = tmp_path / "offer.json", tmp_path / "answer.json"
    offer.write_bytes(home.offer)
    with visit(browser, home.page, Look(lang, has_scripts=has_scripts)) as visitor:
        tab = visitor.tab

        def at(title):
            tab.wait_for_selector(f"h1:has-text('{title}')")
            if looks_closely:
                check(visitor)

        visitor.go("/entrer")
        visitor.type_code(home.page.code())
        at(texts["first_run_title"])
        tab.locator("#offer").set_input_files(offer)
        tab.locator("#start").fill(FIRST.isoformat())
        tab.get_by_role("button", name=texts["request_see"]).click()
        at(texts["request_title"])
        tab.get_by_role("button", name=texts["request_yes"]).click()
        at(texts["first_run_title"])
        with tab.expect_download() as loading:
            tab.get_by_role("link", name=texts["request_load"]).click()
        answer.write_text(town.answer(loading.value.path().read_text()))
        tab.locator("#answer").set_input_files(answer)
        tab.get_by_role("button", name=texts["answer_see"]).click()
        at(texts["answer_title"])
        tab.get_by_role("button", name=texts["answer_yes"]).click()
        at(texts["first_run_done_title"])
        wait_until(home.has_metered, "the first quarter-hour")
        tab.get_by_role("link", name=texts["first_run_go"]).click()
        tab.wait_for_url(f"{visitor.address}/")
        assert visitor.go(FIRST_RUN) == 200
        assert tab.url == f"{visitor.address}/", "it is over"
        assert visitor.said() == []
        assert visitor.strangers() == []


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\xff\xd8\xff a photograph", "This is a picture"),
        (b"\xff\xd8\xff" * 1_000_000, "too large: 64 kB"),
    ],
    ids=["picture", "too large"],
)
@pytest.mark.parametrize("has_scripts", [True, False])
def test_what_is_refused_is_in_view_and_has_the_focus(
    browser, home, tmp_path, has_scripts, content, says
):
    """It stands above all, also where the form is below; another load sends nothing again."""
    photo = tmp_path / "offer.json"
    photo.write_bytes(content)
    look = Look(Lang.EN, size=(360, 500), has_scripts=has_scripts)
    with visit(browser, home.page, look) as visitor:
        visitor.go("/entrer")
        visitor.type_code(home.page.code())
        tab = visitor.tab
        tab.wait_for_selector("#offer")
        tab.locator("#offer").set_input_files(photo)
        tab.get_by_role("button", name=TEXTS[Lang.EN]["request_see"]).click()
        for is_again in (False, True, True):
            refusal = tab.locator("#refusal")
            refusal.wait_for()
            assert says in refusal.inner_text()
            assert tab.evaluate("document.activeElement.id") == "refusal", is_again
            box = refusal.bounding_box()
            assert box is not None
            assert -1 < box["y"] < 500
            # Where scripts are off, axe would wait for ever.
            assert not has_scripts or not visitor.violations()
            tab.reload()
        tab.go_back()
        tab.wait_for_selector("#offer")
        assert tab.locator("#refusal").count() == 0
