"""What the chip tells its page: what its commands tell, and no key, seed or code of it."""

import base64
import secrets
from contextlib import closing
from datetime import timedelta
from types import MappingProxyType
from typing import get_args

import msgspec
import pytest

from edge.area.settings import AreaConfig, load_choices, save_choices
from edge.household import offers as offers_module
from edge.household.messages import ANSWER_BYTES_MAX, encode
from edge.household.pairing import open_window
from edge.household.requests import (
    AskAgreements,
    AskBills,
    AskBudget,
    AskForQuotes,
    AskLetters,
    AskLive,
    AskMoving,
    AskOffers,
    AskOwnCurve,
    AskPairing,
    AskRequest,
    AskShared,
    AskState,
    AskToday,
    AskToEnter,
    AskWhetherLetIn,
    CapYear,
    KeepCurve,
    Pair,
    Question,
    RepeatLine,
    SetProfile,
    TakePart,
)
from edge.household.shown import FormerHouseholds, NotDone
from edge.household.shown_bills import BillVerdict
from edge.household.state import without_contract
from edge.household.visitors import VisitorRole, household_name
from edge.identity.keys import load_keys
from edge.language.choice import Lang
from edge.metering.events import Notice, NoticeKind
from edge.privacy.contribution import Seeds
from edge.quotes.comparing import compare
from edge.status.report import Advice, report
from edge.vault.area import KeyShares
from edge.vault.reader import read_vault
from protocol.area_messages import SeenHeads
from protocol.calendar import day_number, legal_day
from tests.support.billing_home import BillingHome
from tests.support.lived_home import answers_of
from tests.support.lived_story import lived
from tests.unit.page.test_roles_at_the_door import NEEDED

LEAST_SECRET_BYTES = 16
# What frames a key in its file: before the household's, after it, before a year's.
HEADER_BYTES, END_BYTES, YEARS_HEADER_BYTES = 16, 48, 30
QUESTIONS = (
    AskToday,
    AskShared,
    AskBudget,
    AskBills,
    AskLetters,
    AskOffers,
    AskAgreements,
    AskMoving,
    AskRequest,
    AskState,
    AskOwnCurve,
    AskLive,
    AskPairing,
)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = lived(tmp_path_factory.mktemp("town"))
    month = day_number(home.first)
    seeds = Seeds(1, b"t" * 32, tuple(secrets.token_bytes(32) for _ in range(4)), month)
    seen = SeenHeads(bytes(32), bytes(32), 1, bytes(32))
    with home.vault.area_change() as area:
        area.put_key_shares(KeyShares(seeds, b"letters", month, seen))
    return home


def ask(home, question, answers=None, **fields):
    """Ask as a visitor whom the household has let in, as its owner unless `fields` say otherwise."""
    fields = {"role": VisitorRole.OWNER} | fields
    household = household_name(home.identity.household_key)
    answer = (answers or answers_of(home)).answer(question(household=household, **fields))
    assert not isinstance(answer, NotDone | FormerHouseholds), answer
    return answer


def secrets_of(home: BillingHome) -> list[bytes]:
    """Return each key and seed of the chip, without what frames it in its file."""
    keys = load_keys(home.directory)
    years = (home.directory / "keys").glob("year-*")
    with read_vault(home.directory) as vault:
        seeds = [seed for held in vault.area.all_key_shares() for seed in held.seeds.seeds]
    assert seeds
    return [
        keys.household.to_bytes()[HEADER_BYTES:END_BYTES],
        keys.household.identity.private_bytes_raw(),
        keys.household.wrapping_key,
        keys.signing_key.private_bytes_raw(),
        keys.tls_key.private_numbers().private_value.to_bytes(32),
        keys.meter_salt,
        *(path.read_bytes()[YEARS_HEADER_BYTES:] for path in years),
        *seeds,
    ]


def spellings(secret: bytes) -> set[bytes]:
    """Return how JSON may spell a secret: as hex, and as base64 wherever it begins."""
    assert len(secret) >= LEAST_SECRET_BYTES
    cores = {base64.b64encode(bytes(skip) + secret)[4:-4] for skip in range(3)}
    return {secret.hex().encode(), *cores}


