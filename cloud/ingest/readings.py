"""Stores headers and blocks, acknowledges them, and sends stored ones back on request."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.ingest.acks import Acknowledger
from cloud.ingest.handler import HandlerResult, MessageHandler, Request, VerifiedMessage
from cloud.store import BlockItem, Device, EpochItem, IngestBatch, Put, Store
from protocol.calendar import day_of_number
from protocol.errors import MessageRefused, Reason
from protocol.ids import Incarnation
from protocol.messages import Block, Epoch, Fetch, Refusal, check_block
from protocol.topics import Kind, device_topic
from system.mqtt.message import Outgoing

Reading = Epoch | Block | Fetch


@dataclass(slots=True)
class _Sender:
    """The outcome of a batch for one device."""

    device: Device
    touched: set[bytes] = field(default_factory=set)
    refused: list[Refusal] = field(default_factory=list)
    is_whole_asked: bool = False

    def refuse(self, body: Reading, reason: Reason) -> None:
        """Record a refused header or block for the ack."""
        if isinstance(body, Epoch | Block):
            sequence = body.sequence if isinstance(body, Block) else 0
            self.refused.append(Refusal(body.incarnation, sequence, reason))


class ReadingIngest(MessageHandler[Reading]):
    """Takes headers and blocks of encrypted readings, and requests for stored ones."""

    bodies: ClassVar[Mapping[Kind, type[Reading]]] = {
        Kind.EPOCH: Epoch,
        Kind.BLOCK: Block,
        Kind.FETCH: Fetch,
    }

    def __init__(self, store: Store, collectivity: str, key: Ed25519PrivateKey) -> None:
        self._store = store
        self._collectivity = collectivity
        self._acknowledger = Acknowledger(collectivity, store.generation, key)

    def check(self, body: Reading) -> None:
        """See `MessageHandler.check`."""
        if isinstance(body, Block):
            check_block(body)
        if isinstance(body, Epoch) and day_of_number(body.month).day != 1:
            raise MessageRefused(Reason.BOUNDS, "a month begins on its first day")

    def take(self, messages: Sequence[VerifiedMessage[Reading]], at: datetime) -> HandlerResult:
        """Store headers, then blocks. Each device gets one ack of the incarnations it touched."""
        result = HandlerResult()
        senders: dict[str, _Sender] = {}
        epochs: list[EpochItem] = []
        blocks: list[BlockItem] = []
        for verified in messages:
            sender = senders.setdefault(verified.device.device, _Sender(verified.device))
            origin = verified.device.device, verified.message.topic
            if verified.refused:
                result.refused.append((verified.message, verified.refused))
                sender.refuse(verified.body, verified.refused.reason)
                continue
            if isinstance(verified.body, Fetch):
                version = self._store.versions.put_read(sender.device.device, verified.body.reads)
                sender.device = msgspec.structs.replace(sender.device, version=version)
            match verified.body:
                case Epoch() as epoch:
                    epochs.append(EpochItem(*origin, epoch, verified.message.payload))
                case Block() as block:
                    blocks.append(BlockItem(*origin, block, verified.message.payload))
                case Fetch(incarnation=None):
                    sender.is_whole_asked = True
                case Fetch() as fetch:
                    result.requests.append(Request(sender.device, verified.kind, fetch))
        outcome = self._store.put_batch(IngestBatch(at, epochs, blocks))
        results = (*outcome.epochs, *outcome.blocks)
        items: tuple[EpochItem | BlockItem, ...] = (*epochs, *blocks)
        for item, put in zip(items, results, strict=True):
            _note(senders[item.device], item, put)
        result.stored = Counter(
            {
                Kind.EPOCH: outcome.epochs.count(Put.STORED),
                Kind.BLOCK: outcome.blocks.count(Put.STORED),
            }
        )
        result.again = results.count(Put.AGAIN)
        result.dead_lettered = Counter(put for put in results if isinstance(put, Reason))
        result.answers = lambda: self._acks(senders.values())
        return result

    def answer(self, device: Device, wanted: Reading, at: datetime) -> tuple[Outgoing, ...]:
        """Return stored headers and blocks as they came, followed by an ack of the incarnation."""
        del at
        if not isinstance(wanted, Fetch):
            return ()
        incarnation = Incarnation(wanted.incarnation or b"")
        key = device.household_key
        epochs = self._store.epochs(key, incarnation)
        blocks = self._store.blocks(key, incarnation, wanted.sequence, wanted.count)
        (holdings,) = self._store.holdings([key])
        down_epoch = device_topic(self._collectivity, device.device, Kind.STORED_EPOCH)
        down_block = device_topic(self._collectivity, device.device, Kind.STORED_BLOCK)
        return (
            *(Outgoing(down_epoch, epoch.payload) for epoch in epochs),
            *(Outgoing(down_block, block.payload) for block in blocks),
            *self._acknowledger.touched(device, holdings, {incarnation}),
        )

    def _acks(self, senders: Iterable[_Sender]) -> Iterator[Outgoing]:
        answered = [
            sender
            for sender in senders
            if sender.touched or sender.refused or sender.is_whole_asked
        ]
        holdings = self._store.holdings([sender.device.household_key for sender in answered])
        for sender, stored in zip(answered, holdings, strict=True):
            if sender.is_whole_asked:
                yield from self._acknowledger.whole(sender.device, stored, sender.refused)
            else:
                yield from self._acknowledger.touched(
                    sender.device, stored, sender.touched, sender.refused
                )


def _note(sender: _Sender, item: EpochItem | BlockItem, put: Put | Reason) -> None:
    """Record an item's outcome for the ack."""
    body: Epoch | Block = item.epoch if isinstance(item, EpochItem) else item.block
    sender.touched.add(body.incarnation)
    if isinstance(put, Reason):
        sender.refuse(body, put)
