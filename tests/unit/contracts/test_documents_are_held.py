"""What contract, acceptance and request say is held against each other, field by field, by the chip."""

from datetime import date, timedelta

import msgspec
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.bills.judge import judge
from edge.bills.judgement import Finding, Verdict
from edge.contracts.agreement import ListedDocuments
from edge.contracts.enrolling import draw_keys, sign_contract
from edge.contracts.signed import load_contract
from edge.identity.keys import load_keys
from protocol.calendar import day_number
from protocol.contract import (
    Acceptance,
    Contract,
    Offer,
    open_document,
    open_offer,
    sign_document,
)
from protocol.envelope import decode_body
from protocol.errors import ConfigError, DocumentRefused
from protocol.hpke import PUBLIC_KEY_BYTES, SealingKey
from protocol.schedule import Schedules
from tests.support.household import Household
from tests.support.listing import OFF_PEAK, Publisher
from tests.support.tariffs import simple_tariff
from tests.support.victim import Victim

START, END = date(2026, 9, 1), date(2026, 10, 1)
ONE_DAY = timedelta(days=1)
PROVIDER = Ed25519PrivateKey.generate()
SERIAL = "041961234567"


@pytest.fixture(scope="module")
def home():
    return Household((simple_tariff(),), START, END, np.random.default_rng(41))


@pytest.fixture
def chip(home):
    return Victim(home)


def found(home, chip, deal, statement, agreement=None):
    listed = ListedDocuments(chip.extensions, chip.schedules)
    taken = agreement or deal.agreement
    judgement = judge(statement, taken, listed, home.books)
    assert (judgement.verdict is Verdict.CORRECT) == (judgement.findings == ())
    return judgement.findings


def changed(deal, **changes):
    contract = msgspec.structs.replace(deal.agreement.contract, **changes)
    return msgspec.structs.replace(deal.agreement, contract=contract)


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({}, None),
        ({"start": START + ONE_DAY}, Finding.OUTSIDE_CONTRACT),
        ({"end": END - ONE_DAY}, Finding.OUTSIDE_CONTRACT),
        ({"end": END}, None),
        ({"household_key": bytes(16)}, Finding.CONTRACT_UNKNOWN),
        ({"meter": bytes(32)}, Finding.METER_DIFFERS),
        ({"offer": bytes(32)}, Finding.OFFER_UNKNOWN),
    ],
)
def test_a_statement_is_held_to_each_field_of_the_contract(home, chip, change, finding):
    deal = chip.sign(simple_tariff())
    statement = chip.statement(deal, chip.request(deal, START, END))
    expected = () if finding is None else (finding,)
    assert found(home, chip, deal, statement, changed(deal, **change)) == expected


def test_a_contract_that_follows_nothing_is_not_priced_by_a_sequel_of_its_offer(home, chip):
    deal = chip.sign(simple_tariff(valid_to=END))
    sequel = chip.extend(deal, simple_tariff(name="2027", valid_from=END))
    statement = chip.statement(deal, chip.request(deal, START, END, offer=sequel))
    assert found(home, chip, deal, statement) == ()
    fixed = changed(deal, follows=False)
    assert found(home, chip, deal, statement, fixed) == (Finding.OFFER_UNKNOWN,)
    chip.extensions.clear()
    assert found(home, chip, deal, statement) == (Finding.OFFER_UNKNOWN,)


def test_a_contract_that_its_provider_has_not_accepted_is_not_billed(home, chip):
    deal = chip.sign(simple_tariff())
    statement = chip.statement(deal, chip.request(deal, START, END))
    own = deal.agreement.contract_hash
    for acceptance in (
        sign_document(Acceptance(bytes(32)), deal.key),
        sign_document(Acceptance(own), Ed25519PrivateKey.generate()),
    ):
        forged = msgspec.structs.replace(statement, acceptance=msgspec.msgpack.encode(acceptance))
        assert found(home, chip, deal, forged) == (Finding.REQUEST_FORGED,)


@pytest.mark.parametrize("other", ["publisher", "name"])
@pytest.mark.parametrize("kind", ["calendar", "series"])
def test_a_line_is_priced_by_the_calendar_or_series_that_it_names(home, chip, kind, other):
    publisher = Publisher()
    line = (
        publisher.calendar_line("nuit", (OFF_PEAK,), "0.1")
        if kind == "calendar"
        else publisher.market_line()
    )
    named = getattr(publisher, kind)(START, END)
    chip.schedules = Schedules([named])
    deal = chip.sign(simple_tariff(energy=(line,)))
    statement = chip.statement(deal, chip.request(deal, START, END))
    assert found(home, chip, deal, statement) == ()
    value = Publisher().name if other == "publisher" else "another"
    chip.schedules = Schedules([msgspec.structs.replace(named, **{other: value})])
    assert found(home, chip, deal, statement) == (Finding.SCHEDULE_MISSING,)


