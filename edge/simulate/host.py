"""The host of a simulated meter: all its clocks show the simulated time."""

from datetime import datetime

from system.clock import HostTime


def host_time_at(at: datetime) -> HostTime:
    """Return the time of a host whose clocks are right at an instant (aware)."""
    return HostTime(at, is_synchronised=True, monotonic_s=at.timestamp(), boot="simulated")
