"""What chip and cloud write to each other, one subject at a time.

The chip's core hands each message to the correspondent of its kind and gathers what they have to
say; a new subject is a new correspondent and nothing else.
"""

import msgspec

from edge.message import Publish, Published
from edge.vault.signer import Signer
from protocol.envelope import Address
from protocol.messages import Seen
from protocol.topics import Kind, device_topic


class Incoming(msgspec.Struct, frozen=True):
    """A message from the cloud; `rest` is what follows the kind in its topic."""

    address: Address
    payload: bytes
    rest: str = ""


class Correspondent:
    """One subject; by itself it takes nothing and says nothing."""

    kinds: frozenset[Kind] = frozenset()

    @property
    def is_drained(self) -> bool:
        """Whether nothing waits to be sent or answered."""
        return True

    def connect(self) -> None:
        """Begin a session: what was sent and not answered is sent again."""

    def disconnect(self) -> None:
        """End the session."""

    def outgoing(self, now_s: float) -> list[Publish]:
        """Return what is to be published now."""
        del now_s
        return []

    def take(self, message: Incoming) -> None:
        """Take a message of one of `kinds`.

        Raises:
            MessageRefused: with the reason; nothing was kept.
        """

    def published(self, event: Published) -> None:
        """Learn that the broker has something this chip published."""


class SeenNotes(Correspondent):
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
        """See `Correspondent.connect`."""
        self._is_sent = dict.fromkeys(self._is_sent, False)

    def outgoing(self, now_s: float) -> list[Publish]:
        """See `Correspondent.outgoing`."""
        del now_s
        waiting = [name for name, is_sent in self._is_sent.items() if not is_sent]
        self._is_sent |= dict.fromkeys(waiting, True)
        return [Publish(self._topic, self._note(name)) for name in waiting]

    def published(self, event: Published) -> None:
        """See `Correspondent.published`."""
        if event.publish.topic == self._topic:
            note = self._signer.open_own(Kind.SEEN, event.publish.payload, Seen)
            self._is_sent.pop(note.statement, None)

    def _note(self, name: bytes) -> bytes:
        return self._signer.seal(Kind.SEEN, Seen(self._signer.household.id, name))
