"""Carries a line's bytes from where they come from to the decoder, masked and recorded if wished."""

import time
from collections.abc import Callable

from edge.tic.decoder import Decoder
from edge.tic.diagnosis import LineFault
from edge.tic.fault_finder import FaultFinder
from edge.tic.frame import Frame
from edge.tic.masking import Mask
from edge.tic.recorder import Recorder
from edge.tic.replay import Replay
from edge.tic.serial_line import SerialSource
from edge.tic.source import StreamSource

_US = 1_000_000
# No meter pauses so long between frames.
_SILENT_S = 10.0
# In this time a device has been read at both speeds.
_SEEKING_S = 12.0
# Between two looks at what is wrong for a masked record; a look takes tens of milliseconds on a Pi.
_FINDING_S = 1.0

Source = SerialSource | StreamSource | Replay


class Intake:
    """One line on its way into a decoder.

    The line is judged by the bytes as they came; frames and the record get them masked if there is
    a mask, so that what identifies the home goes nowhere from here. A masked record gets the
    judgement as well.
    """

    def __init__(
        self,
        source: Source,
        decoder: Decoder,
        *,
        mask: Mask | None = None,
        recorder: Recorder | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._decoder = decoder
        self._mask = mask
        self._recorder = recorder
        self._clock = clock
        self._finder = FaultFinder()
        self._began_s = self._last_s = clock()
        self._found_s = float("-inf")
        self._at_us = 0

    def step(self, wait_s: float) -> list[Frame]:
        """Read once; return the frames that this completes. Raises EOFError at the end."""
        speed = self._source.speed if isinstance(self._source, SerialSource) else 0
        data = self._source.read(wait_s)
        if not data:
            return []
        self._last_s = self._clock()
        self._at_us = round((self._last_s - self._began_s) * _US)
        if not isinstance(self._source, SerialSource) and self._source.arrival is not None:
            self._at_us, speed = self._source.arrival.at_us, self._source.arrival.bit_s
        self._finder.observe(data, speed)
        if self._recorder is not None:
            self._recorder.note(self._at_us, speed, len(data))
            if self._last_s - self._found_s >= _FINDING_S:
                self._found_s = self._last_s
                self._record_faults()
        return self._decoder.feed(
            self._pass_on(data if self._mask is None else self._mask.feed(data))
        )

    def finish(self) -> list[Frame]:
        """End the line; return the frames that it leaves."""
        self._record_faults()
        rest = b"" if self._mask is None else self._mask.finish()
        return [*self._decoder.feed(self._pass_on(rest)), *self._decoder.finish()]

    @property
    def is_unread(self) -> bool:
        """Return whether a line was read so long that something must be wrong with it."""
        return self._is_timed and self._clock() - self._began_s >= _SEEKING_S

    def faults(self) -> tuple[LineFault, ...]:
        """Return what is wrong with the line now, the likeliest first."""
        if self._is_timed:
            if self._clock() - self._last_s >= _SILENT_S:
                return (LineFault.SILENT,)
            if not self._decoder.quality.groups and not self.is_unread:
                return ()
        return self._found()

    @property
    def _is_timed(self) -> bool:
        """Return whether bytes come when they came on the line."""
        return not isinstance(self._source, StreamSource)

    def _found(self) -> tuple[LineFault, ...]:
        """Return what the bytes show; of a masked record, what they showed before they were masked."""
        recorded = None if isinstance(self._source, SerialSource) else self._source.faults
        return self._finder.faults() if recorded is None else recorded

    def _record_faults(self) -> None:
        """Note what is wrong for whoever reads a masked record, in which it may not show."""
        if self._recorder is not None and self._mask is not None:
            self._recorder.note_faults(self._at_us, self._found())

    def _pass_on(self, data: bytes) -> bytes:
        if self._recorder is not None:
            self._recorder.add(data)
        return data
