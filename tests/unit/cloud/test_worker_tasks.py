"""The worker's tasks over a link that records: what happens in which order, and what is retried."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from structlog.testing import capture_logs

from cloud.ingest.pipeline import Ingest
from cloud.ingest.quotas import Quotas
from cloud.store import PublishedStatement, RequestState, StatementOrder
from cloud.store.sqlite.store import SqliteStore
from cloud.worker import worker as worker_module
from cloud.worker.worker import NoCounts, Worker, WorkerSettings, shared_filters
from protocol.backoff import RetryPolicy
from protocol.envelope import Address, seal_message
from protocol.errors import StoreBusy, StoreError, TransportError
from protocol.messages import Seen
from protocol.topics import Kind, hub_topic
from system.mqtt.link import Received
from system.mqtt.message import Outgoing
from system.store_thread import StoreThread
from tests.support.fake_chip import FakeChip
from tests.support.household import DEVICE, Household
from tests.support.poisoned import END, GOOD, POISONED, START, put_poisoned_and_good
from tests.support.tariffs import simple_tariff

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = date(2026, 10, 5)
KEY = Ed25519PrivateKey.generate()
WITHIN_S = 10


class RecordingLink:
    """A link whose broker confirms at once; `events` has sends and acks in their order.

    What the worker tells everybody is in `announced`.
    """

    def __init__(self, batches):
        self.events, self.announced = [], []
        self.is_away = False
        self.number = 1
        self.asked = 0
        self._batches = asyncio.Queue()
        for batch in batches:
            self._batches.put_nowait([self._received(message) for message in batch])

    def _received(self, message):
        return Received(message, lambda: self.events.append(("ack", message.payload)))

    async def run(self):
        await asyncio.Event().wait()

    async def connected(self):
        self.asked += 1
        return self.number

    async def batch(self, _limit, _window_s):
        return await self._batches.get()

    def send(self, message):
        if self.is_away:
            raise TransportError("The broker is away.")
        if message.topic == hub_topic("testville"):
            self.announced.append(message)
        else:
            self.events.append(("send", message))
        future = asyncio.get_running_loop().create_future()
        future.set_result(None)
        return future

    async def confirmed(self, sent):
        await asyncio.gather(*sent)

    def kinds(self):
        return [what for what, _ in self.events]


@pytest.fixture
def chip():
    return FakeChip()


def run_worker(tmp_path, chip, scenario, batches=(), prepare=lambda _store: None):
    """Run `scenario(link, store, run_in_store)` beside a worker, then stop the worker."""

    async def main():
        thread = StoreThread()
        store = await thread.run(SqliteStore.open, tmp_path)
        await thread.run(store.enrol, chip.enrolment)
        await thread.run(prepare, store)
        settings = WorkerSettings(collectivity="testville", platform_key=KEY, clock=lambda: NOW)
        ingest = await thread.run(Ingest, store, "testville", KEY, settings.clock)
        link, stop = RecordingLink(batches), asyncio.Event()
        worker = Worker(link, thread, store, ingest, settings, Quotas(), NoCounts())
        running = asyncio.create_task(worker.run(stop))
        try:
            async with asyncio.timeout(WITHIN_S):
                beside = asyncio.create_task(scenario(link, store, thread.run))
                done, _ = await asyncio.wait({beside, running}, return_when="FIRST_COMPLETED")
                if running in done:
                    beside.cancel()
                    await running
                await beside
                stop.set()
                await running
        finally:
            running.cancel()
            await asyncio.wait([running])
            await thread.run(store.close)
            thread.close()

    asyncio.run(main())


async def until(condition):
    """Wait for a condition, plain or async; the test's time limit is the deadline."""
    while True:
        holds = condition()
        if await holds if asyncio.iscoroutine(holds) else holds:
            return
        await asyncio.sleep(0.005)


def test_a_batch_is_acknowledged_after_its_commit_and_after_our_acks_have_left(tmp_path, chip):
    batch = [chip.epoch(DAY), chip.block(DAY, 1)]

    async def scenario(link, store, in_store):
        await until(lambda: len(link.events) == 3)
        assert link.kinds() == ["send", "ack", "ack"]
        assert (await in_store(store.figures)).blocks == 1

    run_worker(tmp_path, chip, scenario, [batch])


def test_a_batch_whose_answers_cannot_leave_is_not_acknowledged(tmp_path, chip):
    async def scenario(link, store, in_store):
        link.is_away = True

        async def second_is_stored():
            return (await in_store(store.figures)).epochs == 2

        await until(second_is_stored)  # so the first has gone all its way
        assert link.events == []

    other = FakeChip(chip.collectivity, chip.device, chip.signing_key, chip.household_key)
    run_worker(tmp_path, chip, scenario, [[chip.epoch(DAY)], [other.epoch(DAY)]])


