"""What a chip that is not enrolled answers: its line, its request, the answer; and what it refuses."""

import base64
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from edge.area.settings import AreaConfig
from edge.commands.table import edge
from edge.contracts.enrolling import (
    draw_keys,
    install_answer,
    make_request,
    requested_contract,
    sign_contract,
)
from edge.contracts.meter import meter_hash
from edge.contracts.requests import REQUESTS_MAX
from edge.contracts.signed import load_contract
from edge.household.answers import Answers, LiveChip
from edge.household.first_run import FirstRunAnswers, SeenLine
from edge.household.messages import encode
from edge.household.pairing import PairingWindow, open_window
from edge.household.panel_questions import PanelQuestions
from edge.household.requests import AskFirstRun, AskPairing, AskToday, MakeRequest, Pair, TakeAnswer
from edge.household.shown import Done, FormerHouseholds, NotDone, NotEnrolled, Paired, Pairing
from edge.household.shown_first_run import FirstRunStep, ShownAnswer, ShownFirstRun, ShownRequest
from edge.household.visitors import VisitorRole, household_name
from edge.identity.enrolment import ca_fingerprint, load_identity, openssl_spelling
from edge.identity.keys import load_keys
from edge.language.choice import Lang
from edge.stage import IMPORTING, REQUEST, Stage, stage
from edge.status.live import LiveValues
from edge.tic.diagnosis import LineFault
from edge.tic.frame import Mode
from edge.tic.hints import HINTS
from protocol.calendar import legal_day
from protocol.contract import Consent, Contract, Signed, open_offer
from protocol.envelope import decode_body
from protocol.errors import DocumentRefused
from protocol.ids import public_key_text
from system import files
from tests.support.answering import Registrar
from tests.support.chip_bench import BenchClock
from tests.support.dwelling import make_offer, offer_of
from tests.support.tariffs import simple_tariff
from tests.unit.page.test_answers import END_BYTES, HEADER_BYTES, spellings

NOW = datetime(2026, 3, 2, 7, tzinfo=UTC)
SERIAL, FIRST = "041961234567", date(2026, 3, 1)
READ = SeenLine(SERIAL, Mode.STANDARD)
OFFER = msgspec.json.encode(make_offer()).decode()
TAKEN = {"offer": OFFER, "start": FIRST, "consent": "nothing", "follows": False}


class Killed(BaseException):
    """The power went."""


class Chip:
    """A chip on its first run, asked as by a visitor whom its household let in."""

    def __init__(self, directory) -> None:
        self.directory, self.line = directory, READ
        draw_keys(directory)
        window = PairingWindow(directory, lambda: NOW)
        self.answers = FirstRunAnswers(directory, window, lambda: self.line, lambda: NOW)

    @property
    def household(self) -> str:
        return household_name(load_keys(self.directory).household.id)

    def ask(self, question, **fields):
        owner = {"household": self.household, "role": VisitorRole.OWNER}
        fields = {"lang": Lang.EN} | owner | fields
        return self.answers.answer(question(**fields))

    def step(self) -> FirstRunStep:
        return self.ask(AskFirstRun).step

    def request(self, **fields) -> str:
        seen = self.ask(MakeRequest, **fields)
        name = "" if seen.contract is None else seen.contract.contract
        made = self.ask(MakeRequest, is_sure=True, contract=name, **fields)
        assert isinstance(made, ShownRequest), made
        return self.ask(AskFirstRun).request

    def held(self) -> dict[str, bytes]:
        """Return all that the directory holds."""
        return {
            str(path.relative_to(self.directory)): path.read_bytes()
            for path in self.directory.rglob("*")
            if path.is_file()
        }


@pytest.fixture
def chip(tmp_path):
    return Chip(tmp_path / "chip")


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    return Registrar(tmp_path_factory.mktemp("town") / "cloud", "testville")


@pytest.fixture(scope="module")
def other_town(tmp_path_factory):
    return Registrar(tmp_path_factory.mktemp("other") / "cloud", "elsewhere")


