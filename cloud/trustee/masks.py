"""Keystreams in bulk: sums of masks over a set, or each household's mask of the check slot."""

from collections.abc import Iterator, Sequence
from itertools import islice

import msgspec
import numpy as np

from protocol.area_cipher import SLOT_BYTES, Words, add_up, keystream, mask_nonce

# Households at a time: what is summed stays in the cache.
CHUNK = 256
_BLOCK_BYTES = 64
_FROM_THE_START = bytes(4)


class Draw(msgspec.Struct, frozen=True):
    """One household's part: its month keys, one for each seed set, and the nonce it drew."""

    keys: tuple[bytes, ...]
    nonce: bytes


def sums(draws: Sequence[Draw], sets: int, day: int, measure: str, slots: int) -> list[Words]:
    """Sum the masks of all households; returns uint64[slots] for each of `sets` seed sets."""
    totals = [np.zeros(slots, np.uint64) for _ in range(sets)]
    size_bytes = slots * SLOT_BYTES
    for chunk in _chunks(draws):
        nonces = [_FROM_THE_START + mask_nonce(day, measure, one.nonce, slots) for one in chunk]
        for number in range(sets):
            streams = b"".join(
                [
                    keystream(one.keys[number], nonce, size_bytes)
                    for one, nonce in zip(chunk, nonces, strict=True)
                ]
            )
            totals[number] += add_up(np.frombuffer(streams, "<u8").reshape(len(chunk), slots))
    return totals


def check_masks(
    draws: Sequence[Draw | None], sets: int, day: int, measure: str, slots: int
) -> list[Words]:
    """Return the masks of the last slot: uint64[households] for each seed set, zero for None."""
    masks = [np.zeros(len(draws), np.uint64) for _ in range(sets)]
    block, place = divmod((slots - 1) * SLOT_BYTES, _BLOCK_BYTES)
    counter = block.to_bytes(4, "little")
    for row, draw in enumerate(draws):
        if draw is None:
            continue
        nonce = counter + mask_nonce(day, measure, draw.nonce, slots)
        for number, key in enumerate(draw.keys):
            stream = keystream(key, nonce, _BLOCK_BYTES)
            masks[number][row] = int.from_bytes(stream[place : place + SLOT_BYTES], "little")
    return masks


def _chunks(draws: Sequence[Draw]) -> Iterator[list[Draw]]:
    remaining = iter(draws)
    while chunk := list(islice(remaining, CHUNK)):
        yield chunk
