"""Time, as something that is handed in."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where a program gets the time from."""

    def now(self) -> datetime:
        """Return the host's time, aware."""

    def monotonic_s(self) -> float:
        """Return seconds that never go back, from an arbitrary zero."""


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> datetime:
        """Return the host's time in UTC."""
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        """Return the machine's monotonic clock."""
        return time.monotonic()