def test_it_goes_from_the_line_to_the_enrolment_step_by_step(chip, town):
    chip.line = SeenLine()
    assert chip.step() is FirstRunStep.LINE
    chip.line = READ
    assert chip.step() is FirstRunStep.REQUEST
    before = chip.held()
    seen = chip.ask(MakeRequest, **TAKEN)
    assert (seen.is_made, seen.contract.meter, seen.contract.first) == (False, SERIAL, FIRST)
    assert "nothing" in seen.contract.receipts
    assert chip.held() == before, "nothing before the yes"
    request = chip.request(**TAKEN)
    assert request == (chip.directory / REQUEST).read_text()
    shown = chip.ask(AskFirstRun)
    assert (shown.step, shown.contract) == (FirstRunStep.ANSWER, seen.contract)
    keys = load_keys(chip.directory)
    signed = requested_contract(chip.directory, keys).contract
    contract = decode_body(signed.body, Contract)
    assert contract.meter == meter_hash(keys.meter_salt, SERIAL)
    assert (contract.consent, contract.follows) == (Consent.NOTHING, False)
    answer, before = town.answer(request), chip.held()
    shown = chip.ask(TakeAnswer, answer=answer)
    authority = ca_fingerprint(base64.b64decode(json.loads(answer)["ca_pem"]))
    spelt = openssl_spelling(authority)
    confirmed = msgspec.structs.replace(seen.contract, terms=shown.contract.terms)
    assert shown == ShownAnswer(shown.device, "testville", authority, spelt, confirmed)
    assert len({*shown.contract.terms} - {*seen.contract.terms}) == 1, "whose key it is"
    assert chip.held() == before, "nothing before the yes"
    assert isinstance(chip.ask(TakeAnswer, answer=answer, is_sure=True), Done)
    assert chip.step() is FirstRunStep.DONE
    assert load_identity(chip.directory).device == shown.device
    assert load_contract(chip.directory)[1] == contract


def test_a_request_may_hold_no_contract_even_before_a_meter_is_read(chip, town):
    chip.line = SeenLine()
    assert chip.ask(MakeRequest) == ShownRequest(is_made=False)
    request = chip.request()
    assert chip.ask(AskFirstRun).contract is None
    assert isinstance(chip.ask(TakeAnswer, answer=town.answer(request), is_sure=True), Done)
    assert load_contract(chip.directory) is None


def test_the_line_is_told_with_what_is_wrong_and_what_to_do(chip):
    for lang in Lang:
        told = chip.ask(AskFirstRun, lang=lang)
        assert SERIAL not in "".join(row.text for row in told.line), "of the groups alone"
        assert told.faults == ()
        chip.line = SeenLine(faults=(LineFault.INVERTED, LineFault.SILENT))
        told = chip.ask(AskFirstRun, lang=lang)
        assert told.line == ()
        assert told.faults == (HINTS[lang][LineFault.INVERTED], HINTS[lang][LineFault.SILENT])
        chip.line = SeenLine(faults=(LineFault.SILENT,), trouble="/dev/x is away: gone.")
        (away,) = chip.ask(AskFirstRun, lang=lang).faults
        assert "/dev/x" in away
        chip.line = READ


def damaged(text: str) -> str:
    """Return a signed document whose body has one bit flipped."""
    document = json.loads(text)
    body = bytearray(base64.b64decode(document["body"]))
    body[-1] ^= 1
    return json.dumps(document | {"body": base64.b64encode(body).decode()})


@pytest.mark.parametrize(
    ("line", "changes", "says"),
    [
        (READ, {"offer": damaged(OFFER)}, ""),
        (READ, {"offer": "not JSON"}, "This is not the provider's offer"),
        (READ, {"offer": "[" * 30_000}, "This is not the provider's offer"),
        (READ, {"offer": "\n"}, "This file is empty"),
        (READ, {"offer": "\ufffdPNG\r\n"}, "This is a picture"),
        (READ, {"offer": '{"record": "", "certificate_pem": ""}'}, "a collectivity's answer"),
        (READ, {"start": date(9999, 12, 31)}, "within 366 days"),
        (READ, {"start": date(2027, 3, 4)}, "within 366 days"),
        (READ, {"start": None}, "name the first one"),
        (READ, {"start": date(2020, 1, 1)}, "no tariff on 2020-01-01"),
        (SeenLine(), {}, "has read none yet"),
        (SeenLine("04196123XXXX"), {}, "masks its meter's serial"),
    ],
)
@pytest.mark.parametrize("is_sure", [False, True])
def test_what_makes_no_contract_is_refused_and_changes_nothing(chip, line, changes, says, is_sure):
    chip.line, before = line, chip.held()
    for lang in Lang:
        refused = chip.ask(MakeRequest, **TAKEN | changes | {"is_sure": is_sure, "lang": lang})
        assert isinstance(refused, NotDone), refused
        assert says in refused.texts[Lang.EN]
        assert refused.texts[Lang.FR] not in {"", refused.texts[Lang.EN]}
    assert chip.held() == before


