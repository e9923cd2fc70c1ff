"""What the page changes: what each change means first, and nothing before the visitor is sure."""

import html
import re
from typing import NamedTuple
from urllib.parse import quote

import pytest
from markupsafe import escape

from edge.area.settings import FILE_NAME as AREA_CHOICES
from edge.area.settings import AreaChoices, AreaConfig, load_choices, save_choices
from edge.household.panel_questions import Matter
from edge.household.requests import EraseHousehold
from edge.household.visitors import VisitorRole
from edge.language.choice import Lang
from edge.page.changes import CHANGES
from edge.page.texts import TEXTS
from edge.page.views import percent_text
from edge.quotes.asking import ORDER
from edge.tic.repeater.choice import FILE_NAME as REPEATER
from edge.tic.repeater.choice import load_repeater, turn_on
from edge.vault.kept_curve import FILE_NAME as KEPT_CURVE
from edge.vault.kept_curve import KeptCurve, load_kept_curve
from protocol.socio import Profile
from tests.support.billing_home import BillingHome
from tests.support.lived_home import lived_home
from tests.support.page_process import patiently, sent_patiently

AGES = {f"age{n}": str(count) for n, count in enumerate((0, 1, 2, 0, 0, 0))}
LIVED_IN = AreaChoices(is_on=False, profile=Profile((1, 0, 0, 0, 0, 0), 0))
MOST_RHO = AreaConfig().year_cap_rho


class Case(NamedTuple):
    """A form as its page sends it, the choices before and after it, and what the page then says."""

    form: dict[str, str]
    before: AreaChoices
    after: AreaChoices
    says: str


CASES = {
    "take_part": Case({}, AreaChoices(is_on=False), AreaChoices(), "have not confirmed"),
    "stop_part": Case(
        {}, AreaChoices(), AreaChoices(is_on=False), "the button &#34;Take part&#34;"
    ),
    "set_profile": Case(
        AGES | {"employed": "2"},
        LIVED_IN,
        AreaChoices(is_on=False, profile=Profile((0, 1, 2, 0, 0, 0), 2)),
        "15-29",
    ),
    "forget_profile": Case({}, LIVED_IN, AreaChoices(is_on=False), "says nothing about who"),
    "cap_year": Case(
        {"rho": "1.5"},
        LIVED_IN,
        AreaChoices(False, "", 1.5, LIVED_IN.profile),
        "cap is 14% of the one",
    ),
    "ask_quotes": Case({}, LIVED_IN, LIVED_IN, "The answer is here after"),
    "keep_months": Case({"months": "12"}, LIVED_IN, LIVED_IN, "12"),
    "repeat_line": Case({}, LIVED_IN, LIVED_IN, "replaced by others"),
    "repeat_end": Case({}, LIVED_IN, LIVED_IN, "Not repeated on the home network"),
}
ODD = {
    "set_profile": [
        {},
        AGES,
        AGES | {"employed": "4"},
        AGES | {"employed": "-1"},
        AGES | {"employed": "two"},
        dict.fromkeys(AGES, "0") | {"employed": "0"},
        dict.fromkeys(AGES, "30") | {"employed": "0"},
        AGES | {"age0": "-1", "employed": "0"},
        AGES | {"age0": "45", "employed": "0"},
        AGES | {"employed": "9" * 400},
    ],
    "cap_year": [
        *({"rho": text} for text in ("", "-0.1", "nan", "inf", "1e400", "half", "1,5")),
        {"rho": str(2 * MOST_RHO)},
        {},
    ],
    "keep_months": [
        {},
        *({"months": text} for text in ("0", "13", "-1", "1.5", "", "twelve", "１２", "9" * 99)),
    ],
}
# What is asked at the panel is tried in test_page_erasing.py.
WORDS = [change.words for change in CHANGES if change.kind is not EraseHousehold]
CHANGE = {change.words: change for change in CHANGES}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    chip = BillingHome(tmp_path_factory.mktemp("town") / "home")
    chip.start()
    chip.live(2)
    with lived_home(chip) as home:
        yield home


@pytest.fixture
def owner(home):
    with home.visitor() as visitor:
        yield visitor


def begin(home, before, *, is_repeated=False):
    """Put the chip into the state that a case begins with."""
    save_choices(home.chip.directory, before)
    for name in (KEPT_CURVE, REPEATER, ORDER.name):
        (home.chip.directory / name).unlink(missing_ok=True)
    if is_repeated:
        turn_on(home.chip.directory, has_true_numbers=False)


def held(home):
    """Return all that a change can change."""
    directory = home.chip.directory
    asks, is_repeated = ORDER.read(directory) is not None, load_repeater(directory).is_on
    return load_choices(directory), load_kept_curve(directory), asks, is_repeated


