"""The area lane's cipher: additive masks from replicated seeds, opened only as sums.

Any t of n trustees can open a sum; fewer learn nothing. Each set of n - t + 1 trustees shares one
seed that only its members know. So t trustees together hold every seed, and t - 1 lack at least one
(pseudorandom replicated sharing: Cramer, Damgård, Ishai, "Share Conversion", 2005). A contribution
is masked with one keystream per seed (Castelluccia, Mykletun, Tsudik, 2005):

    c_j = v_j + Σ_A mask_A[j]  mod 2^64,   mask_A = ChaCha20(HMAC(month key_A, context ‖ nonce))

where month key_A = HKDF(seed_A of the month, household key ‖ month), and the seed of each month
follows from that of the month before, one way, so that past months end when their seeds are
deleted. The *context* is what the contribution was
made for: measures document, measure, group, slots and day. Under any other context it opens to
noise. The nonce is 16 bytes drawn with the noise, so a new draw never reuses a keystream.
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
from protocol.packed import Count

SEED_BYTES = 32
NONCE_BYTES = 16
SLOT_BYTES = 8
# The value in the last slot of every contribution.
CHECK_VALUE = 1
# ChaCha20's own nonce is zero, since every draw has a key of its own.
_CHACHA_NONCE = bytes(12)
# HMAC-SHA256 (RFC 2104): a key of half a block, padded and XORed.
_HALF_BLOCK = bytes(32)
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))
_NO_SALT_INNER = bytes(64).translate(_INNER)
_NO_SALT_OUTER = bytes(64).translate(_OUTER)

Words = npt.NDArray[np.uint64]
Signed = npt.NDArray[np.int64]
SeedSet = tuple[int, ...]


class Shape(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """How many trustees it takes to open a sum: 3 of 4, 4 of 6, 2 of 3 or 2 of 2."""

    threshold: Count
    trustees: Count

    @property
    def seed_sets(self) -> tuple[SeedSet, ...]:
        """The sets of trustees (by number) that each share a seed, in lexicographic order."""
        size = self.trustees - self.threshold + 1
        return tuple(combinations(range(self.trustees), size))

    @property
    def liars_for_two_sets(self) -> int:
        """How many trustees must lie so that they and the collectivity open two sets of a figure.

        Each set takes t trustees, and each of the others answers for one of the two only.
        """
        return 2 * self.threshold - self.trustees

    def sets_of(self, trustee: int) -> tuple[int, ...]:
        """Return the numbers of the seed sets that contain a trustee."""
        return tuple(number for number, members in enumerate(self.seed_sets) if trustee in members)

    def covers(self, trustees: Iterable[int]) -> bool:
        """Return whether these trustees together hold every seed."""
        present = set(trustees)
        return all(present.intersection(members) for members in self.seed_sets)


SHAPES = (Shape(3, 4), Shape(4, 6), Shape(2, 3), Shape(2, 2))


def check_shape(shape: Shape) -> None:
    """Raise CipherError if the shape is not supported."""
    if shape not in SHAPES:
        offered = ", ".join(f"{shape.threshold} of {shape.trustees}" for shape in SHAPES)
        raise CipherError(f"{shape.threshold} of {shape.trustees} is not offered: {offered}")


class MaskContext(msgspec.Struct, frozen=True):
    """What a contribution to one measure is made for, to which its masks are bound.

    `document` is the hash of the measures document and `group` the group's code, so noise that was
    cut for one group is never opened as another's. `slots` includes the check slot: no group's
    check slot is another group's reading.
    """

    document: bytes
    measure: str
    group: str
    slots: int
    day: int

    def encoded(self) -> bytes:
        """Return the context in its only form, with the label of this use."""
        fields = (self.document, self.measure, self.group, self.slots, self.day)
        return msgspec.msgpack.encode(("volet area mask", *fields))


def mask_key(seed: bytes, household_key: bytes, day: int) -> bytes:
    """Return the key (32 bytes) of a month's seed, for the month that contains `day`."""
    (key,) = month_keys(seed, household_key, month_number(day))
    return key