def test_no_other_contract_is_made_than_the_one_that_was_shown(chip):
    seen, before = chip.ask(MakeRequest, **TAKEN), chip.held()
    sure = {"is_sure": True, "contract": seen.contract.contract}
    chip.line = SeenLine("041961234568", Mode.STANDARD)
    for changes in ({}, {"consent": "lines"}, {"start": date(2026, 4, 1)}, {"offer": ""}):
        for lang in Lang:
            refused = chip.ask(MakeRequest, **TAKEN | sure | changes | {"lang": lang})
            assert isinstance(refused, NotDone), changes
            assert "no longer the contract" in refused.texts[Lang.EN]
    chip.line = READ
    for changes in ({"follows": True}, {"contract": ""}, {"contract": "0" * 16}):
        assert isinstance(chip.ask(MakeRequest, **TAKEN | sure | changes), NotDone)
    assert chip.held() == before
    assert chip.ask(MakeRequest, **TAKEN | sure).is_made


def test_an_answer_that_is_not_for_this_chip_changes_nothing(chip, town, tmp_path):
    other = Chip(tmp_path / "other")
    mine, others = town.answer(chip.request(**TAKEN)), town.answer(other.request(**TAKEN))
    before = chip.held()
    for text in (others, mine[:-40], mine.replace("broker_host", "host"), "", "{}", OFFER):
        for is_sure in (False, True):
            refused = chip.ask(TakeAnswer, answer=text, is_sure=is_sure)
            assert isinstance(refused, NotDone), text[:40]
            assert refused.texts[Lang.EN]
    assert chip.held() == before
    assert stage(chip.directory) is Stage.REQUESTED


def test_another_collectivitys_answer_comes_too_late(chip, town, other_town):
    request = chip.request(**TAKEN)
    own, others = town.answer(request), other_town.answer(request)
    assert isinstance(chip.ask(TakeAnswer, answer=own, is_sure=True), Done)
    before = chip.held()
    answers = Answers(
        chip.directory,
        load_keys(chip.directory).household.id,
        PairingWindow(chip.directory, lambda: NOW),
        PanelQuestions(BenchClock(NOW)),
        AreaConfig(),
        lambda: NOW,
        LiveChip(
            LiveValues,
            lambda: pytest.fail("nothing is reported for it"),
            lambda: pytest.fail("nor of its neighbourhood"),
            lambda _: pytest.fail("nor of what it sent"),
        ),
    )
    owner = {"household": chip.household, "role": VisitorRole.OWNER}
    asked = [TakeAnswer, {"answer": others, "is_sure": True}], [MakeRequest, {"is_sure": True}]
    for found in (chip.answers, answers):
        for question, fields in asked:
            refused = found.answer(question(lang=Lang.EN, **owner, **fields))
            assert isinstance(refused, NotDone)
            assert "enrolled already" in refused.texts[Lang.EN]
        done = found.answer(AskFirstRun(**owner))
        assert done.step is FirstRunStep.DONE
    assert chip.held() == before


def test_an_import_under_way_is_left_alone(chip, town):
    answer = town.answer(chip.request())
    (chip.directory / IMPORTING).write_bytes(b"")
    before = chip.held()
    for refused in (
        chip.ask(MakeRequest, is_sure=True),
        chip.ask(TakeAnswer, answer=answer, is_sure=True),
    ):
        assert isinstance(refused, NotDone)
        assert "import" in refused.texts[Lang.EN]
    assert chip.held() == before


