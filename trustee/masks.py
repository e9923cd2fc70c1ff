"""Keystreams in bulk: sums of masks over a set, or each household's mask of the check slot."""

from collections.abc import Sequence

import msgspec
import numpy as np

from protocol.area_cipher import (
    FROM_THE_START,
    SLOT_BYTES,
    Words,
    add_up,
    mask_nonce,
    put_keystream,
)

# Households at a time: what is summed stays in the cache.
CHUNK = 256
_BLOCK_SLOTS = 8


class Draw(msgspec.Struct, frozen=True, gc=False):
    """One household's part: its month keys, one for each seed set, and the nonce it drew."""

    keys: tuple[bytes, ...]
    nonce: bytes


def sums(draws: Sequence[Draw], sets: int, day: int, measure: str, slots: int) -> list[Words]:
    """Sum the masks of all households; returns uint64[slots] for each of `sets` seed sets."""
    totals = np.zeros((sets, slots), np.uint64)
    streams, rooms = _streams(slots)
    zeros = bytes(slots * SLOT_BYTES)
    for begin in range(0, len(draws), CHUNK):
        chunk = draws[begin : begin + CHUNK]
        ivs = [FROM_THE_START + mask_nonce(day, measure, one.nonce, slots) for one in chunk]
        for number in range(sets):
            for one, iv, room in zip(chunk, ivs, rooms, strict=False):
                put_keystream(one.keys[number], iv, zeros, room)
            totals[number] += add_up(streams[: len(chunk)])
    return list(totals)


def check_masks(
    draws: Sequence[Draw | None], sets: int, day: int, measure: str, slots: int
) -> list[Words]:
    """Return the masks of the last slot: uint64[households] for each seed set, zero for None."""
    masks = np.zeros((sets, len(draws)), np.uint64)
    block, place = divmod(slots - 1, _BLOCK_SLOTS)
    counter = block.to_bytes(4, "little")
    streams, rooms = _streams(_BLOCK_SLOTS)
    zeros = bytes(_BLOCK_SLOTS * SLOT_BYTES)
    for begin in range(0, len(draws), CHUNK):
        known = [
            (row, draw) for row, draw in enumerate(draws[begin : begin + CHUNK], begin) if draw
        ]
        rows = [row for row, _ in known]
        ivs = [counter + mask_nonce(day, measure, draw.nonce, slots) for _, draw in known]
        for number in range(sets):
            for (_, draw), iv, room in zip(known, ivs, rooms, strict=False):
                put_keystream(draw.keys[number], iv, zeros, room)
            masks[number, rows] = streams[: len(known), place]
    return list(masks)


def _streams(slots: int) -> tuple[Words, list[memoryview]]:
    """Return room for a chunk's keystreams, and each row of it as bytes."""
    streams = np.empty((CHUNK, slots), "<u8")
    return streams, [row.data.cast("B") for row in streams]
