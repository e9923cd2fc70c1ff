"""The page of a household that has lived through some weeks: what each route shows, and to whom."""

from html import escape
from html.parser import HTMLParser

import pytest

from edge.household.visitors import VisitorRole
from edge.page.places import MENU, may_see
from tests.support.lived_home import lived_home
from tests.support.lived_story import lived

HOSTILE = "<script src=/static/page.js>alert(1)</script>"
OWNERS = [place.path for place in MENU if not may_see(VisitorRole.VIEWER, place.path)]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    town = tmp_path_factory.mktemp("lived")
    chip = lived(town, f"Bonjour.\n{HOSTILE}", f"{HOSTILE}2", provider="<b>Ville</b>", name=HOSTILE)
    with lived_home(chip) as home:
        yield home


class Tags(HTMLParser):
    """Collects the scripts and elements of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, _attrs):
        self.names.append(tag)


def check_is_text(page: str, text: str) -> None:
    """Check that a page shows a text, and has no element by it."""
    assert escape(text) in page
    tags = Tags(page).names
    assert tags.count("script") == 1, "the page's own"
    assert not {"b", "img", "iframe"} & set(tags)


def test_who_sees_the_curve_only_is_refused_what_is_the_households(home):
    assert {"/factures", "/lettres", "/offres", "/accords", "/donnees"} <= set(OWNERS)
    models = [f"/api/v1/{place.model}" for place in MENU if place.path in OWNERS]
    with home.visitor(VisitorRole.VIEWER) as viewer, home.visitor() as owner:
        shown = viewer.get("/budget").text
        for place in (*OWNERS, *models, "/factures?releve=" + "31" * 16, "/factures/"):
            refused = viewer.get(place, follow_redirects=True)
            assert refused.status_code == 403, place
            assert "You were let in to see the curve only." in refused.text
            assert not any(word in refused.text for word in ("kWh", "Bonjour", "Ville"))
            assert place not in models or list(refused.json()) == ["error"]
            assert f'href="{place}"' not in shown
            assert owner.get(place, follow_redirects=True).status_code == 200, place


def test_who_sees_the_curve_only_sees_no_bill_to_come(home):
    with home.visitor(VisitorRole.VIEWER) as viewer, home.visitor() as owner:
        for place in ("/etat", "/api/v1/state"):
            assert "Next bill" in owner.get(place).text
            assert "Next bill" not in viewer.get(place).text


def test_bills_are_shown_with_the_chips_verdict_and_their_lines(home):
    with home.visitor() as visitor:
        told = visitor.get("/api/v1/bills").json()
        shown = visitor.get("/factures").text
        assert [row["verdict"] for row in told["rows"]] == ["refused", "correct", "correct"]
        assert not any(row["asks_for_action"] for row in told["rows"]), (
            "the third repeats the first"
        )
        assert told["shown"]["row"] == told["rows"][1], "the bill that ends last"
        assert "Checked by your own chip: correct." in shown
        assert f"{told['shown']['row']['total_eur']} €" in shown
        assert "Compared with the period before" in shown
        assert "receipt delivered" in shown
        check_is_text(shown, HOSTILE)
        first = visitor.get("/factures", params={"releve": "31" * 16}).text
        assert "This is your first bill" in first
        refused = visitor.get("/factures", params={"releve": "33" * 16}).text
        assert "A correct bill has billed these days already" in refused
        assert visitor.get("/factures?releve=" + "ab" * 16).status_code == 422
        assert visitor.get("/factures?releve=../keys").status_code == 404


def test_the_budget_is_shown_in_words_and_numbers(home):
    with home.visitor() as visitor:
        shown = visitor.get("/budget").text
        told = visitor.get("/api/v1/budget").json()
    month = told["spent"][1]
    assert f"{100 * month['spent']:.0f}% of the cap" in shown
    assert told["next_day"] in shown
    assert "you have not confirmed the trustees" in shown


def test_a_providers_letter_is_shown_as_text(home):
    with home.visitor() as visitor:
        shown = visitor.get("/lettres").text
        (letter,) = visitor.get("/api/v1/letters").json()["letters"]
    assert letter["text"] == f"Bonjour.\n{HOSTILE}"
    assert "neither the city that carries them" in shown
    check_is_text(shown, HOSTILE)
    check_is_text(shown, "<b>Ville</b>")


def test_offers_are_compared_and_nothing_is_sent_for_it(home):
    before = len(home.chip.sent)
    with home.visitor() as visitor:
        shown = visitor.get("/offres").text
        told = visitor.get("/api/v1/offers").json()
    assert [row["is_current"] for row in told["rows"]] == [False, True, False]
    assert told["documents"] == 4
    assert "Nobody else knows that you looked" in shown
    assert "is not in force any more" in shown
    for row in told["rows"]:
        assert f"{row['total_eur']} €" in shown
    check_is_text(shown, f"{HOSTILE}2")
    home.chip.wait()
    asked = [each for each in home.chip.sent[before:] if "quote" in each.topic]
    assert asked == []


def test_agreements_are_shown_with_who_sees_each(home):
    with home.visitor() as visitor:
        shown = visitor.get("/accords").text
        told = visitor.get("/api/v1/agreements").json()
    (contract,) = told["contracts"]
    assert contract["standing"] == "in_force"
    assert contract["receipts"] == "tell the provider the total"
    (trustees,) = told["trustees"]
    assert trustees["fingerprint"] in shown
    assert "NOT CONFIRMED: nothing is contributed" in shown
    assert shown.count("Who sees it") == 3
    assert ["Persons", "2"] in [list(row.values()) for row in told["profile"]]
    check_is_text(shown, HOSTILE)


@pytest.mark.parametrize("place", ["/", "/partage", "/offres", "/etat"])
def test_a_page_with_times_says_whose_they_are(home, place):
    with home.visitor() as visitor:
        assert visitor.get(place).text.count("French local time (Paris)") == 1


@pytest.mark.parametrize(
    ("place", "word", "means"),
    [
        ("/budget", "epsilon", "ε (epsilon) measures what the published figures can reveal"),
        ("/factures", "correct", "“Correct” means that your chip compared the quantities"),
    ],
)
def test_what_needs_an_explanation_has_a_sentence_and_more_in_the_help(home, place, word, means):
    with home.visitor() as visitor:
        shown = visitor.get(place).text
        assert shown.count(means) == shown.count(f'href="/aide#{word}"') == 1
        explained = visitor.get("/aide").text
        assert f'id="{word}"' in explained
        assert means in explained