def test_whoever_asks_again_and_again_does_not_fill_the_disk(chip, town):
    """None of them may be dropped for another, since the collectivity may have enrolled any."""
    for _ in range(REQUESTS_MAX):
        chip.request()
    before = chip.held()
    for lang in Lang:
        refused = chip.ask(MakeRequest, is_sure=True, lang=lang)
        assert isinstance(refused, NotDone)
        assert "100" in refused.texts[Lang.EN]
    assert chip.held() == before
    answer = town.answer(chip.ask(AskFirstRun).request)
    assert isinstance(chip.ask(TakeAnswer, answer=answer, is_sure=True), Done)


def test_a_request_that_was_damaged_is_made_again(chip):
    chip.request(**TAKEN)
    (chip.directory / REQUEST).write_bytes(b"{}")
    assert chip.ask(AskFirstRun).contract is None
    assert chip.request(**TAKEN)
    assert chip.ask(AskFirstRun).contract is not None


def test_visitors_are_let_in_as_on_an_enrolled_chip_and_see_nothing_else(chip):
    assert chip.answers.answer(AskPairing()) == Pairing(is_open=False)
    code = open_window(chip.directory, VisitorRole.OWNER, NOW).code
    assert isinstance(chip.answers.answer(Pair(code=f"{(int(code) + 1) % 10**8:08}")), NotDone)
    assert chip.answers.answer(Pair(code=code)) == Paired(VisitorRole.OWNER, chip.household)
    assert chip.ask(AskToday) == NotEnrolled()
    for stranger in (None, "ab" * 8):
        for question in (AskToday, AskFirstRun, MakeRequest):
            assert chip.ask(question, household=stranger) == FormerHouseholds()


def test_a_chip_that_took_a_household_in_meanwhile_answers_to_that_one(chip, tmp_path):
    former, other = chip.household, Chip(tmp_path / "other")
    for name in ("household.key", "meter.salt"):
        (chip.directory / "keys" / name).write_bytes((other.directory / "keys" / name).read_bytes())
    assert chip.ask(AskFirstRun, household=former) == FormerHouseholds()
    assert isinstance(chip.ask(AskFirstRun), ShownFirstRun)


def test_no_answer_holds_a_key_or_a_code(chip, town):
    keys = load_keys(chip.directory)
    secrets = [
        keys.household.to_bytes()[HEADER_BYTES:END_BYTES],
        keys.household.identity.private_bytes_raw(),
        keys.signing_key.private_bytes_raw(),
        keys.tls_key.private_numbers().private_value.to_bytes(32),
        keys.meter_salt,
    ]
    planted = {word for secret in secrets for word in spellings(secret)}
    planted.add(open_window(chip.directory, VisitorRole.OWNER, NOW).code.encode())
    told = [chip.ask(MakeRequest, **TAKEN)]
    sure = {"is_sure": True, "contract": told[0].contract.contract}
    told.append(chip.ask(MakeRequest, **TAKEN | sure))
    told.append(chip.ask(AskFirstRun))
    answer = town.answer(told[-1].request)
    told += [chip.ask(TakeAnswer, answer=answer, is_sure=sure) for sure in (False, True)]
    told.append(chip.ask(AskFirstRun))
    assert not any(isinstance(each, NotDone) for each in told)
    for each in told:
        assert [word for word in planted if word in encode(each)] == [], each


class PowerCuts:
    """Lets the power go before a change of a file: the one after `allowed` others."""

    def __init__(self, monkeypatch) -> None:
        self.allowed, self.made = float("inf"), 0
        for where, name in ((files, "_write"), (Path, "unlink")):
            monkeypatch.setattr(where, name, self._cut(getattr(where, name)))

    def _cut(self, change):
        def changed(*arguments, **named):
            if self.made >= self.allowed:
                raise Killed
            self.made += 1
            return change(*arguments, **named)

        return changed


def cut_at(cuts, count, do):
    """Let the power go in `do` after so many changes; return whether it did."""
    cuts.made, cuts.allowed = 0, count
    try:
        do()
    except Killed:
        return True
    finally:
        cuts.allowed = float("inf")
    return False


