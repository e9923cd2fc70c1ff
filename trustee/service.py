"""A trustee over MQTT: receives key shares, requests and the other trustees' messages, and answers.

An answer is in the log before it leaves, and the other trustees are notified first. A message is
acknowledged to the broker once its answers are sent, so the process may be killed at any moment.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NoReturn

import msgspec
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from protocol import versions
from protocol.backoff import RetryPolicy
from protocol.calendar import day_of_number
from protocol.envelope import ALL, SIZE_MAX_BYTES, Address, decode_body, open_message, seal_message
from protocol.errors import MessageRefused, Reason, TransportError
from protocol.ids import DeviceId
from protocol.messages import Hub
from protocol.packed import read_packed
from protocol.sealing import sign_notice
from protocol.topics import (
    Kind,
    PublicKind,
    TrusteeKind,
    all_devices,
    hub_topic,
    keys_topic,
    kind_of,
    sealing_topic,
    trustee_topic,
)
from protocol.trustee_messages import (
    CosignedPage,
    FromPeer,
    FromTrustee,
    Hello,
    Known,
    ToTrustee,
    Wanted,
)
from system.conditions import Repeated
from system.mqtt.link import Link, LinkSettings, Received
from system.mqtt.message import Incoming, Outgoing
from system.store_thread import StoreThread
from trustee.core import TrusteeCore
from trustee.quotas import Quotas

BATCH_MAX = 128
BATCH_WINDOW_S = 0.05
# How often a trustee repeats its state, for a release worker that has just started.
KNOWN_EVERY_S = 60.0
HELLO = RetryPolicy(first_s=1.0, cap_s=KNOWN_EVERY_S)
# How often a trustee compares its logs with the others', in case their messages were withheld.
COMPARE_EVERY_S = 3600.0
# How often it checks, without a message, whether its operator has confirmed the first set.
LOOK_EVERY_S = 5.0

log = structlog.get_logger()


class TrusteeTransport:
    """Opens and seals the envelopes of the messages that `TrusteeCore` handles."""

    def __init__(self, trustee: TrusteeCore) -> None:
        """Carry the messages of one trustee."""
        self._trustee = trustee
        self._quotas = Quotas()
        self._set_aside = trustee.set_aside
        self._repeated = Repeated()
        identity = trustee.identity
        self._collectivity, self._name = identity.collectivity, identity.name
        self._keys = keys_topic(self._collectivity)
        self._hub, self._announced = hub_topic(self._collectivity), b""
        self._version = versions.VERSIONS.oldest
        # What the broker retains of the sealing keys, by calendar month, as far as it is known.
        self._retained: dict[int, bytes] = {}
        self._request = trustee_topic(self._collectivity, self._name, TrusteeKind.REQUEST)
        self._log_prefix, self._log_suffix = trustee_topic(
            self._collectivity, "+", TrusteeKind.LOG
        ).split("+")

    @property
    def filters(self) -> list[str]:
        """The topic filters that a trustee subscribes to."""
        return [
            self._keys,  # first: its retained message says whose signatures count
            trustee_topic(self._collectivity, "+", TrusteeKind.LOG),
            self._request,
            all_devices(self._collectivity, Kind.KEY),
            self._hub,
        ]

    def connect(self) -> None:
        """Start a connection, in which the sealing keys are published again."""
        self._retained = {}

    def greet(self) -> list[Outgoing]:
        """Return a hello to the other trustees, and what `known` returns."""
        return [*map(self._to_peers, self._trustee.peers.hello()), *self.known()]

    def known(self) -> list[Outgoing]:
        """Return this trustee's state for the release worker, after deleting what has expired.

        New sealing keys, and empty messages for those that have ended, come before it.
        """
        self._trustee.expire()
        return [*self._sealing_keys(), self._to_worker(FromTrustee(self._trustee.known()))]

    def _sealing_keys(self) -> list[Outgoing]:
        key, months = self._trustee.identity.signing_key, range(1, 13)
        payloads = {
            day_of_number(notice.month).month: sign_notice(
                self._collectivity, self._name, notice, key
            )
            for notice in self._trustee.notices()
        }
        wanted = {month: payloads.get(month, b"") for month in months}
        new = [month for month in months if self._retained.get(month) != wanted[month]]
        self._retained = wanted
        return [
            Outgoing(
                sealing_topic(self._collectivity, self._name, month), wanted[month], retain=True
            )
            for month in new
        ]

    def take(self, messages: Sequence[Incoming]) -> list[Outgoing]:
        """Handle messages in order, and return what to send; announcements precede their answers."""
        out: list[Outgoing] = []
        is_known_due = False
        was_ready = self._trustee.is_ready
        for message in messages:
            answers = partial(self._answers_to, message)
            try:
                for answer in self._set_aside.handle(
                    kind_of(message.topic), message.payload, answers, list[FromPeer | FromTrustee]()
                ):
                    if isinstance(answer, FromPeer):
                        out.append(self._to_peers(answer))
                    elif isinstance(answer.message, Known):
                        is_known_due = True
                    else:
                        out.append(self._to_worker(answer))
            except MessageRefused as exc:
                self._log_refused(exc)
        if is_known_due or self._trustee.is_ready != was_ready:
            out += self.known()
        return out

    def _answers_to(self, message: Incoming) -> list[FromPeer | FromTrustee]:
        answers = list(self._answers(message))
        self._follow()
        return answers

    def _answers(self, message: Incoming) -> Iterator[FromPeer | FromTrustee]:
        if message.topic == self._keys:
            self._trustee.documents.keys.take(message.payload)
        elif message.topic == self._hub:
            self._announced = message.payload
        elif message.topic == self._request:
            answers = self._trustee.take(self._open_request(message.payload))
            yield from self._trustee.pop_announcements()
            yield from answers
        elif message.topic.startswith(self._log_prefix) and message.topic.endswith(
            self._log_suffix
        ):
            sender = message.topic[len(self._log_prefix) : -len(self._log_suffix)]
            if sender != self._name:
                self._quotas.count_message(sender)
                opened = self._open_peer(sender, message.payload)
                if isinstance(opened.message, Hello | Wanted):
                    self._quotas.count_question(sender)
                yield from self._trustee.take_peer(sender, opened)
        else:
            self._quotas.count_key(message.topic)
            self._trustee.take_key_shares(message.topic, message.payload)

    def _log_refused(self, refused: MessageRefused) -> None:
        if times := self._repeated.found(refused.reason, refused.detail):
            log.warning(
                "message_refused", reason=refused.reason, detail=refused.detail, times=times
            )

    def _follow(self) -> None:
        """Write in the version in use that was announced, once the collectivity's key is known."""
        trustees = self._trustee.documents.trustees
        if not self._announced or trustees is None:
            return
        payload, self._announced = self._announced, b""
        key = self._trustee.documents.keys.of_platform(trustees, self._trustee.today())
        try:
            hub = open_message(self._address(ALL, PublicKind.HUB), payload, key, Hub)
        except MessageRefused as exc:  # it costs no other message its answer
            self._log_refused(exc)
        else:
            self._version = versions.VERSIONS.common_with(hub.version)

    def _open_request(self, payload: bytes) -> ToTrustee:
        """Verify a message from the release worker.

        Before the first trustee set no key is known. Then only documents are accepted, which the
        operator confirms by their fingerprint.
        """
        trustees = self._trustee.documents.trustees
        if trustees is not None:
            key = self._trustee.documents.keys.of_platform(trustees, self._trustee.today())
            return open_message(
                self._address(self._name, TrusteeKind.REQUEST), payload, key, ToTrustee
            )
        try:
            _, body, _ = read_packed(payload[:SIZE_MAX_BYTES], tuple[int, bytes, bytes])
        except msgspec.MsgspecError as exc:
            raise MessageRefused(Reason.MALFORMED, "no envelope") from exc
        message = decode_body(body, ToTrustee)
        if not isinstance(message.message, CosignedPage):
            raise MessageRefused(Reason.NOT_READY, "no set of trustees is known yet")
        return message

    def _open_peer(self, sender: str, payload: bytes) -> FromPeer:
        if self._trustee.documents.trustees is None:
            raise MessageRefused(Reason.NOT_READY, "no set of trustees is known yet")
        key = self._trustee.documents.signing_key(sender)
        if key is None:
            raise MessageRefused(Reason.SIGNATURE, "no trustee of this name")
        address = self._address(sender, TrusteeKind.LOG)
        return open_message(address, payload, Ed25519PublicKey.from_public_bytes(key), FromPeer)

    def _to_peers(self, message: FromPeer) -> Outgoing:
        return self._outgoing(TrusteeKind.LOG, message)

    def _to_worker(self, message: FromTrustee) -> Outgoing:
        return self._outgoing(TrusteeKind.RESPONSE, message)

    def _outgoing(self, kind: TrusteeKind, message: msgspec.Struct) -> Outgoing:
        payload = seal_message(
            self._address(self._name, kind),
            message,
            self._trustee.identity.signing_key,
            self._version,
        )
        return Outgoing(trustee_topic(self._collectivity, self._name, kind), payload)

    def _address(self, name: str, kind: TrusteeKind | PublicKind) -> Address:
        return Address(self._collectivity, DeviceId(name), kind)


