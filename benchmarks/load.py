"""The load generator: many chips with signed blocks of full size, published with QoS 1 over TLS.

To the cloud they are ordinary chips. Their coefficients are random, as ciphertexts look without the
key, and so are their household keys.
"""

import secrets
import ssl
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from types import TracebackType
from typing import Self

import msgspec
import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from cloud.store import Device
from protocol.calendar import day_number, month_of
from protocol.commitment import COMMITTED_VALUES, commit_day
from protocol.envelope import Address, open_message, seal_message
from protocol.errors import MessageRefused
from protocol.household import SEED_BYTES, Q
from protocol.ids import (
    HOUSEHOLD_KEY_ID_BYTES,
    DeviceId,
    HouseholdKeyId,
    Incarnation,
    new_device_id,
    new_incarnation,
)
from protocol.layout import DAY_COEFFICIENTS
from protocol.messages import MAC_BYTES, Ack, Block, Epoch
from protocol.topics import Kind, device_topic, own_down
from system.mqtt.message import Incoming

PATIENCE_S = 180.0
IN_FLIGHT = 64
SINCE = datetime(2026, 1, 1, tzinfo=UTC)
COMMITMENT = commit_day([0] * COMMITTED_VALUES, 1)


@dataclass(frozen=True, slots=True)
class Batch:
    """The messages of one incarnation of a chip: its headers, then `blocks` blocks."""

    incarnation: Incarnation
    blocks: int
    messages: tuple[Incoming, ...]


@dataclass(frozen=True, slots=True)
class LoadChip:
    """A chip that makes messages without a meter."""

    collectivity: str
    device: DeviceId = field(default_factory=new_device_id)
    signing_key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    household_key: HouseholdKeyId = field(
        default_factory=lambda: HouseholdKeyId(secrets.token_bytes(HOUSEHOLD_KEY_ID_BYTES))
    )

    @property
    def enrolment(self) -> Device:
        """The chip's record in the cloud's store."""
        public = self.signing_key.public_key().public_bytes_raw()
        return Device(self.device, public, self.household_key, SINCE)

    def batch(self, first: date, days: int, rng: np.random.Generator) -> Batch:
        """Make a new incarnation's headers and one block a day for `days` days from `first` on."""
        incarnation = new_incarnation()
        dates = [first + timedelta(days=number) for number in range(days)]
        months = sorted({month_of(day) for day in dates})
        headers = [self.header(incarnation, month) for month in months]
        blocks = [
            self.block(incarnation, sequence, day, rng) for sequence, day in enumerate(dates, 1)
        ]
        return Batch(incarnation, days, (*headers, *blocks))

    def header(self, incarnation: Incarnation, month: date) -> Incoming:
        """Make an incarnation's header of a month."""
        seed, mac = secrets.token_bytes(SEED_BYTES), secrets.token_bytes(MAC_BYTES)
        body = Epoch(self.household_key, day_number(month), incarnation, seed, mac)
        return self.sign(Kind.EPOCH, body)

    def block(
        self, incarnation: Incarnation, sequence: int, day: date, rng: np.random.Generator
    ) -> Incoming:
        """Make the block of a whole day."""
        values = rng.integers(0, Q, DAY_COEFFICIENTS, np.uint64).astype("<u8").tobytes()
        body = Block(
            self.household_key, day_number(day), incarnation, sequence, 0, values, COMMITMENT
        )
        return self.sign(Kind.BLOCK, body)

    def sign(self, kind: Kind, body: msgspec.Struct) -> Incoming:
        """Sign a message."""
        address = Address(self.collectivity, self.device, kind)
        payload = seal_message(address, body, self.signing_key)
        return Incoming(device_topic(self.collectivity, self.device, kind), payload)


class _Session:
    """One chip's connection; waits for the ack that everything is stored."""

    def __init__(self, chip: LoadChip, context: ssl.SSLContext, platform: Ed25519PublicKey) -> None:
        self._chip = chip
        self._platform = platform
        self._is_subscribed = threading.Event()
        self._is_stored = threading.Event()
        self._awaited: Batch | None = None
        self.refused = 0
        self.client = Client(
            CallbackAPIVersion.VERSION2, chip.device, protocol=MQTTProtocolVersion.MQTTv5
        )
        self.client.tls_set_context(context)
        self.client.max_inflight_messages_set(IN_FLIGHT)
        self.client.on_message = self._on_message
        self.client.on_subscribe = lambda *_: self._is_subscribed.set()

    def open(self, host: str, port: int) -> None:
        self.client.connect(host, port, clean_start=True)
        self.client.loop_start()
        self.client.subscribe(own_down(self._chip.collectivity, self._chip.device), qos=1)
        if not self._is_subscribed.wait(PATIENCE_S):
            raise TimeoutError("the broker does not let a chip of the load generator subscribe")

    def send(self, batch: Batch) -> None:
        self._is_stored.clear()
        self._awaited = batch
        for message in batch.messages:
            self.client.publish(message.topic, message.payload, qos=1)

    def wait_stored(self) -> None:
        if not self._is_stored.wait(PATIENCE_S):
            raise TimeoutError("the cloud has not acknowledged all blocks of the load generator")

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        address = Address(self._chip.collectivity, self._chip.device, Kind.ACK)
        try:
            ack = open_message(address, bytes(message.payload), self._platform, Ack)
        except MessageRefused:
            self.refused += 1
            return
        self.refused += len(ack.refused)
        awaited = self._awaited
        if awaited is not None and any(
            state.incarnation == awaited.incarnation and state.stored_through == awaited.blocks
            for state in ack.states
        ):
            self._is_stored.set()


class Load:
    """Connected chips; leaving the context disconnects them."""

    def __init__(
        self,
        chips: Sequence[LoadChip],
        contexts: Sequence[ssl.SSLContext],
        platform: Ed25519PublicKey,
        broker: tuple[str, int],
    ) -> None:
        """Store each chip's TLS identity, and the platform's key that verifies acks."""
        self._sessions = [
            _Session(chip, context, platform) for chip, context in zip(chips, contexts, strict=True)
        ]
        self._broker = broker

    def __enter__(self) -> Self:
        """Connect and subscribe every chip."""
        try:
            for session in self._sessions:
                session.open(*self._broker)
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Disconnect."""
        self._close()

    def send(self, batches: Sequence[Batch]) -> float:
        """Publish a batch from every chip at once; returns the seconds until the last ack.

        Raises:
            TimeoutError: not everything was acknowledged as stored.
        """
        begun = time.monotonic()
        for session, batch in zip(self._sessions, batches, strict=True):
            session.send(batch)
        for session in self._sessions:
            session.wait_stored()
        taken_s = time.monotonic() - begun
        assert not sum(session.refused for session in self._sessions), "messages were refused"
        return taken_s

    def _close(self) -> None:
        for session in self._sessions:
            session.close()
