"""The cloud's long-running program: ingests and answers chips' messages, publishes statements.

The event loop handles the broker. Verification, sums and SQL run in one other thread, which owns
the store. A message is acknowledged to the broker after its commit, so the worker may be killed at
any moment.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import NoReturn, Protocol, TypeVar

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.billing.letters import due_letters
from cloud.billing.pending import PendingPage, pending_statements, unseen_statements
from cloud.catalogue.log import Publisher, listed_in
from cloud.ingest.handler import Request
from cloud.ingest.handlers import SIGNED_KINDS
from cloud.ingest.pipeline import Ingest, Processed
from cloud.ingest.quotas import Quotas
from cloud.store import Store
from cloud.worker.hub import announcement
from protocol.backoff import RetryPolicy
from protocol.calendar import legal_day, month_of
from protocol.errors import TransportError
from protocol.ids import DeviceId
from protocol.messages import RETENTION_MONTHS
from protocol.topics import Kind, all_devices, device_topic, keys_topic
from system.conditions import Condition, Repeated
from system.mqtt.link import Link, Received
from system.mqtt.message import Outgoing
from system.set_aside import SetAside
from system.store_thread import StoreThread

BATCH_MAX = 512
BATCH_WINDOW_S = 0.05
STATEMENTS_EVERY_S = 0.5
UNPUBLISHED = RetryPolicy(first_s=0.5)
# Statements may take this share of the store's thread; the rest is for the chips' messages.
STATEMENTS_SHARE = 0.2
CATALOGUE_EVERY_S = 1.0
CATALOGUE_AT_ONCE = 64
HUB_EVERY_S = 5.0
# Fetches wait here for their answers, one for each chip. A request that finds no room is dropped,
# because the chip asks again.
REQUESTS_MAX = 1_024
EXPIRED_AT_ONCE = 1_000
UPKEEP_EVERY_S = 6 * 3_600.0
# How long contributions are kept after the last figure that counts them has ended.
AREA_RETENTION = timedelta(days=30)

T = TypeVar("T")

log = structlog.get_logger()


def shared_filters(collectivity: str, group: str) -> list[str]:
    """Return the filters that a collectivity's workers share, in a group of this name.

    Keys are subscribed without the group, because a broker sends no retained messages to a group.
    """
    kinds = (*(kind for kind in SIGNED_KINDS if kind is not Kind.KEY), Kind.STATUS)
    shared = [f"$share/{group}/{all_devices(collectivity, kind)}" for kind in kinds]
    return [*shared, all_devices(collectivity, Kind.KEY)]


async def _always(_message: Outgoing) -> bool:
    return True


class BatchObserver(Protocol):
    """Observes batches: their outcome, and the seconds they took."""

    def count(self, processed: Processed, duration_s: float) -> None:
        """Count a batch without waiting."""

    async def run(self) -> NoReturn:
        """Report the counts; runs beside the worker's other tasks."""


class NoCounts:
    """Counts nothing."""

    def count(self, processed: Processed, duration_s: float) -> None:
        """See `BatchObserver.count`."""

    async def run(self) -> NoReturn:
        """See `BatchObserver.run`."""
        await asyncio.Event().wait()
        raise AssertionError("an event that nobody sets")


@dataclass(frozen=True, kw_only=True)
class WorkerSettings:
    """The worker's identity, its clock, and what it could not handle.

    `key_list` returns the present key list as it is published; nothing if it is empty. `is_behind`
    returns whether it lacks what another one has, the one that the broker retains.
    """

    collectivity: str
    platform_key: Ed25519PrivateKey
    clock: Callable[[], datetime]
    set_aside: SetAside = field(default_factory=SetAside)
    key_list: Callable[[], bytes] = bytes
    is_behind: Callable[[bytes], bool] = lambda _retained: False


