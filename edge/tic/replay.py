"""A record of a line, played at the pace at which it was recorded."""

from edge.tic.diagnosis import LineFault
from edge.tic.record import Arrival
from edge.tic.serial_line import Timing
from edge.tic.source import StreamSource
from protocol.errors import FrameError

_US = 1_000_000


class Replay:
    """A source that returns what a record holds when its time has come."""

    def __init__(self, record: StreamSource, timing: Timing | None = None) -> None:
        """Play `record` from the first read on."""
        self._record = record
        self._timing = timing or Timing()
        self._began_s: float | None = None
        self._next: Arrival | None = None
        self.arrival: Arrival | None = None

    @property
    def faults(self) -> tuple[LineFault, ...] | None:
        """What the record says was wrong with the line; see `StreamSource`."""
        return self._record.faults

    def read(self, timeout_s: float) -> bytes:
        """Return what one read of the line did, b"" if its time does not come within `timeout_s`.

        Raises EOFError at the end, and FrameError if the source is no record or a damaged one.
        """
        if self._began_s is None:
            self._began_s = self._timing.monotonic()
        if self._next is None:
            data = self._record.read(timeout_s)
            if not data:
                return b""
            if self._record.arrival is None:
                raise FrameError("A capture has no times to play by; leave --replay out.")
            self._next = self._record.arrival
        wait_s = self._began_s + self._next.at_us / _US - self._timing.monotonic()
        if wait_s > 0:
            self._timing.sleep(min(wait_s, timeout_s))
        if wait_s > timeout_s:
            return b""
        self.arrival, self._next = self._next, None
        return self.arrival.data

    def fileno(self) -> int:
        """Return the record's descriptor."""
        return self._record.fileno()

    def close(self) -> None:
        """Close the record."""
        self._record.close()
