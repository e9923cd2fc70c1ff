"""The area lane's cipher: additive masks from replicated seeds, opened only as sums.

Any t of n trustees can open; fewer learn nothing. There is one seed for each set of n - t + 1
trustees, known to its members only, so that t trustees together hold every seed and t - 1 lack one
at least (pseudorandom replicated sharing: Cramer, Damgård, Ishai, "Share Conversion", 2005). A
contribution is masked with a keystream of each seed (Castelluccia, Mykletun, Tsudik, 2005):

    c_j = v_j + Σ_A mask_A[j]  mod 2^64,   mask_A = ChaCha20(key_A, nonce)

with key_A = HKDF(seed_A, household key ‖ month) and a nonce of day, measure and 16 bytes drawn
with the noise: a new draw never meets an old keystream.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from itertools import combinations

import msgspec
import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20

from protocol.calendar import day_number, day_of_number, month_of
from protocol.errors import CipherError

SEED_BYTES = 32
NONCE_BYTES = 16
SLOT_BYTES = 8
# What the last slot of every contribution carries.
CHECK_VALUE = 1
# What ChaCha20's block counter begins at.
FROM_THE_START = bytes(4)
# HMAC-SHA256 (RFC 2104): a key of half a block, padded and exclusive-ored.
_HALF_BLOCK = bytes(32)
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))
_NO_SALT_INNER = bytes(64).translate(_INNER)
_NO_SALT_OUTER = bytes(64).translate(_OUTER)

Words = npt.NDArray[np.uint64]
Signed = npt.NDArray[np.int64]
SeedSet = tuple[int, ...]


class Shape(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """How many of how many trustees open a sum: 3 of 4, 2 of 3 or 2 of 2."""

    threshold: int
    trustees: int

    @property
    def seed_sets(self) -> tuple[SeedSet, ...]:
        """The sets of trustees (by number) that share a seed each, in lexicographic order."""
        size = self.trustees - self.threshold + 1
        return tuple(combinations(range(self.trustees), size))

    def sets_of(self, trustee: int) -> tuple[int, ...]:
        """Return the numbers of the seed sets that a trustee is in."""
        return tuple(number for number, members in enumerate(self.seed_sets) if trustee in members)

    def covers(self, trustees: Iterable[int]) -> bool:
        """Say whether these trustees together hold every seed."""
        present = set(trustees)
        return all(present.intersection(members) for members in self.seed_sets)


SHAPES = (Shape(3, 4), Shape(2, 3), Shape(2, 2))


def check_shape(shape: Shape) -> None:
    """Raise CipherError unless the shape is one that is offered."""
    if shape not in SHAPES:
        offered = ", ".join(f"{each.threshold} of {each.trustees}" for each in SHAPES)
        raise CipherError(f"{shape.threshold} of {shape.trustees} is not offered: {offered}")


def mask_key(seed: bytes, household_key: bytes, day: int) -> bytes:
    """Return the ChaCha20 key (32 bytes) of a seed for the month that holds `day` (a number)."""
    (key,) = month_keys(seed, household_key, day_number(month_of(day_of_number(day))))
    return key


def month_keys(seeds: bytes, household_key: bytes, month: int) -> tuple[bytes, ...]:
    """Return the keys of seeds that stand one after the other; a month is its first day's number.

    HKDF-SHA256 without salt (RFC 5869): one block is its first and last, so it is two HMACs. Written
    out they take half the time of `hmac.digest`, and a trustee needs millions on a month's first.
    """
    info = b"volet area v1" + household_key + month.to_bytes(4, "big") + b"\1"
    keys = []
    for place in range(0, len(seeds), SEED_BYTES):
        inner = sha256(_NO_SALT_INNER + seeds[place : place + SEED_BYTES]).digest()
        block = sha256(_NO_SALT_OUTER + inner).digest() + _HALF_BLOCK
        inner = sha256(block.translate(_INNER) + info).digest()
        keys.append(sha256(block.translate(_OUTER) + inner).digest())
    return tuple(keys)


def mask_nonce(day: int, measure: str, nonce: bytes, slots: int) -> bytes:
    """Return ChaCha20's nonce (12 bytes) of one draw."""
    text = day.to_bytes(4, "big") + slots.to_bytes(2, "big") + measure.encode() + b"\0" + nonce
    return sha256(text).digest()[:12]


def put_keystream(key: bytes, iv: bytes, zeros: bytes, room: memoryview) -> None:
    """Write ChaCha20's keystream into `room`, as many bytes as there are `zeros`.

    `iv` is the block counter (4 bytes, little-endian) and the nonce (12).
    """
    Cipher(ChaCha20(key, iv), mode=None).encryptor().update_into(zeros, room)


def mask(key: bytes, day: int, measure: str, nonce: bytes, slots: int) -> Words:
    """Return the keystream of one seed for one draw, uint64[slots].

    `nonce` are the 16 bytes of the contribution. ChaCha20's own nonce is 12 bytes of a hash over
    day, measure, number of slots and these; its block counter begins at 0. With the number of slots
    in it, the check slot of a shorter group is never a slot of a longer one.
    """
    iv = FROM_THE_START + mask_nonce(day, measure, nonce, slots)
    stream = bytearray(slots * SLOT_BYTES)
    put_keystream(key, iv, bytes(len(stream)), memoryview(stream))
    return np.frombuffer(stream, "<u8").astype(np.uint64, copy=False)


def mask_values(
    values: Signed,
    seeds: Sequence[bytes],
    household_key: bytes,
    day: int,
    measure: str,
    nonce: bytes,
) -> Words:
    """Mask int64[slots] with the keystreams of all seeds; returns uint64[slots]."""
    masked = values.astype(np.int64).view(np.uint64).copy()
    for seed in seeds:
        key = mask_key(seed, household_key, day)
        masked += mask(key, day, measure, nonce, len(values))
    return masked


def to_bytes(words: Words) -> bytes:
    """Return words as they stand on the wire, little-endian."""
    return words.astype("<u8").tobytes()


def from_bytes(data: bytes) -> Words:
    """Read what `to_bytes` gave. Raises CipherError if it is no whole number of words."""
    if len(data) % SLOT_BYTES:
        raise CipherError("these bytes are no words of 8 bytes")
    return np.frombuffer(data, "<u8").astype(np.uint64)


def add_up(rows: npt.NDArray[np.uint64]) -> Words:
    """Sum ciphertexts or masks uint64[households, slots] modulo 2^64; returns uint64[slots]."""
    return np.asarray(np.add.reduce(rows, axis=0, dtype=np.uint64), np.uint64)


def unmask(total: Words, masks: Iterable[Words]) -> Signed:
    """Take one sum of masks for each seed set off a sum of ciphertexts; returns int64[slots]."""
    opened = total.copy()
    for one in masks:
        opened -= one
    return opened.view(np.int64)
