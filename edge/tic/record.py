"""The record of a line: its bytes with the times at which they arrived.

A text file of JSON lines, so that it passes through mail and issue forms. The first line is the
head, most others are `[at_us, bit_s, data]`: microseconds since the record began, the speed at
which the line was read (0: not known), and bytes in base64. Where bytes are masked, lines
`{"at_us", "faults"}` stand between them: what was found wrong with the line before it was masked.
"""

from datetime import datetime
from typing import Annotated

import msgspec

from edge.tic.diagnosis import LineFault
from protocol.errors import FrameError
from protocol.json_text import read_json

VERSION = 2
MAGIC = b'{"volet_line_record":'
# Beyond what a read of a serial line returns, in base64 and with its numbers.
_MOST_LINE_BYTES = 131_072
_YEAR_US = 366 * 86_400 * 1_000_000

AtUs = Annotated[int, msgspec.Meta(ge=0, le=_YEAR_US)]

_encoder = msgspec.json.Encoder()


class RecordHead(msgspec.Struct, frozen=True):
    """The first line. `software` is the version of Volet that made the record."""

    volet_line_record: Annotated[int, msgspec.Meta(ge=1, le=1_000)]
    began: datetime
    is_masked: bool
    software: Annotated[str, msgspec.Meta(max_length=100)]


class Arrival(msgspec.Struct, frozen=True, array_like=True):
    """Bytes that one read returned; see the module."""

    at_us: AtUs
    bit_s: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
    data: bytes


class Finding(msgspec.Struct, frozen=True):
    """What was wrong with the line from a moment on, the likeliest first."""

    at_us: AtUs
    faults: Annotated[tuple[LineFault, ...], msgspec.Meta(max_length=len(LineFault))]


def encode_line(line: RecordHead | Arrival | Finding) -> bytes:
    """Encode a line of a record, with its end."""
    return _encoder.encode(line) + b"\n"


class RecordReader:
    """Reads a record that comes in any portions.

    A last line without an end is left out, since a record may be cut by a power failure.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._number = 0
        self._last_us = 0

    def feed(self, data: bytes) -> list[Arrival | Finding]:
        """Take the next bytes of the file; return the lines that they complete.

        Raises FrameError that names the line that is damaged.
        """
        self._buffer += data
        *lines, rest = bytes(self._buffer).split(b"\n")
        self._buffer[:] = rest
        read = [each for line in lines if (each := self._read(line)) is not None]
        if len(rest) > _MOST_LINE_BYTES:
            self._number += 1
            raise self._damaged()
        return read

    def _read(self, line: bytes) -> Arrival | Finding | None:
        self._number += 1
        try:
            if self._number == 1:
                head = read_json(line, RecordHead)
            else:
                read = _read_line(line)
        except msgspec.MsgspecError as exc:
            raise self._damaged() from exc
        if self._number == 1:
            if head.volet_line_record > VERSION:
                raise FrameError(
                    "The record was made by a newer Volet; install that one to read it."
                )
            return None
        if read.at_us < self._last_us:
            raise self._damaged()
        self._last_us = read.at_us
        return read

    def _damaged(self) -> FrameError:
        return FrameError(
            f"The record is damaged at line {self._number}; ask for it again, or cut it there."
        )


def _read_line(line: bytes) -> Arrival | Finding:
    if line.startswith(b"{"):
        return read_json(line, Finding)
    return read_json(line, Arrival)
