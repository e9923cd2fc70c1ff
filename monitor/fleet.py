"""The chips, by the statuses that they publish; in memory only, since the broker retains them.

A status is not signed, so nothing may be decided by it. The broker lets a chip write its own topic
only.
"""

from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from protocol.ids import DeviceId
from protocol.status import State, Status, decode_status, whole_hour

# A chip reports once on each legal day, at a drawn minute, so two reports are two days apart at most.
OVERDUE = timedelta(hours=50)


class WatchedChip(msgspec.Struct):
    """What is known of one chip.

    Attributes:
        status: its latest status; of one that is lost, with what it told before.
        heard_at: the hour of its latest report by its own clock, and no hour to come; None if it is
            lost and has told nothing since the monitor's start.
        since: the hour in which it came into its state; None if that was before the monitor's start.
        seen_at_s: when its latest message came, monotonic.
    """

    status: Status
    heard_at: datetime | None
    since: datetime | None
    seen_at_s: float

    def is_overdue(self, now: datetime) -> bool:
        """Return whether the chip says that it is there, and has not reported for too long."""
        if not self.status.state.is_online or self.heard_at is None:
            return False
        return now - self.heard_at > OVERDUE


class Fleet:
    """The chips by their ids, those not heard of for longest first.

    Attributes:
        dropped: so many chips were dropped since the start because there were too many.
    """

    def __init__(self, chips_max: int) -> None:
        """Keep at most `chips_max` chips."""
        self._chips_max = chips_max
        self._chips: OrderedDict[DeviceId, WatchedChip] = OrderedDict()
        self.dropped = 0

    @property
    def chips(self) -> Mapping[DeviceId, WatchedChip]:
        """All chips."""
        return self._chips

    def take(self, device: DeviceId, payload: bytes, now: datetime, now_s: float) -> None:
        """Take a chip's status; an empty one clears what the broker retains, and the chip is forgotten.

        `now_s` is monotonic.

        Raises:
            MessageRefused: it is no status.
        """
        if not payload:
            self._chips.pop(device, None)
            return
        status, hour = decode_status(payload), whole_hour(now)
        known = self._chips.get(device)
        heard_at = None if status.at is None else min(whole_hour(status.at), hour)
        since = None
        if known is not None:
            is_same = known.status.state is status.state
            since = known.since if is_same else hour
            if status.state is State.LOST:  # the broker says so, and it knows nothing else
                status, heard_at = (
                    msgspec.structs.replace(known.status, state=State.LOST),
                    known.heard_at,
                )
        self._chips[device] = WatchedChip(status, heard_at, since, now_s)
        self._chips.move_to_end(device)
        if len(self._chips) > self._chips_max:
            self._chips.popitem(last=False)
            self.dropped += 1

    def forget_unseen(self, since_s: float) -> int:
        """Forget chips of which nothing has come since a monotonic time; return how many.

        After a new connection the broker tells of each chip again of which it retains something.
        """
        unseen = [name for name, chip in self._chips.items() if chip.seen_at_s < since_s]
        for name in unseen:
            del self._chips[name]
        return len(unseen)
