"""Masks what identifies a home in the meter's output, and keeps everything else about the line.

Masked are the meter's serial number but for maker, year and type (ADCO, ADSC), the point of
delivery (PRM), the supplier's messages (MSG1, MSG2), and the data of labels that are not known.
Whoever reads the line for long gets other numbers of the same form in the place of both, always the
same ones, which keep nothing of the true ones (`StandIns`).

A damaged group may hold a part of any of these, so of a group that is refused only known labels,
separators and lengths remain. Checksums are made anew by the difference that masking makes: what
was valid stays valid, what was not stays so. Wrong parity stays wrong, and no byte moves.

Of a stretch in which nothing can be read, as on an inverted line, the bytes are the meter's output
in another form. They are shuffled, so that their counts remain.
"""

import re
from collections import deque
from random import SystemRandom
from typing import NamedTuple

from edge.tic.groups import (
    DoubtfulGroup,
    GroupRead,
    GroupRefusal,
    LabelledGroup,
    UnknownGroup,
    read_group,
)
from edge.tic.labels import LABELS
from edge.tic.parity import BROKEN, MARKERS, ParityCheck

_SERIALS = frozenset(("ADCO", "ADSC"))
_PRM = "PRM"
_NUMBERS = _SERIALS | {_PRM}
_IDENTIFYING = _NUMBERS | {"MSG1", "MSG2"}
# The last digits of a serial number count the meters of one maker, year and type.
_COUNTING_DIGITS = 6
_HIDDEN = b"X"
_OTHER = ord("?")


def _kind(sign: int) -> int:
    """Return a sign of the same kind: digit, capital, small letter, plus or minus, other."""
    for low, high, kind in (("0", "9", "0"), ("A", "Z", "X"), ("a", "z", "x")):
        if ord(low) <= sign <= ord(high):
            return ord(kind)
    return sign if sign in b"+-" else _OTHER


_CLASSES = bytes(map(_kind, range(256)))
_NOTHING = bytes([_OTHER]) * 256
# No label allows it: a value in which one sign was impossible stays so.
_IMPOSSIBLE = b"`" * 256
_LOW_BITS = 0x7F
_LINE_ENDS = frozenset(b"\n\r" + MARKERS)
_SOUND = bytes((*range(0x20, 0x7F), 0x09, *_LINE_ENDS))
_SEPARATORS = b" \t"
_TAIL_BYTES = 2
_CHECKSUMS = range(0x20, 0x60)
_NO_CHECKSUM = ord("~")
# So many bytes show whether bit 7 is parity.
_PRIMING_BYTES = 128
# Where nothing can be read for so long, there is noise. Shuffling less would hide too little.
_STRETCH_BYTES = 512
_LEAST_SHUFFLED_BYTES = 256
_SOUND_SHARE = 0.65
_KNOWN_TAILS = 16
_FIELD = re.compile(rb"[^ \t]+")
_NAMES = frozenset(name.encode() for name in LABELS)
# A label of a newer meter has few digits; one with more may be a damaged number.
_MOST_LABEL_DIGITS = 2

_Passed = LabelledGroup | DoubtfulGroup | UnknownGroup


class StandIns(NamedTuple):
    """Numbers that stand in the place of true ones: `serial` of the meter (12 digits), `prm` (14)."""

    serial: bytes
    prm: bytes


class _Piece(NamedTuple):
    """One line with its end: as it came, and with bit 7 set where parity is wrong."""

    raw: bytes
    text: bytes
    is_checked: bool

    def masked(self, low: bytes) -> bytes:
        """Return the line with other characters; parity is as right or wrong as it was."""
        return bytes(
            old if old & _LOW_BITS == new else new | self._bit_7(old, new, mark & BROKEN)
            for old, new, mark in zip(self.raw, low, self.text, strict=True)
        )

    def _bit_7(self, old: int, new: int, broken: int) -> int:
        if not self.is_checked:
            return old & BROKEN
        return (new.bit_count() & 1) << 7 ^ broken


