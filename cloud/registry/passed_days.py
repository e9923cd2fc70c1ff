"""Whether a day has passed for sure, before something is destroyed that does not come back.

This machine's clock may be months ahead for a moment. The days of blocks are counted by the chips'
clocks and meters, which no clock of ours moves. So chips must have metered several days since; a
chip that destroys a year's keys follows the same rule.
"""

from datetime import date, datetime
from typing import Protocol

from protocol.calendar import legal_day

METERED_DAYS_MIN = 7


class _MeteredDays(Protocol):
    def metered_days(self, start: date, end: date) -> int:
        """See `cloud.store.Store.metered_days`."""


def has_passed(store: _MeteredDays, day: date, now: datetime) -> bool:
    """Return whether chips have metered a week's days from `day` on, and before `now`."""
    return store.metered_days(day, legal_day(now)) >= METERED_DAYS_MIN
