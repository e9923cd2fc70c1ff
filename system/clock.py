"""Clocks, which programs receive as a parameter."""

import time
from datetime import UTC, datetime
from typing import Protocol

import msgspec

from system.kernel_clock import boot_id, is_synchronised


class HostTime(msgspec.Struct, frozen=True):
    """The host's clocks at one moment.

    Attributes:
        at: wall time, aware.
        is_synchronised: whether the kernel reports that something keeps the wall time right.
        monotonic_s: seconds that never go back, from an arbitrary zero in each boot.
        boot: the id of the boot to which that zero belongs.
    """

    at: datetime
    is_synchronised: bool
    monotonic_s: float
    boot: str


class Clock(Protocol):
    """A program's source of time."""

    def now(self) -> datetime:
        """Return the host's time, aware."""

    def monotonic_s(self) -> float:
        """Return seconds that never go back, from an arbitrary zero."""

    def host_time(self) -> HostTime:
        """Return all clocks of the host at this moment."""


class SystemClock:
    """The machine's own clocks."""

    def __init__(self) -> None:
        """Record the machine's boot."""
        self._boot = boot_id()

    def now(self) -> datetime:
        """Return the host's time in UTC."""
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        """Return the machine's monotonic clock."""
        return time.monotonic()

    def host_time(self) -> HostTime:
        """Return the machine's clocks, and whether its kernel reports them as synchronised."""
        return HostTime(self.now(), is_synchronised(), self.monotonic_s(), self._boot)