def test_no_answer_holds_a_key_a_seed_or_a_code(home):
    order = open_window(home.directory, VisitorRole.OWNER, home.clock.now())
    planted = {word for secret in secrets_of(home) for word in spellings(secret)}
    planted.add(order.code.encode())
    answers = answers_of(home)
    for lang in Lang:
        for question in QUESTIONS:
            data = encode(ask(home, question, answers, lang=lang))
            assert len(data) < ANSWER_BYTES_MAX
            assert [word for word in planted if word in data] == [], question


# The files that each question changes; SECURITY.md says what that means where the page is taken over.
CHANGED = MappingProxyType(
    {
        KeepCurve: {"curve.json"},
        RepeatLine: {"repeater.json"},
        **{each: {"area.json"} for each in (TakePart, SetProfile, CapYear)},
        AskForQuotes: {"quotes.json"},
        **{each: {"seen.json"} for each in (AskBills, AskLetters)},
        **{each: {"pairing.json"} for each in (Pair, AskToEnter, AskWhetherLetIn)},
    }
)


def test_whoever_speaks_for_the_page_changes_choices_and_nothing_else(home):
    """Each question that the door knows, asked as an owner by nobody whom the household let in."""
    needed = NEEDED | {KeepCurve: {"months": 12}, TakePart: {"is_on": False}}
    needed |= {RepeatLine: {"is_on": True}}
    needed |= {Pair: {"code": "0" * 8}, AskWhetherLetIn: {"knock": "0" * 32}}
    household = household_name(home.identity.household_key)
    choices = {name: home.directory / name for names in CHANGED.values() for name in names}
    with closing(answers_of(home)) as answers:
        for question in get_args(Question):
            before = held(home.directory)
            fields = {"household": household, "role": VisitorRole.OWNER} | needed.get(question, {})
            answers.answer(question(**fields))
            after = held(home.directory)
            changed = {name for name in before | after if before.get(name) != after.get(name)}
            assert changed <= CHANGED.get(question, set()), question
            assert changed or question not in {KeepCurve, TakePart, CapYear, AskForQuotes}, question
    for path in choices.values():
        path.unlink(missing_ok=True)


def held(directory):
    """Return what a chip's directory holds, but for what reading its database leaves there."""
    paths = (path for path in directory.rglob("*") if path.is_file())
    return {
        path.name: path.read_bytes() for path in paths if not path.name.endswith(("wal", "shm"))
    }


def test_a_key_in_an_answer_would_be_found(home):
    for secret in secrets_of(home):
        leaks = (b"k" + secret, b"of " + secret, secret.hex())
        for leak in leaks:
            data = encode(
                NotDone(
                    {Lang.EN: leak if isinstance(leak, str) else base64.b64encode(leak).decode()}
                )
            )
            assert any(word in data for word in spellings(secret))


@pytest.mark.parametrize("lang", Lang)
def test_one_who_sees_the_curve_only_is_told_nothing_of_bills_to_come(home, lang):
    owners, viewers = (ask(home, AskState, lang=lang, role=role).rows for role in VisitorRole)
    bill = {Lang.EN: "Next bill", Lang.FR: "Prochaine facture"}[lang]
    assert [row.label for row in owners if row not in viewers] == [bill]
    own = household_name(home.identity.household_key)
    assert answers_of(home).answer(AskState(lang=lang, household=own)).rows == viewers


@pytest.mark.parametrize("is_simulated", [False, True])
def test_a_simulated_meter_lives_on_a_day_of_its_own(home, is_simulated):
    """Else its page would open on a day of this machine's, on which nothing was metered."""
    later = home.clock.now() + timedelta(days=200)
    answers = answers_of(home, now=lambda: later, is_simulated=is_simulated)
    asked = {"lang": Lang.EN, "household": household_name(home.identity.household_key)}
    on = ask(home, AskToday).day if is_simulated else legal_day(later)
    assert answers.answer(AskToday(**asked)).day == on
    assert answers.answer(AskShared(**asked)).days[1] == on


