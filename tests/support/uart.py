"""A serial line bit by bit: what a UART receives of a signal that is inverted, slow or too fast.

The sender frames 7E1. The receiver reads 8N1, as the chip does, which is ten bits too.
"""

from random import Random

FINE = 16
"""Samples of the waveform to a bit of the sender."""

FRAME_GAP_S = 0.02


def waveform(stream: bytes, bit_s: int) -> bytearray:
    """Return the line's levels, `FINE` samples a bit; the line is 1 between frames."""
    levels = bytearray(b"\1" * FINE * 40)
    for byte in stream:
        low = byte & 0x7F
        bits = [0, *(low >> n & 1 for n in range(7)), low.bit_count() & 1, 1]
        for bit in bits:
            levels += bytes((bit,)) * FINE
        if low == 3:
            levels += b"\1" * int(FRAME_GAP_S * bit_s) * FINE
    return levels


def inverted(levels: bytearray) -> bytearray:
    return bytearray(level ^ 1 for level in levels)


def with_slow_rise(levels: bytearray, late_bits: float, jitter_bits: float, seed: int) -> bytearray:
    """Return levels whose 0 lasts longer by so much of a bit, as behind a slow opto-coupler."""
    rng = Random(seed)
    slow = bytearray(levels)
    at = 0
    while (rise := levels.find(b"\0\1", at)) >= 0:
        late = max(0, round((late_bits + rng.gauss(0, jitter_bits)) * FINE))
        slow[rise + 1 : rise + 1 + late] = bytes(len(slow[rise + 1 : rise + 1 + late]))
        at = rise + 1
    return slow


def received(levels: bytearray, sent_bit_s: int, read_bit_s: int) -> bytes:
    """Return the bytes that an 8N1 receiver at `read_bit_s` makes of the levels.

    After a stop bit of 0, the line must first have been 1.
    """
    bit = FINE * sent_bit_s / read_bit_s
    got = bytearray()
    at = 0
    while True:
        high = levels.find(1, at)
        start = levels.find(0, high) if high >= 0 else -1
        if start < 0 or start + 10 * bit >= len(levels):
            return bytes(got)
        if levels[int(start + bit / 2)]:  # a glitch is no start bit
            at = int(start + bit / 2)
            continue
        byte = sum(levels[int(start + (n + 1.5) * bit)] << n for n in range(8))
        got.append(byte)
        at = int(start + 9.5 * bit)