def test_a_power_cut_at_any_change_of_a_file_is_gone_on_from(tmp_path, town, monkeypatch):
    """The request first, then the answer: each cut before each of their changes."""
    cuts, count, has_ended = PowerCuts(monkeypatch), 0, False
    while not has_ended:
        chip = Chip(tmp_path / f"chip{count}")
        was_cut = cut_at(cuts, count, lambda: chip.request(**TAKEN))  # noqa: B023 - called here
        if was_cut:
            again = chip.step()
            assert again in {FirstRunStep.REQUEST, FirstRunStep.ANSWER}
            chip.request(**TAKEN)
        assert chip.step() is FirstRunStep.ANSWER
        answer = town.answer(chip.ask(AskFirstRun).request)
        fields = {"answer": answer, "is_sure": True}
        has_ended = not cut_at(cuts, count, lambda: chip.ask(TakeAnswer, **fields))  # noqa: B023
        if stage(chip.directory) is not Stage.ENROLLED:
            assert chip.step() is FirstRunStep.ANSWER
            assert isinstance(chip.ask(TakeAnswer, **fields), Done)
        assert chip.step() is FirstRunStep.DONE
        assert load_identity(chip.directory)
        assert load_contract(chip.directory)[1].start == FIRST
        count += 1
    assert count > 4, "contract, authority, certificate, enrolment"


def test_an_answer_to_a_request_that_was_replaced_is_refused(chip, town):
    """It would put the contract of the first request in force, without a word."""
    first = chip.request(**TAKEN)
    early = town.answer(first)
    for changes in ({"start": date(2026, 4, 1)}, {"consent": "lines"}, {"offer": ""}):
        chip.request(**TAKEN | changes)
        before = chip.held()
        for is_sure in (False, True):
            for lang in Lang:
                refused = chip.ask(TakeAnswer, answer=early, is_sure=is_sure, lang=lang)
                assert isinstance(refused, NotDone), changes
                assert lang is Lang.FR or "an earlier request" in refused.texts[Lang.EN]
        with pytest.raises(DocumentRefused, match="an earlier request"):
            install_answer(chip.directory, early.encode(), "answer.json")
        assert chip.held() == before
    chip.request(**TAKEN)
    assert chip.ask(TakeAnswer, answer=early).contract.first == FIRST, "the same contract again"
    assert isinstance(chip.ask(TakeAnswer, answer=early, is_sure=True), Done)


FITTING = SeenLine(SERIAL, Mode.STANDARD, calendar="H PLEINE/CREUSE", subscribed_kva=6)


def doubts_of(chip, line, **changes):
    chip.line = line
    (at,) = {
        len(chip.ask(MakeRequest, lang=lang, **TAKEN | changes).contract.doubts) for lang in Lang
    }
    doubts = chip.ask(MakeRequest, **TAKEN | changes).contract.doubts
    assert len(doubts) == at
    return " ".join(doubts)


def test_what_will_not_work_is_said_before_the_yes(chip):
    now = {"start": date(2026, 3, 2)}
    assert doubts_of(chip, FITTING, **now) == ""
    other = replace(FITTING, calendar="BASE")
    assert "H PLEINE/CREUSE" in doubts_of(chip, other, **now)
    assert "no bill will be called correct" in doubts_of(chip, other, **now)
    for_six = simple_tariff(kva=6)
    offer = {"offer": msgspec.json.encode(offer_of(for_six)).decode()}
    assert doubts_of(chip, FITTING, **now | offer) == ""
    assert "for 6 kVA" in doubts_of(chip, replace(FITTING, subscribed_kva=9), **now | offer)
    assert "is past" in doubts_of(chip, FITTING)
    assert "begins on 2026-09-01 only" in doubts_of(chip, FITTING, start=date(2026, 9, 1))


