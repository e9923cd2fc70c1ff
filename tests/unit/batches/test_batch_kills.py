"""A batch whose worker is killed: every statement once, and the count notices where that fails."""

from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest

from benchmarks import batch as bench
from benchmarks import batch_worker
from benchmarks.batch_worker import Sent, work
from benchmarks.provider_town import make_town
from cloud.billing import pending as batches
from cloud.store.bulk_requests import BulkRequest, BulkRequestItem
from cloud.store.put import Put
from cloud.store.sqlite.store import SqliteStore

HOUSEHOLDS = 12
AT = datetime(2026, 11, 24, tzinfo=UTC)


class Killed(BaseException):
    """What SIGKILL is to a process, within one."""


@pytest.fixture
def town(tmp_path):
    return make_town(tmp_path, HOUSEHOLDS, 2, np.random.default_rng(7))


@pytest.fixture
def store(tmp_path, town):
    assert town.contracts
    store = SqliteStore.open(tmp_path)
    yield store
    store.close()


@pytest.fixture(autouse=True)
def small_pages(monkeypatch):
    monkeypatch.setattr(batches, "PAGE_REQUESTS", 3)


def items(town, name="k"):
    for contract in town.contracts:
        signed = town.request(contract, name)
        request = msgspec.msgpack.decode(signed.body)
        yield BulkRequestItem(request["id"], contract, msgspec.msgpack.encode(signed))


def hand_in(store, town, name="k"):
    new = BulkRequest(name.encode().ljust(16), town.public_key, name, bytes(32), AT)
    return store.bulk_requests.put_batch(new, items(town))


def test_whoever_is_killed_while_a_batch_comes_in_leaves_nothing(store, town):
    def cut():
        for number, item in enumerate(items(town)):
            if number == 7:
                raise Killed
            yield item

    new = BulkRequest(bytes(16), town.public_key, "k", bytes(32), AT)
    with pytest.raises(Killed):
        store.bulk_requests.put_batch(new, cut())
    assert store.requests() == ()
    assert store.bulk_requests.batches(town.public_key, b"", 1) == ()
    assert hand_in(store, town) is Put.STORED
    assert len(store.requests()) == HOUSEHOLDS


@pytest.mark.parametrize("moment", ["settle", "mark_seen"])
def test_a_worker_killed_at_every_page_loses_and_doubles_nothing(
    store, town, tmp_path, monkeypatch, moment
):
    hand_in(store, town)
    log = tmp_path / "sent"
    real, kills = getattr(SqliteStore, moment), []

    def fatal(self, *arguments):
        kills.append(moment)
        if len(kills) % 2:
            raise Killed  # before it was done
        done = real(self, *arguments)
        if len(kills) % 4 == 2:
            raise Killed  # after it was done, before anything was sent
        return done

    monkeypatch.setattr(SqliteStore, moment, fatal)
    for _ in range(50):
        try:
            work(store, log)
            break
        except Killed:
            continue
    assert len(kills) > 6
    bench._count(tmp_path, HOUSEHOLDS)
    bench._open_real_ones(tmp_path, replaced_key(town))


def replaced_key(town):
    """Return a town whose requests are those of `items`."""

    class Named:
        homes = town.homes

        @staticmethod
        def request(contract, _name):
            return town.request(contract, "k")

    return Named


def test_a_batch_counts_as_it_goes(store, town, tmp_path):
    hand_in(store, town)
    name = b"k".ljust(16)
    before = store.bulk_requests.progress(name)
    assert (before.total, before.pending, before.seen) == (HOUSEHOLDS, HOUSEHOLDS, 0)
    page = batches.pending_statements(store, batch_worker.PLATFORM_KEY, "benchville")
    assert len(page.messages) == 3
    during = store.bulk_requests.progress(name)
    assert (during.pending, during.published) == (HOUSEHOLDS - 3, 3)
    lines = store.bulk_requests.lines(name, 0, 100, "published")
    assert [line.number for line in lines] == [1, 2, 3]
    work(store, tmp_path / "sent")
    assert store.bulk_requests.progress(name).seen == HOUSEHOLDS


def test_the_count_notices_a_missing_and_a_double_statement(store, town, tmp_path):
    hand_in(store, town)
    log = tmp_path / "sent"
    work(store, log)
    bench._count(tmp_path, HOUSEHOLDS)
    with pytest.raises(AssertionError):
        bench._count(tmp_path, HOUSEHOLDS + 1)
    first = log.read_bytes().split(b"\n", 1)[0]
    other = msgspec.structs.replace(msgspec.json.decode(first, type=Sent), digest="0" * 64)
    with log.open("ab") as out:
        out.write(msgspec.json.encode(other) + b"\n")
    with pytest.raises(AssertionError, match="two different"):
        bench._count(tmp_path, HOUSEHOLDS)


def test_a_worker_that_forgets_what_it_recorded_is_noticed(store, town, tmp_path, monkeypatch):
    hand_in(store, town)

    def forgetful(_store, _key, _collectivity, _after=b""):
        return batches.PendingPage((), None)

    monkeypatch.setattr(batch_worker, "unseen_statements", forgetful)
    real, kills = SqliteStore.settle, []

    def killed_once(self, *arguments):
        real(self, *arguments)
        if not kills:
            kills.append(1)
            raise Killed

    monkeypatch.setattr(SqliteStore, "settle", killed_once)
    with pytest.raises(Killed):
        work(store, tmp_path / "sent")
    work(store, tmp_path / "sent")
    with pytest.raises(AssertionError, match="missing"):
        bench._count(tmp_path, HOUSEHOLDS)


@pytest.mark.long
def test_the_benchmark_runs_with_real_kills():
    rows = bench.run(0.003)
    assert {row.name for row in rows} >= {"statements computed", "missing or double"}