def test_today_tells_the_owner_alone_what_came_of_the_last_bill(home):
    """Not of a bill that only repeats another, which arrived after it."""
    listed = ask(home, AskBills)
    owners, viewers = (ask(home, AskToday, role=role) for role in VisitorRole)
    assert owners.bill == listed.shown.row
    assert owners.bill.verdict is BillVerdict.CORRECT
    assert owners.bill != listed.rows[0]
    assert owners.wrong_bills == sum(row.asks_for_action for row in listed.rows)
    assert (viewers.bill, viewers.wrong_bills) == (None, 0)


def test_one_who_sees_the_curve_only_is_told_nothing_of_a_contract(home):
    at = home.clock.now()
    differs, gap = Notice(NoticeKind.METER_DIFFERS, at), Notice(NoticeKind.GAP, at)
    known = report(home.directory, AreaConfig(), at, None)
    full = msgspec.structs.replace(
        known, advice=(Advice.CONTRACT, Advice.CLOCK), notices=(gap, differs), unresolved=(differs,)
    )
    seen = without_contract(full)
    assert (seen.advice, seen.notices, seen.unresolved) == ((Advice.CLOCK,), (gap,), ())


@pytest.mark.parametrize("lang", Lang)
def test_the_budget_says_what_is_spent_and_what_one_more_day_costs(home, lang):
    told = ask(home, AskBudget, lang=lang)
    month, year = told.spent[1:]
    assert (month.rho, year.rho) == (pytest.approx(0.1), pytest.approx(0.4))
    assert year.spent == pytest.approx(0.4 / year.cap_rho)
    assert "39" in told.next_day, "of a month's 4, 0.1 each"
    said = " ".join((told.next_day, *told.explained))
    assert not set("ρ^") & set(said), "in words, or as ε, which the help explains"


@pytest.mark.parametrize("question", QUESTIONS)
def test_an_empty_vault_and_a_household_that_has_moved_are_answered(tmp_path, question):
    empty = BillingHome(tmp_path / "home")
    empty.start()
    ask(empty, question)
    empty.live(2)
    empty.move_out()
    ask(empty, question)


def test_an_answer_to_a_question_for_quotes_is_opened_once(home, monkeypatch):
    opened = []
    monkeypatch.setattr(
        offers_module, "compare", lambda *asked: opened.append(asked) or compare(*asked)
    )
    answers = answers_of(home)
    english, french = (ask(home, AskOffers, answers, lang=lang) for lang in (Lang.EN, Lang.FR))
    assert english.rows == french.rows
    assert english.title != french.title
    assert len(opened) == 1
    home.live(1)
    assert ask(home, AskOffers, answers).rows == english.rows
    assert len(opened) == 2, "a day more that it is checked by"


def test_agreements_tell_of_contracts_and_trustees_as_they_are(home):
    answers, before = answers_of(home), load_choices(home.directory)
    (unconfirmed,) = ask(home, AskAgreements, answers).trustees
    assert not unconfirmed.is_confirmed
    with read_vault(home.directory) as vault:
        (name,) = [row.hash.hex() for row in vault.area.documents()]
    save_choices(home.directory, msgspec.structs.replace(before, trustees=name))
    told = ask(home, AskAgreements, answers, lang=Lang.EN)
    save_choices(home.directory, before)
    assert told.is_taking_part
    assert (told.trustees[0].standing, told.trustees[0].shape) == ("confirmed", "3 of 4")
    assert [each.standing for each in told.contracts] == ["in_force"]


def test_a_contract_ends_on_the_day_on_which_the_household_leaves(tmp_path):
    home = BillingHome(tmp_path / "home")
    home.start()
    home.live(2)
    home.move_out()
    home.live(2)
    (contract,) = ask(home, AskAgreements).contracts
    assert contract.standing == "ended"
    assert contract.last is not None
