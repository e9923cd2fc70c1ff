"""Finds what is wrong with a line from the bytes that arrive on it.

Each rule looks for what one fault leaves behind and nothing else does, so that a line that decodes
well shows none. A rule needs no more than a second or two of the line.
"""

import re
from collections.abc import Callable
from enum import StrEnum
from functools import cache
from itertools import pairwise

from edge.tic.decoder import Decoder
from edge.tic.frame import ClosedBy, Frame, Mode
from edge.tic.groups import SEPARATORS, LabelledGroup, read_group
from edge.tic.labels import LABELS, Horodate
from edge.tic.speed import FAST_BIT_S, SLOW_BIT_S


class LineFault(StrEnum):
    """What is wrong with a line."""

    SILENT = "silent"  # nothing arrives
    STUCK = "stuck"  # one byte value alone arrives
    INVERTED = "inverted"
    READ_TOO_FAST = "read too fast"  # historique, 1200 bit/s, read at 9600
    READ_TOO_SLOW = "read too slowly"  # standard, 9600 bit/s, read at 1200
    SLOW_EDGES = "slow edges"  # bits of 1 arrive as 0
    BIT_ERRORS = "bit errors"
    TABS = "tabs lost"  # spaces stand where standard mode has HT
    COOKED = "cooked terminal"  # CR became LF, or ETX was taken for Ctrl-C
    ECHO = "echo"  # everything arrives twice, or control characters as ^B and ^C
    TEXT = "text"  # readable, but not of a meter, as from a console


# Below this nothing is concluded but silence.
_LEAST_BYTES = 64
# What remains once no rule fits is a matter of averages, which need more.
_LEAST_AVERAGED_BYTES = 256
_LEAST_LINES = 6
_LEAST_LINE_BYTES = 6
_LEAST_STX = 3
# Runs of equal bits are all that is left of a character read eight times too fast.
_RUNS = bytes((0x00, 0x80, 0xC0, 0xE0, 0xF0, 0xF8, 0xFC, 0xFE, 0xFF))
_RUNS_SHARE = 0.9
_STUCK_SHARE = 0.97
# Three letters of a label, by chance, come once in more than a million bytes of noise.
_LEAST_TRIGRAMS = 3
_MOST_TURNED_BYTES = 2048
_LETTERS = 3
_FRAME_BITS = 10
_DATA_BITS = 7
_LEAST_TAB_GROUPS = 3
_TWICE_SHARE = 0.4
_DOUBLED_SHARE = 0.9
_CARETS = re.compile(rb"\^[BCDJM]")
_TEXT_SHARE = 0.95
# Errors of 1 % of the characters refuse one group in six or seven; beyond this it is the hardware.
_POOR_SHARE = 0.65
_LEAST_GROUPS = 40
_HIGH_SHARE = 0.05
_LEAST_ODD = 16
# Ones in a character whose parity is wrong: 2.1 to 2.5 if bits of 1 got lost, 3.1 to 3.4 otherwise.
_LOST_ONES = 2.75
_EVEN_SHARE = 0.68
_ODD = bytes(byte for byte in range(256) if byte.bit_count() % 2)
_EVEN = bytes(byte for byte in range(256) if byte.bit_count() % 2 == 0)
_LOW = bytes(range(128))
_BOTH = 0x60
_BITS_5_AND_6 = bytes(byte for byte in range(256) if byte & _BOTH == _BOTH)
_BOTH_SHARE = 0.05
_PRINTED = bytes((*range(0x20, 0x7F), 0x09, 0x0A, 0x0D, 0x1B))


