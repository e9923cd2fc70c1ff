"""In which version of the wire the cloud writes to a chip, and what a chip that goes back gets."""

from datetime import date

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.billing.pending import pending_statements
from cloud.ingest.pipeline import Ingest
from cloud.store import Device
from cloud.store.sqlite.store import SqliteStore
from cloud.worker.hub import announcement
from protocol import versions
from protocol.envelope import ALL, Address, open_message, version_of
from protocol.errors import StoreError
from protocol.ids import HouseholdKeyId, new_device_id
from protocol.messages import Hub
from protocol.topics import PublicKind, hub_topic
from tests.support.fake_chip import FakeChip
from tests.support.household import DEVICE, NOW, Household
from tests.support.next_version import NEXT
from tests.support.provider_side import request_statement
from tests.support.tariffs import simple_tariff

START, END = date(2026, 10, 25), date(2026, 11, 5)
PLATFORM = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@pytest.fixture
def store(tmp_path):
    store = SqliteStore.open(tmp_path)
    yield store
    store.close()


@pytest.fixture
def later(monkeypatch):
    monkeypatch.setattr(versions, "VERSIONS", NEXT)


def announced(store):
    message = announcement(store, "ville", PLATFORM)
    assert (message.topic, message.retain) == (hub_topic("ville"), True)
    assert version_of(message.payload) == versions.VERSIONS.oldest
    address = Address("ville", ALL, PublicKind.HUB)
    return open_message(address, message.payload, PLATFORM.public_key(), Hub)


@pytest.mark.usefixtures("later")
def test_a_statement_that_a_chip_has_not_seen_is_written_again_when_the_chip_goes_back(store):
    household = Household((simple_tariff(),), START, END, np.random.default_rng(3))
    household.enrol(store)
    store.put_batch(household.batch(household.blocks))
    request_statement(store, household.provider_key, household.contract.hash, START, END)
    store.versions.use(2)
    assert store.versions.put_read(DEVICE, 2) == 2
    (first,) = pending_statements(store, PLATFORM, "ville").messages
    assert version_of(first.payload) == 2
    assert store.versions.put_read(DEVICE, 2) == 2
    assert pending_statements(store, PLATFORM, "ville").messages == ()
    assert store.versions.put_read(DEVICE, 1) == 1
    (again,) = pending_statements(store, PLATFORM, "ville").messages
    assert (again.topic, version_of(again.payload)) == (first.topic, 1)


@pytest.mark.usefixtures("later")
@pytest.mark.parametrize(
    ("in_use", "read", "version"), [(1, 2, 1), (2, 1, 1), (2, 2, 2), (2, 9, 2)]
)
def test_a_chip_is_written_to_in_the_version_in_use_if_it_reads_it(store, in_use, read, version):
    chip = FakeChip()
    store.enrol(chip.enrolment)
    store.versions.use(in_use)
    assert store.versions.put_read(chip.device, read) == version
    assert store.versions.written_to(chip.device) == version
    (device,) = store.devices([chip.device])
    assert device.version == version


@pytest.mark.usefixtures("later")
def test_the_answer_to_a_chip_that_has_gone_back_is_one_that_it_reads(store):
    chip = FakeChip()
    store.enrol(chip.enrolment)
    store.versions.use(2)
    store.versions.put_read(chip.device, 2)
    ingest = Ingest(store, "testville", PLATFORM, lambda: NOW)
    (ack,) = ingest.process([chip.fetch(None)]).outgoing  # says that it reads version 1
    assert version_of(ack.payload) == 1


def test_a_version_is_put_in_use_for_good(store, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(versions, "VERSIONS", NEXT)
        store.versions.use(2)
        store.versions.use(1)
        assert store.versions.in_use == 2
        assert announced(store).version == 2
    with pytest.raises(StoreError, match="version 2 of the wire is in use here"):
        SqliteStore.open(tmp_path)


def test_the_window_for_new_tries_grows_with_the_chips(store):
    assert announced(store) == Hub(1, 1)
    for number in range(500):
        key = HouseholdKeyId(number.to_bytes(16, "big"))
        store.enrol(Device(new_device_id(), bytes(32), key, NOW))
    assert announced(store).reconnect_window_s == 3
