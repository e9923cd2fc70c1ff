"""Many honest chips in one thread: each publishes a signed block at its turn and awaits the ack."""

import heapq
import selectors
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from socket import socket
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from benchmarks.load import LoadChip
from protocol.calendar import month_of
from protocol.envelope import Address, open_message
from protocol.errors import MessageRefused
from protocol.ids import Incarnation, new_incarnation
from protocol.messages import Ack
from protocol.topics import Kind, own_down
from system.mqtt.message import Incoming
from system.patience import Patience

KEEPALIVE_S = 60
# As a chip's outbox does at first.
AGAIN_AFTER_S = 60.0
RECONNECT_S = 1.0
PATIENCE_S = 120.0
_LOOK_S = 0.5


@dataclass(frozen=True, slots=True)
class Played:
    """What the chips saw in one part of the play.

    Attributes:
        seconds: from the first publish of a block to its ack, for each acknowledged block.
        sent: how many blocks were sent.
        unacknowledged: how many of them had no ack in the end.
        again: how many were published again for want of an ack.
        lost_connections: how often a chip had to connect again.
    """

    seconds: tuple[float, ...]
    sent: int
    unacknowledged: int
    again: int
    lost_connections: int


@dataclass(slots=True)
class _Waiting:
    """A block without an ack; when it was published first and last."""

    message: Incoming
    first_s: float
    last_s: float


@dataclass(slots=True, eq=False)
class _Chip:
    """A chip, its connection, and its blocks that have no ack."""

    load: LoadChip
    client: Client
    day: date
    incarnation: Incarnation = field(default_factory=new_incarnation)
    sequence: int = 0
    waiting: dict[int, _Waiting] = field(default_factory=dict)
    tried_s: float = 0.0
    is_subscribed: bool = False

    def next_messages(self, rng: np.random.Generator) -> Iterator[Incoming]:
        """Make the next day's block, and the month's header before the first of its blocks."""
        if self.sequence == 0 or self.day.day == 1:
            yield self.load.header(self.incarnation, month_of(self.day))
        self.sequence += 1
        yield self.load.block(self.incarnation, self.sequence, self.day, rng)
        self.day += timedelta(days=1)

    def publish(self, message: Incoming, *, retain: bool = False) -> None:
        self.client.publish(message.topic, message.payload, 1, retain)