def month_keys(seeds: bytes, household_key: bytes, month: int) -> tuple[bytes, ...]:
    """Return the keys of a month's concatenated seeds. `month` is the number of its first day.

    HKDF-SHA256 without salt (RFC 5869) for a single block is two HMACs.
    """
    info = b"volet area v1" + household_key + month.to_bytes(4, "big") + b"\1"
    keys = []
    for place in range(0, len(seeds), SEED_BYTES):
        inner = sha256(_NO_SALT_INNER + seeds[place : place + SEED_BYTES]).digest()
        keys.append(_hmac(sha256(_NO_SALT_OUTER + inner).digest(), info))
    return tuple(keys)


def month_number(day: int) -> int:
    """Return the number of the first day of the month that contains `day` (a number)."""
    return day_number(month_of(day_of_number(day)))


def ratchet(seeds: bytes, month: int, later: int) -> bytes:
    """Return concatenated seeds of the month `later`, from those of `month`.

    Both are numbers of a first day, `later` not before `month`. Nobody gets back: whoever has the
    seeds of a month has those of no month before.
    """
    first, last = day_of_number(month), day_of_number(later)
    steps = 12 * (last.year - first.year) + last.month - first.month
    found = bytearray()
    for place in range(0, len(seeds), SEED_BYTES):
        seed = seeds[place : place + SEED_BYTES]
        for _ in range(steps):
            seed = _hmac(seed, b"volet seed of the next month")
        found += seed
    return bytes(found)


def draw_key(month_key: bytes, context: bytes, nonce: bytes) -> bytes:
    """Return the ChaCha20 key (32 bytes) of one draw.

    `context` is `MaskContext.encoded()` and `nonce` the contribution's, 16 bytes. They go into the
    key and not into ChaCha20's nonce: the nonce comes to trustees from the cloud, which could
    search 96 bits for two contexts that meet.
    """
    return _hmac(month_key, context + nonce)


def put_keystream(key: bytes, block: int, zeros: bytes, room: memoryview) -> None:
    """Write as many bytes of a draw's keystream into `room` as `zeros` has, from `block` on."""
    iv = block.to_bytes(4, "little") + _CHACHA_NONCE
    Cipher(ChaCha20(key, iv), mode=None).encryptor().update_into(zeros, room)


def mask(month_key: bytes, context: MaskContext, nonce: bytes) -> Words:
    """Return the keystream of one seed for one draw, uint64[context.slots]."""
    stream = bytearray(context.slots * SLOT_BYTES)
    key = draw_key(month_key, context.encoded(), nonce)
    put_keystream(key, 0, bytes(len(stream)), memoryview(stream))
    return np.frombuffer(stream, "<u8").astype(np.uint64, copy=False)


def mask_values(
    values: Signed,
    seeds: Sequence[bytes],
    household_key: bytes,
    context: MaskContext,
    nonce: bytes,
) -> Words:
    """Mask int64[context.slots] with the keystreams of the month's seeds; returns uint64[slots]."""
    masked = values.astype(np.int64).view(np.uint64).copy()
    for seed in seeds:
        masked += mask(mask_key(seed, household_key, context.day), context, nonce)
    return masked


def to_bytes(words: Words) -> bytes:
    """Return words in their wire form, little-endian."""
    return words.astype("<u8").tobytes()


def from_bytes(data: bytes) -> Words:
    """Decode the output of `to_bytes`. Raises CipherError if it is not a whole number of words."""
    if len(data) % SLOT_BYTES:
        raise CipherError("these bytes are no words of 8 bytes")
    return np.frombuffer(data, "<u8").astype(np.uint64)


def add_up(rows: npt.NDArray[np.uint64]) -> Words:
    """Sum ciphertexts or masks uint64[households, slots] modulo 2^64; returns uint64[slots]."""
    return np.asarray(np.add.reduce(rows, axis=0, dtype=np.uint64), np.uint64)


def unmask(total: Words, masks: Iterable[Words]) -> Signed:
    """Subtract one sum of masks per seed set from a sum of ciphertexts; returns int64[slots]."""
    opened = total.copy()
    for one in masks:
        opened -= one
    return opened.view(np.int64)


def _hmac(key: bytes, text: bytes) -> bytes:
    """Return HMAC-SHA256 with a key of 32 bytes.

    Written out it takes half the time of `hmac.digest`, and a trustee needs millions a day.
    """
    block = key + _HALF_BLOCK
    inner = sha256(block.translate(_INNER) + text).digest()
    return sha256(block.translate(_OUTER) + inner).digest()
