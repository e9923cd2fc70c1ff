"""From a provider's request to a statement on its way, over the real store."""

import os
from datetime import date

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from structlog.testing import capture_logs

from cloud.billing import pending as batches
from cloud.billing.pending import pending_statements, unseen_statements
from cloud.billing.progress import progress
from cloud.store import RequestState, SeenStatement
from cloud.store.sqlite.store import SqliteStore
from edge.bills.judge import judge
from edge.bills.judgement import Verdict
from protocol.contract import Signed, open_offer
from protocol.envelope import Address, open_message
from protocol.errors import ConfigError, DocumentRefused
from protocol.messages import Statement
from protocol.provider_api import ContractFilter, Drafting
from protocol.topics import Kind, parse_device_topic
from provider import service
from tests.support.household import DEVICE, NOW, Household
from tests.support.provider_side import backend_of, own_contracts, request_statement
from tests.support.tariffs import simple_tariff
from volet.provider import provider

START, END = date(2026, 10, 25), date(2026, 11, 5)
PLATFORM = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@pytest.fixture
def store(tmp_path):
    store = SqliteStore.open(tmp_path)
    yield store
    store.close()


@pytest.fixture(scope="module")
def household():
    return Household((simple_tariff(),), START, END, np.random.default_rng(3))


def ask(store, household, start=START, end=END):
    return request_statement(store, household.provider_key, household.contract.hash, start, end)


def test_a_request_waits_for_its_days_and_is_answered_when_the_last_is_stored(store, household):
    household.enrol(store)
    late = [block for block in household.blocks if block.day == date(2026, 11, 1)]
    store.put_batch(household.batch([b for b in household.blocks if b not in late]))
    request_id = ask(store, household)
    assert pending_statements(store, PLATFORM, "ville").messages == ()
    waiting = progress(store, request_id)
    assert (waiting.state, waiting.missing_days) == (RequestState.PENDING, 1)

    store.put_batch(household.batch(late))
    (message,) = pending_statements(store, PLATFORM, "ville").messages

    topic = parse_device_topic(message.topic)
    assert (topic.device, topic.kind, topic.rest) == (DEVICE, Kind.STATEMENT, request_id.hex())
    statement = open_message(
        Address("ville", DEVICE, Kind.STATEMENT), message.payload, PLATFORM.public_key(), Statement
    )
    verdict = judge(
        statement, household.agreement, household.listed_documents, household.books
    ).verdict
    assert (verdict, message.retain) == (Verdict.CORRECT, True)
    done = progress(store, request_id)
    assert (done.state, done.missing_days, done.values) == (RequestState.PUBLISHED, 0, 18)


def test_a_statement_is_published_again_until_the_chip_has_seen_it(store, household):
    household.enrol(store)
    store.put_batch(household.batch(household.blocks))
    request_id = ask(store, household)
    first = pending_statements(store, PLATFORM, "ville").messages
    assert first
    assert pending_statements(store, PLATFORM, "ville").messages == ()
    assert unseen_statements(store, PLATFORM, "ville").messages == first
    store.mark_seen([SeenStatement(household.secret.id, request_id)], NOW)
    assert unseen_statements(store, PLATFORM, "ville").messages == ()


def test_a_damaged_statement_is_left_out_by_its_id_and_holds_back_no_other(store, household):
    household.enrol(store)
    store.put_batch(household.batch(household.blocks))
    damaged, good = sorted(ask(store, household) for _ in range(2))
    assert len(pending_statements(store, PLATFORM, "ville").messages) == 2
    store._db.execute(
        "UPDATE request SET statement = substr(statement, 1, 40) WHERE id = ?", (damaged,)
    )
    store._db.conn.commit()
    with capture_logs() as logs:
        (message,) = unseen_statements(store, Ed25519PrivateKey.generate(), "ville").messages
    assert parse_device_topic(message.topic).rest == good.hex()
    (event,) = (entry for entry in logs if entry["event"] == "stored_statement_left_out")
    assert event["request"] == damaged.hex()


def test_a_pass_takes_a_bounded_number_of_requests_and_the_next_goes_on(
    store, household, monkeypatch
):
    monkeypatch.setattr(batches, "PAGE_REQUESTS", 2)
    household.enrol(store)
    for _ in range(3):
        ask(store, household)
    first = pending_statements(store, PLATFORM, "ville")
    assert first.messages == ()
    assert first.after == store.requests()[1].order.id
    store.put_batch(household.batch(household.blocks))
    second = pending_statements(store, PLATFORM, "ville", first.after)
    assert (len(second.messages), second.after) == (1, None)
    rest = pending_statements(store, PLATFORM, "ville")
    assert len(rest.messages) == 2

    page = unseen_statements(store, PLATFORM, "ville")
    assert len(page.messages) == 2
    last = unseen_statements(store, PLATFORM, "ville", page.after)
    assert (len(last.messages), last.after) == (1, None)


