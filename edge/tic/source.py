"""Where TIC bytes come from: the interface of sources, and the sources that are files.

The serial line, which may be a pty, is in `serial_line`.
"""

import os
import select
from collections import deque
from contextlib import closing
from pathlib import Path
from typing import Protocol, Self

from edge.tic.decoder import Decoder
from edge.tic.diagnosis import LineFault
from edge.tic.record import MAGIC, Arrival, Finding, RecordReader
from protocol.errors import FrameError

_READ_BYTES = 65536


class TicSource(Protocol):
    """A stream of bytes of a meter's TIC output."""

    def read(self, timeout_s: float) -> bytes:
        """Return the received bytes, b"" if nothing came within `timeout_s` seconds.

        Raises EOFError at the end of a finite source.
        """

    def fileno(self) -> int:
        """Return a descriptor to wait on, -1 while there is none."""

    def close(self) -> None:
        """Close the source; closing twice is not an error."""


class StreamSource:
    """Bytes of an open descriptor: a capture, a record of a line, a pipe, standard input.

    Attributes:
        arrival: of a record, what the last read returned, with its time and speed; None of a
            capture, which has neither.
        faults: of a masked record, what was found wrong with the line until then, which masked bytes
            may not show; None of anything else.
    """

    def __init__(self, descriptor: int) -> None:
        self.arrival: Arrival | None = None
        self.faults: tuple[LineFault, ...] | None = None
        self._descriptor = descriptor
        self._head: bytes | None = b""
        self._reader: RecordReader | None = None
        self._lines: deque[Arrival | Finding] = deque()

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a capture or a record. Raises FrameError if it cannot be read."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as exc:
            raise FrameError(
                f"{path}: {_lower_first(exc.strerror)}; give the path of a capture, or - for "
                "standard input."
            ) from exc
        return cls(descriptor)

    @classmethod
    def open_capture(cls, path: Path) -> Self:
        """Open a capture or a record that holds at least one good group.

        Raises FrameError if it cannot be read, or holds none.
        """
        with closing(cls.open(path)) as source:
            if not _has_group(source):
                raise no_capture(str(path))
        return cls.open(path)

    def read(self, timeout_s: float) -> bytes:
        """Return the received bytes, b"" if nothing came in time; raise EOFError at the end.

        Of a record, each read returns what one read of the line did.

        Raises FrameError if the descriptor cannot be read, for example a directory's, or if a
        record is damaged.
        """
        if not self._lines:
            data = self._read_file(timeout_s)
            if self._reader is None:
                return data
            self._lines += self._reader.feed(data)
        if not self._lines:
            return b""
        line = self._lines.popleft()
        if isinstance(line, Finding):
            self.faults = line.faults
            return b""
        self.arrival = line
        return line.data

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._descriptor

    def close(self) -> None:
        """Close the descriptor."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _read_file(self, timeout_s: float) -> bytes:
        """Return the next bytes; the first ones once they show whether this is a record."""
        ready, _, _ = select.select([self._descriptor], [], [], timeout_s)
        if not ready:
            return b""
        try:
            data = os.read(self._descriptor, _READ_BYTES)
        except OSError as exc:
            raise FrameError(
                f"The capture cannot be read: {_lower_first(exc.strerror)}; give a file."
            ) from exc
        if self._head is not None:
            data = self._recognise(data)
        elif not data:
            raise EOFError
        return data

    def _recognise(self, data: bytes) -> bytes:
        head = (self._head or b"") + data
        if data and MAGIC.startswith(head):
            self._head = head
            return b""
        if not head:
            raise EOFError
        self._head = None
        if head.startswith(MAGIC):
            self._reader = RecordReader()
        return head


def no_capture(name: str) -> FrameError:
    """Return the error of a source that contains no meter's output."""
    return FrameError(
        f"{name} is no capture of a meter's output: it holds no group that can be read."
    )


def _has_group(source: StreamSource) -> bool:
    decoder = Decoder()
    try:
        while not decoder.quality.groups:
            decoder.feed(source.read(0.0))
    except EOFError:
        decoder.finish()
    return decoder.quality.groups > 0


def _lower_first(text: str | None) -> str:
    return text[0].lower() + text[1:] if text else "cannot be read"
