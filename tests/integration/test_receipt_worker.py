"""Receipts over the real broker and worker: held once, acknowledged after the commit, through kills."""

import json
import signal
import subprocess
import sys
from datetime import UTC, date, datetime

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.store import PublishedStatement, StatementOrder, StoredContract
from cloud.store.sqlite import schema
from cloud.store.sqlite.store import SqliteStore
from edge.bills.receipts import ReceiptInputs, make_receipt
from edge.vault.commitments import CommittedDay, day_commitment
from protocol.bill import price_bill, register_energies
from protocol.calendar import day_number, days_between
from protocol.contract import (
    Acceptance,
    Consent,
    Contract,
    Offer,
    StatementRequest,
    sign_document,
)
from protocol.envelope import Address, open_message
from protocol.messages import Seen
from protocol.receipt import Receipt, ReceiptAck
from protocol.schedule import Schedules
from protocol.statement import components
from protocol.topics import Kind
from protocol.year_keys import YearKeys
from provider import service as provider_service
from tests.integration.test_ingest_worker import LinkedChip, WorkerProcess
from tests.support.broker import COLLECTIVITY, enrol_chip, wait_until
from tests.support.household import closed_day
from tests.support.mqtt import Peer, chip_pass
from tests.support.tariffs import simple_tariff

START, END = date(2026, 10, 1), date(2026, 11, 1)
STATEMENT = bytes(range(16))
NOW = datetime(2026, 11, 2, tzinfo=UTC)


@pytest.fixture
def worker(broker):
    process = WorkerProcess(broker.cloud)
    yield process
    process.end(signal.SIGKILL)


class SigningChip(LinkedChip):
    """A chip with the keys of its household, and a month of days that it commits to."""

    def __init__(self, cloud, directory):
        super().__init__(cloud, directory)
        self.keys = YearKeys.generate(START.year)
        self.days = {
            day: closed_day(day, (3 + n % 5, 11 - n % 7))
            for n, day in enumerate(days_between(START, END))
        }

    def send_month(self):
        self.publish(self.epoch(START))
        for n, (day, closed) in enumerate(self.days.items(), 1):
            self.publish(self.block(day, n, commitment=day_commitment(self.keys, closed)))

    def held(self):
        address = Address(COLLECTIVITY, self.device, Kind.RECEIPT_ACK)
        return [
            statement
            for payload in self.down(Kind.RECEIPT_ACK)
            for statement in open_message(
                address, payload, self._platform_key, ReceiptAck
            ).statements
        ]


def contracted(store, chip, provider):
    """Register a contract and a statement that was published; returns what a receipt is made of."""
    provider_service.draw_key(provider)
    key, sealing_key = (
        provider_service.load_key(provider),
        provider_service.load_sealing_key(provider),
    )
    tariff = simple_tariff()
    signed_offer = provider_service.make_offer([tariff], key, sealing_key)
    offer = msgspec.msgpack.decode(signed_offer.body, type=Offer)
    contract = Contract(
        signed_offer.hash,
        chip.household_key,
        sealing_key.public_bytes,
        bytes(32),
        START,
        None,
        Consent.TOTAL,
        follows=False,
    )
    signed = sign_document(contract, Ed25519PrivateKey.generate())
    acceptance = sign_document(Acceptance(signed.hash), key)
    public = key.public_key().public_bytes_raw()
    store.put_contract(
        StoredContract(
            signed.hash,
            chip.household_key,
            offer.provider,
            public,
            signed_offer,
            signed,
            acceptance,
        )
    )
    request = StatementRequest(
        STATEMENT, signed.hash, signed_offer.hash, day_number(START), day_number(END)
    )
    asked = msgspec.msgpack.encode(sign_document(request, key))
    store.put_request(StatementOrder(STATEMENT, signed.hash, chip.household_key, asked), NOW)
    store.settle([PublishedStatement(STATEMENT, chip.device, b"the statement")], [], NOW)
    parts = components([tariff], START, END, Schedules())
    return ReceiptInputs(signed.hash, contract, request, offer, tuple(parts))


def receipt_of(chip, grounds) -> Receipt:
    steps = [sum(c.register_steps_kwh[n] for c in chip.days.values()) for n in range(10)]
    energies = register_energies(0, grounds.offer.tariffs[0], grounds.days, steps)
    bill = price_bill(grounds.offer.tariffs, START, END, energies)
    days = {day: CommittedDay(closed, chip.keys) for day, closed in chip.days.items()}
    return make_receipt(COLLECTIVITY, chip.household_key, grounds, bill, days)


def provider_receipts(broker, provider):
    command = [sys.executable, "-m", "volet.main", "provider", "receipts", "--json"]
    command += ["--dir", str(provider), "--cloud", str(broker.cloud)]
    ended = subprocess.run(command, capture_output=True, check=False)
    return ended.returncode, json.loads(ended.stdout)["receipts"]


