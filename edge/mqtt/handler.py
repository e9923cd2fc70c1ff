"""What chip and cloud write to each other, one subject at a time.

The chip's core hands each message to the correspondent of its kind and gathers what they have to
say; a new subject is a new correspondent and nothing else.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from traceback import extract_tb
from typing import TypeVar

import msgspec
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge.mqtt.message import Publish, Published
from edge.vault.signer import Signer
from edge.vault.vault import UNUSABLE, Vault
from protocol.envelope import Address
from protocol.errors import MessageRefused, StoreError
from protocol.messages import Seen
from protocol.topics import Kind, device_topic
from system.clock import Clock

T = TypeVar("T")

log = structlog.get_logger()


class InboundMessage(msgspec.Struct, frozen=True):
    """A message from the cloud; `rest` is what follows the kind in its topic."""

    address: Address
    payload: bytes
    rest: str = ""


@dataclass(frozen=True, slots=True)
class HandlerContext:
    """What each subject works with: in whose name, whom it believes, where it keeps, whose time."""

    signer: Signer
    platform_key: Ed25519PublicKey
    vault: Vault
    clock: Clock


class MessageHandler:
    """One subject; by itself it takes nothing and says nothing."""

    kinds: frozenset[Kind] = frozenset()

    @property
    def is_drained(self) -> bool:
        """Whether nothing waits to be sent or answered."""
        return True

    def open(self) -> None:
        """Take up what an earlier process has left; everything that is looked up is there."""

    def connect(self) -> None:
        """Begin a session: what was sent and not answered is sent again."""

    def disconnect(self) -> None:
        """End the session."""

    def outgoing(self, now_s: float) -> list[Publish]:
        """Return what is to be published now."""
        del now_s
        return []

    def take(self, message: InboundMessage) -> None:
        """Take a message of one of `kinds`.

        Raises:
            MessageRefused: with the reason; nothing was kept.
        """

    def published(self, event: Published) -> None:
        """Learn that the broker has something this chip published."""


class MessageHandlers:
    """All subjects; one that fails is set aside until the next start, and the others go on.

    A fault in one of them must not cost the household its metering. A vault that cannot go on ends
    the process all the same: nothing would be kept.

    Attributes:
        set_aside: the subjects that have failed since the start.
    """

    def __init__(self, members: Iterable[MessageHandler]) -> None:
        """Speak for `members`, in this order."""
        self._members = list(members)
        self.set_aside: list[MessageHandler] = []

    @property
    def is_drained(self) -> bool:
        """Whether nothing waits to be sent or answered."""
        return all(
            self.run(each, partial(getattr, each, "is_drained"), otherwise=True)
            for each in self._active
        )

    def open(self) -> None:
        """See `MessageHandler.open`."""
        for each in self._active:
            self.run(each, each.open, None)

    def connect(self) -> None:
        """See `MessageHandler.connect`."""
        for each in self._active:
            self.run(each, each.connect, None)

    def disconnect(self) -> None:
        """See `MessageHandler.disconnect`."""
        for each in self._active:
            self.run(each, each.disconnect, None)

    def outgoing(self, now_s: float) -> list[Publish]:
        """See `MessageHandler.outgoing`."""
        out: list[Publish] = []
        for each in self._active:
            out += self.run(each, partial(each.outgoing, now_s), [])
        return out

    def take(self, message: InboundMessage) -> None:
        """Hand a message to the subject of its kind. Raises MessageRefused as `MessageHandler`."""
        for each in self._active:
            if message.address.kind in each.kinds:
                self.run(each, partial(each.take, message), None)

    def published(self, event: Published) -> None:
        """See `MessageHandler.published`."""
        for each in self._active:
            self.run(each, partial(each.published, event), None)

    def run(self, member: MessageHandler, step: Callable[[], T], otherwise: T) -> T:
        """Return what `step` of a member gives, or `otherwise` where it fails or has failed.

        Raises:
            MessageRefused: from `step`.
            StoreError: the vault cannot go on.
        """
        if member in self.set_aside:
            return otherwise
        try:
            return step()
        except MessageRefused:
            raise
        except UNUSABLE as exc:
            raise StoreError(f"The vault cannot be used: {exc}; start the chip again.") from exc
        except Exception as exc:  # noqa: BLE001 - whatever it is, metering goes on
            place = extract_tb(exc.__traceback__)[-1]
            log.error(  # noqa: TRY400 - a trace could show what is the household's
                "subject_set_aside",
                subject=type(member).__name__,
                why=type(exc).__name__,
                at=f"{Path(place.filename).name}:{place.lineno}",
            )
            self.set_aside.append(member)
            return otherwise

    @property
    def _active(self) -> list[MessageHandler]:
        return [each for each in self._members if each not in self.set_aside]


class DeliveryReceipts(MessageHandler):
    """Says of what has arrived that it has: no amount, no verdict, no content."""

    def __init__(self, signer: Signer) -> None:
        """Speak in the household's name."""
        self._signer = signer
        self._topic = device_topic(signer.collectivity, signer.device, Kind.SEEN)
        self._is_sent: dict[bytes, bool] = {}

    def add(self, name: bytes) -> None:
        """Say that the statement or letter `name` (16 bytes) has arrived."""
        self._is_sent[name] = False

    def connect(self) -> None:
        """See `MessageHandler.connect`."""
        self._is_sent = dict.fromkeys(self._is_sent, False)

    def outgoing(self, now_s: float) -> list[Publish]:
        """See `MessageHandler.outgoing`."""
        del now_s
        waiting = [name for name, is_sent in self._is_sent.items() if not is_sent]
        self._is_sent |= dict.fromkeys(waiting, True)
        return [Publish(self._topic, self._note(name)) for name in waiting]

    def published(self, event: Published) -> None:
        """See `MessageHandler.published`."""
        if event.publish.topic == self._topic:
            note = self._signer.open_own(Kind.SEEN, event.publish.payload, Seen)
            self._is_sent.pop(note.statement, None)

    def _note(self, name: bytes) -> bytes:
        return self._signer.seal(Kind.SEEN, Seen(self._signer.household.id, name))
