"""Decodes bytes of the meter's serial output to frames of checked groups.

STX opens a frame, ETX closes it, EOT interrupts it (Enedis-NOI-CPT_02E, page 19). A frame whose
ETX is lost ends where the next one opens. Groups are split on CR or LF alone, since either may be
lost or corrupted. Each group is checked on its own, so that a fault destroys one group and not the
frame; a corrupted LF before a group does not even destroy that group.
The mode is that of the groups that pass all checks, so a change of mode is noticed automatically.
"""

import re

from edge.tic.frame import ClosedBy, Frame, InformationGroup, Mode, OpenedBy, Rejected
from edge.tic.groups import (
    DoubtfulGroup,
    GroupRead,
    GroupRefusal,
    LabelledGroup,
    UnknownGroup,
    read_group,
)
from edge.tic.parity import MARKERS, ParityCheck
from edge.tic.quality import LineQuality, QualityCounter

_MARKER = re.compile(rb"[\x02-\x04\x82-\x84]")
_STX = 0x02
_CLOSED_BY = {0x03: ClosedBy.ETX, 0x04: ClosedBy.EOT}
_SHORT_FRAME = frozenset(
    ("ADIR1", "ADIR2", "ADIR3", "ADCO", "IINST1", "IINST2", "IINST3"),
)
_WARNINGS = frozenset(("ADIR1", "ADIR2", "ADIR3"))

_BOTH_MODES = len(Mode)

# The longest frame, three-phase producer, has 1.7 kB, and the longest group 111 bytes. Anything
# longer is noise; the limits only bound the memory that noise can take.
_MAX_PIECE_BYTES = 8192
_MAX_FRAME_BYTES = 65536
_MAX_REJECTED = 512
_MAX_RAW_CHARACTERS = 160
_MAX_CACHED_BYTES = 128
_MAX_CACHED_GROUPS = 4096
_MAX_BORNE_OUT = 64


class _OpenFrame:
    """The frame under construction."""

    __slots__ = (
        "cut",
        "duplicates",
        "groups",
        "opened_by",
        "refused",
        "rejected",
        "start",
        "unknown",
    )

    def __init__(self, start: int, opened_by: OpenedBy) -> None:
        self.start = start
        self.opened_by = opened_by
        self.groups: dict[str, LabelledGroup] = {}
        self.duplicates: dict[str, None] = {}
        self.rejected: list[Rejected] = []
        self.unknown: list[str] = []
        self.refused = 0
        self.cut = 0

    def accept(self, read: LabelledGroup) -> None:
        name = read.label.name
        if name in self.groups:
            self.duplicates[name] = None
        self.groups[name] = read

    def reject(self, raw: str, reason: GroupRefusal) -> None:
        self.refused += 1
        if len(self.rejected) < _MAX_REJECTED:
            self.rejected.append(Rejected(raw, reason))

    def set_aside(self, raw: str) -> None:
        if len(self.unknown) < _MAX_REJECTED:
            self.unknown.append(raw[:_MAX_RAW_CHARACTERS])

    def settle_mode(self) -> Mode | None:
        """Return the mode; if groups of both modes passed (a change in mid-frame), standard.

        The separator HT of standard never occurs in historique.
        """
        modes = {read.label.mode for read in self.groups.values()}
        if len(modes) < _BOTH_MODES:
            return next(iter(modes), None)
        for name, read in list(self.groups.items()):
            if read.label.mode is Mode.HISTORIQUE:
                del self.groups[name]
                self.reject(f"{name} {read.group.value}", GroupRefusal.MODE)
        return Mode.STANDARD

    def close(self, mode: Mode, end: int, closed_by: ClosedBy) -> Frame:
        groups: dict[str, InformationGroup] = {
            name: read.group for name, read in self.groups.items()
        }
        is_whole = self.opened_by is OpenedBy.STX and closed_by is ClosedBy.ETX
        return Frame(
            mode=mode,
            start=self.start,
            end=end,
            opened_by=self.opened_by,
            closed_by=closed_by,
            groups=groups,
            rejected=tuple(self.rejected),
            unknown=tuple(self.unknown),
            duplicate_labels=tuple(self.duplicates),
            is_complete=is_whole and not self.refused and not self.duplicates,
            is_short=_SHORT_FRAME.issuperset(groups) and not _WARNINGS.isdisjoint(groups),
        )


class _Doubts:
    """Lines that may be corrupted; one is believed once two consecutive frames contain it."""

    def __init__(self) -> None:
        self._before: set[bytes] = set()
        self._now: set[bytes] = set()
        self._borne_out: set[bytes] = set()

    def is_over(self, line: bytes) -> bool:
        if line in self._borne_out:
            return True
        if line not in self._before:
            self._now.add(line)
            return False
        if len(self._borne_out) >= _MAX_BORNE_OUT:
            self._borne_out.clear()
        self._borne_out.add(line)
        return True

    def end_frame(self) -> None:
        if self._now or self._before:
            self._before, self._now = self._now, set()