def test_a_meter_that_was_replaced_is_noticed_at_every_step(chip, town):
    chip.line = FITTING
    request = chip.request(**TAKEN | {"start": date(2026, 3, 2)})
    answer = town.answer(request)
    shown = chip.ask(AskFirstRun).contract
    assert (shown.meter, shown.doubts) == (SERIAL, ())
    chip.line = replace(FITTING, serial="041961234568")
    for shown in (chip.ask(AskFirstRun).contract, chip.ask(TakeAnswer, answer=answer).contract):
        assert shown.meter == ""
        assert "names another meter" in " ".join(shown.doubts)


def test_the_prices_are_told_in_words(chip):
    english, french = (
        {row.label: row.text for row in chip.ask(MakeRequest, lang=lang, **TAKEN).contract.terms}
        for lang in (Lang.EN, Lang.FR)
    )
    assert english["Calendar of the offer"] == "H PLEINE/CREUSE"
    assert english["abonnement"] == "12.34 € per month before tax, 14.81 € with tax (VAT 20%)"
    assert english["heures creuses"].startswith("0.14567 € per kWh before tax, 0.17480 € with tax")
    assert "par mois HT" in french["abonnement"]


def test_it_says_which_key_signed_the_offer_and_who_has_confirmed_whose_it_is(chip, town):
    def said(shown):
        rows = {row.label: row.text for row in shown.contract.terms}
        return rows["Signed with the key"], rows["Whose key it is"]

    key = public_key_text(open_offer(msgspec.json.decode(OFFER, type=Signed)).provider_key)
    shown_key, whose = said(chip.ask(MakeRequest, **TAKEN))
    assert shown_key == key
    assert whose.startswith("Nobody has confirmed yet that this key is ")
    request = chip.request(**TAKEN | {"start": date(2026, 3, 2)})
    assert said(chip.ask(AskFirstRun)) == (key, whose)
    _, whose = said(chip.ask(TakeAnswer, answer=town.answer(request)))
    assert whose.startswith("The collectivity has answered")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "This file is empty"),
        ("\n", "This file is empty"),
        ("%PDF-1.7", "This is a picture, a PDF"),
        ("\ufffdPNG\r\n", "This is a picture, a PDF"),
        ("hello", "This is not the collectivity's answer, or it was cut off"),
        ("[]", "This is not the collectivity's answer, but another"),
        ('{"energy": [], "fixed": []}', "This is a tariff"),
        (OFFER, "This is a provider's offer"),
    ],
)
def test_a_file_chosen_in_place_of_the_answer_is_called_by_its_name(chip, text, says):
    own = chip.request(**TAKEN)
    assert chip.ask(TakeAnswer, answer=text).texts[Lang.EN].startswith(says)
    assert (
        chip.ask(TakeAnswer, answer=own)
        .texts[Lang.EN]
        .startswith("This is your request, not the answer")
    )
    assert (
        chip.ask(MakeRequest, **TAKEN | {"offer": own})
        .texts[Lang.EN]
        .startswith("This is a chip's request")
    )


def test_it_does_not_say_that_it_meters_while_it_reads_nothing(chip, town):
    answer = town.answer(chip.request(**TAKEN))
    chip.line = replace(READ, trouble="/dev/x is away: gone.")
    shown = chip.ask(AskFirstRun)
    assert shown.is_away
    done = chip.ask(TakeAnswer, answer=answer, is_sure=True)
    assert "as soon as it reads its meter" in done.texts[Lang.EN]


def test_neither_console_nor_collectivity_takes_a_contract_that_begins_in_ages(chip, town):
    keys = load_keys(chip.directory)
    for start in (date(9999, 12, 31), legal_day(datetime.now(UTC)) + timedelta(days=400)):
        (chip.directory / "offer.json").write_text(OFFER)
        asked = ("request", "--dir", chip.directory, "--offer", chip.directory / "offer.json")
        more = ("--from", start, "--meter", SERIAL)
        done = CliRunner().invoke(edge, ["--lang", "en", *map(str, asked + more)])
        assert "within 366 days" in str(done.exception)
        assert "within 366 days" in refusal_of(town, keys, start)


def refusal_of(town, keys, start):
    offer = make_offer()
    request = make_request(keys, offer, sign_contract(keys, offer, SERIAL, start))
    with pytest.raises(DocumentRefused) as refused:
        town.answer(msgspec.json.encode(request).decode())
    return str(refused.value)
