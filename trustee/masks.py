"""Keystreams in bulk: sums of masks over a set, or each household's mask for the check slot."""

from collections.abc import Sequence

import msgspec
import numpy as np

from protocol.area_cipher import (
    SLOT_BYTES,
    MaskContext,
    Words,
    add_up,
    draw_key,
    put_keystream,
)

# Households summed at a time, so that the keystreams stay in the cache.
CHUNK = 256
_BLOCK_SLOTS = 8


class Draw(msgspec.Struct, frozen=True, gc=False):
    """A household's part: its month keys, one for each seed set, and its random nonce."""

    keys: tuple[bytes, ...]
    nonce: bytes


def sums(draws: Sequence[Draw], sets: int, context: MaskContext) -> list[Words]:
    """Return the sum of all households' masks: uint64[slots] for each of `sets` seed sets."""
    slots, text = context.slots, context.encoded()
    totals = np.zeros((sets, slots), np.uint64)
    streams, buffers = _streams(slots)
    zeros = bytes(slots * SLOT_BYTES)
    for begin in range(0, len(draws), CHUNK):
        chunk = draws[begin : begin + CHUNK]
        for number in range(sets):
            for draw, buffer in zip(chunk, buffers, strict=False):
                key = draw_key(draw.keys[number], text, draw.nonce)
                put_keystream(key, 0, zeros, buffer)
            totals[number] += add_up(streams[: len(chunk)])
    return list(totals)


def check_masks(draws: Sequence[Draw | None], sets: int, context: MaskContext) -> list[Words]:
    """Return the masks for the last slot: uint64[households] for each seed set, zero for None."""
    text = context.encoded()
    masks = np.zeros((sets, len(draws)), np.uint64)
    block, slot = divmod(context.slots - 1, _BLOCK_SLOTS)
    streams, buffers = _streams(_BLOCK_SLOTS)
    zeros = bytes(_BLOCK_SLOTS * SLOT_BYTES)
    for begin in range(0, len(draws), CHUNK):
        known = [
            (row, draw) for row, draw in enumerate(draws[begin : begin + CHUNK], begin) if draw
        ]
        rows = [row for row, _ in known]
        for number in range(sets):
            for (_, draw), buffer in zip(known, buffers, strict=False):
                key = draw_key(draw.keys[number], text, draw.nonce)
                put_keystream(key, block, zeros, buffer)
            masks[number, rows] = streams[: len(known), slot]
    return list(masks)


def _streams(slots: int) -> tuple[Words, list[memoryview]]:
    """Return an array for a chunk's keystreams, and each of its rows as a byte buffer."""
    streams = np.empty((CHUNK, slots), "<u8")
    return streams, [row.data.cast("B") for row in streams]
