"""Moving out: closes the last day at the present index, sends everything, and reports the end.

A command leaves the household's order in the chip's directory, and the running chip executes it
with its next good reading. From then on it meters nothing for this household. Once the cloud has
every block, the chip reports that the household leaves and ends all its contracts, and repeats this
until the cloud confirms it. Then it clears its retained seeds from the broker.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec
import structlog

from edge.metering.events import Event
from edge.metering.meter import Meter
from edge.metering.reading import Reading
from edge.mqtt.handler import HandlerContext, InboundMessage, MessageHandler
from edge.mqtt.message import Publish, Published
from edge.mqtt.retry import RESEND
from edge.vault.moving import Departure
from edge.vault.rows import Key
from protocol.backoff import RetryTimer
from protocol.calendar import day_number
from protocol.contract import sign_document
from protocol.envelope import open_message
from protocol.errors import MessageRefused, Reason
from protocol.moving import ANY_CONTRACT, Leave, Left, Termination
from protocol.topics import Kind, device_topic
from system.files import write_secret
from system.watched import OrderFile

ERASED = "erased.json"
LOOK_S = 1.0

log = structlog.get_logger()


class MoveOutOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The household's order to move out, as its command stores it."""

    asked_at: datetime


ORDER = OrderFile("move-out.json", MoveOutOrder, "`volet edge move-out --cancel` removes it.")


def leave_order(directory: Path, asked_at: datetime) -> None:
    """Order the chip in `directory` to close the household's last day with its next reading."""
    ORDER.leave(directory, MoveOutOrder(asked_at))


def note_erasure(directory: Path) -> None:
    """Record that another household lived here, until its seeds are cleared from the broker."""
    write_secret(directory / ERASED, b"{}")


@dataclass(frozen=True, slots=True)
class MovingOptions:
    """Options of a move-out.

    Attributes:
        directory: the chip's directory, which holds the household's order.
    """

    directory: Path | None = None

    @property
    def is_asked(self) -> bool:
        """Whether the household has ordered to move out."""
        return self.directory is not None and ORDER.is_in(self.directory)

    @property
    def is_erased(self) -> bool:
        """Whether the broker may still hold the seeds of another household."""
        return self.directory is not None and (self.directory / ERASED).exists()

    def forget_erasure(self) -> None:
        """Record that the broker no longer holds the former household's seeds."""
        if self.directory is not None:
            (self.directory / ERASED).unlink(missing_ok=True)


class MovingOut(MessageHandler):
    """Moves one household out; never blocks."""

    kinds = frozenset({Kind.LEFT})

    def __init__(
        self,
        context: HandlerContext,
        options: MovingOptions,
    ) -> None:
        """Continue from the state in the vault."""
        self._signer, self._platform_key = context.signer, context.platform_key
        self._vault, self._clock = context.vault, context.clock
        self._options = options
        self._departure: Departure | None = context.vault.departures.get()
        self._look_s = 0.0
        self._read: Reading | None = None
        self._flight = RetryTimer()
        self._is_key_cleared = False
        self._is_erased = options.is_erased

    @property
    def has_left(self) -> bool:
        """Whether the last day is closed, so that nothing is metered any more."""
        return self._departure is not None

    @property
    def is_drained(self) -> bool:
        """True unless a departure still waits for the cloud's confirmation."""
        return self._departure is None or self._departure.is_told

    def is_due(self, meter: Meter | None) -> bool:
        """Return whether the household wants to leave and `meter` has just taken a good reading."""
        account = meter.state.account if meter is not None else None
        before, self._read = self._read, account.last if account is not None else None
        if None in (before, self._read) or self._read is before or not self._vault.is_caught_up:
            return False
        now_s = self._clock.monotonic_s()
        if self.has_left or now_s < self._look_s:
            return False
        self._look_s = now_s + LOOK_S
        return self._options.is_asked

    def close(self, meter: Meter, events: Sequence[Event]) -> list[Key]:
        """Close the last day after `events`; return the keys of the messages to send."""
        account = meter.state.account
        if account is None:
            raise ValueError("a meter that is due has an account")
        at = account.last.at
        keys = self._vault.depart([*events, *meter.close()], at)
        self._departure = self._vault.departures.get()
        log.info("household_left")
        return keys

    def connect(self) -> None:
        """See `MessageHandler.connect`."""
        self._flight = RetryTimer()
        self._is_key_cleared = False

    def outgoing(self, now_s: float) -> list[Publish]:
        """See `MessageHandler.outgoing`."""
        departure = self._departure
        if departure is None:
            return self._clear_key() if self._is_erased else []
        if departure.is_told:
            return self._clear_key()
        is_stored = self._vault.is_caught_up and not self._vault.unsent(1)
        if not is_stored or now_s < self._flight.due_s:
            return []
        self._flight.sent(now_s, RESEND)
        household, last_day = self._signer.household, departure.last_day
        termination = sign_document(
            Termination(ANY_CONTRACT, household.id, last_day), household.identity
        )
        document = msgspec.msgpack.encode(termination)
        leave = Leave(household.id, day_number(last_day), (document,))
        return [Publish(self._topic(Kind.LEAVE), self._signer.seal(Kind.LEAVE, leave))]

    def take(self, message: InboundMessage) -> None:
        """Take the cloud's confirmation of the departure.

        Raises:
            MessageRefused: the cloud did not send it, or it confirms another departure.
        """
        left = open_message(message.address, message.payload, self._platform_key, Left)
        departure = self._departure
        if left.household_key != self._signer.household.id:
            raise MessageRefused(Reason.TOPIC, "another household's")
        if departure is None or day_number(departure.last_day) != left.last_day:
            raise MessageRefused(Reason.BOUNDS, "no such departure")
        if not departure.is_told:
            self._vault.confirm_departure()
            self._departure = self._vault.departures.get()
            log.info("departure_told")

    def published(self, event: Published) -> None:
        """Record that the broker has cleared the former household's seeds."""
        if self._is_erased and (event.publish.topic, event.publish.payload) == (
            self._topic(Kind.KEY),
            b"",
        ):
            self._is_erased = False
            self._options.forget_erasure()

    def _clear_key(self) -> list[Publish]:
        """Clear the household's retained seeds from the broker, once a session."""
        if self._is_key_cleared:
            return []
        self._is_key_cleared = True
        return [Publish(self._topic(Kind.KEY), b"", retain=True)]

    def _topic(self, kind: Kind) -> str:
        return device_topic(self._signer.collectivity, self._signer.device, kind)
