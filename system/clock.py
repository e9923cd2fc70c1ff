"""Time, as something that is handed in."""

import time
from datetime import UTC, datetime
from typing import Protocol

import msgspec

from system.kernel_clock import boot_id, is_synchronised


class HostTime(msgspec.Struct, frozen=True):
    """What the host says of a moment.

    Attributes:
        at: its wall time, aware.
        is_synchronised: the kernel says that something keeps that time right.
        monotonic_s: seconds that never go back, from an arbitrary zero of each boot.
        boot: which boot of the machine that zero is of.
    """

    at: datetime
    is_synchronised: bool
    monotonic_s: float
    boot: str


class Clock(Protocol):
    """Where a program gets the time from."""

    def now(self) -> datetime:
        """Return the host's time, aware."""

    def monotonic_s(self) -> float:
        """Return seconds that never go back, from an arbitrary zero."""

    def host_time(self) -> HostTime:
        """Return all that the host says of this moment."""


class SystemClock:
    """The machine's own clocks."""

    def __init__(self) -> None:
        """Take note of the machine's boot."""
        self._boot = boot_id()

    def now(self) -> datetime:
        """Return the host's time in UTC."""
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        """Return the machine's monotonic clock."""
        return time.monotonic()

    def host_time(self) -> HostTime:
        """Return the machine's time, and whether its kernel says that it is synchronised."""
        return HostTime(self.now(), is_synchronised(), self.monotonic_s(), self._boot)