def test_a_statement_too_large_for_a_message_is_refused_and_never_sent(
    store, household, monkeypatch
):
    monkeypatch.setattr(batches, "SIZE_MAX_BYTES", 500)
    household.enrol(store)
    store.put_batch(household.batch(household.blocks))
    request_id = ask(store, household)
    assert pending_statements(store, PLATFORM, "ville").messages == ()
    refused = progress(store, request_id)
    assert (refused.state, refused.values) == (RequestState.REFUSED, 0)
    assert "ask for shorter periods" in refused.detail


def test_a_revoked_device_gets_no_statement(store, household):
    household.enrol(store)
    store.put_batch(household.batch(household.blocks))
    ask(store, household)
    store.revoke(DEVICE)
    assert pending_statements(store, PLATFORM, "ville").messages == ()


def test_a_provider_asks_for_its_own_contracts_only(store, household):
    household.enrol(store)
    stranger = Ed25519PrivateKey.generate()
    assert own_contracts(store, stranger) == []
    at_stranger = backend_of(store, stranger)
    contract = household.contract.hash.hex()
    with pytest.raises(DocumentRefused, match="no such contract"):
        at_stranger.draft(contract, Drafting(START, END))
    with pytest.raises(DocumentRefused, match="no such contract"):
        service.accept(at_stranger, stranger, household.contract.hash)
    (item,) = backend_of(store, household.provider_key).contracts(ContractFilter())
    with pytest.raises(DocumentRefused, match="no such contract"):
        service.request_statement(at_stranger, stranger, item, Drafting(START, END))
    assert len(own_contracts(store, household.provider_key)) == 1


def test_a_period_outside_the_contract_is_refused_before_it_is_stored(store, household):
    household.enrol(store)
    with pytest.raises(DocumentRefused, match="holds from"):
        ask(store, household, date(2026, 10, 1))
    assert store.requests() == ()


def test_the_key_is_drawn_once_and_closed_to_others(tmp_path):
    os.umask(0o022)
    runner = CliRunner()
    assert "Drew" in runner.invoke(provider, ["init", "--dir", str(tmp_path / "p")]).output
    key = tmp_path / "p" / service.KEY
    before = key.read_bytes()
    assert key.stat().st_mode & 0o777 == 0o600
    assert (
        "nothing was changed"
        in runner.invoke(provider, ["init", "--dir", str(tmp_path / "p")]).output
    )
    assert key.read_bytes() == before
    with pytest.raises(ConfigError, match="volet provider init"):
        service.load_key(tmp_path / "elsewhere")


def test_an_offer_is_signed_from_files_and_a_bad_tariff_is_named(tmp_path):
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_bytes(msgspec.json.encode(simple_tariff()))
    bad.write_bytes(good.read_bytes().replace(b"0.14567", b"0.145678"))
    runner = CliRunner()
    common = ["--dir", str(tmp_path), "--out", str(tmp_path / "offer.json")]
    runner.invoke(provider, ["init", "--dir", str(tmp_path)])
    assert runner.invoke(provider, ["offer", *common, str(good)]).exit_code == 0
    signed = msgspec.json.decode((tmp_path / "offer.json").read_bytes(), type=Signed)
    assert open_offer(signed).tariffs == (simple_tariff(),)
    refused = runner.invoke(provider, ["offer", *common, str(bad)])
    assert isinstance(refused.exception, DocumentRefused)
    assert "bad.json: line 2 (heures creuses): a price has at most 5 decimals" in str(
        refused.exception
    )


def test_the_bill_command_says_what_it_waits_for(tmp_path, household):
    store = SqliteStore.open(tmp_path)
    household.enrol(store)
    store.put_batch(household.batch(household.blocks[:-1]))
    store.close()
    service.draw_key(tmp_path)
    options = ["--dir", str(tmp_path), "--cloud", str(tmp_path), "--wait", "0"]
    period = ["--from", "2026-10-25", "--to", "2026-11-05"]
    stranger = CliRunner().invoke(provider, ["bill", *options, *period])
    assert "There are 0 contracts" in str(stranger.exception)
