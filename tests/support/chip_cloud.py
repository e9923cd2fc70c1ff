"""A cloud in memory that follows the rules of acknowledgement, and the real one, interchangeable.

Both take a chip's messages and return what it would receive. `opened` opens their contents with the
household's key.
"""

import copy
import secrets
from datetime import date

import msgspec
import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.ingest.pipeline import Ingest
from cloud.store import Device
from cloud.store.sqlite.store import SqliteStore
from edge.mqtt.message import Arrived, Publish
from edge.vault.keyring import Keyring
from protocol.calendar import day_number, day_of_number, month_of
from protocol.envelope import Address, open_message, seal_message
from protocol.errors import Reason
from protocol.layout import MONTH_COEFFICIENTS, coefficient
from protocol.messages import (
    Ack,
    Block,
    Epoch,
    Fetch,
    IncarnationState,
    Refusal,
    Seen,
    holdings_digest,
)
from protocol.topics import Kind, device_topic, parse_device_topic
from system.mqtt.message import Incoming

BODIES = {Kind.EPOCH: Epoch, Kind.BLOCK: Block, Kind.FETCH: Fetch, Kind.SEEN: Seen}


def state_of(incarnation: bytes, sequences: set[int], months: set[int]) -> IncarnationState:
    """Return the state of what is stored of one incarnation."""
    through = 0
    while through + 1 in sequences:
        through += 1
    beyond: list[tuple[int, int]] = []
    for n in sorted(n for n in sequences if n > through):
        if beyond and beyond[-1][1] == n:
            beyond[-1] = (beyond[-1][0], n + 1)
        else:
            beyond.append((n, n + 1))
    return IncarnationState(incarnation, through, tuple(beyond), tuple(sorted(months)))


class FakeCloud:
    """One household's store in memory."""

    def __init__(self, identity, platform_key: Ed25519PrivateKey) -> None:
        self.identity = identity
        self.platform_key = platform_key
        self.generation = secrets.token_bytes(8)
        self.epochs: dict[tuple[bytes, int], bytes] = {}
        self.blocks: dict[tuple[bytes, int], bytes] = {}
        self.refused: list[Refusal] = []
        self.seen: list[bytes] = []

    def snapshot(self):
        """Return a snapshot to restore later."""
        return copy.deepcopy((self.epochs, self.blocks))

    def put_back(self, snapshot) -> None:
        """Set the store back in time; a restored database keeps its generation."""
        self.epochs, self.blocks = copy.deepcopy(snapshot)

    def take(self, publish: Publish) -> list[Arrived]:
        """Process one message and return what the cloud publishes to the chip."""
        topic = parse_device_topic(publish.topic)
        if topic.kind is Kind.STATUS:
            return []
        address = Address(topic.collectivity, topic.device, topic.kind)
        key = self.identity.signing_key.public_key()
        body = open_message(address, publish.payload, key, BODIES[topic.kind])
        if isinstance(body, Seen):
            self.seen.append(body.statement)
            return []
        if isinstance(body, Fetch):
            return self._answer(body)
        reason = self._store(body, publish.payload)
        sequence = body.sequence if isinstance(body, Block) else 0
        refused = () if reason is None else (Refusal(body.incarnation, sequence, reason),)
        self.refused += refused
        return [self._ack({body.incarnation}, refused)]

    def states(self) -> list[IncarnationState]:
        """Return the states of all stored incarnations."""
        names = {incarnation for incarnation, _ in self.epochs}
        return [
            state_of(
                name,
                {n for incarnation, n in self.blocks if incarnation == name},
                {n for incarnation, n in self.epochs if incarnation == name},
            )
            for name in names
        ]

    def payloads(self) -> tuple[list[bytes], list[bytes]]:
        """Return the payloads of headers and blocks."""
        return list(self.epochs.values()), list(self.blocks.values())

    def _store(self, body: Epoch | Block, payload: bytes) -> Reason | None:
        if isinstance(body, Epoch):
            is_same = self.epochs.setdefault((body.incarnation, body.month), payload) == payload
            return None if is_same else Reason.CONFLICT
        key = body.incarnation, body.sequence
        if key in self.blocks:
            return None if self.blocks[key] == payload else Reason.CONFLICT
        if (body.incarnation, day_number(month_of(day_of_number(body.day)))) not in self.epochs:
            return Reason.NO_EPOCH
        for other in map(self._block, self.blocks.values()):
            if other.day == body.day and other.j0 < body.j1 and body.j0 < other.j1:
                return Reason.CONFLICT
        self.blocks[key] = payload
        return None

    def _block(self, payload: bytes) -> Block:
        body = msgspec.msgpack.decode(payload)[1]
        return msgspec.msgpack.decode(body, type=Block)

    def _answer(self, fetch: Fetch) -> list[Arrived]:
        if fetch.incarnation is None:
            return [self._ack(None, ())]
        headers = [p for (name, _), p in self.epochs.items() if name == fetch.incarnation]
        blocks = [
            payload
            for (name, n), payload in sorted(self.blocks.items())
            if name == fetch.incarnation and n >= fetch.sequence
        ][: fetch.count]
        return [
            *(Arrived(self._topic(Kind.STORED_EPOCH), payload) for payload in headers),
            *(Arrived(self._topic(Kind.STORED_BLOCK), payload) for payload in blocks),
            self._ack({fetch.incarnation}, ()),
        ]

    def _ack(self, touched: set[bytes] | None, refused: tuple[Refusal, ...]) -> Arrived:
        states = self.states()
        ack = Ack(
            self.identity.household_key[:4],
            self.generation,
            holdings_digest(states),
            touched is None,
            tuple(state for state in states if touched is None or state.incarnation in touched),
            refused,
        )
        address = Address(self.identity.collectivity, self.identity.device, Kind.ACK)
        return Arrived(self._topic(Kind.ACK), seal_message(address, ack, self.platform_key))

    def _topic(self, kind: Kind) -> str:
        return device_topic(self.identity.collectivity, self.identity.device, kind)