class Fleet:
    """The chips on one selector. Their blocks are of one day each, from `first` on."""

    def __init__(
        self,
        chips: Sequence[LoadChip],
        contexts: Sequence[ssl.SSLContext],
        platform: Ed25519PublicKey,
        broker: tuple[str, int],
        first: date,
    ) -> None:
        self._platform, self._broker = platform, broker
        self._rng = np.random.default_rng(1)
        self._selector = selectors.DefaultSelector()
        self._to_write: set[Client] = set()
        self._chips = {
            client: _Chip(load, client, first)
            for load, context in zip(chips, contexts, strict=True)
            for client in (self._client(load, context),)
        }
        self._seconds: list[float] = []
        self._sent = self._again = self._lost = 0

    def connect(self, retained: Sequence[Incoming] = ()) -> None:
        """Connect and subscribe every chip; each of the first publishes its retained message.

        Raises:
            TimeoutError: the broker does not let one of them subscribe.
        """
        for chip in self._chips.values():
            self._connect(chip)
            self._run_until(lambda chip=chip: chip.is_subscribed)  # type: ignore[misc]
        for chip, message in zip(self._chips.values(), retained, strict=False):
            chip.publish(message, retain=True)
        self._run_until(lambda: not self._to_write)

    def play(self, seconds: float, every_s: float) -> Played:
        """Let each chip send a block every `every_s`, in turn; then await the acks that lack."""
        self._seconds = []
        self._sent = self._again = self._lost = 0
        begun = time.monotonic()
        step_s = every_s / len(self._chips)
        turns = [(begun + step_s * n, n, chip) for n, chip in enumerate(self._chips.values())]
        looked_s = begun
        while (now := time.monotonic()) < begun + seconds:
            while turns[0][0] <= now:
                due_s, number, chip = turns[0]
                heapq.heapreplace(turns, (due_s + every_s, number, chip))
                self._send(chip)
            if now - looked_s > _LOOK_S:
                looked_s = now
                self._look()
            self._run(min(turns[0][0], looked_s + _LOOK_S) - time.monotonic())
        patience = Patience(PATIENCE_S)
        while (lacking := self._lacking()) and patience.lasts(lacking):
            self._look()
            self._run(_LOOK_S)
        return Played(tuple(self._seconds), self._sent, lacking, self._again, self._lost)

    def close(self) -> None:
        """Disconnect every chip."""
        for client in self._chips:
            client.disconnect()
            client.loop_write()
            client._reset_sockets()  # noqa: SLF001 - paho leaves this to the collector
        self._selector.close()

    def _client(self, load: LoadChip, context: ssl.SSLContext) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2, load.device, protocol=MQTTProtocolVersion.MQTTv5
        )
        client.tls_set_context(context)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_socket_open = self._on_socket_open
        client.on_socket_close = self._on_socket_close
        client.on_socket_register_write = lambda client, *_: self._to_write.add(client)
        client.on_socket_unregister_write = lambda client, *_: self._to_write.discard(client)
        return client

    def _connect(self, chip: _Chip) -> None:
        chip.is_subscribed, chip.tried_s = False, time.monotonic()
        chip.client.connect(*self._broker, keepalive=KEEPALIVE_S, clean_start=True)

    def _send(self, chip: _Chip) -> None:
        for message in chip.next_messages(self._rng):
            chip.publish(message)
        now = time.monotonic()
        chip.waiting[chip.sequence] = _Waiting(message, now, now)
        self._sent += 1

    def _look(self) -> None:
        """Connect again what was lost, publish again what has no ack, keep connections alive."""
        now = time.monotonic()
        for chip in self._chips.values():
            if chip.client.socket() is None:
                if now - chip.tried_s > RECONNECT_S:
                    self._lost += 1
                    self._connect(chip)
                continue
            chip.client.loop_misc()
            for waiting in chip.waiting.values():
                if now - waiting.last_s > AGAIN_AFTER_S:
                    waiting.last_s = now
                    chip.publish(waiting.message)
                    self._again += 1

    def _run_until(self, condition: Callable[[], bool]) -> None:
        patience = Patience(PATIENCE_S)
        while not condition():
            if not patience.lasts():
                raise TimeoutError("the broker does not answer a chip")
            self._run(_LOOK_S)

    def _lacking(self) -> int:
        return sum(len(chip.waiting) for chip in self._chips.values())

    def _run(self, seconds: float) -> None:
        """Write what waits, then read what comes within `seconds`."""
        for client in tuple(self._to_write):
            client.loop_write()
        for key, _ in self._selector.select(max(seconds, 0.0)):
            reader: Client = key.data
            reader.loop_read()
            # What TLS has already read shows in no selector.
            while (connection := reader.socket()) is not None and _is_pending(connection):
                reader.loop_read()

    def _on_connect(self, client: Client, *_: object) -> None:
        load = self._chips[client].load
        client.subscribe(own_down(load.collectivity, load.device), qos=1)

    def _on_subscribe(self, client: Client, *_: object) -> None:
        self._chips[client].is_subscribed = True

    def _on_socket_open(self, client: Client, _userdata: object, connection: Any) -> None:
        self._selector.register(connection, selectors.EVENT_READ, client)

    def _on_socket_close(self, _client: Client, _userdata: object, connection: Any) -> None:
        self._selector.unregister(connection)

    def _on_message(self, client: Client, _userdata: object, message: MQTTMessage) -> None:
        chip = self._chips[client]
        address = Address(chip.load.collectivity, chip.load.device, Kind.ACK)
        try:
            ack = open_message(address, bytes(message.payload), self._platform, Ack)
        except MessageRefused:
            return  # of another kind
        now = time.monotonic()
        for state in ack.states:
            if state.incarnation != chip.incarnation:
                continue
            for sequence in tuple(chip.waiting):
                if sequence <= state.stored_through or any(
                    first <= sequence < end for first, end in state.beyond
                ):
                    self._seconds.append(now - chip.waiting.pop(sequence).first_s)


def _is_pending(connection: Any) -> bool:
    return isinstance(connection, socket) and bool(getattr(connection, "pending", int)())
