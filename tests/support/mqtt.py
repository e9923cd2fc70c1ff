"""A plain MQTT 5 client for tests that attack or observe the broker."""

import queue
import ssl
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from cloud.registry.key_files import pki_path
from edge.identity.enrolment import Identity
from system.tls import client_context

SUCCESS = 0x00
NO_SUBSCRIBERS = 0x10
UNSPECIFIED = 0x80
NOT_AUTHORIZED = 0x87
PACKET_TOO_LARGE = 0x95

WITHIN_S = 15.0


class Refused(Exception):
    """The broker refused the connection, by TLS or by MQTT."""


@dataclass(frozen=True)
class Pass:
    """The files of a TLS identity, and the name in it."""

    name: str
    ca: Path
    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """Return the product's own TLS context."""
        return client_context(self.ca, self.certificate, self.key)


def chip_pass(identity: Identity) -> Pass:
    """Return an enrolled chip's files."""
    return Pass(identity.device, identity.ca_path, identity.certificate_path, identity.tls_key_path)


def role_pass(cloud: Path, name: str) -> Pass:
    """Return the files of a worker, monitor or trustee."""
    return Pass(
        name,
        pki_path(cloud, "ca.pem"),
        pki_path(cloud, f"{name}.pem"),
        pki_path(cloud, f"{name}.key"),
    )


@dataclass(frozen=True)
class Will:
    """The retained message that the broker publishes when the client is gone."""

    topic: str
    payload: bytes


class Peer:
    """One connection, without any retry.

    Attributes:
        received: (topic, payload) of all messages so far.
    """

    def __init__(
        self,
        port: int,
        context: ssl.SSLContext | None,
        client_id: str = "",
        *,
        will: Will | None = None,
        session_expiry_s: int = 0,
        clean_start: bool = True,
        is_acknowledging: bool = True,
    ) -> None:
        """Connect to 127.0.0.1.

        Raises:
            Refused: TLS or MQTT refuses.
        """
        self.received: list[tuple[str, bytes]] = []
        self._arrived: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[tuple[str, int]] = queue.SimpleQueue()
        self._ended: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )
        self._client.max_inflight_messages_set(512)
        self._client.manual_ack_set(not is_acknowledging)
        if context is not None:
            self._client.tls_set_context(context)
        if will is not None:
            self._client.will_set(will.topic, will.payload, qos=1, retain=True)
        self._client.on_connect = lambda _c, _u, _f, code, _p: self._answers.put(
            ("connect", code.value)
        )
        self._client.on_message = self._on_message
        self._client.on_publish = lambda _c, _u, mid, code, _p: self._answers.put(
            (f"publish {mid}", code.value)
        )
        self._client.on_subscribe = lambda _c, _u, mid, codes, _p: self._answers.put(
            (f"subscribe {mid}", codes[0].value)
        )
        self._client.on_disconnect = self._on_disconnect
        self._connect(port, session_expiry_s, clean_start=clean_start)

    def publish(self, topic: str, payload: bytes = b"x", *, retain: bool = False) -> int:
        """Publish with QoS 1; return the reason code of the PUBACK."""
        info = self._client.publish(topic, payload, 1, retain)
        return self._answer(f"publish {info.mid}")

    def publish_each(self, *topics: str) -> list[int]:
        """Publish with QoS 1 to each of up to 512 topics at once; return their PUBACKs' codes."""
        sent = [self._client.publish(topic, b"x", 1).mid for topic in topics]
        codes = dict(self._answers.get(timeout=WITHIN_S) for _ in sent)
        return [codes[f"publish {mid}"] for mid in sent]

    def send(self, topic: str, payload: bytes) -> None:
        """Publish with QoS 1 without waiting for an answer."""
        self._client.publish(topic, payload, 1)

    def subscribe(self, *filters: str) -> int:
        """Subscribe with QoS 1; return the first reason code of the SUBACK."""
        options = SubscribeOptions(qos=1)
        _, mid = self._client.subscribe([(topic, options) for topic in filters])
        return self._answer(f"subscribe {mid}")

    def wait_for(self, topic: str) -> bytes:
        """Wait for a message on `topic` and return its payload; others go to `received`."""
        for seen, payload in self.received:
            if seen == topic:
                return payload
        while True:
            seen, payload = self._arrived.get(timeout=WITHIN_S)
            self.received.append((seen, payload))
            if seen == topic:
                return payload

    def wait_for_count(self, count: int) -> None:
        """Wait until `count` messages have arrived in all."""
        while len(self.received) < count:
            self.received.append(self._arrived.get(timeout=WITHIN_S))

    def fence(self) -> list[tuple[str, bytes]]:
        """Return everything that the broker has sent so far; its SUBACK follows all of it."""
        self.subscribe("fence")
        while not self._arrived.empty():
            self.received.append(self._arrived.get())
        return self.received

    def wait_until_ended(self) -> int:
        """Wait until the broker has ended the connection; return its reason code."""
        return self._ended.get(timeout=WITHIN_S)

    def drop(self) -> None:
        """Break the connection without DISCONNECT, so that the will is published."""
        self._client.loop_stop()
        if sock := self._client.socket():
            sock.close()
        self._client._reset_sockets(sockpair_only=True)

    def close(self) -> None:
        """Disconnect cleanly."""
        self._client.disconnect()
        self._client.loop_stop()
        self._client._reset_sockets(sockpair_only=True)  # paho leaves this to the collector

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _connect(self, port: int, session_expiry_s: int, *, clean_start: bool) -> None:
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = session_expiry_s
        try:
            self._client.connect("127.0.0.1", port, clean_start=clean_start, properties=properties)
        except OSError as exc:
            raise Refused(str(exc)) from exc
        self._client.loop_start()
        # TLS 1.3 refuses only after our side is done, so the refusal arrives as a lost connection.
        what, code = self._answers.get(timeout=WITHIN_S)
        if what == "lost" or code != SUCCESS:
            self.close()
            raise Refused(what, hex(code))

    def _on_message(self, _client: Client, _user: object, message: MQTTMessage) -> None:
        self._arrived.put((message.topic, bytes(message.payload)))

    def _on_disconnect(self, _c: Client, _u: object, _f: object, code, _p: object) -> None:
        self._ended.put(code.value)
        self._answers.put(("lost", code.value))

    def _answer(self, expected: str) -> int:
        what, code = self._answers.get(timeout=WITHIN_S)
        assert what == expected, f"the broker answered {what} {code:#x}"
        return code


async def run_link(link):
    """Run a link of the cloud as its programs do."""
    with link.alone():
        await link.run()
