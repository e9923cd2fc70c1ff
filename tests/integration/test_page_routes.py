"""The page of a household that has lived through some weeks: what each route shows, and to whom."""

import os
import re
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from html import escape, unescape
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from edge.commands.table import edge
from edge.household.visitors import VisitorRole
from edge.language.choice import Lang
from edge.page.bill_file import WAITING_MAX
from edge.page.places import MENU, may_see
from edge.page.texts import TEXTS
from edge.stage import PAGE_DIRECTORY
from protocol.errors import VoletError
from tests.support.broker import wait_until
from tests.support.lived_home import lived_home
from tests.support.lived_story import lived
from tests.support.page_process import patiently
from tests.support.sweeps import swept

HOSTILE = "<script src=/static/page.js>alert(1)</script>"
VOLET = (sys.executable, "-m", "volet.main")
FIRST_BILL, REFUSED_BILL = "31" * 16, "33" * 16
# To lay a bill out takes seconds, and a busy machine more of them.
LONG_S = 150.0
PAGE_MAX_KB = 45_000
OWNERS = [place.path for place in MENU if not may_see(VisitorRole.VIEWER, place.path)]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    town = tmp_path_factory.mktemp("lived")
    chip = lived(town, f"Bonjour.\n{HOSTILE}", f"{HOSTILE}2", provider="<b>Ville</b>", name=HOSTILE)
    with lived_home(chip) as home:
        yield home


# What else French writes so is typed: commands, and the words of a model's fields.
ISO_DAY = re.compile(r"(?<![\w/.-])\d{4}-\d\d-\d\d")
READING = (
    *(["bills"], ["status"], ["letters"], ["budget"], ["quotes"], ["trustees"], ["area"]),
    *(["curve"], ["catalogue"], ["receipts"], ["profile"]),
    ["curve", "--out", "/nowhere/x.csv"],
)


def seen_in(page: str) -> str:
    """Return what a visitor reads of a page, without what is typed."""
    shown = re.sub(r"<(code|script|style)\b.*?</\1>", "", page, flags=re.DOTALL)
    return unescape(re.sub(r"<[^>]*>", " ", shown))


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
    assert {"/factures", "/lettres", "/offres", "/accords", "/demenager", "/donnees"} <= set(OWNERS)
    models = [f"/api/v1/{place.model}" for place in MENU if place.path in OWNERS]
    with home.visitor(VisitorRole.VIEWER) as viewer, home.visitor() as owner:
        shown = viewer.get("/budget").text
        bills = f"/factures?releve={FIRST_BILL}", f"/factures/facture.pdf?releve={FIRST_BILL}"
        for place in (*OWNERS, *models, *bills, "/factures/"):
            refused = viewer.get(place, follow_redirects=True)
            assert refused.status_code == 403, place
            assert "You were let in to see the curve only." in refused.text
            assert not any(word in refused.text for word in ("kWh", "Bonjour", "Ville"))
            assert place not in models or list(refused.json()) == ["error"]
            assert f'href="{place}"' not in shown
            shown_to_owner = owner.get(place, follow_redirects=True, timeout=LONG_S)
            assert shown_to_owner.status_code == 200, place


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


@pytest.mark.parametrize("lang", swept(Lang, 2))
def test_a_bill_as_pdf_is_the_one_that_the_command_writes(home, tmp_path, lang):
    written = tmp_path / "bill.pdf"
    chosen = ("--dir", home.chip.directory, "--statement", FIRST_BILL, "--pdf", written)
    subprocess.run([*VOLET, "edge", "--lang", lang, "bills", *chosen], check=True)
    with home.visitor() as visitor:
        headers = {"Accept-Language": lang.value}
        shown = visitor.get("/factures", params={"releve": FIRST_BILL}, headers=headers).text
        address = re.search(r'href="(/factures/facture.pdf[^"]*)"', shown)[1]
        before = {path for path in home.chip.directory.rglob("*") if path.is_file()}
        sent = visitor.get(address, headers=headers, timeout=LONG_S)
    assert sent.status_code == 200, sent.text
    assert sent.headers["content-type"] == "application/pdf"
    name = {Lang.FR: "facture", Lang.EN: "bill"}[lang]
    days = "2026-03-01_2026-03-30"
    assert sent.headers["content-disposition"] == f'attachment; filename="{name}_{days}.pdf"'
    assert sent.headers["cache-control"] == "no-store"
    assert sent.content == written.read_bytes()
    assert {path for path in home.chip.directory.rglob("*") if path.is_file()} <= before
    assert "weasyprint" not in Path(f"/proc/{home.page.pid}/maps").read_text()
    assert "pango" not in Path(f"/proc/{home.page.pid}/maps").read_text()


def test_visitors_who_ask_for_bills_at_once_get_theirs_or_are_told_to_wait(home):
    bills = [FIRST_BILL, "32" * 16] * 3

    def ask(statement):
        return visitor.get("/factures/facture.pdf", params={"releve": statement}, timeout=LONG_S)

    with home.visitor() as visitor, ThreadPoolExecutor(len(bills)) as asking:
        sent = list(asking.map(ask, bills))
    given = [each for each in sent if each.status_code == 200]
    assert {each.status_code for each in sent} == {200, 503}
    assert len(given) == WAITING_MAX
    assert len({each.content for each in given}) == len(
        {each.headers["content-disposition"] for each in given}
    )
    busy = next(each for each in sent if each.status_code == 503)
    assert "one at a time" in busy.text