@pytest.mark.parametrize(
    "change",
    [
        {"id": bytes(16)},
        {"contract": bytes(32)},
        {"start": day_number(START) + 1},
        {"end": day_number(END) - 1},
        {"without": (day_number(END),)},
        {"late": (day_number(START),)},
        {"corrects": bytes(16)},
    ],
)
def test_a_statement_is_held_to_each_field_of_what_was_asked(home, chip, change):
    deal = chip.sign(simple_tariff())
    request = chip.request(deal, START, END)
    statement = chip.statement(deal, request)
    other = sign_document(msgspec.structs.replace(request, **change), deal.key)
    forged = msgspec.structs.replace(statement, request=msgspec.msgpack.encode(other))
    (finding,) = found(home, chip, deal, forged)
    unfounded = "corrects" in change
    assert finding is (Finding.CORRECTION_UNFOUNDED if unfounded else Finding.REQUEST_FORGED)


def test_a_statement_that_names_other_calendars_or_series_is_not_opened(home, chip):
    deal = chip.sign(simple_tariff())
    statement = chip.statement(deal, chip.request(deal, START, END))
    other = msgspec.structs.replace(statement, schedules=(bytes(32),))
    assert found(home, chip, deal, other) == (Finding.SCHEDULE_MISSING,)


def test_days_for_which_the_offer_has_no_tariff_are_not_billed(home, chip):
    deal = chip.sign(simple_tariff())
    statement = chip.statement(deal, chip.request(deal, START, END))
    for tariff in (simple_tariff(valid_to=END - ONE_DAY), simple_tariff(valid_from=END)):
        offer = msgspec.structs.replace(deal.agreement.offer, tariffs=(tariff,))
        agreement = msgspec.structs.replace(deal.agreement, offer=offer)
        assert found(home, chip, deal, statement, agreement) == (Finding.NO_TARIFF,)


def test_a_late_day_of_before_the_contract_is_not_billed_by_it(home, chip):
    first = START + 5 * ONE_DAY
    deal = chip.sign(simple_tariff(), start=first)
    request = chip.request(deal, first, END, late=[first - ONE_DAY])
    assert found(home, chip, deal, chip.statement(deal, request)) == (Finding.OUTSIDE_CONTRACT,)


def signed_offer(tariff=None, sealing_key=None, **changes):
    tariff = tariff or simple_tariff()
    sealing_key = sealing_key or SealingKey.generate().public_bytes
    public = PROVIDER.public_key().public_bytes_raw()
    offer = Offer(tariff.provider, public, sealing_key, tariff.name, (tariff,))
    return sign_document(msgspec.structs.replace(offer, **changes), PROVIDER)


def test_a_document_of_one_kind_is_no_other():
    signed = sign_document(Acceptance(bytes(32)), PROVIDER)
    with pytest.raises(DocumentRefused, match="another document"):
        open_document(signed, PROVIDER.public_key(), Contract)
    relabelled = msgspec.structs.replace(signed, kind="Contract")
    with pytest.raises(DocumentRefused, match="does not fit"):
        open_document(relabelled, PROVIDER.public_key(), Contract)


def test_an_offer_is_of_its_tariffs_provider_and_can_be_printed():
    open_offer(signed_offer())
    with pytest.raises(DocumentRefused, match="another provider's"):
        open_offer(signed_offer(provider="Somebody else"))
    with pytest.raises(DocumentRefused, match="cannot be printed"):
        open_offer(signed_offer(product="a\x1b[2K"))


def test_an_offer_to_which_no_receipt_can_be_sealed_is_not_taken(tmp_path):
    draw_keys(tmp_path)
    keys = load_keys(tmp_path)
    with pytest.raises(DocumentRefused, match="sealing key cannot be used"):
        sign_contract(keys, signed_offer(sealing_key=b"\xff" * PUBLIC_KEY_BYTES), SERIAL, START)


@pytest.mark.parametrize("field", ["household_key", "sealing_key"])
def test_a_contract_of_other_keys_than_the_households_is_not_this_chips(tmp_path, field):
    draw_keys(tmp_path)
    keys, offer = load_keys(tmp_path), signed_offer()
    made = decode_body(sign_contract(keys, offer, SERIAL, START).body, Contract)
    (tmp_path / "offer.json").write_bytes(msgspec.json.encode(offer))

    def keep(contract):
        signed = sign_document(contract, keys.signing_key)
        (tmp_path / "contract.json").write_bytes(msgspec.json.encode(signed))

    keep(made)
    assert load_contract(tmp_path) is not None
    keep(msgspec.structs.replace(made, **{field: bytes(len(getattr(made, field)))}))
    with pytest.raises(ConfigError, match="other keys than this household's"):
        load_contract(tmp_path)
