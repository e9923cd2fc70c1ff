"""Simulated time that several processes share: a file that says how it passes."""

import math
import struct
import time
from datetime import UTC, datetime
from pathlib import Path

from edge.simulate.host import host_time_at
from system.clock import HostTime

# Simulated second, monotonic second at which it was that, speed, simulated second where it halts.
_FORM = struct.Struct("<4d")


class SharedClock:
    """Reads the file; the one who sets it makes time pass for all."""

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
        """Return the machine's own seconds: what a chip waits for on the wire is real."""
        return time.monotonic()

    def host_time(self) -> HostTime:
        """Return the simulated instant, as a host with right clocks says it."""
        return host_time_at(self.now())

    def start(self, at: datetime) -> None:
        """Say what time it is; none passes yet."""
        self._write(at.timestamp(), 0, math.inf)

    def run(self, speed: float, until: datetime | None = None) -> None:
        """Let time pass from now on at another speed, and halt at an instant."""
        self._write(self.now_s(), speed, math.inf if until is None else until.timestamp())

    def _write(self, at_s: float, speed: float, halt_s: float) -> None:
        beside = self._path.with_suffix(".new")
        beside.write_bytes(_FORM.pack(at_s, time.monotonic(), speed, halt_s))
        beside.rename(self._path)
