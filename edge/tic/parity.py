"""Checks parity in software: 7E1 characters as a UART set to 8N1 delivers them.

Both are ten bits on the line, so reading 8N1 loses nothing and works on UARTs without parity.
Bit 7 is then the even parity of the other seven. Streams that a UART has read as 7E1 have bit 7
clear throughout. The bytes show which of the two a stream is: the first has no byte of odd weight
and about half above 0x7F, the second has none above 0x7F and about half of odd weight.
"""

MARKERS = b"\x02\x03\x04"
BROKEN = 0x80
_CR = 0x0D
_LINE_ENDS = b"\x0a\x0d"
_EVEN = bytes(byte for byte in range(256) if byte.bit_count() % 2 == 0)
_LOW = bytes(range(128))
# A piece of the stream decides by itself if at least this many bytes support one reading and at
# most a quarter as many contradict it. Shorter and mixed pieces follow the earlier ones.
_DECISIVE_BYTES = 12
_DECISIVE_RATIO = 4
_MEMORY_BYTES = 2048


def _table(sound: bytes, mark: int) -> bytes:
    """Return a table that masks bytes and marks bad ones; a bad marker ends a line, not a frame."""

    def clean(byte: int) -> int:
        low = byte & 0x7F
        if byte in sound:
            return low
        return _CR if low in MARKERS + _LINE_ENDS else low | mark

    return bytes(clean(byte) for byte in range(256))


_CHECKED = _table(_EVEN, BROKEN)
# If bit 7 is clear throughout, a set one does not make the other seven suspect.
_PLAIN = _table(_LOW, 0)


class ParityCheck:
    """Detects the kind of stream, masks bit 7 and marks bytes with wrong parity.

    Attributes:
        errors: the number of bytes with wrong parity, or with bit 7 set where it must be clear.
        is_checked: whether the stream carries parity in bit 7.
    """

    __slots__ = ("_high", "_odd", "errors", "is_checked")

    def __init__(self) -> None:
        self.errors = 0
        self.is_checked = False
        self._odd = 0
        self._high = 0

    def clean(self, piece: bytes) -> bytes:
        """Return a masked piece of the stream.

        Characters with wrong parity have `BROKEN`, bit 7, set. Broken markers and line ends become
        CR.
        """
        odd = len(piece.translate(None, _EVEN))
        high = len(piece.translate(None, _LOW))
        self._odd += odd
        self._high += high
        if self._odd + self._high > _MEMORY_BYTES:
            self._odd //= 2
            self._high //= 2
        if max(odd, high) >= _DECISIVE_BYTES and min(odd, high) * _DECISIVE_RATIO <= max(odd, high):
            self.is_checked = odd < high
        elif self._odd != self._high:
            self.is_checked = self._odd < self._high
        self.errors += odd if self.is_checked else high
        return piece.translate(_CHECKED if self.is_checked else _PLAIN)