def token_of(visitor):
    return (
        patiently(lambda: visitor.get("/etat")).text.split('name="form" value="')[1].split('"')[0]
    )


def post(visitor, change, form, origin):
    return sent_patiently(visitor, lambda: visitor.post(change.path, data=form, headers=origin))


def send(home, visitor, change, form):
    return post(visitor, change, {"form": token_of(visitor)} | form, home.page.origin)


def test_each_change_of_the_page_is_tried_here():
    assert list(CASES) == WORDS


@pytest.mark.parametrize("words", WORDS)
def test_a_change_is_shown_first_and_made_once_the_visitor_is_sure(home, owner, words):
    change, case = CHANGE[words], CASES[words]
    begin(home, case.before, is_repeated=words == "repeat_end")
    before = held(home)
    asked = send(home, owner, change, case.form)
    assert asked.status_code == 200
    assert held(home) == before, "nothing yet"
    assert f'action="{change.path}"' in asked.text
    assert f'href="{change.back}"' in asked.text
    for name, text in case.form.items():
        assert f'name="{name}" value="{text}"' in asked.text
    done = send(home, owner, change, case.form | {"sure": "yes"})
    assert done.status_code == 200
    assert case.says in done.text
    assert "<h1>Done: " in done.text
    kept, asks = KeptCurve(12 if words == "keep_months" else 3), words == "ask_quotes"
    after = case.after, kept, asks, words == "repeat_line"
    assert held(home) == after
    again = send(home, owner, change, case.form | {"sure": "yes"})
    assert again.status_code == 200
    assert held(home) == after


@pytest.mark.parametrize("words", WORDS)
def test_the_form_of_each_change_stands_on_its_page(home, owner, words):
    change, case = CHANGE[words], CASES[words]
    begin(home, case.before, is_repeated=words == "repeat_end")
    page = patiently(lambda: owner.get(change.back)).text
    assert f'action="{change.path}"' in page
    for name in case.form:
        assert f'name="{name}"' in page


@pytest.mark.parametrize(
    ("words", "form"), [(words, form) for words, forms in ODD.items() for form in forms]
)
def test_what_no_form_sends_changes_nothing(home, owner, words, form):
    begin(home, LIVED_IN)
    before = held(home)
    for sure in ({}, {"sure": "yes"}):
        refused = send(home, owner, CHANGE[words], form | sure)
        assert refused.status_code == 422, sure
    assert held(home) == before


@pytest.mark.parametrize(
    ("words", "form", "says"),
    [
        ("set_profile", AGES | {"age2": "45", "employed": "2"}, "1 to 30 persons, not 46"),
        ("set_profile", AGES | {"age0": "-2", "employed": "2"}, "is 0 or more"),
        ("set_profile", AGES | {"employed": "4"}, "More people are employed than live here"),
        ("cap_year", {"rho": str(2 * MOST_RHO)}, "can be lowered only"),
        ("keep_months", {"months": "13"}, "cannot keep 13 months"),
        ("keep_months", {"months": "-1"}, "cannot keep -1 months"),
    ],
)
def test_what_the_chip_would_refuse_it_refuses_before_the_yes(home, owner, words, form, says):
    begin(home, LIVED_IN)
    asked, sure = (send(home, owner, CHANGE[words], form | more) for more in ({}, {"sure": "yes"}))
    assert asked.status_code == sure.status_code == 422
    assert says in asked.text
    assert says in sure.text


def test_fewer_months_need_the_button_and_are_typed_without_one(home, owner):
    change, form = CHANGE["keep_months"], {"months": "2"}
    begin(home, LIVED_IN)
    before = held(home)
    for more in ({}, {"sure": "yes"}):
        refused = send(home, owner, change, form | more)
        assert (refused.status_code, "volet edge curve --keep" in refused.text) == (422, True)
    home.questions.has_panel = True
    try:
        asked = send(home, owner, change, form)
        assert "hold the chip&#39;s button for three seconds" in asked.text
        assert home.questions.standing() is None, "nothing is asked before the yes"
        done = send(home, owner, change, form | {"sure": "yes"})
        assert "<h1>Asked: the chip waits for its button" in done.text
        question = home.questions.standing_about(Matter.KEEP_FEWER)
        assert question.months == 2
        page = patiently(lambda: owner.get(change.back)).text
        assert "to keep only 2 months" in page
        assert held(home) == before, "the page alone shortens nothing"
        longer = send(home, owner, change, {"months": "4", "sure": "yes"})
        assert "<h1>Done: " in longer.text
        assert home.questions.take(question)
    finally:
        home.questions.has_panel = False


