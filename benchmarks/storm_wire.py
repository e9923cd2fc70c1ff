"""A hostile client of the broker: publishes as fast as the broker takes it, and counts answers."""

import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from protocol.topics import kind_of
from system.tls import client_context

IN_FLIGHT = 256
FILTERS_A_PACKET = 900
_RECONNECT_S = 1
_ANSWER_S = 20.0
REFUSED = 0x80


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach the broker, with whose certificate."""

    host: str
    port: int
    name: str
    ca: Path
    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Publish:
    """A message to publish."""

    topic: str
    payload: bytes
    retain: bool = False


class HostileClient:
    """A connection that comes back when the broker ends it.

    Attributes:
        counts: messages by kind, and how many of all the broker accepted and refused.
    """

    def __init__(self, access: Access) -> None:
        """Connect."""
        self.counts = Counter[str]()
        self._access = access
        self._room = threading.Semaphore(IN_FLIGHT)
        self._answered = threading.Event()
        self._client = Client(
            CallbackAPIVersion.VERSION2, access.name, protocol=MQTTProtocolVersion.MQTTv5
        )
        self._client.tls_set_context(client_context(access.ca, access.certificate, access.key))
        self._client.max_inflight_messages_set(IN_FLIGHT)
        self._client.reconnect_delay_set(_RECONNECT_S, _RECONNECT_S)
        self._client.on_publish = self._on_publish
        self._client.on_subscribe = lambda *_: self._answered.set()
        self._client.on_disconnect = self._on_disconnect
        self._client.connect(access.host, access.port)
        self._client.loop_start()

    def flood(self, messages: Iterable[Publish], deadline_s: float) -> None:
        """Publish until the monotonic clock shows `deadline_s`, or there are no more messages."""
        for message in messages:
            while not self._room.acquire(timeout=_RECONNECT_S):
                if time.monotonic() > deadline_s:
                    return
            self._client.publish(message.topic, message.payload, 1, message.retain)
            self.counts[kind_of(message.topic)] += 1
            if time.monotonic() > deadline_s:
                return

    def subscribe(self, filters: Sequence[str], deadline_s: float) -> None:
        """Subscribe to all of them, in packets."""
        options = SubscribeOptions(qos=1)
        for first in range(0, len(filters), FILTERS_A_PACKET):
            self._answered.clear()
            part = filters[first : first + FILTERS_A_PACKET]
            self._client.subscribe([(each, options) for each in part])
            if not self._answered.wait(_ANSWER_S) or time.monotonic() > deadline_s:
                return
            self.counts["subscriptions"] += len(part)

    def close(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()

    def _on_publish(
        self,
        _client: Client,
        _userdata: object,
        _number: int,
        code: ReasonCode,
        _properties: Properties,
    ) -> None:
        self.counts["refused" if code.value >= REFUSED else "accepted"] += 1
        self._room.release()

    def _on_disconnect(self, *_: object) -> None:
        self.counts["connections ended"] += 1
