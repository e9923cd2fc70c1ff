"""What handlers of messages from chips share: what they are given, and what they give back.

A handler takes the messages of its kinds within the transaction of their batch. What it answers is
made after the commit, so that nothing is promised which is not stored.
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
    """A message whose signature holds, and the enrolment of who sent it.

    `refused`: the body breaks a bound or its enrolment. It is not stored; its sender may be told.
    """

    message: Incoming
    device: Device
    kind: Kind
    body: B
    refused: MessageRefused | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What a chip verifiably wants, to be answered by `Ingest.answer`, now or later."""

    device: Device
    kind: Kind
    wanted: Any

    @property
    def asker(self) -> tuple[DeviceId, Kind]:
        """Of a chip's requests of one kind only the last one counts."""
        return self.device.device, self.kind


@dataclass(slots=True)
class HandlerResult:
    """What a batch came to for one handler.

    Attributes:
        stored: how many messages were stored, by kind.
        again: how many were stored before.
        refused: what is to be dead-lettered.
        dead_lettered: what the store has dead-lettered itself, by reason.
        requests: what is to be answered by the handler's `answer`.
        answers: makes what is to be published; called once, after the commit.
    """

    stored: Counter[Kind] = field(default_factory=Counter)
    again: int = 0
    refused: list[tuple[Incoming, MessageRefused]] = field(default_factory=list)
    dead_lettered: Counter[Reason] = field(default_factory=Counter)
    requests: list[Request] = field(default_factory=list)
    answers: Callable[[], Iterable[Outgoing]] = tuple


class MessageHandler(ABC, Generic[B]):
    """Takes what chips send on the topics of some kinds; `bodies` are the types of what is signed."""

    bodies: ClassVar[Mapping[Kind, type[Any]]]

    def check(self, body: B) -> None:
        """Check what types cannot say of a body.

        Raises:
            MessageRefused: with the reason.
        """

    @abstractmethod
    def take(self, messages: Sequence[VerifiedMessage[B]], at: datetime) -> HandlerResult:
        """Store messages within the transaction of their batch.

        Raises:
            StoreBusy: the batch is to be given up and processed again.
        """

    def answer(self, device: Device, wanted: B, at: datetime) -> tuple[Outgoing, ...]:
        """Answer a request of this handler's."""
        del device, wanted, at
        return ()


class RequestHandler(MessageHandler[B]):
    """Takes requests, which are answered beside the batches and stored nowhere."""

    def take(self, messages: Sequence[VerifiedMessage[B]], at: datetime) -> HandlerResult:
        """See `MessageHandler.take`."""
        del at
        return HandlerResult(
            refused=[(each.message, each.refused) for each in messages if each.refused],
            requests=[
                Request(each.device, each.kind, each.body) for each in messages if not each.refused
            ],
        )
