"""The commitment of a day: one point that binds the chip to the values that a bill may price.

C = Σ m_j·G_j + ρ·H over coefficients 100 to 111 of the day (protocol/layout.py): a vector Pedersen
commitment in the prime-order subgroup of edwards25519, 32 bytes. The commitments of several days
add up to the commitment to their sums. H is the curve's base point. The G_j are hashed to the group
from fixed labels, so nobody knows a relation between them and H.

A uniform ρ hides the values perfectly, even from someone who can compute discrete logarithms.
Opening one point to two vectors requires computing one. The arithmetic is libsodium's.
"""

import hashlib
from collections.abc import Iterable, Sequence
from functools import cache

from nacl.bindings import (
    crypto_core_ed25519_add,
    crypto_core_ed25519_from_uniform,
    crypto_core_ed25519_is_valid_point,
    crypto_core_ed25519_sub,
    crypto_scalarmult_ed25519_base_noclamp,
    crypto_scalarmult_ed25519_noclamp,
)

from protocol.errors import CipherError
from protocol.layout import INJECTED_STEP, REGISTER_STEP

# The order of the group, a prime.
ORDER = (1 << 252) + 27742317777372353535851937790883648493
POINT_BYTES = 32
SCALAR_BYTES = 32
COMMITTED_FROM = REGISTER_STEP
COMMITTED_END = INJECTED_STEP + 1
COMMITTED_VALUES = COMMITTED_END - COMMITTED_FROM

_LABEL = b"volet commitment generator v1|"
_IDENTITY = bytes([1]) + bytes(POINT_BYTES - 1)


@cache
def generator(label: str) -> bytes:
    """Return the point that a label hashes to; nobody knows its logarithm to any other point."""
    digest = hashlib.new("sha512_256", _LABEL + label.encode()).digest()
    point = crypto_core_ed25519_from_uniform(digest)
    if not crypto_core_ed25519_is_valid_point(point):
        raise CipherError(f"the label {label} hashes to no point of the group")
    return point


@cache
def day_generators() -> tuple[bytes, ...]:
    """Return the generators for coefficients 100 to 111 of a day, in their order."""
    return tuple(generator(f"coefficient {j}") for j in range(COMMITTED_FROM, COMMITTED_END))


def commit_day(values: Sequence[int], blinding: int) -> bytes:
    """Commit to the values of coefficients 100 to 111; returns 32 bytes.

    Args:
        values: twelve values, each in [0, 2^20).
        blinding: uniform in [0, ORDER); never reused for other values.
    """
    return combine(zip(values, day_generators(), strict=True), blinding)


def combine(terms: Iterable[tuple[int, bytes]], base_scalar: int = 0) -> bytes:
    """Return Σ scalar·point + base_scalar·H; scalars are taken modulo the order.

    Raises:
        CipherError: a point lies outside the group.
    """
    total = _IDENTITY
    if base_scalar % ORDER:
        total = crypto_scalarmult_ed25519_base_noclamp(scalar_bytes(base_scalar))
    for scalar, point in terms:
        if not scalar % ORDER or point == _IDENTITY:
            continue  # libsodium multiplies neither by zero nor the identity
        total = add(total, _multiplied(scalar, point))
    return total


def add(left: bytes, right: bytes) -> bytes:
    """Add two points. Raises CipherError if one is not a point of the curve."""
    try:
        return crypto_core_ed25519_add(left, right)
    except RuntimeError as exc:
        raise CipherError("these bytes are no point of the curve") from exc


def subtract(left: bytes, right: bytes) -> bytes:
    """Return left - right. Raises CipherError if one is not a point of the curve."""
    try:
        return crypto_core_ed25519_sub(left, right)
    except RuntimeError as exc:
        raise CipherError("these bytes are no point of the curve") from exc


def add_all(points: Iterable[bytes]) -> bytes:
    """Return the sum of points, the identity if there are none."""
    total = _IDENTITY
    for point in points:
        total = add(total, point)
    return total


def is_commitment(point: bytes) -> bool:
    """Return whether the bytes are the canonical encoding of a point of the prime-order subgroup.

    The identity does not count: it commits to zeros without blinding.
    """
    return len(point) == POINT_BYTES and crypto_core_ed25519_is_valid_point(point)


def scalar_bytes(scalar: int) -> bytes:
    """Return a scalar modulo the order in canonical form: 32 bytes, little-endian."""
    return (scalar % ORDER).to_bytes(SCALAR_BYTES, "little")


def read_scalar(data: bytes) -> int:
    """Decode the output of `scalar_bytes`.

    Raises:
        CipherError: the length is wrong, or the number is not below the order.
    """
    scalar = int.from_bytes(data, "little")
    if len(data) != SCALAR_BYTES or scalar >= ORDER:
        raise CipherError("a scalar of a proof is not in its one form")
    return scalar


def uniform_scalar(digest: bytes) -> int:
    """Reduce 64 uniform bytes to a scalar that is uniform up to 2^-256."""
    if len(digest) != 2 * SCALAR_BYTES:
        raise ValueError("a uniform scalar is made of 64 bytes")
    return int.from_bytes(digest, "little") % ORDER


def _multiplied(scalar: int, point: bytes) -> bytes:
    try:
        return crypto_scalarmult_ed25519_noclamp(scalar_bytes(scalar), point)
    except RuntimeError as exc:
        raise CipherError("a point lies outside the group of prime order") from exc
