"""A household's seeds, on their way to the trustees: one sealed letter to each.

A letter holds the seeds of all the sets its trustee is in, in their order. The commitments that go
with the letters let the holders of a seed see that they were given the same.
"""

import hashlib
import secrets
from collections.abc import Sequence

import msgspec

from protocol.area_cipher import SEED_BYTES, Shape
from protocol.area_messages import SeedLetters
from protocol.errors import CipherError
from protocol.governance import TrusteeSet
from protocol.hpke import SealingKey, seal


class LetterContext(msgspec.Struct, frozen=True, array_like=True):
    """What a letter is bound to; it opens nowhere else. `trustee` is a number in the set."""

    collectivity: str
    household_key: bytes
    generation: int
    trustee_set: bytes
    trustee: int


def draw_seeds(shape: Shape) -> tuple[bytes, ...]:
    """Draw one seed (32 bytes) for each seed set."""
    return tuple(secrets.token_bytes(SEED_BYTES) for _ in shape.seed_sets)


def commitment(seed: bytes, number: int) -> bytes:
    """Return SHA-256 over a seed and the number of its set."""
    return hashlib.sha256(b"volet seed" + number.to_bytes(2, "big") + seed).digest()


def seal_letter(
    seeds: Sequence[bytes], shape: Shape, context: LetterContext, public_key: bytes
) -> bytes:
    """Seal to one trustee the seeds of the sets it is in."""
    text = b"".join(seeds[number] for number in shape.sets_of(context.trustee))
    return seal(text, public_key, _info(context))


def write_letters(
    seeds: Sequence[bytes],
    trustees: TrusteeSet,
    trustee_set: bytes,
    household_key: bytes,
    generation: int,
) -> SeedLetters:
    """Seal a household's seeds to each of a set of trustees, whose hash is `trustee_set`."""
    return SeedLetters(
        household_key=household_key,
        generation=generation,
        trustees=trustee_set,
        commitments=tuple(commitment(seed, number) for number, seed in enumerate(seeds)),
        letters=tuple(
            seal_letter(
                seeds,
                trustees.shape,
                LetterContext(
                    trustees.collectivity, household_key, generation, trustee_set, number
                ),
                trustee.sealing_key,
            )
            for number, trustee in enumerate(trustees.trustees)
        ),
    )


def open_letter(
    letter: bytes, shape: Shape, context: LetterContext, key: SealingKey
) -> dict[int, bytes]:
    """Open a letter; returns the seeds by number of their set.

    Raises:
        CipherError: it was sealed to another trustee, for another context, or was altered.
    """
    text = key.open(letter, _info(context))
    numbers = shape.sets_of(context.trustee)
    if len(text) != SEED_BYTES * len(numbers):
        raise CipherError("this letter does not hold one seed for each set")
    return {number: text[place * SEED_BYTES :][:SEED_BYTES] for place, number in enumerate(numbers)}


def _info(context: LetterContext) -> bytes:
    return b"volet seeds v1" + msgspec.msgpack.encode(context)
