"""How many messages of each kind a chip may send in a day; the worker drops the rest unread.

The broker lets a chip write its own topics only, so a message counts for the chip of its topic
before anything of it is verified. A chip that is cut off sends again the next day and loses
nothing. Each worker counts by itself, and a worker that starts begins at zero.
"""

from array import array
from collections import Counter
from collections.abc import Mapping
from datetime import date

from protocol.ids import DeviceId
from protocol.topics import Kind

# Several times what an honest chip sends on its worst day. After a loss of the cloud's store it
# sends the blocks of 13 months again, up to 51 a day; while the worker is away it repeats up to 64
# of them every few minutes, and the worker finds all of that in its queue.
DAILY: Mapping[Kind, int] = {
    Kind.EPOCH: 5_000,
    Kind.BLOCK: 50_000,
    Kind.FETCH: 2_000,
    Kind.SEEN: 1_000,
    Kind.RECEIPT: 1_000,
    Kind.AREA: 2_000,
    Kind.ASK: 2_000,
    Kind.LEAVE: 500,
    Kind.QUOTE: 2_000,
    Kind.KEY: 1_000,
    Kind.STATUS: 1_000,
}
_PLACE = {kind: place for place, kind in enumerate(DAILY)}

Sender = tuple[DeviceId, Kind]


class Quotas:
    """How many messages each chip has sent today, by kind."""

    def __init__(self, daily: Mapping[Kind, int] = DAILY) -> None:
        self._daily = daily
        self._day = date.min
        self._sent: dict[DeviceId, array[int]] = {}

    def left(self, sender: Sender, day: date) -> int:
        """Return how many more messages of a kind a chip may send on `day`; negative if too many."""
        device, kind = sender
        sent = self._sent.get(device) if day == self._day else None
        return self._daily[kind] - (sent[_PLACE[kind]] if sent is not None else 0)

    def add(self, sent: Counter[Sender], day: date) -> None:
        """Count the messages of a batch that was stored."""
        if day != self._day:
            self._day, self._sent = day, {}
        for (device, kind), count in sent.items():
            counts = self._sent.setdefault(device, array("Q", bytes(8 * len(_PLACE))))
            counts[_PLACE[kind]] += count
