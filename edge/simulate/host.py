"""The host of a simulated meter: its clocks all say what the simulation says."""

from datetime import datetime

from system.clock import HostTime


def host_time_at(at: datetime) -> HostTime:
    """Return what a host with right clocks says at an instant (aware)."""
    return HostTime(at, is_synchronised=True, monotonic_s=at.timestamp(), boot="simulated")