class Mask:
    """Masks a stream that comes in any portions; the result does not depend on the portions.

    Bytes are held back until their group ends, and where nothing can be read for up to 512 bytes.
    """

    def __init__(self, stand_ins: StandIns | None = None) -> None:
        """Put `stand_ins` in the place of numbers; without them, X."""
        self._stand_ins = stand_ins
        self._shuffle = SystemRandom().shuffle
        self._parity = ParityCheck()
        self._is_primed = False
        self._buffer = bytearray()
        self._stretch: list[_Piece] = []
        self._stretch_bytes = 0
        self._tails: deque[bytes] = deque(maxlen=_KNOWN_TAILS)

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes; return the masked bytes that are ready, in their order."""
        self._buffer += data
        if not self._is_primed and len(self._buffer) < _PRIMING_BYTES:
            return b""
        self._prime()
        masked = bytearray()
        begin = 0
        for at, byte in enumerate(self._buffer, 1):
            if byte & _LOW_BITS in _LINE_ENDS or at - begin == _STRETCH_BYTES:
                masked += self._take(bytes(self._buffer[begin:at]))
                begin = at
        del self._buffer[:begin]
        return bytes(masked)

    def finish(self) -> bytes:
        """Return the rest, masked. Feeding may go on afterwards."""
        self._prime()
        ready = self.feed(b"")
        if self._buffer:
            ready += self._take(bytes(self._buffer))
            self._buffer.clear()
        return ready + self._end_stretch()

    def _prime(self) -> None:
        """Learn from the first bytes whether bit 7 is parity."""
        if not self._is_primed:
            self._parity.clean(bytes(self._buffer[:_PRIMING_BYTES]))
            self._is_primed = True

    def _take(self, raw: bytes) -> bytes:
        """Take a line; return what it makes ready."""
        text = self._parity.clean(raw)
        piece = _Piece(raw, text, self._parity.is_checked)
        body = _body(text)
        if not body and not self._stretch:
            return raw
        begin, read = _read(body)
        if isinstance(read, GroupRefusal):
            self._stretch.append(piece)
            self._stretch_bytes += len(raw)
            return self._end_stretch() if self._stretch_bytes >= _STRETCH_BYTES else b""
        before = self._mask_lines()
        return before + self._mask_group(piece, begin, read)

    def _end_stretch(self) -> bytes:
        """Return a stretch without a group: noise shuffled, lines masked one by one."""
        if self._stretch_bytes < _LEAST_SHUFFLED_BYTES or self._is_sound():
            return self._mask_lines()
        mixed = [byte for piece in self._stretch for byte in piece.raw]
        self._shuffle(mixed)
        self._clear()
        return bytes(mixed)

    def _is_sound(self) -> bool:
        """Return whether most characters of the stretch are of a text, with the right parity."""
        unsound = sum(
            len((piece.text if piece.is_checked else piece.raw).translate(None, _SOUND))
            for piece in self._stretch
        )
        return unsound <= (1 - _SOUND_SHARE) * self._stretch_bytes

    def _mask_lines(self) -> bytes:
        masked = b"".join(piece.masked(_refused(_low(piece.raw))) for piece in self._stretch)
        self._clear()
        return masked

    def _clear(self) -> None:
        self._stretch.clear()
        self._stretch_bytes = 0

    def _mask_group(self, piece: _Piece, begin: int, read: _Passed) -> bytes:
        """Mask a group that passed its checks; it begins at `begin` in its line."""
        low = _low(piece.raw)
        if isinstance(read, UnknownGroup):
            return piece.masked(_without_data(low, _CLASSES, _later_label(read.raw)))
        label = read.read.label if isinstance(read, DoubtfulGroup) else read.label
        end = len(_body(low)) - _TAIL_BYTES
        if label.name in _IDENTIFYING:
            start = begin + len(label.name) + 1
            value = low[start:end]
            if value[-_COUNTING_DIGITS:].isdigit() and value[-_COUNTING_DIGITS:] not in self._tails:
                self._tails.append(value[-_COUNTING_DIGITS:])
            hidden = _hidden(label.name, value, self._stand_ins)
            if isinstance(read, DoubtfulGroup):  # by one lower-case letter
                hidden = hidden[:-1] + hidden[-1:].lower()
            return piece.masked(_replaced(low, start, hidden))
        if any(tail in low for tail in self._tails):
            return piece.masked(_refused(low))
        return piece.raw


def _low(text: bytes) -> bytes:
    return bytes(byte & _LOW_BITS for byte in text)


def _body(text: bytes) -> bytes:
    """Return a line without the character that ends it."""
    return text[:-1] if text and text[-1] & _LOW_BITS in _LINE_ENDS else text


def _read(body: bytes) -> tuple[int, GroupRead]:
    """Return where the group of a line begins, and how it reads; see `Decoder`."""
    read = read_group(body)
    if isinstance(read, GroupRefusal):
        rest = read_group(body[1:])
        if not isinstance(rest, GroupRefusal | UnknownGroup):
            return 1, rest
    return 0, read


def _hidden(name: str, value: bytes, stand_ins: StandIns | None) -> bytes:
    """Return data of the same length that the label allows."""
    if stand_ins is not None and name in _NUMBERS:
        number = stand_ins.prm if name == _PRM else stand_ins.serial
        # What a source has made longer than a number is hidden already.
        return number[: len(value)] if len(value) <= len(number) else _HIDDEN * len(value)
    kept = value[:-_COUNTING_DIGITS] if name in _SERIALS and value.isdigit() else b""
    return kept + _HIDDEN * (len(value) - len(kept))


def _later_label(raw: str) -> bytes:
    """Return an unknown label if it is none that a damaged number could have made."""
    label = raw.partition("\t")[0].encode()
    digits = sum(map(str.isdigit, label.decode()))
    return label if digits <= _MOST_LABEL_DIGITS else b""


def _refused(low: bytes) -> bytes:
    """Return a refused line without its data; it reads as refused again."""
    for signs in (_CLASSES, _NOTHING):
        masked = _without_data(low, signs)
        if isinstance(read_group(_body(masked)), GroupRefusal):
            return masked
    return _without_data(low, _IMPOSSIBLE)


def _without_data(low: bytes, signs: bytes, keep: bytes = b"") -> bytes:
    """Return a line with its signs translated, but for separators, known labels and `keep`."""
    body = _body(low)
    data = body[:-1] if _has_checksum(body) else body

    def translate(field: re.Match[bytes]) -> bytes:
        name = field[0]
        return name if name in _NAMES or name == keep else name.translate(signs)

    return _replaced(low, 0, _FIELD.sub(translate, data))


def _has_checksum(body: bytes) -> bool:
    return len(body) > _TAIL_BYTES and body[-2] in _SEPARATORS


def _replaced(low: bytes, start: int, new: bytes) -> bytes:
    """Return the line with `new` from `start` on, and a checksum as right or wrong as it was."""
    body = _body(low)
    changed = bytearray(low)
    changed[start : start + len(new)] = new
    if _has_checksum(body):
        last = len(body) - 1
        moved = sum(changed[:last]) - sum(low[:last])
        old = low[last]
        changed[last] = ((old - 0x20 + moved) & 0x3F) + 0x20 if old in _CHECKSUMS else _NO_CHECKSUM
    return bytes(changed)