class _Seen:
    """The bytes, and what the decoder makes of them."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        decoder = Decoder()
        self.frames: list[Frame] = [*decoder.feed(data), *decoder.finish()]
        self.quality = decoder.quality
        self.plain = bytes(byte & 0x7F for byte in data)
        self.lines = [line for line in re.split(rb"[\n\r\x02-\x04]+", self.plain) if line]

    @property
    def is_read(self) -> bool:
        """Return whether more than chance groups pass their checks."""
        return self.quality.groups > 1


def diagnose(data: bytes, bit_s: int | None = None) -> tuple[LineFault, ...]:
    """Return what is wrong, the likeliest first; nothing for a good line and for too few bytes.

    Args:
        data: consecutive bytes of the line, some kB at most.
        bit_s: the speed at which they were read, if it is known.
    """
    if not data:
        return (LineFault.SILENT,)
    if len(data) < _LEAST_BYTES:
        return ()
    seen = _Seen(data)
    if found := tuple(fault for fault, is_cause in _CAUSES.items() if is_cause(seen)):
        return found
    return (_remaining(seen, bit_s),) if _is_poor(seen) else ()


def _remaining(seen: _Seen, bit_s: int | None) -> LineFault:
    """Return the fault of a poor line that no rule explains."""
    if bit_s != SLOW_BIT_S and _has_lost_ones(seen):
        return LineFault.SLOW_EDGES
    even = len(seen.data.translate(None, _ODD)) / len(seen.data)
    if seen.is_read or bit_s == FAST_BIT_S or even > _EVEN_SHARE:
        return LineFault.BIT_ERRORS
    return LineFault.READ_TOO_SLOW


def _is_stuck(seen: _Seen) -> bool:
    return max(map(seen.data.count, set(seen.data))) >= _STUCK_SHARE * len(seen.data)


def _is_read_too_fast(seen: _Seen) -> bool:
    rest = len(seen.data.translate(None, _RUNS))
    return not _is_stuck(seen) and rest <= (1 - _RUNS_SHARE) * len(seen.data)


def _is_inverted(seen: _Seen) -> bool:
    """Return whether the bits, turned over, spell labels.

    Between two start bits that it takes for such, a receiver loses nothing of an inverted line. So
    the bits are strung together, turned over, and read from each of the ten places on which the
    true start bit may lie.
    """
    if seen.is_read:
        return False
    bits = b"".join(_TURNED[byte] for byte in seen.data[:_MOST_TURNED_BYTES])
    found = 0
    for offset in range(_FRAME_BITS):
        places = range(offset, len(bits) - _FRAME_BITS + 1, _FRAME_BITS)
        text = bytes(_character(bits[at : at + _FRAME_BITS]) for at in places)
        found += sum(text[at : at + _LETTERS] in _trigrams() for at in range(len(text) - 2))
        if found >= _LEAST_TRIGRAMS:
            return True
    return False


def _turned(byte: int) -> bytes:
    """Return the ten bits around a received character, turned over: start, data, stop."""
    return bytes((1, *(byte >> n & 1 ^ 1 for n in range(8)), 0))


_TURNED = [_turned(byte) for byte in range(256)]


def _character(bits: bytes) -> int:
    """Return the character of ten bits as 7E1, 0 if they are none."""
    value = sum(bit << n for n, bit in enumerate(bits[1 : 1 + _DATA_BITS]))
    is_sound = not bits[0] and bits[-1] and value.bit_count() & 1 == bits[8]
    return value if is_sound else 0


@cache
def _trigrams() -> frozenset[bytes]:
    spelled = [label.name.encode() + SEPARATORS[label.mode] for label in LABELS.values()]
    parts = (text[at : at + _LETTERS] for text in spelled for at in range(len(text) - 2))
    return frozenset(part for part in parts if not part.isdigit())


def _has_lost_tabs(seen: _Seen) -> bool:
    """Return whether groups of standard mode are sound once their spaces are tabs."""
    restored = sum(map(_is_group_without_tabs, seen.lines))
    return restored >= max(_LEAST_TAB_GROUPS, seen.quality.groups)


def _is_group_without_tabs(line: bytes) -> bool:
    label = LABELS.get(line.partition(b" ")[0].decode("ascii"))
    if label is None or label.mode is not Mode.STANDARD or b"\t" in line:
        return False
    name, _, rest = line[:-1].rstrip(b" ").partition(b" ")
    fields = [name, *([rest] if label.horodate is Horodate.NO else rest.split())]
    fields = [field.strip(b" ") for field in fields]
    if label.name == "DATE":
        fields.append(b"")
    return isinstance(read_group(b"\t".join((*fields, line[-1:]))), LabelledGroup)


def _is_cooked(seen: _Seen) -> bool:
    """Return whether groups end without CR, or frames never with ETX."""
    if not seen.is_read:
        return False
    text = seen.plain
    if b"\r" not in text:
        return text.count(b"\n") >= _LEAST_LINES
    closed_by_stx = sum(frame.closed_by is ClosedBy.STX for frame in seen.frames)
    return b"\x03" not in text and min(text.count(b"\x02"), closed_by_stx + 1) >= _LEAST_STX


def _is_echoed(seen: _Seen) -> bool:
    lines = [line for line in seen.lines if len(line) >= _LEAST_LINE_BYTES]
    twice = sum(one == other for one, other in pairwise(lines))
    if seen.is_read and len(lines) >= _LEAST_LINES and twice >= _TWICE_SHARE * len(lines):
        return True
    if b"\x02" not in seen.plain and len(_CARETS.findall(seen.plain)) >= _LEAST_STX:
        return True
    if seen.is_read or _is_stuck(seen) or _is_read_too_fast(seen):
        return False
    return any(map(_is_doubled, (seen.data, seen.data[1:])))


def _is_doubled(data: bytes) -> bool:
    """Return whether each byte stands twice."""
    firsts, seconds = data[::2], data[1::2]
    equal = sum(one == other for one, other in zip(firsts, seconds, strict=False))
    return equal >= _DOUBLED_SHARE * len(seconds)


def _is_text(seen: _Seen) -> bool:
    is_short = len(seen.data) < _LEAST_AVERAGED_BYTES  # a line of the meter has 111 at most
    if is_short or seen.is_read or b"\x02" in seen.data or _has_lost_tabs(seen):
        return False
    return len(seen.data.translate(None, _PRINTED)) <= (1 - _TEXT_SHARE) * len(seen.data)


def _is_poor(seen: _Seen) -> bool:
    """Return whether so many groups are refused that single hits do not explain it."""
    quality = seen.quality
    if not seen.is_read:
        return len(seen.data) >= _LEAST_AVERAGED_BYTES
    is_enough = quality.groups + quality.refused >= _LEAST_GROUPS
    return is_enough and (quality.share or 0) < _POOR_SHARE


def _has_lost_ones(seen: _Seen) -> bool:
    """Return whether bits of 1 arrive as 0, which a late rise behind an opto-coupler does.

    Characters of wrong parity then have fewer ones than others. No character of the meter has both
    bits 5 and 6, and none gets them by losing ones.
    """
    data = seen.data
    high, odd = data.translate(None, _LOW), data.translate(None, _EVEN)
    if len(high) < _HIGH_SHARE * len(data) or len(odd) < _LEAST_ODD:
        return False
    both = len(data) - len(data.translate(None, _BITS_5_AND_6))
    ones = sum(byte.bit_count() for byte in odd)
    return ones < _LOST_ONES * len(odd) and both < _BOTH_SHARE * len(data)


_CAUSES: dict[LineFault, Callable[[_Seen], bool]] = {
    LineFault.STUCK: _is_stuck,
    LineFault.READ_TOO_FAST: _is_read_too_fast,
    LineFault.INVERTED: _is_inverted,
    LineFault.TABS: _has_lost_tabs,
    LineFault.ECHO: _is_echoed,
    LineFault.COOKED: _is_cooked,
    LineFault.TEXT: _is_text,
}