class RealCloud:
    """The cloud's own ingest over its SQLite store."""

    def __init__(self, identity, platform_key: Ed25519PrivateKey, directory, now) -> None:
        self.identity = identity
        self.platform_key = platform_key
        self.directory = directory
        self.now = now
        self.seen: list[bytes] = []
        self._open()
        self.store.enrol(
            Device(
                device=identity.device,
                signing_key=identity.signing_key.public_key().public_bytes_raw(),
                household_key=identity.household_key,
                since=now(),
            )
        )

    def _open(self) -> None:
        self.store = SqliteStore.open(self.directory)
        self.ingest = Ingest(self.store, self.identity.collectivity, self.platform_key, self.now)

    @property
    def refused(self):
        return list(self.store.dead_letters())

    def take(self, publish: Publish) -> list[Arrived]:
        if parse_device_topic(publish.topic).kind is Kind.STATUS:
            return []
        done = self.ingest.process([Incoming(publish.topic, publish.payload)])
        outgoing = list(done.outgoing)
        for request in done.requests:
            outgoing += self.ingest.answer(request)
        return [Arrived(message.topic, message.payload) for message in outgoing]

    def snapshot(self):
        self.store.close()
        files = {path.name: path.read_bytes() for path in self.directory.iterdir()}
        self._open()
        return files

    def put_back(self, snapshot) -> None:
        self.store.close()
        for path in self.directory.iterdir():
            path.unlink()
        for name, data in snapshot.items():
            (self.directory / name).write_bytes(data)
        self._open()

    def payloads(self) -> tuple[list[bytes], list[bytes]]:
        epochs = self.store.epochs(self.identity.household_key)
        blocks = self.store.blocks_of_days(
            self.identity.household_key, date(1970, 1, 1), date(2100, 1, 1)
        )
        return [epoch.payload for epoch in epochs], [block.payload for block in blocks]


def opened(cloud, identity) -> dict[tuple[date, int], int]:
    """Open everything that the cloud stores; returns values by (day, j)."""
    headers, blocks = cloud.payloads()
    epochs = {}
    for payload in headers:
        epoch = msgspec.msgpack.decode(msgspec.msgpack.decode(payload)[1], type=Epoch)
        epochs[epoch.incarnation, epoch.month] = epoch
    months: dict = {}
    for payload in blocks:
        block = msgspec.msgpack.decode(msgspec.msgpack.decode(payload)[1], type=Block)
        day = day_of_number(block.day)
        months.setdefault((block.incarnation, day_number(month_of(day))), []).append((day, block))
    values: dict[tuple[date, int], int] = {}
    for epoch_key, blocks_of_month in months.items():
        month = np.zeros(MONTH_COEFFICIENTS, np.uint64)
        for day, block in blocks_of_month:
            first = coefficient(day, block.j0)
            month[first : first + block.j1 - block.j0] = block.values()
        plain = _keys_of(identity, epochs[epoch_key]).seal.open_own(epochs[epoch_key].seed, month)
        for day, block in blocks_of_month:
            for j in range(block.j0, block.j1):
                assert (day, j) not in values, "two values for one quarter-hour"
                values[day, j] = plain[coefficient(day, j)]
    return values


def _keys_of(identity, epoch):
    keyring = identity.keyring
    if keyring.maker_of(epoch) is None and keyring.folder is not None:
        # The chip has drawn them since the identity was read.
        keyring = Keyring.read(identity.household, keyring.folder)
    keys = keyring.maker_of(epoch)
    assert keys is not None, "the keys of an epoch are gone"
    return keys