def test_a_receipt_is_held_once_through_a_kill_and_proven_to_the_provider(broker, worker, tmp_path):
    provider = tmp_path / "provider"
    with SigningChip(broker.cloud, tmp_path / "chip") as chip:
        worker.start_and_wait()
        chip.send_month()
        wait_until(lambda: chip.stored_through() == len(chip.days), "the month to be stored")
        store = SqliteStore.open(broker.cloud, is_checked=False)
        grounds = contracted(store, chip, provider)
        message = chip.message(Kind.RECEIPT, receipt_of(chip, grounds))
        with schema.transaction(store._db):  # nobody else can commit now
            chip.publish(message)
            wait_until(lambda: "store_busy" in worker.events(), "the worker to hold the receipt")
            worker.end(signal.SIGKILL)
        assert store.receipts.of_contract(grounds.contract_hash) == ()
        assert chip.held() == []
        worker.start_and_wait()
        wait_until(lambda: chip.held() == [STATEMENT], "the receipt to come again by itself")
        chip.publish(message)
        wait_until(lambda: chip.held() == [STATEMENT] * 2, "the same receipt to be told again")
        other = chip.message(Kind.RECEIPT, receipt_of(chip, grounds))
        chip.publish(other)
        wait_until(lambda: chip.held() == [STATEMENT] * 3, "another receipt to be told as held")
        (stored,) = store.receipts.of_contract(grounds.contract_hash)
        assert stored.payload == message.payload
        reasons = {one.label: one.count for one in store.figures().dead_letters}
        assert reasons == {"conflict": 1}
        store.close()
    code, (checked,) = provider_receipts(broker, provider)
    assert (code, checked["standing"], checked["detail"]) == (0, "proven", "")
    assert (checked["start"], checked["end"]) == (str(START), str(END))


def test_a_receipt_for_another_households_statement_is_refused(broker, worker, tmp_path):
    worker.start_and_wait()
    with (
        SigningChip(broker.cloud, tmp_path / "chip") as chip,
        SigningChip(broker.cloud, tmp_path / "other") as other,
    ):
        store = SqliteStore.open(broker.cloud, is_checked=False)
        grounds = contracted(store, chip, tmp_path / "provider")
        other.publish(other.message(Kind.RECEIPT, receipt_of(other, grounds)))
        other.publish(other.message(Kind.RECEIPT, receipt_of(chip, grounds)))
        other.publish(other.message(Kind.SEEN, Seen(other.household_key, STATEMENT)))
        wait_until(lambda: len(store.dead_letters()) == 3, "three refusals")
        assert store.receipts.of_contract(grounds.contract_hash) == ()
        assert other.held() == []
        reasons = {one.label: one.count for one in store.figures().dead_letters}
        assert reasons == {"out_of_bounds": 2, "unknown_device": 1}
        store.close()


def test_nobody_else_hears_that_a_household_signs_off(broker, worker, tmp_path):
    worker.start_and_wait()
    listener = enrol_chip(broker.cloud, tmp_path / "listener")
    with (
        SigningChip(broker.cloud, tmp_path / "chip") as chip,
        Peer(broker.port, chip_pass(listener).context()) as peer,
    ):
        store = SqliteStore.open(broker.cloud, is_checked=False)
        grounds = contracted(store, chip, tmp_path / "provider")
        peer.subscribe(f"volet/v1/{COLLECTIVITY}/d/+/up/receipt")
        peer.subscribe(f"volet/v1/{COLLECTIVITY}/d/+/down/receipt")
        chip.publish(chip.message(Kind.RECEIPT, receipt_of(chip, grounds)))
        wait_until(lambda: chip.held() == [STATEMENT], "the receipt to be held")
        assert peer.received == []
        store.close()


def test_a_provider_is_told_of_a_receipt_that_is_none(broker, tmp_path):
    provider = tmp_path / "provider"
    chip = SigningChip.__new__(SigningChip)
    identity = enrol_chip(broker.cloud, tmp_path / "chip")
    chip.household_key, chip.device = identity.household.id, identity.device
    store = SqliteStore.open(broker.cloud, is_checked=False)
    contracted(store, chip, provider)
    code, receipts = provider_receipts(broker, provider)
    assert (code, receipts) == (0, [])
    store._db.execute(
        "INSERT INTO receipt (statement, contract, household, device, payload, at)"
        " SELECT id, contract, household, ?, ?, 0 FROM request",
        [chip.device, b"nothing of the kind"],
    )
    store._db.commit()
    store.close()
    code, (checked,) = provider_receipts(broker, provider)
    assert (code, checked["standing"], checked["total_ttc"]) == (3, "refused", None)
