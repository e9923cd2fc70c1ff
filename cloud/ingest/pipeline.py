"""Verifies messages from chips, stores them in one transaction, then acknowledges them.

No broker and no event loop: `process` takes messages and returns what to publish. The caller
acknowledges the messages to the broker after it has returned, so a kill at any moment costs only a
resend. A method that raises `StoreBusy` has changed nothing and can be called again.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.ingest.certificates import Reissue, no_authority
from cloud.ingest.handler import HandlerResult, MessageHandler, Request, VerifiedMessage
from cloud.ingest.handlers import make_handlers
from cloud.ingest.quotas import Beyond
from cloud.ingest.status import FleetIngest, StatusMessage
from cloud.ingest.verify import address_of, check_household, open_up
from cloud.store import Count, DeadLetter, Device, IngestBatch, Store, dead_letter
from protocol.errors import MessageRefused, Reason
from protocol.ids import DeviceId
from protocol.topics import RETAINED, Kind, kind_of, parse_device_topic
from system.conditions import Repeated
from system.logs import raised_at
from system.mqtt.message import Incoming, Outgoing
from system.set_aside import SetAside, is_passing

_NOTHING = Beyond()

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Processed:
    """The outcome of a batch.

    Attributes:
        outgoing: messages to publish in this order. The batch may be acknowledged to the broker
            afterwards.
        requests: may be answered later or never, because the chip asks again.
        stored: how many messages were stored, by kind.
        again: how many had been stored before.
        refused: all refused messages, by reason.
        refused_by_kind: messages that handlers refused, by kind of topic and reason.
    """

    outgoing: tuple[Outgoing, ...] = ()
    requests: tuple[Request, ...] = ()
    stored: Counter[Kind] = field(default_factory=Counter)
    again: int = 0
    refused: tuple[Count, ...] = ()
    refused_by_kind: Counter[tuple[Kind, Reason]] = field(default_factory=Counter)


@dataclass(slots=True)
class _Sorted:
    """A verified batch, sorted by kind and not yet stored."""

    messages: dict[Kind, list[VerifiedMessage[Any]]] = field(default_factory=dict)
    senders: dict[DeviceId, Device] = field(default_factory=dict)
    statuses: list[StatusMessage] = field(default_factory=list)
    refused: list[tuple[Incoming, MessageRefused]] = field(default_factory=list)
    wrongly_retained: set[str] = field(default_factory=set)


class Ingest:
    """Processes batches of messages from chips."""

    def __init__(
        self,
        store: Store,
        collectivity: str,
        platform_key: Ed25519PrivateKey,
        clock: Callable[[], datetime],
        set_aside: SetAside | None = None,
        reissue: Reissue = no_authority,
    ) -> None:
        self._store = store
        self._set_aside = set_aside or SetAside()
        self._collectivity = collectivity
        self._clock = clock
        self._handlers = make_handlers(store, collectivity, platform_key, reissue)
        self._by_kind = {kind: handler for handler in self._handlers for kind in handler.bodies}
        self._kinds = {*self._by_kind, Kind.STATUS}
        self._fleet = FleetIngest(store.fleet)
        self._repeated = Repeated()

    def process(self, messages: Sequence[Incoming], beyond: Beyond = _NOTHING) -> Processed:
        """Verify, store and answer a batch. Refused messages are dead-lettered and counted.

        `beyond` was dropped before: those that it names are dead-lettered too, the others counted.

        If a message triggers a defect in our code, it must not block the others for ever. The batch
        is then processed message by message, and that message is dead-lettered and set aside: for a
        day, it is not looked at again.

        Raises:
            StoreBusy: nothing was stored; call again with the same messages.
            StoreError: the store is damaged.
        """
        messages = [each for each in messages if not self._set_aside.holds(each.payload)]
        try:
            return self._process(messages, beyond)
        except Exception as exc:
            if is_passing(exc):
                raise
            if len(messages) > 1 or beyond != _NOTHING:
                alone = [self.process([message]) for message in messages]
                return _joined([self._process((), beyond), *alone])
            (message,) = messages
            self._set_aside.add(kind_of(message.topic), message.payload, exc)
            refused = MessageRefused(Reason.MALFORMED, f"defect {type(exc).__name__}")
            self._bury([(message, refused)], self._clock())
            return Processed(refused=(Count(Reason.MALFORMED, len(messages)),))

    def answer(self, request: Request) -> tuple[Outgoing, ...]:
        """Answer a request, or return nothing if it triggers a defect in our code.

        Raises:
            StoreError: the store is busy or damaged.
        """
        try:
            return self._by_kind[request.kind].answer(request.device, request.wanted, self._clock())
        except Exception as exc:  # the chip asks again; others must be answered
            if is_passing(exc):
                raise
            defect, where = type(exc).__name__, raised_at(exc)
            if times := self._repeated.found(request.kind, defect, where):
                log.error(  # noqa: TRY400 - a trace could show values
                    "answer_failed", kind=request.kind, defect=defect, where=where, times=times
                )
            return ()

    def _process(self, messages: Sequence[Incoming], beyond: Beyond) -> Processed:
        if not messages and beyond == _NOTHING:
            return Processed()
        at = self._clock()
        batch = self._sort(messages)
        batch.refused += [
            (message, MessageRefused(Reason.QUOTA, "more than a chip may send"))
            for message in beyond.named
        ]
        with self._store.transaction():
            results = [
                handler.take(messages_taken, at)
                for handler in self._handlers
                if (messages_taken := _taken_by(handler, batch))
            ]
            results.append(self._fleet.take(batch.statuses, batch.senders, at))
            refused = [
                *batch.refused,
                *(refusal for result in results for refusal in result.refused),
            ]
            self._bury(refused, at)
            # Answers read what was just stored; if they cannot be read, nothing is.
            outgoing = (
                *(message for result in results for message in result.answers()),
                *(Outgoing(topic, b"", retain=True) for topic in sorted(batch.wrongly_retained)),
            )
        return _processed(results, refused, beyond.others, outgoing)

    def _bury(self, refused: Iterable[tuple[Incoming, MessageRefused]], at: datetime) -> None:
        letters = [_letter(message, why, at) for message, why in refused]
        if letters:
            self._store.put_batch(IngestBatch(at, refused=letters))

    def _sort(self, messages: Sequence[Incoming]) -> _Sorted:
        """Verify messages and sort them by kind."""
        batch = _Sorted()
        addressed = []
        for message in messages:
            try:
                address, kind = address_of(self._collectivity, message.topic, self._kinds)
                is_due = kind in RETAINED
                if not message.payload and (message.is_retained or is_due):
                    continue  # it only clears what the broker retained
                if message.is_retained and not is_due:
                    batch.wrongly_retained.add(message.topic)
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
    """Check a verified body against its enrolment and bounds."""
    try:
        check_household(body, device)
        handler.check(body)
    except MessageRefused as exc:
        return exc
    return None


def _processed(
    results: Sequence[HandlerResult],
    refused: Sequence[tuple[Incoming, MessageRefused]],
    dropped: int,
    outgoing: tuple[Outgoing, ...],
) -> Processed:
    """Combine the handlers' results of a stored batch."""
    reasons = Counter(why.reason for _, why in refused) + Counter({Reason.QUOTA: dropped})
    by_kind = Counter(
        (parse_device_topic(message.topic).kind, why.reason)
        for result in results
        for message, why in result.refused
    )
    requests = {
        (request.device.device, request.wanted): request
        for result in results
        for request in result.requests
    }
    return Processed(
        outgoing,
        tuple(requests.values()),
        sum((result.stored for result in results), Counter()),
        sum(result.again for result in results),
        _counted(sum((result.dead_lettered for result in results), reasons)),
        by_kind,
    )


def _taken_by(handler: MessageHandler[Any], batch: _Sorted) -> list[VerifiedMessage[Any]]:
    """Return a handler's messages of a batch, ordered by kind, then by arrival."""
    return [message for kind in handler.bodies for message in batch.messages.get(kind, ())]


def _counted(reasons: Counter[Reason]) -> tuple[Count, ...]:
    return tuple(Count(reason, count) for reason, count in sorted(reasons.items()))


def _joined(parts: Sequence[Processed]) -> Processed:
    reasons = Counter[Reason]()
    for part in parts:
        reasons.update({Reason(count.label): count.count for count in part.refused})
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
