"""What becomes of messages from chips: verified, stored in one transaction, then acknowledged.

No broker and no event loop: `process` takes messages and returns what to publish. Whoever calls it
acknowledges the messages to the broker after it has returned, so that a kill at any moment costs a
resend and nothing else. A method that raises `StoreBusy` has done nothing and is called again.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.ingest.handler import HandlerResult, MessageHandler, Request, VerifiedMessage
from cloud.ingest.handlers import make_handlers
from cloud.ingest.status import FleetIngest, StatusMessage
from cloud.ingest.verify import address_of, open_up
from cloud.store import Count, DeadLetter, Device, IngestBatch, Store, dead_letter
from protocol.errors import MessageRefused, Reason, VoletError
from protocol.ids import DeviceId
from protocol.topics import Kind, parse_device_topic
from system.conditions import Repeated
from system.logs import raised_at
from system.mqtt.message import Incoming, Outgoing

log = structlog.get_logger()


# Of what is retained, an empty message takes it off the broker and says nothing.
_CLEARED_KINDS = (Kind.KEY, Kind.STATUS)


@dataclass(frozen=True, slots=True)
class Processed:
    """What a batch came to.

    Attributes:
        outgoing: to be published in this order, after which the batch may be acknowledged to the
            broker.
        requests: may be answered later, or never: the chip asks again.
        stored: how many messages were stored, by kind.
        again: how many were stored before.
        refused: all that was refused, by reason.
        refused_by_kind: what handlers have refused, by kind of topic and reason.
    """

    outgoing: tuple[Outgoing, ...] = ()
    requests: tuple[Request, ...] = ()
    stored: Counter[Kind] = field(default_factory=Counter)
    again: int = 0
    refused: tuple[Count, ...] = ()
    refused_by_kind: Counter[tuple[Kind, Reason]] = field(default_factory=Counter)


@dataclass(slots=True)
class _Sorted:
    """A batch taken apart; nothing of it has been stored."""

    messages: dict[Kind, list[VerifiedMessage[Any]]] = field(default_factory=dict)
    senders: dict[DeviceId, Device] = field(default_factory=dict)
    statuses: list[StatusMessage] = field(default_factory=list)
    refused: list[tuple[Incoming, MessageRefused]] = field(default_factory=list)


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
        self._handlers = make_handlers(store, collectivity, platform_key)
        self._by_kind = {kind: each for each in self._handlers for kind in each.bodies}
        self._kinds = {*self._by_kind, Kind.STATUS}
        self._fleet = FleetIngest(store.fleet)
        self._said = Repeated()

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
            refused = MessageRefused(Reason.MALFORMED, f"defect {defect}")
            self._bury([(message, refused) for message in messages], self._clock())
            return Processed(refused=(Count(Reason.MALFORMED, len(messages)),))

    def answer(self, request: Request) -> tuple[Outgoing, ...]:
        """Answer a request; nothing where it brings a defect of ours to light.

        Raises:
            StoreError: the store is busy or damaged.
        """
        try:
            return self._by_kind[request.kind].answer(request.device, request.wanted, self._clock())
        except VoletError:
            raise
        except Exception as exc:  # noqa: BLE001 - the chip asks again; others must be answered
            defect, where = type(exc).__name__, raised_at(exc)
            if times := self._said.found(request.kind, defect, where):
                log.error(  # noqa: TRY400 - a trace could show values
                    "answer_failed", kind=request.kind, defect=defect, where=where, times=times
                )
            return ()

    def _process(self, messages: Sequence[Incoming]) -> Processed:
        if not messages:
            return Processed()
        at = self._clock()
        batch = self._sort(messages)
        with self._store.transaction():
            results = [
                each.take(own, at) for each in self._handlers if (own := _taken_by(each, batch))
            ]
            results.append(self._fleet.take(batch.statuses, batch.senders, at))
            refused = [*batch.refused, *(each for result in results for each in result.refused)]
            self._bury(refused, at)
        return _processed(results, refused)

    def _bury(self, refused: Iterable[tuple[Incoming, MessageRefused]], at: datetime) -> None:
        letters = [_letter(message, why, at) for message, why in refused]
        if letters:
            self._store.put_batch(IngestBatch(at, refused=letters))

    def _sort(self, messages: Sequence[Incoming]) -> _Sorted:
        """Verify messages, and sort them by kind."""
        batch = _Sorted()
        addressed = []
        for message in messages:
            try:
                address, kind = address_of(self._collectivity, message.topic, self._kinds)
                if message.payload or kind not in _CLEARED_KINDS:
                    addressed.append((message, address, kind))
            except MessageRefused as exc:
                batch.refused.append((message, exc))
        known = {
            device.device: device
            for device in self._store.devices({address.device for _, address, _ in addressed})
        }
        for message, address, kind in addressed:
            enrolled = known.get(address.device)
            if kind is Kind.STATUS:  # the only kind that is not signed
                batch.statuses.append(StatusMessage(message, enrolled))
                continue
            handler = self._by_kind[kind]
            try:
                device, body = open_up(address, message.payload, enrolled, handler.bodies[kind])
            except MessageRefused as exc:
                batch.refused.append((message, exc))
                continue
            batch.senders.setdefault(device.device, device)
            why = _why_refused(handler, body, device)
            batch.messages.setdefault(kind, []).append(
                VerifiedMessage(message, device, kind, body, why)
            )
        return batch


def _why_refused(handler: MessageHandler[Any], body: Any, device: Device) -> MessageRefused | None:
    """Check what a verified body says against its enrolment and bounds."""
    if body.household_key != device.household_key:
        return MessageRefused(Reason.UNKNOWN_DEVICE, "enrolled under another household key")
    try:
        handler.check(body)
    except MessageRefused as exc:
        return exc
    return None


def _processed(
    results: Sequence[HandlerResult], refused: Sequence[tuple[Incoming, MessageRefused]]
) -> Processed:
    """Put together what a stored batch came to."""
    reasons = Counter(why.reason for _, why in refused)
    by_kind = Counter(
        (parse_device_topic(message.topic).kind, why.reason)
        for result in results
        for message, why in result.refused
    )
    requests = {
        (each.device.device, each.wanted): each for result in results for each in result.requests
    }
    return Processed(
        tuple(message for result in results for message in result.answers()),
        tuple(requests.values()),
        sum((result.stored for result in results), Counter()),
        sum(result.again for result in results),
        _counted(sum((result.dead_lettered for result in results), reasons)),
        by_kind,
    )


def _taken_by(handler: MessageHandler[Any], batch: _Sorted) -> list[VerifiedMessage[Any]]:
    """Return a handler's messages of a batch, in the order of their kinds, then as they came."""
    return [each for kind in handler.bodies for each in batch.messages.get(kind, ())]


def _counted(reasons: Counter[Reason]) -> tuple[Count, ...]:
    return tuple(Count(reason, count) for reason, count in sorted(reasons.items()))


def _joined(parts: Sequence[Processed]) -> Processed:
    reasons = Counter[Reason]()
    for part in parts:
        reasons.update({Reason(one.label): one.count for one in part.refused})
    return Processed(
        tuple(message for part in parts for message in part.outgoing),
        tuple(request for part in parts for request in part.requests),
        sum((part.stored for part in parts), Counter()),
        sum(part.again for part in parts),
        _counted(reasons),
        sum((part.refused_by_kind for part in parts), Counter()),
    )


def _letter(message: Incoming, refused: MessageRefused, at: datetime) -> DeadLetter:
    return dead_letter(message.topic, message.payload, refused.reason, at, refused.detail)
