"""The base classes of message handlers, and the values they take and return.

A handler takes the messages of its kinds within the transaction of their batch. Its answers are
made at the end of it and sent after the commit, so it promises only what is stored.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from cloud.store import Device
from protocol.errors import MessageRefused, Reason
from protocol.ids import DeviceId
from protocol.topics import Kind
from system.mqtt.message import Incoming, Outgoing


class SignedBody(Protocol):
    """The body of a message that a chip signs."""

    @property
    def household_key(self) -> bytes:
        """The key under which the chip is enrolled."""


B = TypeVar("B", bound=SignedBody)


@dataclass(frozen=True, slots=True)
class VerifiedMessage(Generic[B]):
    """A message with a valid signature, and its sender's enrolment.

    `refused` is set if the body breaks a bound or contradicts the enrolment. The message is then
    not stored, and its sender may be notified.
    """

    message: Incoming
    device: Device
    kind: Kind
    body: B
    refused: MessageRefused | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """A verified request of a chip, answered by `Ingest.answer` now or later."""

    device: Device
    kind: Kind
    wanted: Any

    @property
    def asker(self) -> tuple[DeviceId, Kind]:
        """The chip and the kind; only a chip's last request of each kind counts."""
        return self.device.device, self.kind


@dataclass(slots=True)
class HandlerResult:
    """The outcome of a batch for one handler.

    Attributes:
        stored: how many messages were stored, by kind.
        again: how many had been stored before.
        refused: messages to dead-letter.
        dead_lettered: how many the store has already dead-lettered, by reason.
        requests: requests for the handler's `answer`.
        answers: makes the messages to publish; called once, at the end of the transaction.
    """

    stored: Counter[Kind] = field(default_factory=Counter)
    again: int = 0
    refused: list[tuple[Incoming, MessageRefused]] = field(default_factory=list)
    dead_lettered: Counter[Reason] = field(default_factory=Counter)
    requests: list[Request] = field(default_factory=list)
    answers: Callable[[], Iterable[Outgoing]] = tuple


class MessageHandler(ABC, Generic[B]):
    """Handles messages of some kinds; `bodies` maps each kind to the type of its signed body."""

    bodies: ClassVar[Mapping[Kind, type[Any]]]

    def check(self, body: B) -> None:
        """Check what the types of a body cannot express.

        Raises:
            MessageRefused: with the reason.
        """

    @abstractmethod
    def take(self, messages: Sequence[VerifiedMessage[B]], at: datetime) -> HandlerResult:
        """Store messages within the transaction of their batch.

        Raises:
                StoreBusy: give up the batch and process it again.
        """

    def answer(self, device: Device, wanted: B, at: datetime) -> tuple[Outgoing, ...]:
        """Answer a request that this handler returned."""
        del device, wanted, at
        return ()


class RequestHandler(MessageHandler[B]):
    """Takes requests, which are stored nowhere and answered outside of the batches."""

    def take(self, messages: Sequence[VerifiedMessage[B]], at: datetime) -> HandlerResult:
        """See `MessageHandler.take`."""
        del at
        return HandlerResult(
            refused=[
                (verified.message, verified.refused) for verified in messages if verified.refused
            ],
            requests=[
                Request(verified.device, verified.kind, verified.body)
                for verified in messages
                if not verified.refused
            ],
        )
