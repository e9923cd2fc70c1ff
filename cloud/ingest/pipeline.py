"""What becomes of messages from chips: verified, stored in one transaction, acknowledged.

No broker and no event loop: `process` takes messages and returns what to publish. Whoever calls it
acknowledges the messages to the broker after it has returned, so that a kill at any moment costs a
resend and nothing else. A method that raises `StoreBusy` has done nothing and is called again.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.billing.quotes import QuoteService
from cloud.catalogue.log import listed_in
from cloud.governance.current import AreaDocuments
from cloud.ingest.acks import Acknowledger
from cloud.ingest.answers import AreaAnswers
from cloud.ingest.contributions import AreaIngest, AreaMessage
from cloud.ingest.departures import Departures, LeaveMessage
from cloud.ingest.receipts import ReceiptIngest, ReceiptMessage
from cloud.ingest.status import FleetIngest, StatusMessage
from cloud.ingest.verify import Up, address_of, check_up, open_up
from cloud.store import (
    BlockItem,
    Count,
    DeadLetter,
    Device,
    EpochItem,
    IngestBatch,
    Put,
    SeenStatement,
    Store,
    dead_letter,
)
from protocol.area_messages import Ask, Contribution, SeedLetters
from protocol.envelope import Address
from protocol.errors import MessageRefused, Reason, VoletError
from protocol.ids import DeviceId, Incarnation
from protocol.messages import Block, Epoch, Fetch, Refusal, Seen
from protocol.moving import Leave
from protocol.quotes import QuoteRequest
from protocol.receipt import Receipt
from protocol.topics import Kind, device_topic
from system.conditions import Repeated
from system.mqtt.message import Incoming, Outgoing

log = structlog.get_logger()


# Of what is retained, an empty message takes it off the broker and says nothing.
_CLEARED_KINDS = (Kind.KEY, Kind.STATUS)
Wanted = Fetch | Ask | QuoteRequest


class Request(msgspec.Struct, frozen=True):
    """What a chip verifiably wants, to be answered by `Ingest.answer`."""

    device: Device
    wanted: Wanted


class Processed(msgspec.Struct, frozen=True):
    """What a batch came to.

    `outgoing` is to be published in this order, after which the batch may be acknowledged to the
    broker; `requests` may be answered later, or never: the chip asks again. `refused` counts all that
    was refused, of which `refused_contributions` were to areas.
    """

    outgoing: tuple[Outgoing, ...] = ()
    requests: tuple[Request, ...] = ()
    blocks: int = 0
    headers: int = 0
    contributions: int = 0
    again: int = 0
    refused: tuple[Count, ...] = ()
    refused_contributions: tuple[Count, ...] = ()


@dataclass(slots=True)
class _Sender:
    """What one device's part of a batch came to."""

    device: Device
    touched: set[bytes] = field(default_factory=set)
    refused: list[Refusal] = field(default_factory=list)
    is_whole_asked: bool = False


@dataclass(slots=True)
class _Sorted:
    """A batch taken apart; nothing of it has been stored."""

    senders: dict[str, _Sender] = field(default_factory=dict)
    epochs: list[EpochItem] = field(default_factory=list)
    blocks: list[BlockItem] = field(default_factory=list)
    seen: list[tuple[Incoming, _Sender, Seen]] = field(default_factory=list)
    area: list[AreaMessage] = field(default_factory=list)
    leaves: list[LeaveMessage] = field(default_factory=list)
    receipts: list[ReceiptMessage] = field(default_factory=list)
    statuses: list[StatusMessage] = field(default_factory=list)
    requests: dict[tuple[str, Wanted], Request] = field(default_factory=dict)
    refused: list[DeadLetter] = field(default_factory=list)


