"""The cloud's link to the broker; the only module here that knows MQTT.

aiomqtt connects and subscribes. Receiving and publishing bypass it and use paho, because aiomqtt
acknowledges a message before it is stored and drops the reason code of a PUBACK. The session
outlives the process, so the broker sends unacknowledged messages again.
"""

import asyncio
import contextlib
import ssl
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn, TypeVar, cast

import aiomqtt
import msgspec
import structlog
from paho.mqtt.client import Client as PahoClient
from paho.mqtt.client import ConnectFlags, MQTTMessage
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from protocol.backoff import RetryPolicy
from protocol.errors import PublishRefused, TransportError
from protocol.key_list import KeyList
from system.conditions import Condition
from system.mqtt.message import Incoming, Outgoing
from system.mqtt.rival import Rivalry, alone_on_this_machine, takes_connections
from system.tls import client_context

# MQTT 5: reason codes from REFUSED on are refusals. A broker that states no receive maximum allows
# the default.
REFUSED = 0x80
RECEIVE_MAXIMUM_DEFAULT = 65_535
# MQTT 5, retain handling.
_ALL, _NEW_SUBSCRIPTIONS = 0, 1
RECONNECT = RetryPolicy()

_T = TypeVar("_T")
_OnConnect = Callable[[PahoClient, object, ConnectFlags, ReasonCode, Properties | None], None]

log = structlog.get_logger()


class TlsFiles(msgspec.Struct, frozen=True):
    """PEM files of the trusted authority and of the program's own identity."""

    ca: Path
    certificate: Path
    key: Path


class LinkSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach the broker and keep a session there.

    At most `receive_maximum` messages are in flight each way. Without `tls` the link is
    unencrypted, for brokers on loopback only. `key_list` returns the collectivity's list, whose
    authorities are trusted in place of `tls.ca`, or None. `if_double` is the next step in the error about a
    second program with the same certificate.
    """

    host: str
    port: int
    client_id: str
    tls: TlsFiles | None = None
    key_list: Callable[[], KeyList | None] = lambda: None
    if_double: str = "end one of them."
    receive_maximum: int = 512
    session_expiry_s: int = 7 * 86_400
    retained_expiry_s: int = 90 * 86_400
    keepalive_s: int = 30
    timeout_s: float = 10.0


class Received(msgspec.Struct, frozen=True):
    """A received message, which the caller acknowledges once it is safe.

    `ack` acknowledges it to the broker; it does nothing if the connection is gone.
    """

    message: Incoming
    ack: Callable[[], object]


class _Connection:
    """One connection; messages in flight on it fail when it ends."""

    def __init__(
        self,
        settings: LinkSettings,
        received: asyncio.Queue[Received],
        admits: Callable[[Incoming], bool],
    ) -> None:
        self._settings = settings
        self._admits = admits
        self._received = received
        self._window = settings.receive_maximum
        self._waiting: deque[tuple[Outgoing, asyncio.Future[None]]] = deque()
        self._in_flight: dict[int, asyncio.Future[None]] = {}
        self._looked_up: dict[str, bytes] = {}
        self.client = aiomqtt.Client(
            settings.host,
            settings.port,
            identifier=settings.client_id,
            protocol=aiomqtt.ProtocolVersion.V5,
            clean_start=False,
            keepalive=settings.keepalive_s,
            timeout=settings.timeout_s,
            max_inflight_messages=0,  # counted here instead, against the broker's limit
            properties=_connect_properties(settings),
            tls_context=_tls_context(settings),
        )
        self._paho = self.client._client  # noqa: SLF001 - aiomqtt cannot acknowledge later
        self._aiomqtt_on_connect = cast(_OnConnect, self._paho.on_connect)
        self._paho.manual_ack_set(True)
        self._paho.on_connect = self._on_connect
        self._paho.on_message = self._on_message
        self._paho.on_publish = self._on_publish

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Connect, without leaving a half-open connection when cancelled, as aiomqtt would.

        Raises:
            aiomqtt.MqttError: there is no connection, or it is lost.
        """
        entering = asyncio.create_task(self.client.__aenter__(), name="connect")
        try:
            await asyncio.shield(entering)
            yield
        finally:
            try:
                with contextlib.suppress(aiomqtt.MqttError):
                    await entering
                    await _heeding(self.client.__aexit__(None, None, None))
            finally:
                self._paho._sock_close()  # noqa: SLF001 - also removes its reader and writer

    def send(self, message: Outgoing) -> asyncio.Future[None]:
        """Send a message as soon as the broker's window allows."""
        future = asyncio.get_running_loop().create_future()
        # Callers may ignore the answer, so asyncio must not report an unread error.
        future.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._waiting.append((message, future))
        self._pump()
        return future

    async def retained(self, topic: str) -> bytes:
        """Return what the broker retains on a topic; see `Link.retained`."""
        options = SubscribeOptions(qos=0, retainHandling=_ALL)
        self._looked_up[topic] = b""
        try:
            for _ in range(2):  # the second answer comes after what the first one has set off
                await _heeding(self.client.subscribe([(topic, options)]))
            await _heeding(self.client.unsubscribe(topic))
        except aiomqtt.MqttError as exc:
            raise TransportError(f"The broker does not answer: {exc}.") from exc
        finally:
            found = self._looked_up.pop(topic)
        return found

    async def until_lost(self) -> None:
        """Wait until the connection is lost, which raises aiomqtt's error."""
        async for _ in self.client.messages:
            pass  # never reached, since messages go to `_on_message`

    def close(self) -> None:
        """Fail all messages that the broker has not confirmed."""
        lost = TransportError("The connection to the broker was lost before it confirmed.")
        futures = [*self._in_flight.values(), *(future for _, future in self._waiting)]
        self._in_flight.clear()
        self._waiting.clear()
        for future in futures:
            if not future.done():
                future.set_exception(lost)

    def _pump(self) -> None:
        while self._waiting and len(self._in_flight) < self._window:
            message, future = self._waiting.popleft()
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            if message.retain and message.payload:
                properties.MessageExpiryInterval = self._settings.retained_expiry_s
            info = self._paho.publish(message.topic, message.payload, 1, message.retain, properties)
            if info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS:
                self._in_flight[info.mid] = future
            elif not future.done():
                future.set_exception(TransportError("The broker is away."))

    def _on_connect(
        self,
        paho: PahoClient,
        userdata: object,
        flags: ConnectFlags,
        reason_code: ReasonCode,
        properties: Properties | None,
    ) -> None:
        """Read from the broker's answer how many messages may be in flight towards it."""
        allowed = getattr(properties, "ReceiveMaximum", RECEIVE_MAXIMUM_DEFAULT)
        self._window = min(self._settings.receive_maximum, allowed)
        self._aiomqtt_on_connect(paho, userdata, flags, reason_code, properties)

    def _on_message(self, paho: PahoClient, _userdata: object, message: MQTTMessage) -> None:
        mid, qos = message.mid, message.qos
        if message.topic in self._looked_up:
            self._looked_up[message.topic] = bytes(message.payload)
            paho.ack(mid, qos)
            return
        incoming = Incoming(message.topic, bytes(message.payload), message.retain)
        if self._admits(incoming):
            self._received.put_nowait(Received(incoming, lambda: paho.ack(mid, qos)))
        else:
            paho.ack(mid, qos)

    def _on_publish(
        self,
        _paho: PahoClient,
        _userdata: object,
        mid: int,
        reason_code: ReasonCode,
        _properties: Properties,
    ) -> None:
        future = self._in_flight.pop(mid, None)
        if future and not future.done():
            if reason_code.value >= REFUSED:
                text = f"The broker refused a message: {reason_code}."
                future.set_exception(PublishRefused(text, reason_code.value))
            else:
                future.set_result(None)
        self._pump()


