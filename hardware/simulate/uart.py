"""A meter's characters as levels in time, and a UART that reads them back in the middle of each bit."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

# What a Raspberry Pi's input surely takes as low and as high, in volts.
LOW_V, HIGH_V = 0.8, 2.0
IDLE_BITS = 6
_BITS = 10  # start, seven of data, even parity, stop


def line_bits(text: bytes) -> list[int]:
    """Return the bits of `text` on the line, 7E1, with the line at rest before and after."""
    return [1] * IDLE_BITS + [bit for byte in text for bit in _character(byte)] + [1] * 3


def _character(byte: int) -> Iterator[int]:
    data = [(byte >> place) & 1 for place in range(7)]
    yield from (0, *data, sum(data) & 1, 1)


def levels(volts: NDArray[np.float64]) -> NDArray[np.int8]:
    """Return 0 or 1 for each voltage; between the thresholds, what it was before."""
    known = np.where(volts < LOW_V, 0, np.where(volts > HIGH_V, 1, -1)).astype(np.int8)
    known[0] = max(known[0], 0)
    last_known = np.maximum.accumulate(np.where(known >= 0, np.arange(known.size), 0))
    return known[last_known]


def read(states: NDArray[np.int8], step_s: float, bit_s: float) -> bytes:
    """Return what a UART reads whose bit lasts `bit_s`; a damaged character is 0xFF.

    A start bit that is over at its middle is taken for a disturbance, as a UART does.
    """
    falls = np.flatnonzero((states[1:] == 0) & (states[:-1] == 1)) + 1
    read_bytes = bytearray()
    free_from = 0.0
    for fall in falls:
        if fall < free_from:
            continue
        middles = fall + (np.arange(_BITS) + 0.5) * bit_s / step_s
        if middles[-1] >= states.size:
            break
        bits = states[np.rint(middles).astype(int)]
        if bits[0] == 1:
            free_from = middles[0]
            continue
        is_whole = bits[9] == 1 and bits[1:8].sum() % 2 == bits[8]
        byte = int((bits[1:8].astype(int) << np.arange(7)).sum())
        read_bytes.append(byte if is_whole else 0xFF)
        free_from = middles[-1]
    return bytes(read_bytes)


def lateness(
    states: NDArray[np.int8], step_s: float, bits: list[int], bit_s: float
) -> tuple[float, float, int]:
    """Return how late the latest fall and the latest rise are, in seconds, and the edges too many.

    Not a number where an edge of the meter has none within a bit.
    """
    at = np.flatnonzero(np.diff(states)) + 1
    late: dict[int, list[float]] = {0: [], 1: []}
    meant = [place for place in range(1, len(bits)) if bits[place] != bits[place - 1]]
    for place in meant:
        bit, start_s = bits[place], place * bit_s
        after_s = at[states[at] == bit] * step_s - start_s
        near = after_s[(after_s >= -0.1 * bit_s) & (after_s < bit_s)]
        late[bit].append(float(near[0]) if near.size else float("nan"))
    return max_or_nan(late[0]), max_or_nan(late[1]), at.size - len(meant)


def max_or_nan(values: list[float]) -> float:
    """Return the greatest, and not a number if there is one that is none."""
    return float(np.max(values))