def test_a_busy_store_is_tried_again_and_nothing_is_acknowledged_before(
    tmp_path, chip, monkeypatch
):
    put_batch, attempts = SqliteStore.put_batch, []

    def busy_twice(store, batch):
        attempts.append(batch)
        if len(attempts) < 3:
            raise StoreBusy("locked")
        return put_batch(store, batch)

    monkeypatch.setattr(SqliteStore, "put_batch", busy_twice)

    async def scenario(link, _store, _in_store):
        await until(lambda: link.events)
        assert len(attempts) == 3
        await until(lambda: link.kinds() == ["send", "ack"])

    with capture_logs() as logs:
        run_worker(tmp_path, chip, scenario, [[chip.epoch(DAY)]])
    events = [entry["event"] for entry in logs if entry["event"].startswith("store")]
    assert events == ["store_busy", "store_back"]


def test_what_cannot_be_published_is_told_when_it_begins_and_ends(tmp_path, chip, monkeypatch):
    monkeypatch.setattr(worker_module, "STATEMENTS_EVERY_S", 0.001)
    monkeypatch.setattr(worker_module, "UNPUBLISHED", RetryPolicy(first_s=0.001))
    refused = []

    async def confirmed(link, sent):
        del sent
        if link.is_silent:
            refused.append(link)
            raise TransportError("The broker does not confirm what it gets.")

    monkeypatch.setattr(RecordingLink, "confirmed", confirmed)
    monkeypatch.setattr(RecordingLink, "is_silent", True, raising=False)

    async def scenario(link, _store, _in_store):
        await until(lambda: len(refused) >= 5)
        link.is_silent = False
        await until(lambda: any(each["event"] == "statements_published" for each in logs))

    with capture_logs() as logs:
        run_worker(tmp_path, chip, scenario)
    told = [entry["event"] for entry in logs]
    assert told == ["statements_not_published", "statements_published", "worker_stopped"]


def test_a_damaged_store_ends_the_worker(tmp_path, chip, monkeypatch):
    def damaged(_store, _batch):
        raise StoreError("store.db: damaged")

    monkeypatch.setattr(SqliteStore, "put_batch", damaged)

    async def scenario(_link, _store, _in_store):
        await asyncio.Event().wait()

    with pytest.raises(BaseExceptionGroup) as caught:
        run_worker(tmp_path, chip, scenario, [[chip.epoch(DAY)]])
    assert caught.group_contains(StoreError, match="damaged")


def test_a_fetch_is_answered_beside_the_batches(tmp_path, chip):
    block = chip.block(DAY, 1)

    async def scenario(link, _store, _in_store):
        down = chip.topic(Kind.STORED_BLOCK)
        await until(lambda: ("send", Outgoing(down, block.payload)) in link.events)

    batches = [[chip.epoch(DAY), block], [chip.fetch(chip.incarnation)]]
    run_worker(tmp_path, chip, scenario, batches)


def test_a_fetch_that_finds_no_room_is_forgotten_and_said(tmp_path, chip, monkeypatch):
    monkeypatch.setattr(worker_module, "REQUESTS_MAX", 2)
    chips = [FakeChip() for _ in range(5)]
    fetches = [each.fetch(each.incarnation) for each in chips]

    def enrol_all(store):
        for each in chips:
            store.enrol(each.enrolment)

    async def scenario(link, _store, _in_store):
        await until(lambda: link.kinds().count("send") == 2)
        assert link.kinds().count("ack") == 5

    with capture_logs() as logs:
        run_worker(tmp_path, chip, scenario, [fetches], enrol_all)
    assert "fetch_forgotten" in {entry["event"] for entry in logs}


def test_one_chip_has_one_fetch_waiting_however_many_it_sends(tmp_path, chip, monkeypatch):
    monkeypatch.setattr(worker_module, "REQUESTS_MAX", 2)
    other = FakeChip()
    flood = [chip.fetch(chip.incarnation, n + 1) for n in range(50)]

    async def scenario(link, _store, _in_store):
        await until(lambda: link.kinds().count("send") == 2)
        topics = {message.topic for what, message in link.events if what == "send"}
        assert topics == {chip.topic(Kind.ACK), other.topic(Kind.ACK)}

    run_worker(
        tmp_path,
        chip,
        scenario,
        [[*flood, other.fetch(other.incarnation)]],
        lambda store: store.enrol(other.enrolment),
    )


def statement_of(chip, key=KEY):
    address = Address("testville", chip.device, Kind.STATEMENT)
    return seal_message(address, Seen(chip.household_key, b"i" * 16), key)


def publish_one(chip, store, at=NOW, key=KEY):
    store.put_request(StatementOrder(b"i" * 16, b"c" * 32, chip.household_key, b"r"), at)
    store.settle([PublishedStatement(b"i" * 16, chip.device, statement_of(chip, key))], [], at)


def test_a_statement_that_no_chip_has_seen_is_published_on_every_new_connection(
    tmp_path, chip, monkeypatch
):
    monkeypatch.setattr(worker_module, "STATEMENTS_EVERY_S", 0.01)
    topic = chip.topic(Kind.STATEMENT, (b"i" * 16).hex())
    statement = ("send", Outgoing(topic, statement_of(chip), retain=True))

    async def scenario(link, _store, _in_store):
        await until(lambda: link.events == [statement])
        link.number = 2
        await until(lambda: link.events == [statement] * 2)
        link.is_away, link.number, asked = True, 3, link.asked
        await until(lambda: link.asked > asked + 1)
        link.is_away = False
        await until(lambda: link.events == [statement] * 3)

    run_worker(tmp_path, chip, scenario, prepare=lambda store: publish_one(chip, store))