class Decoder:
    """Incremental decoder: takes bytes in any portions, returns each frame once its ETX is in.

    The result does not depend on how the stream is cut into portions. Memory is bounded for any
    input. Frames without a good group are only returned next to a frame that has some, so that
    noise gives no frames.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._buffer_start = 0
        self._scanned = 0
        self._frame = _OpenFrame(0, OpenedBy.NONE)
        self._is_stream_head = True
        self._mode: Mode | None = None
        self._is_after_groups = False
        self._withheld: tuple[_OpenFrame, int, ClosedBy] | None = None
        self._parity = ParityCheck()
        self._quality = QualityCounter()
        self._cache: dict[bytes, GroupRead] = {}
        self._doubts = _Doubts()

    @property
    def mode(self) -> Mode | None:
        """The mode of the last frame with good groups, None before the first."""
        return self._mode

    @property
    def quality(self) -> LineQuality:
        """The line's quality up to the last frame closed."""
        return self._quality.figure(
            self._buffer_start + len(self._buffer),
            self._parity.errors,
            is_parity_checked=self._parity.is_checked,
        )

    def feed(self, data: bytes) -> list[Frame]:
        """Take the next bytes of the stream; return the frames they complete."""
        frames: list[Frame] = []
        buffer = self._buffer
        buffer += data
        begin = 0
        marker = _MARKER.search(buffer, self._scanned)
        while True:
            end = marker.end() if marker else len(buffer)
            while end - begin > _MAX_PIECE_BYTES:
                cut = begin + self._piece_length(bytes(buffer[begin : begin + _MAX_PIECE_BYTES]))
                self._take(bytes(buffer[begin:cut]), self._buffer_start + cut, frames)
                begin = cut
            if not marker:
                break
            self._take(bytes(buffer[begin:end]), self._buffer_start + end, frames)
            begin = end
            marker = _MARKER.search(buffer, begin)
        del buffer[:begin]
        self._buffer_start += begin
        self._scanned = len(buffer)
        return frames

    def finish(self) -> list[Frame]:
        """End the stream; return what it leaves, closed by EOF. Feeding may go on afterwards."""
        frames: list[Frame] = []
        rest = bytes(self._buffer)
        self._buffer.clear()
        self._buffer_start += len(rest)
        self._scanned = 0
        self._take_lines(self._parity.clean(rest), is_cut_at_end=True)
        self._close(ClosedBy.EOF, self._buffer_start, frames)
        self._open(self._buffer_start, OpenedBy.NONE)
        self._is_stream_head = True
        return frames

    @staticmethod
    def _piece_length(piece: bytes) -> int:
        """Cut an over-long piece after its last line end, or anywhere if it has none."""
        return max(piece.rfind(end) for end in (b"\r", b"\n", b"\x8d", b"\x8a")) + 1 or len(piece)

    def _take(self, piece: bytes, end: int, frames: list[Frame]) -> None:
        """Take a piece of the stream that ends at offset `end`, at a marker or a cut."""
        text = self._parity.clean(piece)
        self._take_lines(text)
        last = text[-1]
        if last == _STX:
            self._close(ClosedBy.STX, end - 1, frames)
            self._open(end - 1, OpenedBy.STX)
        elif last in _CLOSED_BY:
            self._close(_CLOSED_BY[last], end, frames)
            self._open(end, OpenedBy.NONE)
        elif end - self._frame.start > _MAX_FRAME_BYTES:
            self._close(ClosedBy.STX, end, frames)
            self._open(end, OpenedBy.NONE)

    def _take_lines(self, text: bytes, *, is_cut_at_end: bool = False) -> None:
        frame = self._frame
        cache = self._cache
        lines = text.rstrip(MARKERS).replace(b"\r", b"\n").split(b"\n")
        for at, line in enumerate(lines):
            if not line:
                continue
            read = cache.get(line) or self._read(line)
            if isinstance(read, LabelledGroup):
                frame.accept(read)
            else:
                is_cut = (self._is_stream_head and at == 0) or (
                    is_cut_at_end and at == len(lines) - 1
                )
                self._take_odd(line, read, is_cut=is_cut)
        self._is_stream_head = False

    def _take_odd(self, line: bytes, read: GroupRead, *, is_cut: bool) -> None:
        """Take a line that is not simply a group; `is_cut`: an end of the stream cuts it."""
        frame = self._frame
        if isinstance(read, DoubtfulGroup):
            # Correct parity rules out the one fault that could matter.
            if self._parity.is_checked or self._doubts.is_over(line):
                frame.accept(read.read)
                return
            read = GroupRefusal.VALUE
        if isinstance(read, UnknownGroup):
            frame.set_aside(read.raw)
        elif isinstance(read, GroupRefusal):
            raw = line[:_MAX_RAW_CHARACTERS].decode("ascii", "backslashreplace")
            frame.reject(raw, read)
            frame.cut += is_cut

    def _read(self, line: bytes) -> GroupRead:
        read = read_group(line)
        if isinstance(read, GroupRefusal):
            # No label is another label without its first character, so the rest behind a corrupted
            # LF is the group that was sent.
            rest = read_group(line[1:])
            read = rest if isinstance(rest, LabelledGroup) else read
        if len(line) <= _MAX_CACHED_BYTES:
            if len(self._cache) >= _MAX_CACHED_GROUPS:
                self._cache.clear()
            self._cache[line] = read
        return read

    def _open(self, start: int, opened_by: OpenedBy) -> None:
        self._frame = _OpenFrame(start, opened_by)

    def _close(self, closed_by: ClosedBy, end: int, frames: list[Frame]) -> None:
        frame = self._frame
        if not frame.groups and not frame.refused:
            return
        mode = frame.settle_mode()
        self._quality.count(len(frame.groups), frame.refused, frame.cut)
        if mode:
            self._mode = mode
            self._doubts.end_frame()
            if self._withheld:
                withheld, withheld_end, withheld_closed_by = self._withheld
                frames.append(withheld.close(mode, withheld_end, withheld_closed_by))
            frames.append(frame.close(mode, end, closed_by))
            self._withheld = None
        elif self._is_after_groups and self._mode:
            frames.append(frame.close(self._mode, end, closed_by))
        else:
            self._withheld = (frame, end, closed_by)
        self._is_after_groups = mode is not None
