"""Simulated time that several processes share: a file that says how it passes."""

import struct
import time
from datetime import UTC, datetime
from pathlib import Path

_FORM = struct.Struct("<3d")  # simulated second, monotonic second at which it was that, speed


class SharedClock:
    """Reads the file; the one who sets it makes time pass for all."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def now(self) -> datetime:
        """Return the simulated instant."""
        return datetime.fromtimestamp(self.now_s(), UTC)

    def now_s(self) -> float:
        """Return the simulated instant in Unix seconds."""
        from_s, since_s, speed = _FORM.unpack(self._path.read_bytes())
        return from_s + (time.monotonic() - since_s) * speed

    def monotonic_s(self) -> float:
        """Return the machine's own seconds: what a chip waits for on the wire is real."""
        return time.monotonic()

    def start(self, at: datetime, speed: float) -> None:
        """Let time pass from `at` on, `speed` times faster than the wall's."""
        self._write(at.timestamp(), speed)

    def run(self, speed: float) -> None:
        """Let time pass from now on at another speed; 0 stops it."""
        self._write(self.now_s(), speed)

    def _write(self, at_s: float, speed: float) -> None:
        beside = self._path.with_suffix(".new")
        beside.write_bytes(_FORM.pack(at_s, time.monotonic(), speed))
        beside.rename(self._path)
