"""The chip's link to the broker; the only module here that knows MQTT.

A separate thread connects, listens and reconnects. It passes events through a queue, and a
descriptor wakes the program's one loop. Each connection is a new client without state from the one
before: the outbox is the record, so neither client nor broker has to remember what was in flight.
The broker keeps the session as long as it delays the last will, so that a short interruption is
not reported to anyone. The reason code of every PUBACK is passed on.
"""

import contextlib
import os
import queue
import random
import select
import ssl
import threading
from collections.abc import Callable, Iterator

import msgspec
import structlog
from paho.mqtt.client import (
    Client,
    ConnectFlags,
    DisconnectFlags,
    MQTTMessage,
    MQTTMessageInfo,
    topic_matches_sub,
)
from paho.mqtt.enums import CallbackAPIVersion, LogLevel, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from edge.mqtt.message import (
    Absence,
    Arrived,
    Connected,
    Disconnected,
    LinkEvent,
    Publish,
    Published,
    PublishRefused,
    Unreachable,
)
from edge.mqtt.sent import SentAccount
from edge.mqtt.trouble import Trouble
from protocol.backoff import RetryPolicy
from protocol.errors import ConfigError
from protocol.status import WILL_DELAY_S
from system.conditions import Condition

# MQTT 5: reason codes from REFUSED on are refusals. NO_MATCHING_SUBSCRIBERS is a success.
REFUSED = 0x80
NO_MATCHING_SUBSCRIBERS = 0x10
TAKEN_OVER = 0x8E
WITH_WILL = "Disconnect with will message"

# More than the outbox allows in flight; the broker's own limit applies too.
IN_FLIGHT_MAX = 128
# A broker may send faster than a chip can handle. The loop returns to the meter after
# EVENTS_A_ROUND events, and messages beyond QUEUED_MAX are dropped. The cloud sends those again.
EVENTS_A_ROUND = 256
QUEUED_MAX = 1_024
GOODBYE_S = 3.0
JOIN_S = 15.0
# How often keep-alive is checked while nothing arrives.
IDLE_S = 1.0

# The network comes back in seconds; a certificate or rule that refuses the chip needs an operator.
AWAY_AGAIN = RetryPolicy(first_s=0.5, cap_s=60.0)
REFUSED_AGAIN = RetryPolicy(first_s=15.0, cap_s=600.0)

log = structlog.get_logger()


class ChipLinkSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach the broker, and what to subscribe to.

    `first` are topics for everybody, subscribed to before the chip's own, so that their retained
    messages come before. The broker publishes `will` when `will_delay_s` have passed since a
    session ended unexpectedly, or at once when it is stopped; so the chip also reads what its
    topic shows.
    """

    host: str
    port: int
    client_id: str
    subscription: str
    will: Publish
    first: tuple[str, ...] = ()
    will_delay_s: int = WILL_DELAY_S
    keepalive_s: int = 60
    timeout_s: float = 5.0


class _Acknowledged(msgspec.Struct, frozen=True):
    """A PUBACK as the thread received it; the loop knows the message itself."""

    session: int
    packet_id: int
    code: int


_Queued = Connected | Disconnected | Unreachable | Arrived | _Acknowledged


class ChipLink:
    """The connection to one broker until stopped; call all methods from one thread.

    Attributes:
        reconnect_window_s: after a session that ended, the first new try comes at a random time of
            this window, so that the chips of one broker do not all come back at once.
    """

    def __init__(
        self,
        settings: ChipLinkSettings,
        tls: Callable[[], ssl.SSLContext] | None = None,
        after_failure: Callable[[Absence], bool] = lambda _: False,
        sent: SentAccount | None = None,
    ) -> None:
        """Use `settings`; `tls` makes a TLS context for each session, None: no TLS.

        The thread calls `after_failure` after each attempt that got no session, with the reason;
        if it returns True, the next attempt comes at once. `sent` counts what goes out.
        """
        self._settings = settings
        self._tls = tls
        self._after_failure = after_failure
        self._sent = sent
        self._queue: queue.SimpleQueue[_Queued] = queue.SimpleQueue()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._write = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chip-link", daemon=True)
        self._client: Client | None = None
        self._session = 0
        self._in_flight: dict[tuple[int, int], Publish] = {}
        self._is_session = False
        self._is_resumed = False
        self._begins_anew = False
        self._trouble = Trouble(settings.host)
        self._dropping = Condition()
        self._subscribed: frozenset[str] = frozenset()
        self._subscribed_in = 0
        self._own_subscription: int | None = None
        self.reconnect_window_s = 0.0
        self._rng = random.SystemRandom()

    def start(self) -> None:
        """Start connecting."""
        self._thread.start()

    def fileno(self) -> int:
        """Return a descriptor that becomes readable when there are events."""
        return self._wake

    def events(self) -> Iterator[LinkEvent]:
        """Yield the events since the last call, at most `EVENTS_A_ROUND`."""
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._wake)
        for _ in range(EVENTS_A_ROUND):
            try:
                queued = self._queue.get_nowait()
            except queue.Empty:
                return
            if isinstance(queued, _Acknowledged):
                yield from self._acknowledged(queued)
                continue
            if isinstance(queued, Disconnected):
                self._in_flight.clear()
            if isinstance(queued, Arrived):
                self._unsubscribe_stray(queued.topic)
            yield queued
        self._rouse()

    def listen(self, topics: frozenset[str]) -> None:
        """Subscribe to exactly these topics beside the chip's own; repeat this for each session."""
        client, session = self._client, self._session
        if client is None or not self._is_session:
            return
        subscribed = self._subscribed if self._subscribed_in == session else frozenset()
        if new := sorted(topics - subscribed):
            client.subscribe([(topic, SubscribeOptions(qos=1)) for topic in new])
        if old := sorted(self._subscribed - topics):
            client.unsubscribe(old)
        self._subscribed, self._subscribed_in = topics, session

    def publish(self, publish: Publish) -> None:
        """Send a message over the session; without one it is dropped (see `Disconnected`)."""
        client, session = self._client, self._session
        if client is None:
            return
        info = self._send(client, publish)
        self._in_flight[session, info.mid] = publish

    def begin_anew(self) -> None:
        """End the session, which begins again at once; the broker keeps what it has for it."""
        client = self._client
        if client is not None:
            self._begins_anew = True
            client.disconnect()

    def keep_account(self) -> None:
        """Write what was counted, if it is time to."""
        if self._sent is not None:
            self._sent.keep()

    def stop(self, goodbye: Publish | None = None) -> None:
        """End the session with `goodbye`, or with the last will, and wait for the thread."""
        self._stopping.set()
        client = self._client
        if client is not None:
            if goodbye is not None and self._is_session and self._is_delivered(client, goodbye):
                leaving = Properties(PacketTypes.DISCONNECT)  # type: ignore[no-untyped-call]
                leaving.SessionExpiryInterval = 0
                client.disconnect(properties=leaving)
            else:
                client.disconnect(ReasonCode(PacketTypes.DISCONNECT, WITH_WILL))
        if self._thread.ident is not None:
            self._thread.join(JOIN_S)
        if self._sent is not None:
            self._sent.keep(is_end=True)
        os.close(self._wake)
        os.close(self._write)

    def _send(self, client: Client, publish: Publish) -> MQTTMessageInfo:
        """Hand a message to the client and count it; nothing else publishes."""
        info = client.publish(publish.topic, publish.payload, qos=1, retain=publish.retain)
        if self._sent is not None:
            self._sent.count(publish.topic, publish.payload)
        return info

    def _is_delivered(self, client: Client, goodbye: Publish) -> bool:
        info = self._send(client, goodbye)
        with contextlib.suppress(RuntimeError, ValueError):
            info.wait_for_publish(GOODBYE_S)
            return info.is_published()
        return False

    def _unsubscribe_stray(self, topic: str) -> None:
        """Unsubscribe from a topic that an earlier process subscribed to in the resumed session."""
        client = self._client
        wanted = (*self._settings.first, self._settings.subscription, self._settings.will.topic)
        is_wanted = topic in self._subscribed or any(
            topic_matches_sub(each, topic) for each in wanted
        )
        if client is not None and not is_wanted:
            client.unsubscribe(topic)

    def _acknowledged(self, puback: _Acknowledged) -> Iterator[LinkEvent]:
        publish = self._in_flight.pop((puback.session, puback.packet_id), None)
        if publish is None:
            return
        if puback.code >= REFUSED:
            yield PublishRefused(publish, puback.code)
        else:
            yield Published(publish, has_subscribers=puback.code != NO_MATCHING_SUBSCRIBERS)

    # The thread.

    def _run(self) -> None:
        away, refused = AWAY_AGAIN.waits_s(), REFUSED_AGAIN.waits_s()
        trouble = self._trouble
        while not self._stopping.is_set():
            self._is_session, self._begins_anew = False, False
            trouble.attempt()
            try:
                self._run_session()
            except ssl.SSLError as exc:
                trouble.distrusts(exc)
            except ConfigError as exc:
                trouble.damaged(exc)
            except OSError as exc:
                trouble.away(exc)
            if self._is_session and not trouble.is_refused:
                away, refused = AWAY_AGAIN.waits_s(), REFUSED_AGAIN.waits_s()
                window_s = 0.0 if self._begins_anew else self.reconnect_window_s
                pause_s = max(next(away), self._rng.uniform(0, window_s))
            else:
                self._put(Unreachable(trouble.why))
                if self._after_failure(trouble.why):
                    continue
                pause_s = next(refused) if trouble.is_refused else next(away)
            self._stopping.wait(pause_s)

    def _run_session(self) -> None:
        """Connect and listen until the session ends. Raises OSError if it never began."""
        client = self._make_client()
        self._session += 1
        self._client = client
        keeping = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        keeping.SessionExpiryInterval = self._settings.will_delay_s
        try:
            client.connect(
                self._settings.host,
                self._settings.port,
                self._settings.keepalive_s,
                clean_start=False,
                properties=keeping,
            )
            if not self._stopping.is_set():
                self._serve(client)
        finally:
            self._client = None
            if self._is_session:
                self._put(Disconnected())
            client.disconnect()
            client.loop_write()  # closes a socket that was never served

    def _serve(self, client: Client) -> None:
        """Read and write until the session ends."""
        while (sock := client.socket()) is not None:
            is_pending = isinstance(sock, ssl.SSLSocket) and sock.pending() > 0
            reading = sock.fileno()
            writing = [reading] if client.want_write() else []
            pause_s = 0.0 if is_pending else IDLE_S
            ready, _, _ = select.select([reading, self._write], writing, [], pause_s)
            with contextlib.suppress(BlockingIOError):
                os.eventfd_read(self._write)
            if is_pending or reading in ready:
                client.loop_read()
            if client.want_write():
                client.loop_write()
            client.loop_misc()

    def _make_client(self) -> Client:
        settings = self._settings
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=settings.client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
            userdata=self._session + 1,
        )
        client.connect_timeout = settings.timeout_s
        client.max_inflight_messages_set(IN_FLIGHT_MAX)
        if self._tls is not None:
            client.tls_set_context(self._tls())
        late = Properties(PacketTypes.WILLMESSAGE)  # type: ignore[no-untyped-call]
        late.WillDelayInterval = settings.will_delay_s
        client.will_set(settings.will.topic, settings.will.payload, 1, retain=True, properties=late)
        # Without this paho writes in the publishing thread, beside the one that reads: two threads
        # on one TLS connection break its records.
        client.on_socket_register_write = self._on_write_wanted
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_disconnect = self._on_disconnect
        client.on_log = self._on_log
        return client

    def _on_write_wanted(self, client: Client, session: int, sock: object) -> None:
        del client, session, sock
        with contextlib.suppress(OSError):  # closed while stopping
            os.eventfd_write(self._write, 1)

    def _on_connect(
        self,
        client: Client,
        session: int,
        flags: ConnectFlags,
        code: ReasonCode,
        properties: Properties | None,
    ) -> None:
        del session, properties
        if self._sent is not None:
            self._sent.count_will(self._settings.will.payload)
        self._is_resumed = flags.session_present
        if code.is_failure:
            self._trouble.no_session(str(code))
            client.disconnect()
        else:
            wanted = (*self._settings.first, self._settings.subscription)
            _, self._own_subscription = client.subscribe(
                [
                    *((topic, SubscribeOptions(qos=1)) for topic in wanted),
                    # Neither what the chip says itself nor what it missed: what stands there.
                    (self._settings.will.topic, SubscribeOptions(qos=0, noLocal=True)),
                ]
            )

    def _on_subscribe(
        self,
        client: Client,
        session: int,
        packet_id: int,
        codes: list[ReasonCode],
        properties: Properties | None,
    ) -> None:
        del session, properties
        if packet_id != self._own_subscription:
            return  # a subscription to the transparency log, which is never refused
        if any(code.is_failure for code in codes):
            self._trouble.no_subscription(str(codes[0]))
            client.disconnect()
            return
        self._is_session = True
        self._trouble.over()
        log.info("session_began", broker=self._settings.host)
        self._put(Connected(self._is_resumed))

    def _on_message(self, client: Client, session: int, message: MQTTMessage) -> None:
        del client, session
        if self._queue.qsize() >= QUEUED_MAX:
            if self._dropping.begins():
                log.warning("messages_dropped", waiting=QUEUED_MAX)
        else:
            self._dropping.ends()
            self._put(Arrived(message.topic, bytes(message.payload)))

    def _on_publish(
        self,
        client: Client,
        session: int,
        packet_id: int,
        code: ReasonCode,
        properties: Properties | None,
    ) -> None:
        del client, properties
        self._put(_Acknowledged(session, packet_id, code.value))

    def _on_disconnect(
        self,
        client: Client,
        session: int,
        flags: DisconnectFlags,
        code: ReasonCode,
        properties: Properties | None,
    ) -> None:
        del client, session, flags, properties
        if self._stopping.is_set() or self._trouble.is_refused:
            return
        if not self._is_session:
            self._trouble.hung_up(str(code))
        else:
            self._trouble.ended(str(code), is_taken_over=code.value == TAKEN_OVER)

    def _on_log(self, client: Client, session: int, level: int, text: str) -> None:
        """Keep the TLS error with which the connection ended; paho reports it nowhere else."""
        del client, session
        if level == LogLevel.MQTT_LOG_ERR and "SSL" in text:
            self._trouble.alerted(text)

    def _put(self, queued: _Queued) -> None:
        self._queue.put(queued)
        self._rouse()

    def _rouse(self) -> None:
        with contextlib.suppress(OSError):  # closed while stopping
            os.eventfd_write(self._wake, 1)
