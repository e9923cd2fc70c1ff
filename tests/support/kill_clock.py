"""Simulated time that several processes share through a file."""

import math
import struct
import time
from datetime import UTC, datetime
from pathlib import Path

from edge.simulate.host import host_time_at
from system.clock import HostTime

# Simulated second, the monotonic second at which it applied, speed, simulated second of the halt.
_FORM = struct.Struct("<4d")


class SharedClock:
    """Reads simulated time from the file; setting it affects all processes."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def now(self) -> datetime:
        """Return the simulated instant."""
        return datetime.fromtimestamp(self.now_s(), UTC)

    def now_s(self) -> float:
        """Return the simulated instant in Unix seconds."""
        from_s, since_s, speed, halt_s = _FORM.unpack(self._path.read_bytes())
        return min(from_s + (time.monotonic() - since_s) * speed, halt_s)

    def monotonic_s(self) -> float:
        """Return the machine's own seconds, since a chip's waits on the wire are real."""
        return time.monotonic()

    def host_time(self) -> HostTime:
        """Return the simulated instant as the time of a host with right clocks."""
        return host_time_at(self.now())

    def start(self, at: datetime) -> None:
        """Set the time, which does not pass yet."""
        self._write(at.timestamp(), 0, math.inf)

    def run(self, speed: float, until: datetime | None = None) -> None:
        """Let time pass at another speed from now on, and halt at an instant."""
        self._write(self.now_s(), speed, math.inf if until is None else until.timestamp())

    def _write(self, at_s: float, speed: float, halt_s: float) -> None:
        beside = self._path.with_suffix(".new")
        beside.write_bytes(_FORM.pack(at_s, time.monotonic(), speed, halt_s))
        beside.rename(self._path)