def test_a_statement_of_an_earlier_key_is_published_under_the_present_one(
    tmp_path, chip, monkeypatch
):
    monkeypatch.setattr(worker_module, "STATEMENTS_EVERY_S", 0.01)
    topic = chip.topic(Kind.STATEMENT, (b"i" * 16).hex())
    statement = ("send", Outgoing(topic, statement_of(chip), retain=True))

    async def scenario(link, _store, _in_store):
        await until(lambda: link.events == [statement])

    before = Ed25519PrivateKey.generate()
    run_worker(tmp_path, chip, scenario, prepare=lambda store: publish_one(chip, store, key=before))


def test_a_statement_that_was_seen_is_cleared_and_not_published_again(tmp_path, chip, monkeypatch):
    monkeypatch.setattr(worker_module, "STATEMENTS_EVERY_S", 0.01)
    cleared = Outgoing(chip.topic(Kind.STATEMENT, (b"i" * 16).hex()), b"", retain=True)

    async def scenario(link, store, in_store):
        await until(lambda: ("send", cleared) in link.events)
        assert (await in_store(store.requests, RequestState.SEEN))[0].seen_at == NOW
        await until(lambda: "ack" in link.kinds())
        link.events.clear()
        link.number, asked = 2, link.asked
        await until(lambda: link.asked > asked + 2)
        assert link.events == []

    def prepare(store):
        publish_one(chip, store)

    run_worker(tmp_path, chip, scenario, [[chip.seen(b"i" * 16)]], prepare)


def test_a_poisoned_request_ends_no_worker_also_after_a_restart(tmp_path, chip, monkeypatch):
    monkeypatch.setattr(worker_module, "STATEMENTS_EVERY_S", 0.01)
    household = Household((simple_tariff(),), START, END, np.random.default_rng(5))
    topic = f"{DEVICE}/down/statement/{GOOD.hex()}"

    async def scenario(link, store, in_store):
        await until(lambda: any(m.topic.endswith(topic) for _, m in link.events))
        asked = link.asked
        await until(lambda: link.asked > asked + 2)
        assert (await in_store(store.request, POISONED)).state is RequestState.REFUSED

    run_worker(
        tmp_path, chip, scenario, prepare=lambda store: put_poisoned_and_good(store, household)
    )
    run_worker(tmp_path, chip, scenario)


def test_blocks_older_than_14_months_are_deleted_and_the_14th_is_kept(tmp_path, chip):
    days = (date(2025, 8, 31), date(2025, 9, 1), DAY)
    batch = [chip.epoch(day) for day in days]
    batch += [chip.block(day, n + 1) for n, day in enumerate(days)]

    def prepare(store):
        Ingest(store, "testville", KEY, lambda: NOW).process(batch)

    async def scenario(_link, store, in_store):
        async def is_trimmed():
            blocks = await in_store(
                store.blocks_of_days, chip.household_key, days[0], DAY + timedelta(days=1)
            )
            return [block.day for block in blocks] == [date(2025, 9, 1), DAY]

        await until(is_trimmed)

    run_worker(tmp_path, chip, scenario, prepare=prepare)


def test_the_workers_share_all_topics_on_which_chips_send():
    *together, alone = shared_filters("testville", "secret")
    kinds = ("epoch", "block", "fetch", "seen", "receipt", "area", "ask", "leave", "quote", "renew")
    assert sorted(together) == sorted(
        f"$share/secret/volet/v1/testville/d/+/{topic}"
        for topic in ("status", *(f"up/{kind}" for kind in kinds))
    )
    assert alone == "volet/v1/testville/d/+/key"


PARTS = {
    "letters": "cloud.worker.worker.due_letters",
    "statements published before": "cloud.worker.worker.unseen_statements",
    "new statements": "cloud.worker.worker.pending_statements",
    "the list of documents": "cloud.billing.pending.listed_in",
    "the published list": "cloud.worker.worker.Publisher.messages",
    "statements to clear": "cloud.store.sqlite.store.SqliteStore.clearings",
    "expired blocks": "cloud.store.sqlite.store.SqliteStore.expire",
}


@pytest.mark.parametrize("part", PARTS)
def test_a_defect_of_one_part_lets_the_worker_go_on(tmp_path, chip, monkeypatch, part):
    met, header = [], chip.epoch(DAY)

    def fail(*_arguments, **_options):
        met.append(part)
        raise KeyError("a defect of this program")

    monkeypatch.setattr(PARTS[part], fail)

    async def scenario(link, store, in_store):
        await until(lambda: met and ("ack", header.payload) in link.events)
        assert (await in_store(store.figures)).epochs == 1

    run_worker(tmp_path, chip, scenario, [[header]])
