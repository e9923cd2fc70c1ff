"""Runs the release worker: the engine in the store's thread, and the link beside it."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from functools import partial
from typing import NoReturn

import structlog

from cloud.release.engine import ReleaseEngine
from cloud.store.area import Figure
from protocol.backoff import RetryPolicy
from protocol.calendar import day_of_number
from protocol.errors import DocumentRefused, MessageRefused, TransportError
from protocol.topics import TrusteeKind, kind_of, trustee_topic
from system.conditions import Condition, Repeated
from system.mqtt.link import Link, Received
from system.mqtt.message import Outgoing
from system.set_aside import SetAside
from system.store_thread import StoreThread

BATCH_MAX = 128
BATCH_WINDOW_S = 0.05
STEP_EVERY_S = 1.0
UNPUBLISHED = RetryPolicy()

log = structlog.get_logger()


def response_filter(collectivity: str) -> str:
    """Return the release worker's topic filter for trustees' responses."""
    return trustee_topic(collectivity, "+", TrusteeKind.RESPONSE)


def note(figure: Figure) -> None:
    """Log a figure's new stage; nothing in it concerns a single household."""
    key = figure.key
    log.info(
        "figure",
        measure=key.measure,
        code=key.group,
        day=str(day_of_number(key.day)),
        stage=str(figure.stage),
        left_out=len(figure.left_out),
        detail=figure.detail,
    )


class ReleaseService:
    """The tasks of the program, over a given link and engine."""

    def __init__(
        self,
        link: Link,
        thread: StoreThread,
        engine: ReleaseEngine,
        clock: Callable[[], datetime],
        set_aside: SetAside | None = None,
    ) -> None:
        self._link = link
        self._thread = thread
        self._engine = engine
        self._clock = clock
        self._set_aside = set_aside or SetAside()
        self._answers_arrived = asyncio.Event()
        self._in_step = asyncio.Lock()
        self._repeated = Repeated()
        self._unpublished = Condition()
        self._delays_s = UNPUBLISHED.waits_s()

    async def run(
        self, stop: asyncio.Event, until: int | None = None, *, ends_when_idle: bool = False
    ) -> None:
        """Run until `stop` or, with `ends_when_idle`, until no figure waits for an answer.

        With `until`, days (numbers) before it are closed before their deadline.

        Raises:
            BaseExceptionGroup: a task failed for good; the others were cancelled.
        """
        is_idle = asyncio.Event()
        work: dict[str, Coroutine[None, None, NoReturn]] = {
            "link": self._link.run(),
            "hear": self._receive(),
            "steps": self._steps(until, is_idle),
        }
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(task, name=name) for name, task in work.items()]
            ends = [group.create_task(stop.wait())]
            if ends_when_idle:
                ends.append(group.create_task(is_idle.wait()))
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            async with self._in_step:
                for task in (*tasks, *ends):
                    task.cancel()

    async def _receive(self) -> NoReturn:
        while True:
            batch = await self._link.batch(BATCH_MAX, BATCH_WINDOW_S)
            refused = await self._thread.run(self._take, batch)
            for received in batch:
                received.ack()  # a killed worker asks again for lost answers
            for reason in refused:
                if times := self._repeated.found(reason):
                    log.warning("answer_refused", reason=reason, times=times)
            self._answers_arrived.set()

    def _take(self, batch: Sequence[Received]) -> list[str]:
        refused = []
        for received in batch:
            topic, payload = received.message.topic, received.message.payload
            name = topic.split("/")[-2]
            take = partial(self._engine.take, name, payload)
            try:
                self._set_aside.handle(kind_of(topic), payload, take, None)
            except MessageRefused as exc:
                refused.append(f"{name}: {exc}")
        return refused

    async def _steps(self, until: int | None, is_idle: asyncio.Event) -> NoReturn:
        """Step after each message of a trustee and every second; publish before the next step."""
        published_on = 0
        while True:
            connection = await self._link.connected()
            self._answers_arrived.clear()
            async with self._in_step:
                messages = await self._thread.run(self._step, until)
                if connection != published_on:
                    messages = [*await self._thread.run(self._again), *messages]
                if await self._publish(messages):
                    published_on = connection
                    await self._ask()
                    if await self._thread.run(self._engine.is_idle):
                        is_idle.set()
                else:
                    published_on = 0
            try:
                async with asyncio.timeout(STEP_EVERY_S):
                    await self._answers_arrived.wait()
            except TimeoutError:
                continue

    def _step(self, until: int | None) -> list[Outgoing]:
        step = partial(self._engine.step, self._clock(), until)
        return self._set_aside.part("figures", step, list[Outgoing](), DocumentRefused)

    def _again(self) -> list[Outgoing]:
        return self._set_aside.part(
            "releases", lambda: list(self._engine.published(self._clock())), list[Outgoing]()
        )

    async def _ask(self) -> None:
        now_s = asyncio.get_running_loop().time()
        ask = partial(
            self._set_aside.part,
            "requests",
            lambda: list(self._engine.requests(now_s)),
            list[Outgoing](),
        )
        requests = await self._thread.run(ask)
        await self._publish(requests)

    async def _publish(self, messages: Sequence[Outgoing]) -> bool:
        """Publish; return False if the broker was lost and retained messages must be sent again."""
        try:
            await self._link.confirmed([self._link.send(message) for message in messages])
        except TransportError as exc:
            if self._unpublished.begins():
                log.warning("releases_not_published", error=str(exc))
            await asyncio.sleep(next(self._delays_s))
            return False
        if messages:
            self._delays_s = UNPUBLISHED.waits_s()
            if self._unpublished.ends():
                log.info("releases_published")
        return True