class Link:
    """A session at the broker, which reconnects for as long as `run` runs."""

    def __init__(
        self,
        settings: LinkSettings,
        filters: Sequence[str],
        admits: Callable[[Incoming], bool] = lambda _message: True,
    ) -> None:
        """Store the settings, and the filters to subscribe to with QoS 1.

        A message that `admits` refuses is acknowledged, so that no other waits for it, and dropped.
        """
        self._settings = settings
        self._admits = admits
        self._filters = filters
        self._received: asyncio.Queue[Received] = asyncio.Queue()
        self._connection: _Connection | None = None
        self._is_up = asyncio.Event()
        self._connections = 0
        self._lost = Condition()
        self._rivalry = Rivalry(
            settings.client_id,
            settings.if_double,
            lambda: takes_connections(settings.host, settings.port),
        )
        self._is_alone = settings.tls is None

    @property
    def connection(self) -> int | None:
        """The number of the present connection, 1 for the first; None while there is none."""
        return self._connections if self._is_up.is_set() else None

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Exclude other programs of this machine from the certificate, before reporting readiness.

        Raises:
            ConfigError: another program uses it, or its key cannot be locked.
        """
        settings = self._settings
        with contextlib.ExitStack() as stack:
            if settings.tls is not None:
                key = settings.tls.key
                stack.enter_context(
                    alone_on_this_machine(settings.client_id, key, settings.if_double)
                )
            self._is_alone = True
            yield

    async def run(self) -> NoReturn:
        """Stay connected, within `alone`; never returns.

        Raises:
            ConfigError: the certificate files cannot be used, or another machine uses them.
        """
        if not self._is_alone:
            raise AssertionError("a link runs within `alone`")
        delays_s = RECONNECT.waits_s()
        while True:
            before = self._connections
            try:
                await self._connect_once()
            except (aiomqtt.MqttError, TransportError) as exc:
                if self._lost.begins(str(exc)):
                    log.warning("broker_lost", error=str(exc))
                await self._rivalry.connection_ended()
                if self._connections > before:
                    delays_s = RECONNECT.waits_s()
                await asyncio.sleep(next(delays_s))

    async def connected(self) -> int:
        """Wait for a connection and return its number, 1 for the first."""
        await self._is_up.wait()
        return self._connections

    async def batch(self, limit: int, window_s: float) -> list[Received]:
        """Wait for a message, then collect those that arrive within `window_s`, at most `limit`."""
        messages = [await self._received.get()]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(window_s):
                while len(messages) < limit:
                    messages.append(
                        await self._received.get()
                        if self._received.empty()
                        else self._received.get_nowait()
                    )
        return messages

    def send(self, message: Outgoing) -> asyncio.Future[None]:
        """Publish without waiting; the future receives the broker's answer.

        While the broker's window is open, messages and acknowledgements leave in the order of the
        calls.

        Raises:
            TransportError: there is no connection.
        """
        if self._connection is None:
            raise TransportError("The broker is away.")
        return self._connection.send(message)

    async def confirmed(self, sent: Sequence[asyncio.Future[None]]) -> None:
        """Wait until the broker has confirmed the sent messages.

        Raises:
            TransportError: the connection was lost, or the broker does not answer in time.
            PublishRefused: the broker refused a message.
        """
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                await asyncio.gather(*sent)
        except TimeoutError as exc:
            raise TransportError("The broker does not confirm what it gets.") from exc

    async def retained(self, topic: str) -> bytes:
        """Return what the broker retains on a topic that is not in the filters, or nothing.

        Raises:
            TransportError: there is no connection, or it is lost.
        """
        if self._connection is None:
            raise TransportError("The broker is away.")
        return await self._connection.retained(topic)

    async def publish(self, message: Outgoing) -> None:
        """Publish and wait for the broker's answer; raises as `send` and `confirmed` do."""
        await self.confirmed([self.send(message)])

    async def _connect_once(self) -> None:
        """Connect, subscribe, and stay until the connection is lost."""
        # Set before anything can arrive: messages left from before follow right after CONNACK.
        connection = self._connection = _Connection(self._settings, self._received, self._admits)
        try:
            async with connection.open():
                await self._subscribe(connection.client)
                self._connections += 1
                self._is_up.set()
                self._rivalry.session_began()
                if self._lost.ends() or self._connections == 1:
                    log.info("broker_connected", host=self._settings.host, port=self._settings.port)
                await connection.until_lost()
        finally:
            self._is_up.clear()
            self._connection = None
            connection.close()
            # The broker sends messages that nobody has collected again on the next connection.
            while not self._received.empty():
                self._received.get_nowait()

    async def _subscribe(self, client: aiomqtt.Client) -> None:
        if not self._filters:
            return
        # Retained messages arrive once per process, and again only if the broker lost the session.
        handling = _NEW_SUBSCRIPTIONS if self._connections else _ALL
        options = SubscribeOptions(qos=1, retainAsPublished=True, retainHandling=handling)
        answer = await _heeding(client.subscribe([(topic, options) for topic in self._filters]))
        codes = cast("list[ReasonCode]", answer)  # MQTT 5 gives no bare numbers
        for topic, code in zip(self._filters, codes, strict=True):
            if code.value >= REFUSED:
                raise PublishRefused(f"The broker refused the subscription to {topic}.", code.value)


async def _heeding(call: Awaitable[_T]) -> _T:
    """Await aiomqtt's answer, and raise a cancellation that it has swallowed.

    `asyncio.wait_for` inside it does so in Python 3.11 when the answer comes at the same moment.
    """
    try:
        return await call
    finally:
        task = asyncio.current_task()
        if task and task.cancelling():
            raise asyncio.CancelledError


def _tls_context(settings: LinkSettings) -> ssl.SSLContext | None:
    tls = settings.tls
    if tls is None:
        return None
    return client_context(tls.ca, tls.certificate, tls.key, settings.key_list())


def _connect_properties(settings: LinkSettings) -> Properties:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = settings.session_expiry_s
    properties.ReceiveMaximum = settings.receive_maximum
    return properties
