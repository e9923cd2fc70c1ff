"""Another contract on an enrolled chip: shown and kept for its command, signed at the chip alone."""

import shlex
from datetime import timedelta

import msgspec
import pytest
from click.testing import CliRunner

from edge.commands.table import edge
from edge.contracts.enrolling import install, requested_contract
from edge.household.contract_words import CONTRACT_WORDS, contract_rows
from edge.household.contracts import OFFERS
from edge.household.requests import REQUEST_BYTES_MAX, AskRequest, SeeOffer
from edge.household.shown import NotDone
from edge.household.visitors import VisitorRole, household_name
from edge.identity.keys import load_keys
from edge.language.choice import Lang
from edge.stage import REQUEST
from protocol.contract import Consent, Contract, Signed
from protocol.envelope import decode_body
from protocol.json_text import read_json
from system.shell import quoted
from tests.support.billing_home import BillingHome, signed_offer
from tests.support.lived_home import answers_of

OTHER = signed_offer(name="Tout doux")
THIRD = signed_offer(name="Nuits")


@pytest.fixture
def home(tmp_path):
    home = BillingHome(tmp_path / "it's a home")
    home.start()
    home.live(2)
    yield home
    home.kill()


def ask(home, kind, **fields):
    household = household_name(home.identity.household_key)
    return answers_of(home).answer(
        kind(household=household, **({"role": VisitorRole.OWNER} | fields))
    )


def see(home, offer=OTHER, **fields):
    text = offer if isinstance(offer, str) else msgspec.json.encode(offer).decode()
    start = home.first + timedelta(days=10)
    return ask(home, SeeOffer, **({"offer": text, "start": start, "lang": Lang.EN} | fields))


def files(home):
    return {path: path.read_bytes() for path in home.directory.rglob("*.json")}


def type_in(command, lang=Lang.EN):
    words = shlex.split(command.strip("`"))
    assert words[:2] == ["volet", "edge"]
    return CliRunner().invoke(edge, ["--lang", lang.value, *words[2:]])


def test_an_offer_is_shown_in_words_and_nothing_is_signed(home):
    before = files(home)
    shown = see(home)
    assert shown.contract.product == "Tout doux"
    assert shown.contract.receipts == "tell the provider the total, as until now"
    (kept,) = files(home).keys() - before.keys()
    assert kept.match(OFFERS)
    assert kept.stat().st_mode & 0o777 == 0o600
    assert read_json(kept.read_bytes(), Signed) == OTHER
    assert {path: files(home)[path] for path in before} == before
    assert ask(home, AskRequest).request == ""


def test_the_command_signs_what_was_shown_and_the_request_goes_its_way(home):
    shown = see(home, consent="lines", follows=False)
    done = type_in(shown.command)
    assert done.exit_code == 0, done.output
    signed = requested_contract(home.directory, load_keys(home.directory))
    contract = decode_body(signed.contract.body, Contract)
    assert signed.offer == OTHER
    assert signed.contract.hash.hex().startswith(shown.contract.contract)
    assert (contract.consent, contract.follows) == (Consent.LINES, False)
    assert contract.start == home.first + timedelta(days=10)
    waiting = ask(home, AskRequest, lang=Lang.EN)
    assert waiting.request == (home.directory / REQUEST).read_text()
    assert waiting.commands[0].startswith("`volet edge enrol ENROLMENT.json --dir ")
    answer = home.directory.parent / "answer.json"
    answer.write_bytes(home.cloud.enrol(read_json(waiting.request.encode(), Signed), None))
    install(home.directory, answer)
    assert ask(home, AskRequest).request == ""


@pytest.mark.parametrize("lang", Lang)
def test_the_console_says_of_request_and_answer_what_the_page_says(home, lang):
    """Prices, what will not work, who sees it: nobody signs at a console what only the page tells."""
    chosen = {"offer": signed_offer(kva=3), "consent": "lines", "follows": False}
    shown = see(home, lang=lang, **chosen).contract
    said = [*(text for row in contract_rows(shown, lang) for text in row), *shown.doubts]
    assert shown.terms
    assert shown.doubts
    typed = type_in(see(home, **chosen).command, lang)
    assert typed.exit_code == 0, typed.output
    words = CONTRACT_WORDS[lang]
    assert [text for text in said if text not in typed.output] == []
    assert words["request_means"] in typed.output
    assert words["who_request"] in typed.output
    answer = home.directory.parent / "answer.json"
    request = read_json(ask(home, AskRequest).request.encode(), Signed)
    answer.write_bytes(home.cloud.enrol(request, None))
    installed = type_in(f"volet edge enrol {quoted(answer)} --dir {quoted(home.directory)}", lang)
    assert installed.exit_code == 0, installed.output
    assert words["answer_contract"] in installed.output
    assert [text for text in said if text not in installed.output] == []


@pytest.mark.parametrize("lang", Lang)
def test_a_console_says_what_a_request_without_a_contract_means(home, lang):
    typed = type_in(f"volet edge request --dir {quoted(home.directory)}", lang)
    assert CONTRACT_WORDS[lang]["request_none"] in typed.output
    assert CONTRACT_WORDS[lang]["request_means"] in typed.output


def test_choices_that_are_not_made_are_as_until_now_and_stand_in_the_command(home):
    assert "--consent total --follow" in see(home).command


def test_an_offer_that_is_shown_later_is_not_taken_in_its_place(home):
    first, second = see(home), see(home, THIRD)
    assert len(list(home.directory.glob(OFFERS))) == 1
    refused = type_in(first.command)
    assert refused.exit_code != 0
    assert not ask(home, AskRequest).request
    assert type_in(second.command).exit_code == 0
    assert requested_contract(home.directory, load_keys(home.directory)).offer == THIRD


@pytest.mark.parametrize(
    ("offer", "why"),
    [
        ("", "offer"),
        ("{", "offer"),
        ("[" * 30_000, "offer"),
        ("x" * REQUEST_BYTES_MAX, "offer"),
        (msgspec.json.encode(OTHER).decode().replace("A", "B", 1), "offer"),
        ("../../keys/household.key", "offer"),
    ],
)
def test_what_is_no_offer_is_refused_and_nothing_is_kept(home, offer, why):
    before = files(home)
    refused = see(home, offer)
    assert isinstance(refused, NotDone)
    assert why in refused.texts[Lang.EN].lower()
    assert files(home) == before


@pytest.mark.parametrize("lang", Lang)
def test_a_day_without_a_tariff_is_refused(home, lang):
    refused = see(home, start=home.first - timedelta(days=4_000), lang=lang)
    assert isinstance(refused, NotDone)
    assert {Lang.EN: "no tariff", Lang.FR: "tarif"}[lang] in refused.texts[lang]


def test_days_that_are_billed_are_not_billed_again(home):
    home.live(30)
    home.ask(0, 30, b"1" * 16)
    refused = see(home)
    assert "begin the new contract on" in refused.texts[Lang.EN]


@pytest.mark.parametrize("lang", Lang)
def test_a_household_that_has_left_takes_no_offer(home, lang):
    home.move_out()
    refused = see(home, lang=lang)
    assert {Lang.EN: "has moved out", Lang.FR: "a déménagé"}[lang] in refused.texts[lang]
    assert not list(home.directory.glob(OFFERS))


@pytest.mark.parametrize("kind", [AskRequest, SeeOffer])
def test_a_viewer_gets_neither(home, kind):
    fields = {"offer": "{}", "start": home.first} if kind is SeeOffer else {}
    assert isinstance(ask(home, kind, role=VisitorRole.VIEWER, **fields), NotDone)
