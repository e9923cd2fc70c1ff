"""A request that brings a defect to light is set aside by its id; all others are answered."""

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from structlog.testing import capture_logs

from cloud.billing.pending import pending_statements
from cloud.store import RequestState
from cloud.store.sqlite.store import SqliteStore
from protocol.errors import StoreBusy
from tests.support.household import Household
from tests.support.poisoned import END, GOOD, POISONED, START, put_poisoned_and_good
from tests.support.tariffs import simple_tariff

PLATFORM = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@pytest.fixture(scope="module")
def household():
    return Household((simple_tariff(),), START, END, np.random.default_rng(5))


@pytest.fixture
def store(tmp_path, household):
    store = SqliteStore.open(tmp_path)
    put_poisoned_and_good(store, household)
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
    assert "Ask again" in stored.detail


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