@pytest.mark.parametrize("lang", Lang)
def test_a_part_that_is_stopped_names_the_button_that_takes_it_again(home, owner, lang):
    begin(home, AreaChoices(is_on=False))
    texts = TEXTS[lang]
    patiently(lambda: owner.get(f"/langue?to={lang.value}&back=/"))
    for place in ("/accords", "/budget", "/partage", "/etat"):
        page = html.unescape(patiently(lambda: owner.get(place)).text)  # noqa: B023
        (said,) = re.findall(r"(?:vous l'avez désactivé|you have turned it off) \((.*?)\)", page)
        assert texts["take_part_do"] in said
        assert texts["agreements"] in said
        assert "volet edge area on" not in page


def test_the_cap_that_holds_is_the_one_that_the_form_shows(home, owner):
    for rho in (MOST_RHO / 2, 1.5):
        begin(home, AreaChoices(year_cap_rho=rho))
        assert f'<option value="{rho:g}" selected>' in patiently(lambda: owner.get("/budget")).text


@pytest.mark.parametrize("words", WORDS)
def test_nobody_else_changes_anything(home, owner, words):
    change, case = CHANGE[words], CASES[words]
    begin(home, case.before, is_repeated=words == "repeat_end")
    before, sure = held(home), case.form | {"sure": "yes"}
    with home.visitor() as other:
        stolen = token_of(other)
    for form in ({}, {"form": ""}, {"form": stolen}):
        assert post(owner, change, sure | form, home.page.origin).status_code == 403
    own = sure | {"form": token_of(owner)}
    assert post(owner, change, own, {"Origin": "https://a.test"}).status_code == 403
    for place in (change.path, f"{change.path}?envoi={'0' * 32}"):
        nothing = patiently(lambda: owner.get(place))  # noqa: B023
        assert (nothing.status_code, nothing.headers["location"]) == (303, change.back)
    with home.visitor(VisitorRole.VIEWER) as viewer:
        assert send(home, viewer, change, sure).status_code == 403
    with home.page.visitor() as stranger:
        sent = post(stranger, change, sure, home.page.origin)
        assert (sent.status_code, sent.headers["location"]) == (303, "/entrer")
    assert held(home) == before


@pytest.mark.parametrize("words", WORDS)
def test_a_form_is_kept_for_another_load_and_for_the_other_language(home, owner, words):
    """The way back, a reload and the language ask for a form once more, and send nothing again."""
    change, case = CHANGE[words], CASES[words]
    begin(home, case.before)
    token = token_of(owner)
    for sure, title in (({}, "_title"), ({"sure": "yes"}, "_done")):
        form = {"form": token} | case.form | sure
        sent = patiently(lambda: owner.post(change.path, data=form, headers=home.page.origin))  # noqa: B023
        place = sent.headers["location"]
        assert (sent.status_code, sent.text) == (303, "")
        assert re.fullmatch(re.escape(change.path) + r"\?envoi=[0-9a-f]{32}", place)
        assert not any(text in place.split("?")[1] for text in case.form.values() if len(text) > 2)
        before = held(home)
        for lang in (Lang.FR, Lang.EN):
            chosen = patiently(lambda: owner.get(f"/langue?to={lang.value}&back={quote(place)}"))  # noqa: B023
            assert chosen.headers["location"] == place
            page = patiently(lambda: owner.get(place)).text  # noqa: B023
            assert f'<html lang="{lang.value}">' in page
            share = percent_text(1.5 / MOST_RHO, lang)
            said = TEXTS[lang][f"{words}{title}"].format(share=share, **case.form)
            assert f"<h1>{escape(said)}</h1>" in page
            assert f"back={quote(place, safe='/')}" in page
        assert held(home) == before
    with home.visitor() as other:
        nothing = patiently(lambda: other.get(place))
        assert nothing.headers["location"] == change.back, "of the session alone that sent it"


def test_choices_that_cannot_be_read_are_named_and_not_overwritten(home, owner):
    begin(home, LIVED_IN)
    path = home.chip.directory / AREA_CHOICES
    sure = {"form": token_of(owner), "sure": "yes"}
    path.write_text('{"is_on": 3}')
    refused = post(owner, CHANGE["take_part"], sure, home.page.origin)
    assert refused.status_code == 422
    assert "damaged" in refused.text
    place = str(refused.url)
    path.unlink()
    for lang, says in ((Lang.FR, "est endommagé"), (Lang.EN, "is damaged")):
        patiently(lambda: owner.get(f"/langue?to={lang.value}&back=/"))  # noqa: B023
        again = patiently(lambda: owner.get(place))
        assert (again.status_code, says in again.text) == (422, True), "also once it could be done"
    path.write_text('{"is_on": 3}')
    assert path.read_text() == '{"is_on": 3}'
