"""Receipts in the store: one for a statement, byte for byte, in the order they came."""

from datetime import UTC, datetime

import pytest

from cloud.store import PublishedStatement, Put, StatementOrder
from cloud.store.receipts import VerifiedReceipt
from cloud.store.sqlite.store import SqliteStore
from protocol.errors import Reason
from protocol.receipt import Receipt
from tests.support.fake_chip import FakeChip

AT = datetime(2026, 11, 2, tzinfo=UTC)
CONTRACT, OTHER = b"c" * 32, b"o" * 32


@pytest.fixture
def store(tmp_path):
    opened = SqliteStore.open(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def chip(store):
    made = FakeChip()
    store.enrol(made.enrolment)
    return made


def published(store, chip, number: int, contract: bytes = CONTRACT) -> bytes:
    statement = bytes([number]) * 16
    store.put_request(StatementOrder(statement, contract, chip.household_key, b"r"), AT)
    store.settle([PublishedStatement(statement, chip.device, b"s")], [], AT)
    return statement


def item(chip, statement: bytes, payload: bytes = b"payload") -> VerifiedReceipt:
    return VerifiedReceipt(chip.device, Receipt(chip.household_key, statement, b"sealed"), payload)


def test_a_statement_has_one_receipt_and_keeps_the_first(store, chip):
    statement = published(store, chip, 1)
    receipts = store.receipts
    assert receipts.put([item(chip, statement), item(chip, statement)], AT) == (
        Put.STORED,
        Put.AGAIN,
    )
    assert receipts.put([item(chip, statement, b"other")], AT) == (Reason.CONFLICT,)
    (stored,) = receipts.of_contract(CONTRACT)
    assert (stored.payload, stored.contract, stored.device, stored.at) == (
        b"payload",
        CONTRACT,
        chip.device,
        AT,
    )
    assert receipts.put([], AT) == ()


def test_there_is_none_for_what_was_not_published_to_this_household(store, chip):
    other = FakeChip()
    store.enrol(other.enrolment)
    mine = published(store, chip, 1)
    pending = bytes([9]) * 16
    store.put_request(StatementOrder(pending, CONTRACT, chip.household_key, b"r"), AT)
    outcomes = store.receipts.put(
        [item(other, mine), item(chip, pending), item(chip, bytes(16)), item(chip, mine)], AT
    )
    assert outcomes == (Reason.BOUNDS, Reason.BOUNDS, Reason.BOUNDS, Put.STORED)
    assert [each.statement for each in store.receipts.of_contract(CONTRACT)] == [mine]


def test_a_contracts_receipts_come_in_pages_in_the_order_they_came(store, chip):
    statements = [published(store, chip, number) for number in (5, 3, 4)]
    elsewhere = published(store, chip, 6, OTHER)
    for statement in (*statements, elsewhere):
        store.receipts.put([item(chip, statement, statement)], AT)
    receipts = store.receipts
    assert [r.statement for r in receipts.of_contract(CONTRACT)] == statements
    assert [r.statement for r in receipts.of_contract(CONTRACT, statements[0], 1)] == [
        statements[1]
    ]
    assert [r.statement for r in receipts.of_contract(OTHER)] == [elsewhere]
    assert receipts.of_contract(bytes(32)) == ()


def test_receipts_outlive_the_store_object_and_the_blocks(store, chip, tmp_path):
    statement = published(store, chip, 1)
    store.receipts.put([item(chip, statement)], AT)
    store.expire(datetime(2030, 1, 1, tzinfo=UTC).date())
    again = SqliteStore.open(tmp_path)
    assert [each.payload for each in again.receipts.of_contract(CONTRACT)] == [b"payload"]
    again.close()


def test_all_chips_that_ever_spoke_for_a_household_are_known_by_their_keys(store, chip):
    newer = FakeChip(household_key=chip.household_key)
    store.enrol(newer.enrolment)
    store.revoke(chip.device)
    assert store.receipts.signing_keys(chip.household_key) == {
        chip.device: chip.signing_key.public_key().public_bytes_raw(),
        newer.device: newer.signing_key.public_key().public_bytes_raw(),
    }
    assert store.receipts.signing_keys(b"n" * 16) == {}