def printing():
    """Return the processes in which the chip, which is in this one, lays bills out."""
    found = []
    for each in Path(f"/proc/{os.getpid()}/task").glob("*/children"):
        for child in each.read_text().split():
            with suppress(OSError):
                if b"edge.bills.drawing" in Path(f"/proc/{child}/cmdline").read_bytes():
                    found.append(child)
    return found


@pytest.mark.long
def test_a_flood_for_bills_has_one_process_at_a_time_and_the_page_answers(home):
    over, most, said = threading.Event(), [0], Counter()

    def ask(visitor, statement):
        while not over.is_set():
            with suppress(httpx.TransportError):
                where = {"releve": statement}
                sent = visitor.get("/factures/facture.pdf", params=where, timeout=LONG_S)
                said[sent.status_code] += 1

    def given():
        most[0] = max(most[0], len(printing()))
        assert patiently(lambda: other.get("/etat", timeout=60)).status_code == 200
        return said[200] >= 2

    with ExitStack() as opened:
        visitors = [opened.enter_context(home.visitor()) for _ in range(3)]
        other = opened.enter_context(home.visitor())
        # Of the sixteen connections that one address may have.
        asking = opened.enter_context(ThreadPoolExecutor(12))
        opened.callback(over.set)
        for number in range(12):
            asking.submit(ask, visitors[number % 3], (FIRST_BILL, "32" * 16)[number % 2])
        wait_until(given, "bills", lambda: dict(said))
    assert most[0] == 1
    assert set(said) <= {200, 429, 503}
    assert said[503]
    status = Path(f"/proc/{home.page.pid}/status").read_text()
    assert int(status.split("VmHWM:")[1].split()[0]) < PAGE_MAX_KB


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 404),
        ("?releve=", 404),
        ("?releve=../../../etc/passwd", 404),
        ("?releve=" + FIRST_BILL + "%0a", 404),
        ("?releve=" + FIRST_BILL.upper().replace("3", "a"), 422),
        ("?releve=" + "f" * 9_000, 404),
        ("?releve=" + "ab" * 16, 422),
        ("?releve=" + REFUSED_BILL, 404),
    ],
)
def test_a_bill_that_is_not_there_has_no_pdf(home, query, status):
    with home.visitor() as visitor:
        refused = visitor.get(f"/factures/facture.pdf{query}")
    assert refused.status_code == status
    assert "text/html" in refused.headers["content-type"]


@pytest.mark.parametrize("lang", Lang)
def test_moving_is_shown_and_changes_nothing(home, lang):
    def held():
        return {
            path: path.read_bytes()
            for path in home.chip.directory.rglob("*")
            if path.is_file() and path.parent.name != PAGE_DIRECTORY and "vault.db" not in path.name
        }

    before = held()
    with home.visitor() as visitor:
        shown = visitor.get("/demenager", headers={"Accept-Language": lang.value}).text
        refused = visitor.post("/demenager", headers=home.page.origin)
    assert TEXTS[lang]["moving_how"] in unescape(shown)
    command = f"volet edge move-out --dir {home.chip.directory}"
    assert f"<code>{command}</code>" in shown
    assert TEXTS[lang]["task_first"] in shown
    assert TEXTS[lang]["task_next"] not in shown
    assert "volet edge erase" not in shown
    assert "<form" not in shown.split("<main")[1]
    assert refused.status_code == 405
    assert held() == before


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


def test_no_page_and_no_command_writes_a_day_in_french_as_english_does(home):
    asked = (f"/factures?releve={FIRST_BILL}", "/partage?jour=2020-01-01", "/aide")
    with home.visitor() as visitor:
        visitor.headers["Accept-Language"] = "fr"
        for place in (*(each.path for each in MENU), *asked):
            page = patiently(lambda: visitor.get(place, timeout=LONG_S)).text  # noqa: B023
            assert 'lang="fr"' in page
            assert ISO_DAY.findall(seen_in(page)) == [], place
        refused = patiently(lambda: visitor.get("/partage?jour=2020-01-01"))
        assert "01/01/2020" in refused.text
    for command in READING:
        arguments = ["--lang", "fr", *command, "--dir", str(home.chip.directory)]
        done = CliRunner().invoke(edge, arguments)
        assert done.exception is None or isinstance(done.exception, VoletError), command
        said = re.sub(r"`[^`]*`", "", f"{done.output} {done.exception or ''}")
        assert ISO_DAY.findall(said) == [], command


@pytest.mark.parametrize(
    ("place", "leads_to"),
    [("/budget", "/aide#area"), ("/accords", "/aide#area"), ("/offres", "/accords")],
)
def test_who_does_not_know_what_to_do_next_is_led_there(home, place, leads_to):
    with home.visitor() as visitor:
        shown = visitor.get(place).text.split("<main")[1]
        assert f'href="{leads_to}"' in shown
        there, _, part = leads_to.partition("#")
        assert not part or f'id="{part}"' in visitor.get(there).text


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
