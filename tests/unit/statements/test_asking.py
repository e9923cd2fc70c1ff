"""What a provider asks for: days left out and billed late, corrections, and what a request waits for."""

from datetime import date, timedelta

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cloud.billing.pending import pending_statements
from cloud.billing.progress import progress
from cloud.billing.requests import owed_days
from cloud.billing.statements import prepare
from cloud.catalogue.log import listed_in
from cloud.store import RequestState
from cloud.store.sqlite.store import SqliteStore
from edge.bills.billed import BilledDays, billed_row
from edge.bills.judge import judge
from edge.bills.judgement import Verdict
from protocol.bill import price_bill
from protocol.calendar import day_of_number, days_between
from protocol.contract import Signed, StatementRequest, sign_document
from protocol.envelope import Address, decode_body, open_message
from protocol.errors import DocumentRefused
from protocol.messages import Statement
from protocol.provider_api import StatementState
from protocol.topics import Kind
from provider import service as provider_service
from provider.commands.progress import in_words
from tests.support.household import DEVICE, Household
from tests.support.listing import register
from tests.support.provider_side import accept, request_correction, request_statement
from tests.support.tariffs import simple_tariff
from volet.provider import provider

START, MIDDLE, END = date(2026, 9, 1), date(2026, 10, 1), date(2026, 11, 1)
GONE = date(2026, 9, 14)
PLATFORM = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@pytest.fixture(scope="module")
def household():
    return Household((simple_tariff(),), START, END, np.random.default_rng(9))


@pytest.fixture
def store(tmp_path, household):
    store = SqliteStore.open(tmp_path)
    household.enrol(store)
    yield store
    store.close()


def request_in(store, request_id):
    signed = msgspec.msgpack.decode(store.request(request_id).order.request, type=Signed)
    return decode_body(signed.body, StatementRequest)


def days(numbers):
    return [day_of_number(number) for number in numbers]


def ask(store, household, start, end, **options):
    return request_statement(
        store, household.provider_key, household.contract.hash, start, end, **options
    )


def statement_of(store, request_id):
    (message,) = pending_statements(store, PLATFORM, "ville").messages
    address = Address("ville", DEVICE, Kind.STATEMENT)
    statement = open_message(address, message.payload, PLATFORM.public_key(), Statement)
    assert statement.id == request_id
    return statement


def judged(household, statement, rows):
    books = msgspec.structs.replace(household.books, billed=BilledDays.read(rows))
    judgement = judge(statement, household.agreement, household.listed_documents, books)
    assert judgement.verdict is Verdict.CORRECT, judgement.findings
    rows.append(billed_row(statement, judgement.bill))
    return judgement


def test_missing_days_are_left_out_and_billed_late_by_themselves(store, household):
    store.put_batch(household.batch([b for b in household.blocks if b.day != GONE]))
    rows = []
    first = ask(store, household, START, MIDDLE, without_missing=True)
    left_out = days(request_in(store, first).without)
    assert GONE in left_out
    assert len(left_out) == 3  # one day alone could never be billed late
    september = judged(household, statement_of(store, first), rows)
    assert september.left_out == tuple(left_out)
    contract = store.contract(household.contract.hash)
    assert owed_days(store, contract, END) == left_out

    # Two of them are stored: too few to stand on a line of their own, so they stay owed.
    waiting = ask(store, household, MIDDLE, MIDDLE + timedelta(days=5))
    assert request_in(store, waiting).late == ()
    judged(household, statement_of(store, waiting), rows)

    store.put_batch(household.batch([b for b in household.blocks if b.day == GONE]))
    second = ask(store, household, MIDDLE + timedelta(days=5), END)
    assert days(request_in(store, second).late) == left_out
    state = progress(store, second)
    assert (state.late, state.left_out, state.waits_for) == (3, 0, "")
    october = judged(household, statement_of(store, second), rows)
    assert october.late == tuple(left_out)
    assert owed_days(store, contract, END) == []
    third = ask(store, household, MIDDLE + timedelta(days=5), END)
    assert request_in(store, third).late == ()


def test_without_the_option_a_request_waits_for_the_missing_day(store, household):
    store.put_batch(household.batch([b for b in household.blocks if b.day != GONE]))
    request_id = ask(store, household, START, MIDDLE)
    assert request_in(store, request_id).without == ()
    assert progress(store, request_id).missing_days == 1


def test_a_bill_is_corrected_once_by_the_latest_listed_offer(store, household):
    store.put_batch(household.batch(household.blocks))
    listed = listed_in(store)
    register(store, household.offer)
    listed.add(household.offer, date(2026, 8, 1))
    offer = household.agreement.offer
    longer = msgspec.structs.replace(
        offer,
        tariffs=(*offer.tariffs, simple_tariff(name="new", valid_from=date(2026, 9, 20))),
        extends=household.offer.hash,
    )
    rows = []
    first = ask(store, household, START, MIDDLE)
    judged(household, statement_of(store, first), rows)
    extension = sign_document(longer, household.provider_key)
    listed.add(extension, date(2026, 9, 1))

    second = request_correction(store, household.provider_key, first)
    request = request_in(store, second)
    assert (request.corrects, request.offer, days([request.start, request.end])) == (
        first,
        extension.hash,
        [START, MIDDLE],
    )
    statement = statement_of(store, second)
    listed = msgspec.structs.replace(
        household.listed_documents, extensions={extension.hash: longer}
    )
    books = msgspec.structs.replace(household.books, billed=BilledDays.read(rows))
    judgement = judge(statement, household.agreement, listed, books)
    assert judgement.verdict is Verdict.CORRECT
    assert judgement.credit.corrects == first.hex()

    with pytest.raises(DocumentRefused, match="corrected once"):
        request_correction(store, household.provider_key, second)
    with pytest.raises(DocumentRefused, match="no such statement"):
        request_correction(store, household.provider_key, bytes(16))
    with pytest.raises(DocumentRefused, match="no such statement"):
        request_correction(store, Ed25519PrivateKey.generate(), first)


