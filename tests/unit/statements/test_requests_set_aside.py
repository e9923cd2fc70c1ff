"""A request that brings a defect to light is set aside by its id; all others are answered."""

from datetime import UTC, date, datetime

import msgspec
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from structlog.testing import capture_logs

from cloud.billing.pending import pending_statements
from cloud.store import RequestState, StatementOrder
from cloud.store.sqlite.store import SqliteStore
from protocol.contract import Signed
from protocol.errors import StoreBusy
from tests.support.household import Household
from tests.support.tariffs import simple_tariff

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
START, END = date(2026, 10, 5), date(2026, 10, 12)
PLATFORM = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
POISONED, GOOD = b"p" * 16, b"g" * 16
UNREADABLE = b"c" * 32

pytestmark = pytest.mark.xfail(strict=True, reason="an unexpected error ends the worker each time")


@pytest.fixture(scope="module")
def household():
    return Household((simple_tariff(),), START, END, np.random.default_rng(5))


@pytest.fixture
def store(tmp_path, household):
    """A store with a request under a contract whose bytes no longer decode, then a good one."""
    store = SqliteStore.open(tmp_path)
    household.enrol(store)
    store.put_batch(household.batch(household.blocks))
    unreadable = msgspec.structs.replace(
        household.stored_contract, hash=UNREADABLE, contract=Signed("Contract", b"\xc1", b"")
    )
    store.put_contract(unreadable)
    for request_id, contract in ((POISONED, UNREADABLE), (GOOD, household.contract.hash)):
        request = household.request(START, END, id=request_id, contract=contract)
        store.put_request(StatementOrder(request_id, contract, household.secret.id, request), NOW)
    yield store
    store.close()


def test_a_poisoned_request_is_set_aside_by_its_id_and_the_next_is_answered(store):
    with capture_logs() as logs:
        (message,) = pending_statements(store, PLATFORM, "ville").messages
    assert message.topic.endswith(GOOD.hex())
    (aside,) = [entry for entry in logs if entry["event"] == "statement_set_aside"]
    assert (aside["request"], aside["defect"]) == (POISONED.hex(), "MessageRefused")
    stored = store.request(POISONED)
    assert stored.state is RequestState.REFUSED
    assert "ask again" in stored.detail


def test_it_stays_aside_after_a_restart(store, tmp_path):
    pending_statements(store, PLATFORM, "ville")
    again = SqliteStore.open(tmp_path)
    assert again.requests(RequestState.PENDING) == ()
    with capture_logs() as logs:
        assert pending_statements(again, PLATFORM, "ville").messages == ()
    assert logs == []
    again.close()


def test_a_defect_of_the_computation_itself_is_no_other_case(store, monkeypatch):
    def compute(*_):
        raise ZeroDivisionError

    monkeypatch.setattr("cloud.billing.pending.compute", compute)
    assert pending_statements(store, PLATFORM, "ville").messages == ()
    assert store.request(GOOD).state is RequestState.REFUSED


def test_a_store_that_is_busy_sets_nothing_aside(store, monkeypatch):
    def busy(*_):
        raise StoreBusy("The disk is full.")

    monkeypatch.setattr(SqliteStore, "blocks_of_days", busy)
    with pytest.raises(StoreBusy):
        pending_statements(store, PLATFORM, "ville")
    assert store.request(GOOD).state is RequestState.PENDING
