"""Handlers of the messages between chip and cloud, one for each subject.

The chip's core passes each message to the handlers of its kind and collects the messages that they
want to send. A new subject needs a new handler and nothing else.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from traceback import extract_tb
from typing import TypeVar

import msgspec
import structlog

from edge.mqtt.message import Publish, Published
from edge.vault.signer import Signer
from edge.vault.vault import UNUSABLE, Vault
from protocol.envelope import Address, VerifyingKey
from protocol.errors import MessageRefused, StoreError
from protocol.messages import Seen
from protocol.topics import Kind, device_topic
from system.clock import Clock
from system.set_aside import SetAside

T = TypeVar("T")

log = structlog.get_logger()


class InboundMessage(msgspec.Struct, frozen=True):
    """A message from the cloud; `rest` is what follows the kind in its topic."""

    address: Address
    payload: bytes
    rest: str = ""


@dataclass(frozen=True, slots=True)
class HandlerContext:
    """What every handler needs.

    `set_aside` takes the messages that meet a defect after they were taken.
    """

    signer: Signer
    platform_key: VerifyingKey
    vault: Vault
    clock: Clock
    set_aside: SetAside = field(default_factory=SetAside)


class MessageHandler:
    """Handles one subject; this base class takes no message and sends none."""

    kinds: frozenset[Kind] = frozenset()

    @property
    def is_drained(self) -> bool:
        """True if nothing waits to be sent or answered."""
        return True

    def open(self) -> None:
        """Resume what an earlier process left; all other handlers exist by now."""

    def connect(self) -> None:
        """Begin a session: unanswered messages are sent again."""

    def disconnect(self) -> None:
        """End the session."""

    def outgoing(self, now_s: float) -> list[Publish]:
        """Return the messages to publish now."""
        del now_s
        return []

    def take(self, message: InboundMessage) -> None:
        """Handle a message of one of `kinds`.

        Any other error than the following sets the message aside.

        Raises:
            MessageRefused: with the reason; nothing was kept.
            StoreError: the vault cannot continue.
        """

    def published(self, event: Published) -> None:
        """Handle the broker's acknowledgement of a message that this chip published."""


class MessageHandlers:
    """All handlers; one that fails is set aside until the next start, and the others continue.

    A fault in one handler must not cost the household its metering. A vault that cannot continue
    still ends the process, since nothing would be kept.

    Attributes:
        set_aside: the handlers that have failed since the start.
    """

    def __init__(self, members: Iterable[MessageHandler]) -> None:
        """Call `members` in this order."""
        self._members = list(members)
        self.set_aside: list[MessageHandler] = []

    @property
    def is_drained(self) -> bool:
        """True if nothing waits to be sent or answered."""
        return all(
            self.run(member, partial(getattr, member, "is_drained"), otherwise=True)
            for member in self._active
        )

    def open(self) -> None:
        """See `MessageHandler.open`."""
        for member in self._active:
            self.run(member, member.open, None)

    def connect(self) -> None:
        """See `MessageHandler.connect`."""
        for member in self._active:
            self.run(member, member.connect, None)

    def disconnect(self) -> None:
        """See `MessageHandler.disconnect`."""
        for member in self._active:
            self.run(member, member.disconnect, None)

    def outgoing(self, now_s: float) -> list[Publish]:
        """See `MessageHandler.outgoing`."""
        out: list[Publish] = []
        for member in self._active:
            out += self.run(member, partial(member.outgoing, now_s), [])
        return out

    def take(self, message: InboundMessage) -> None:
        """Pass a message to the handlers of its kind; see `MessageHandler.take`."""
        for member in self._active:
            if message.address.kind in member.kinds:
                member.take(message)

    def published(self, event: Published) -> None:
        """See `MessageHandler.published`."""
        for member in self._active:
            self.run(member, partial(member.published, event), None)

    def run(self, member: MessageHandler, step: Callable[[], T], otherwise: T) -> T:
        """Return the result of a member's `step`, or `otherwise` if the member fails or has failed.

        Raises:
            MessageRefused: from `step`.
            StoreError: the vault cannot continue.
        """
        if member in self.set_aside:
            return otherwise
        try:
            return step()
        except MessageRefused:
            raise
        except UNUSABLE as exc:
            raise StoreError(f"The vault cannot be used: {exc}; start the chip again.") from exc
        except Exception as exc:  # noqa: BLE001 - metering continues whatever the error
            place = extract_tb(exc.__traceback__)[-1]
            log.error(  # noqa: TRY400 - a trace could show the household's data
                "subject_set_aside",
                subject=type(member).__name__,
                why=type(exc).__name__,
                at=f"{Path(place.filename).name}:{place.lineno}",
            )
            self.set_aside.append(member)
            return otherwise

    @property
    def _active(self) -> list[MessageHandler]:
        return [member for member in self._members if member not in self.set_aside]


class DeliveryReceipts(MessageHandler):
    """Confirms the arrival of statements and letters: no amount, no verdict, no content."""

    def __init__(self, signer: Signer) -> None:
        """Sign receipts in the household's name."""
        self._signer = signer
        self._topic = device_topic(signer.collectivity, signer.device, Kind.SEEN)
        self._is_sent: dict[bytes, bool] = {}

    def add(self, name: bytes) -> None:
        """Confirm that the statement or letter `name` (16 bytes) has arrived."""
        self._is_sent[name] = False

    def connect(self) -> None:
        """See `MessageHandler.connect`."""
        self._is_sent = dict.fromkeys(self._is_sent, False)

    def outgoing(self, now_s: float) -> list[Publish]:
        """See `MessageHandler.outgoing`."""
        del now_s
        waiting = [name for name, is_sent in self._is_sent.items() if not is_sent]
        self._is_sent |= dict.fromkeys(waiting, True)
        return [Publish(self._topic, self._receipt(name)) for name in waiting]

    def published(self, event: Published) -> None:
        """See `MessageHandler.published`."""
        if event.publish.topic == self._topic:
            receipt = self._signer.open_own(Kind.SEEN, event.publish.payload, Seen)
            self._is_sent.pop(receipt.statement, None)

    def _receipt(self, name: bytes) -> bytes:
        return self._signer.seal(Kind.SEEN, Seen(self._signer.household.id, name))