class TrusteeProgram:
    """The program: a link, and a thread that owns the trustee and its database."""

    def __init__(self, trustee: TrusteeCore, settings: LinkSettings) -> None:
        """Create the link and the thread's executor; nothing runs yet."""
        self._trustee = trustee
        self._set_aside = trustee.set_aside
        self._transport = TrusteeTransport(trustee)
        self._link = Link(settings, self._transport.filters)
        self._has_news = asyncio.Event()
        self._thread = StoreThread()

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set.

        Raises:
            ConfigError: another program uses its certificate.
            BaseExceptionGroup: a task failed permanently.
        """
        try:
            with self._link.alone():
                identity = self._trustee.identity
                log.info("trustee_started", name=identity.name, collectivity=identity.collectivity)
                await self._work(stop)
        finally:
            self._thread.close()

    async def _work(self, stop: asyncio.Event) -> None:
        work = {"link": self._link.run(), "take": self._take(), "greet": self._greet()}
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(task, name=name) for name, task in work.items()]
            await stop.wait()
            log.info("trustee_stopped")
            for task in tasks:
                task.cancel()

    async def _take(self) -> NoReturn:
        while True:
            batch = await self._link.batch(BATCH_MAX, BATCH_WINDOW_S)
            messages = [received.message for received in batch]
            known = self._trustee.documents.hashes
            out = await self._thread.run(self._transport.take, messages)
            self._send(out, batch)
            if self._trustee.documents.hashes != known:
                self._has_news.set()

    async def _greet(self) -> NoReturn:
        """Send a hello on each new connection, and then less and less often until enough answer.

        A new document also triggers a hello, as it may name other trustees. A trustee that starts
        later sends a hello itself, and is greeted then. Every hour all of them compare their logs.
        """
        greeted_on, due_s, compared_s = 0, 0.0, 0.0
        delays_s = HELLO.waits_s()
        while True:
            connection = await self._link.connected()
            is_new = connection != greeted_on or self._has_news.is_set()
            self._has_news.clear()
            check = partial(
                self._set_aside.part, "documents", self._trustee.check_confirmation, otherwise=False
            )
            if connection != greeted_on:
                await self._thread.run(self._transport.connect)
            if await self._thread.run(check) or is_new:
                greeted_on, due_s = connection, 0.0
                delays_s = HELLO.waits_s()
            now_s = asyncio.get_running_loop().time()
            if now_s >= due_s:
                is_ready = await self._thread.run(lambda: self._trustee.is_ready)
                is_hello = due_s == 0.0 or not is_ready or now_s - compared_s >= COMPARE_EVERY_S
                compared_s = now_s if is_hello else compared_s
                self._send(await self._thread.run(self._greeting(is_hello=is_hello)), [])
                due_s = now_s + (KNOWN_EVERY_S if is_ready else next(delays_s))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(LOOK_EVERY_S, due_s - now_s)):
                    await self._has_news.wait()

    def _greeting(self, *, is_hello: bool) -> Callable[[], list[Outgoing]]:
        greet = self._transport.greet if is_hello else self._transport.known
        return partial(self._set_aside.part, "greeting", greet, list[Outgoing]())

    def _send(self, messages: Sequence[Outgoing], batch: Sequence[Received]) -> None:
        """Send messages, then acknowledge the batch that they answer."""
        try:
            for message in messages:
                self._link.send(message)
        except TransportError:
            return  # not acknowledged, so the broker delivers the batch again
        for received in batch:
            received.ack()