class Worker:
    """The tasks of the program, over a given link and store."""

    def __init__(
        self,
        link: Link,
        thread: StoreThread,
        store: Store,
        ingest: Ingest,
        settings: WorkerSettings,
        quotas: Quotas,
        counts: BatchObserver,
    ) -> None:
        self._link = link
        self._thread = thread
        self._store = store
        self._ingest = ingest
        self._settings = settings
        self._quotas = quotas
        self._counts = counts
        self._requests: dict[tuple[DeviceId, Kind], Request] = {}
        self._has_requests = asyncio.Event()
        self._are_keys_published = asyncio.Event()
        self._in_batch = asyncio.Lock()
        self._unconfirmed, self._crowded, self._behind = Condition(), Condition(), Condition()
        self._repeated = Repeated()

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set, then finish the current batch.

        Raises:
            BaseExceptionGroup: a task failed for good; the others were cancelled.
        """
        work: dict[str, Coroutine[None, None, NoReturn]] = {
            "link": self._link.run(),
            "ingest": self._take_batches(),
            "answers": self._answer_requests(),
            "statements": self._publish_statements(),
            "keys": self._publish_keys(),
            "catalogue": self._publish_catalogue(),
            "hub": self._announce(),
            "upkeep": self._keep_up(),
            "counts": self._counts.run(),
        }
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(task, name=name) for name, task in work.items()]
            await stop.wait()
            async with self._in_batch:
                log.info("worker_stopped")
                for task in tasks:
                    task.cancel()

    async def _take_batches(self) -> NoReturn:
        sent: list[asyncio.Future[None]] = []
        await self._are_keys_published.wait()
        while True:
            batch = await self._link.batch(BATCH_MAX, BATCH_WINDOW_S)
            async with self._in_batch:
                processed = await self._process(batch)
                await self._confirm(sent)
                # The broker receives our acks before it may drop the messages, because both go
                # through one ordered stream. So it is enough to await its confirmation when the
                # next batch is ready.
                sent = self._send(processed.outgoing)
                if sent or not processed.outgoing:
                    for received in batch:
                        received.ack()
            self._keep_requests(processed.requests)

    async def _process(self, batch: list[Received]) -> Processed:
        begun = time.perf_counter()
        messages = [received.message for received in batch]
        beyond = self._quotas.pop_beyond()
        processed = await self._thread.run(self._ingest.process, messages, beyond)
        self._counts.count(processed, time.perf_counter() - begun)
        if processed.refused:
            repeats = {
                refused.label: self._repeated.found(refused.label, times=refused.count)
                for refused in processed.refused
            }
            if reasons := {label: count for label, count in repeats.items() if count}:
                log.warning("messages_refused", reasons=reasons)
        return processed

    def _keep_requests(self, requests: Sequence[Request]) -> None:
        """Queue requests; of a chip's requests of one kind, the last replaces the others."""
        for request in requests:
            asker = request.asker
            if asker not in self._requests and len(self._requests) >= REQUESTS_MAX:
                if self._crowded.begins():
                    log.warning("fetch_forgotten", waiting=REQUESTS_MAX)
                break
            self._requests[asker] = request
            self._has_requests.set()

    async def _answer_requests(self) -> NoReturn:
        while True:
            await self._has_requests.wait()
            request = self._requests.pop(next(iter(self._requests)))
            if not self._requests:
                self._has_requests.clear()
                self._crowded.ends()
            await self._confirm(self._send(await self._thread.run(self._ingest.answer, request)))

    async def _publish_statements(self) -> NoReturn:
        """Publish due messages; after a new connection also what no chip has seen yet.

        One page of each at a time; `unseen` and `pending` are where the next pages start.
        """
        published_on = 0
        unseen: bytes | None = b""
        pending = b""
        delays_s = UNPUBLISHED.waits_s()
        unpublished = Condition()
        await self._are_keys_published.wait()
        while True:
            connection = await self._link.connected()
            if connection != published_on:
                unseen = b""
            begun = time.perf_counter()
            messages, unseen, pending = await self._thread.run(self._statements, unseen, pending)
            clearings = await self._part(
                "clearings", self._store.clearings, tuple[tuple[DeviceId, bytes], ...]()
            )
            messages = [*messages, *self._clearing(clearings)]
            pause_s = (time.perf_counter() - begun) * (1 / STATEMENTS_SHARE - 1)
            try:
                await self._link.confirmed([self._link.send(message) for message in messages])
                if clearings:
                    await self._thread.run(self._store.cleared, clearings)
                published_on, delays_s = connection, UNPUBLISHED.waits_s()
                if unpublished.ends():
                    log.info("statements_published")
            except TransportError as exc:
                if unpublished.begins():
                    log.warning("statements_not_published", error=str(exc))
                published_on, pause_s = 0, next(delays_s)
            is_more = unseen is not None or pending != b""
            await asyncio.sleep(pause_s if is_more else max(pause_s, STATEMENTS_EVERY_S))

    async def _publish_catalogue(self) -> NoReturn:
        """Publish additions to the transparency log, and all of it after a new connection."""
        settings = self._settings
        listed = await self._thread.run(listed_in, self._store)
        publisher = Publisher(listed, settings.collectivity, settings.platform_key)
        published_on, length = 0, 0
        none: tuple[list[Outgoing], int]
        unpublished = Condition()
        await self._are_keys_published.wait()
        while True:
            connection = await self._link.connected()
            first = length if connection == published_on else 0
            none = [], first
            messages, length = await self._part(
                "catalogue", partial(publisher.messages, first), none
            )
            try:
                for part in _parts(messages):
                    await self._link.confirmed([self._link.send(message) for message in part])
                published_on = connection
                if unpublished.ends():
                    log.info("catalogue_published")
            except TransportError as exc:
                if unpublished.begins():
                    log.warning("catalogue_not_published", error=str(exc))
                published_on = 0
            await asyncio.sleep(CATALOGUE_EVERY_S)

    async def _publish_keys(self) -> NoReturn:
        """Keep the key list published.

        It comes before all that is signed, since chips do not take what a key signs that they do
        not know yet. One that lacks what the broker's has comes from a directory that was put back
        from an old backup: it stays here, as chips would keep the contradiction for good.
        """
        make, is_out = self._key_list, self._are_keys_published.set
        await self._keep_published("keys", make, CATALOGUE_EVERY_S, is_out, self._may_replace)

    async def _may_replace(self, message: Outgoing) -> bool:
        retained = await self._link.retained(message.topic)
        is_behind = partial(self._settings.is_behind, retained)
        if not retained or not await self._part("keys", is_behind, otherwise=True):
            self._behind.ends()
            return True
        if self._behind.begins():
            log.error("key_list_behind")
        return False

    def _key_list(self) -> Outgoing | None:
        keys = self._settings.key_list()
        return (
            Outgoing(keys_topic(self._settings.collectivity), keys, retain=True) if keys else None
        )

    async def _announce(self) -> NoReturn:
        """Tell everybody what holds at this broker."""
        settings = self._settings
        make = partial(announcement, self._store, settings.collectivity, settings.platform_key)
        await self._are_keys_published.wait()
        await self._keep_published("hub", make, HUB_EVERY_S)

    async def _keep_published(
        self,
        name: str,
        make: Callable[[], Outgoing | None],
        every_s: float,
        is_out: Callable[[], None] = lambda: None,
        may_replace: Callable[[Outgoing], Awaitable[bool]] = _always,
    ) -> NoReturn:
        """Publish a retained message after a new connection and when it changes.

        `may_replace` returns whether it may take the place of what the broker retains. `is_out` is
        called whenever what `make` returns is published, or it returns nothing.
        """
        published: tuple[int, Outgoing | None] = (0, None)
        while True:
            connection = await self._link.connected()
            message = await self._part(name, make, None)
            if message is not None and published != (connection, message):
                with contextlib.suppress(TransportError):  # the link reports that it is away
                    if await may_replace(message):
                        await self._link.confirmed([self._link.send(message)])
                        published = connection, message
            if message is None or published == (connection, message):
                is_out()
            await asyncio.sleep(every_s)

    def _clearing(self, clearings: Sequence[tuple[DeviceId, bytes]]) -> Iterator[Outgoing]:
        """Clear statements and provider messages whose household now uses another chip."""
        for device, name in clearings:
            for kind in (Kind.STATEMENT, Kind.LETTER):
                topic = device_topic(self._settings.collectivity, device, kind, name.hex())
                yield Outgoing(topic, b"", retain=True)

    def _statements(
        self, unseen: bytes | None, pending: bytes
    ) -> tuple[list[Outgoing], bytes | None, bytes]:
        """Return due messages, and where the next pages of statements start."""
        set_aside = self._settings.set_aside
        key, collectivity = self._settings.platform_key, self._settings.collectivity
        part, none = set_aside.part, PendingPage((), None)
        messages: list[Outgoing] = []
        letters = partial(
            due_letters, self._store, key, collectivity, set_aside, is_again=unseen == b""
        )
        messages += part("letters", letters, ())
        if unseen is not None:
            page = partial(unseen_statements, self._store, key, collectivity, unseen)
            again = part("statements_again", page, none)
            messages += again.messages
            unseen = again.after
        compute = partial(pending_statements, self._store, key, collectivity, pending)
        new = part("statements", compute, none)
        return [*messages, *new.messages], unseen, new.after or b""

    async def _part(self, name: str, step: Callable[[], T], otherwise: T) -> T:
        """Run one part of a round in the store's thread; a defect of it ends no other."""
        part = partial(self._settings.set_aside.part, name, step, otherwise)
        return await self._thread.run(part)

    async def _keep_up(self) -> NoReturn:
        """Delete what is past its retention time, a little at a time."""
        while True:
            month = month_of(legal_day(self._settings.clock()))
            for _ in range(RETENTION_MONTHS):
                month = month_of(month - timedelta(days=1))
            expired = 0
            while count := await self._part("blocks", partial(self._store.expire, month), 0):
                expired += count
            if expired:
                log.info("blocks_expired", blocks=expired, before=str(month))
            await self._expire_contributions()
            await asyncio.sleep(UPKEEP_EVERY_S)

    async def _expire_contributions(self) -> None:
        before, expired = self._settings.clock() - AREA_RETENTION, 0
        expire = partial(self._store.area.expire_rows, before, EXPIRED_AT_ONCE)
        while count := await self._part("contributions", expire, 0):
            expired += count
        if expired:
            log.info("contributions_expired", contributions=expired)

    def _send(self, messages: Sequence[Outgoing]) -> list[asyncio.Future[None]]:
        try:
            return [self._link.send(message) for message in messages]
        except TransportError:
            return []  # the link reports that the broker is away; the chips ask again

    async def _confirm(self, sent: Sequence[asyncio.Future[None]]) -> None:
        try:
            await self._link.confirmed(sent)
            if sent and self._unconfirmed.ends():
                log.info("answers_confirmed")
        except TransportError as exc:
            if self._unconfirmed.begins():
                log.warning("answers_not_confirmed", error=str(exc))


def _parts(messages: Sequence[Outgoing]) -> Iterator[Sequence[Outgoing]]:
    for at in range(0, len(messages), CATALOGUE_AT_ONCE):
        yield messages[at : at + CATALOGUE_AT_ONCE]