def test_a_request_waits_for_the_acceptance_and_says_so(tmp_path, household):
    store = SqliteStore.open(tmp_path)
    household.enrol(store)
    other = Household((simple_tariff(),), START, MIDDLE, np.random.default_rng(2))
    open_contract = msgspec.structs.replace(other.stored_contract, acceptance=None)
    store.put_contract(open_contract)
    request_id = request_statement(store, other.provider_key, open_contract.hash, START, MIDDLE)
    assert progress(store, request_id).waits_for == "acceptance"
    assert pending_statements(store, PLATFORM, "ville").messages == ()
    assert progress(store, request_id).state is RequestState.PENDING
    accept(store, other.provider_key, open_contract.hash)
    assert progress(store, request_id).waits_for == "device"
    store.close()


def test_a_contract_that_has_ended_is_billed_to_its_last_day(store, household):
    end = MIDDLE + timedelta(days=4)
    stored = msgspec.structs.replace(store.contract(household.contract.hash), end=end)
    signed = household.request(MIDDLE, end)
    assert prepare(signed, stored, household.listed).end == end
    with pytest.raises(DocumentRefused, match="holds from"):
        prepare(household.request(MIDDLE, END), stored, household.listed)


def test_a_period_across_months_clocks_tariffs_and_offers_that_extend(tmp_path):
    start, end, change = date(2026, 3, 10), date(2026, 11, 8), date(2026, 8, 1)
    home = Household((simple_tariff(),), start, end, np.random.default_rng(4))
    longer = msgspec.structs.replace(
        home.agreement.offer,
        tariffs=(*home.tariffs, simple_tariff(name="août", valid_from=change)),
        extends=home.offer.hash,
    )
    extension = sign_document(longer, home.provider_key)
    store = SqliteStore.open(tmp_path)
    home.enrol(store)
    register(store, home.offer)
    listed_in(store).add(home.offer, start)
    listed_in(store).add(extension, start)
    store.put_batch(home.batch(home.blocks))
    request_id = ask(store, home, start, end)
    statement = statement_of(store, request_id)
    listed = msgspec.structs.replace(home.listed_documents, extensions={extension.hash: longer})
    judgement = judge(statement, home.agreement, listed, home.books)
    assert judgement.verdict is Verdict.CORRECT
    assert {line.tariff for line in judgement.bill.lines} == {"Heures creuses 2026", "août"}
    assert judgement.opened[0].quantity == sum(
        row.register_steps_kwh[0] for row in home.days if row.day in days_between(start, change)
    )
    assert price_bill(longer.tariffs, start, end, ()).lines[1].start == change
    store.close()


@pytest.mark.parametrize(("number", "noun"), [(1, "day"), (2, "days")])
def test_a_statement_counts_one_day_and_several_days(number, noun):
    state = StatementState(
        id="ab" * 16,
        contract="cd" * 32,
        start=START,
        end=MIDDLE,
        state=RequestState.PENDING,
        missing_days=number,
        values=0,
        detail="",
        waits_for="",
        late=number,
        left_out=number,
    )
    assert in_words(state).endswith(
        f": {number} late {noun} billed with it; {number} {noun} left out and owed; "
        f"waiting for {number} {noun} that the chip has not sent yet."
    )


def test_the_commands_say_what_is_left_out_and_correct_a_statement(tmp_path, household):
    store = SqliteStore.open(tmp_path)
    household.enrol(store)
    store.put_batch(household.batch([b for b in household.blocks if b.day != GONE]))
    store.close()
    provider_service.draw_key(tmp_path)
    key = household.provider_key.private_bytes_raw()
    pem = Ed25519PrivateKey.from_private_bytes(key).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    (tmp_path / provider_service.KEY).write_bytes(pem)
    common = ["--dir", str(tmp_path), "--cloud", str(tmp_path), "--wait", "0"]
    period = ["--from", str(START), "--to", str(MIDDLE)]
    asked = CliRunner().invoke(provider, ["bill", *common, *period, "--without-missing"])
    assert "3 days left out and owed; waiting for the worker" in asked.output, asked.output
    told = CliRunner().invoke(provider, ["bill", *common, *period, "--json"])
    identity = msgspec.json.decode(told.output)["id"]
    corrected = CliRunner().invoke(provider, ["correct", *common, identity])
    assert "waiting for 1 day that" in corrected.output
    assert "no statement's id" in str(
        CliRunner().invoke(provider, ["correct", *common, "zz"]).exception
    )