class Ingest:
    """The way of a batch through the cloud."""

    def __init__(
        self,
        store: Store,
        collectivity: str,
        platform_key: Ed25519PrivateKey,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._collectivity = collectivity
        self._clock = clock
        self._acknowledger = Acknowledger(collectivity, store.generation, platform_key)
        self._departures = Departures(store, collectivity, platform_key)
        self._receipts = ReceiptIngest(store, collectivity, platform_key)
        self._fleet = FleetIngest(store.fleet)
        self._said = Repeated()
        self._quotes = QuoteService(store, listed_in(store), collectivity, platform_key)
        documents = AreaDocuments(store.area)
        self._area = AreaIngest(store.area, documents, collectivity, platform_key)
        self._area_answers = AreaAnswers(store.area, documents, collectivity, platform_key)

    def process(self, messages: Sequence[Incoming]) -> Processed:
        """Verify, store and answer a batch; refused messages are dead-lettered and counted.

        A defect of ours that one message brings to light must not stop the others for ever: the
        batch is then taken one by one, and the message is dead-lettered.

        Raises:
            StoreBusy: nothing was stored; call again with the same messages.
            StoreError: the store is damaged.
        """
        try:
            return self._process(messages)
        except VoletError:
            raise
        except Exception as exc:  # noqa: BLE001 - see above
            defect = type(exc).__name__
            if times := self._said.found(defect):
                log.error(  # noqa: TRY400 - a trace could show values
                    "batch_failed", messages=len(messages), defect=defect, times=times
                )
            if len(messages) > 1:
                return _joined([self.process([message]) for message in messages])
            at = self._clock()
            refused = MessageRefused(Reason.MALFORMED, f"defect {defect}")
            letters = [_letter(message, refused, at) for message in messages]
            self._store.put_batch(IngestBatch(at, refused=letters))
            return Processed(refused=(Count(Reason.MALFORMED, len(letters)),))

    def answer(self, request: Request) -> tuple[Outgoing, ...]:
        """Give back headers and blocks as they came; an ack of the incarnation ends the answer.

        An ask is answered with terms or a document, a request for quotes with their parts.
        """
        device, fetch = request.device, request.wanted
        if isinstance(fetch, Ask):
            return self._area_answers.answer(device, fetch, self._clock())
        if isinstance(fetch, QuoteRequest):
            return self._quotes.answer(device, fetch, self._clock())
        incarnation = Incarnation(fetch.incarnation or b"")
        key = device.household_key
        epochs = self._store.epochs(key, incarnation)
        blocks = self._store.blocks(key, incarnation, fetch.sequence, fetch.count)
        (holdings,) = self._store.holdings([key])
        down_epoch = device_topic(self._collectivity, device.device, Kind.STORED_EPOCH)
        down_block = device_topic(self._collectivity, device.device, Kind.STORED_BLOCK)
        return (
            *(Outgoing(down_epoch, epoch.payload) for epoch in epochs),
            *(Outgoing(down_block, block.payload) for block in blocks),
            *self._acknowledger.touched(device, holdings, {incarnation}),
        )

    def _process(self, messages: Sequence[Incoming]) -> Processed:
        at = self._clock()
        batch = self._sort(messages, at)
        cleared = self._mark_seen(batch, at)
        taken = self._area.take(batch.area, at)
        receipted, unfit = self._receipts.take(batch.receipts, at)
        strange = self._fleet.take(batch.statuses, map(DeviceId, batch.senders), at)
        refused = (*taken.refused, *unfit, *strange)
        batch.refused += [_letter(message, why, at) for message, why in refused]
        outcome = self._store.put_batch(IngestBatch(at, batch.epochs, batch.blocks, batch.refused))
        items: list[EpochItem | BlockItem] = [*batch.epochs, *batch.blocks]
        results = (*outcome.epochs, *outcome.blocks)
        for item, result in zip(items, results, strict=True):
            _note(batch.senders[item.device], item, result)
        left = self._take_leaves(batch, at)
        reasons = Counter(letter.reason for letter in batch.refused) + Counter(
            result for result in results if isinstance(result, Reason)
        )
        return Processed(
            (*self._acks(batch.senders), *cleared, *receipted, *taken.outgoing, *left),
            tuple(batch.requests.values()),
            blocks=outcome.blocks.count(Put.STORED),
            headers=outcome.epochs.count(Put.STORED),
            contributions=taken.stored,
            again=results.count(Put.AGAIN) + taken.again,
            refused=_counted(reasons),
            refused_contributions=_counted(taken.refused_contributions),
        )

    def _sort(self, messages: Sequence[Incoming], at: datetime) -> _Sorted:
        batch = _Sorted()
        addressed: list[tuple[Incoming, Address]] = []
        for message in messages:
            try:
                address = address_of(self._collectivity, message.topic)
                if message.payload or address.kind not in _CLEARED_KINDS:
                    addressed.append((message, address))
            except MessageRefused as exc:
                batch.refused.append(_letter(message, exc, at))
        known = {
            device.device: device
            for device in self._store.devices({address.device for _, address in addressed})
        }
        for message, address in addressed:
            if address.kind is Kind.STATUS:
                batch.statuses.append(StatusMessage(message, known.get(address.device)))
                continue
            try:
                device, body = open_up(address, message.payload, known.get(address.device))
            except MessageRefused as exc:
                batch.refused.append(_letter(message, exc, at))
                continue
            sender = batch.senders.setdefault(device.device, _Sender(device))
            try:
                check_up(body, device)
            except MessageRefused as exc:
                if isinstance(body, Contribution) and exc.reason is Reason.BOUNDS:
                    batch.area.append(AreaMessage(message, device, body, exc))
                    continue
                batch.refused.append(_letter(message, exc, at))
                _tell(sender, body, exc.reason)
            else:
                _place(batch, message, sender, body)
        return batch

    def _mark_seen(self, batch: _Sorted, at: datetime) -> list[Outgoing]:
        """Mark statements and letters as arrived; returns what clears the retained messages."""
        if not batch.seen:
            return []
        named = [(s.device.household_key, seen.statement) for _, s, seen in batch.seen]
        statements = self._store.mark_seen([SeenStatement(*each) for each in named], at)
        letters = self._store.providers.mark_letters_seen(
            [each for each, is_known in zip(named, statements, strict=True) if not is_known]
        )
        are_letters = iter(letters)
        cleared = []
        for (message, sender, seen), is_known in zip(batch.seen, statements, strict=True):
            is_letter = not is_known and next(are_letters)
            if not (is_known or is_letter):
                unknown = MessageRefused(Reason.BOUNDS, "no such statement or letter")
                batch.refused.append(_letter(message, unknown, at))
            kind = Kind.LETTER if is_letter else Kind.STATEMENT
            topic = device_topic(
                self._collectivity, sender.device.device, kind, seen.statement.hex()
            )
            cleared.append(Outgoing(topic, b"", retain=True))
        return cleared

    def _take_leaves(self, batch: _Sorted, at: datetime) -> list[Outgoing]:
        """Take leaves, now that the blocks that came with them are stored."""
        answers, refused = self._departures.take(batch.leaves, at)
        if refused:
            letters = [_letter(message, exc, at) for message, exc in refused]
            self._store.put_batch(IngestBatch(at, refused=letters))
            batch.refused += letters
        return answers

    def _acks(self, senders: dict[str, _Sender]) -> Iterator[Outgoing]:
        told = [s for s in senders.values() if s.touched or s.refused or s.is_whole_asked]
        holdings = self._store.holdings([sender.device.household_key for sender in told])
        for sender, held in zip(told, holdings, strict=True):
            if sender.is_whole_asked:
                yield from self._acknowledger.whole(sender.device, held, sender.refused)
            else:
                yield from self._acknowledger.touched(
                    sender.device, held, sender.touched, sender.refused
                )


def _place(batch: _Sorted, message: Incoming, sender: _Sender, body: Up) -> None:
    device = sender.device.device
    match body:
        case Epoch():
            batch.epochs.append(EpochItem(device, message.topic, body, message.payload))
        case Block():
            batch.blocks.append(BlockItem(device, message.topic, body, message.payload))
        case Seen():
            batch.seen.append((message, sender, body))
        case Receipt():
            batch.receipts.append(ReceiptMessage(message, sender.device, body))
        case Contribution() | SeedLetters():
            batch.area.append(AreaMessage(message, sender.device, body))
        case Leave():
            batch.leaves.append(LeaveMessage(message, sender.device, body))
        case Fetch(incarnation=None):
            sender.is_whole_asked = True
        case Fetch() | Ask() | QuoteRequest():
            batch.requests[device, body] = Request(sender.device, body)


def _note(sender: _Sender, item: EpochItem | BlockItem, result: Put | Reason) -> None:
    """Note for the ack what became of an item."""
    body: Epoch | Block = item.epoch if isinstance(item, EpochItem) else item.block
    sender.touched.add(body.incarnation)
    if isinstance(result, Reason):
        _tell(sender, body, result)


def _tell(sender: _Sender, body: Up, reason: Reason) -> None:
    if isinstance(body, Epoch | Block):
        sequence = body.sequence if isinstance(body, Block) else 0
        sender.refused.append(Refusal(body.incarnation, sequence, reason))


def _counted(reasons: Counter[Reason]) -> tuple[Count, ...]:
    return tuple(Count(reason, count) for reason, count in sorted(reasons.items()))


def _joined(parts: Sequence[Processed]) -> Processed:
    return Processed(
        tuple(message for part in parts for message in part.outgoing),
        tuple(request for part in parts for request in part.requests),
        blocks=sum(part.blocks for part in parts),
        headers=sum(part.headers for part in parts),
        contributions=sum(part.contributions for part in parts),
        again=sum(part.again for part in parts),
        refused=_counted(_sum(part.refused for part in parts)),
        refused_contributions=_counted(_sum(part.refused_contributions for part in parts)),
    )


def _sum(counts: Iterable[Sequence[Count]]) -> Counter[Reason]:
    reasons = Counter[Reason]()
    for part in counts:
        reasons.update({Reason(one.word): one.count for one in part})
    return reasons


def _letter(message: Incoming, refused: MessageRefused, at: datetime) -> DeadLetter:
    return dead_letter(message.topic, message.payload, refused.reason, at, refused.detail)
