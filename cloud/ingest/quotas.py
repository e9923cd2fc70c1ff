"""How many messages of each kind a chip may send; a worker drops the rest before it reads them.

A quarter of a day's quota may come at once, the rest evenly over the day: the messages of all chips
wait in one queue, where a flood would hold up those of others. The broker lets a chip write its own
topics only, so a message counts for the chip of its topic before anything of it is verified. A chip
that is cut off sends again and loses nothing. Each worker counts by itself, and begins anew when it
starts.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from protocol.errors import MessageRefused
from protocol.topics import Kind, parse_device_topic
from system.mqtt.message import Incoming
from system.pace import Pace

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
    Kind.RENEW: 500,
    Kind.KEY: 1_000,
    Kind.STATUS: 1_000,
}


@dataclass(frozen=True, slots=True)
class Beyond:
    """What was dropped: one message of each chip and kind a day is `named`, `others` are counted."""

    named: tuple[Incoming, ...] = ()
    others: int = 0


class Quotas:
    """Counts the messages of each chip and kind."""

    def __init__(
        self, daily: Mapping[Kind, int] = DAILY, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Count by `clock`, which returns seconds and never goes back."""
        self._paces = {kind: Pace(count, clock) for kind, count in daily.items()}
        self._names = {kind: Pace(1, clock) for kind in daily}
        self._named: list[Incoming] = []
        self._others = 0

    def admits(self, message: Incoming) -> bool:
        """Count a message; return whether its chip may send it now."""
        try:
            topic = parse_device_topic(message.topic)
        except MessageRefused:
            return True  # it is refused with its reason
        pace = self._paces.get(topic.kind)
        if pace is None or pace.admits(topic.device):
            return True
        if self._names[topic.kind].admits(topic.device):
            self._named.append(message)
        else:
            self._others += 1
        return False

    def pop_beyond(self) -> Beyond:
        """Return what was dropped since the last call."""
        beyond = Beyond(tuple(self._named), self._others)
        self._named, self._others = [], 0
        return beyond
