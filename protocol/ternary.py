"""Draws the household's secret polynomial, and encodes it independently of any library.

It has 4096 coefficients of {-1, 0, 1}. Byte i holds coefficients 5i … 5i+4 as Σ (s + 1)·3^k, and
the last byte holds the one left over: 820 bytes. Each secret has only one encoding.
"""

import secrets

import numpy as np
import numpy.typing as npt

from protocol.errors import CipherError
from protocol.household import N

Ternary = npt.NDArray[np.int8]

_PER_BYTE = 5
_PLACES = 3 ** np.arange(_PER_BYTE)
TERNARY_BYTES = -(-N // _PER_BYTE)
# The largest multiple of three in a byte; below it all remainders are equally likely.
_FAIR = 255


def draw_ternary() -> Ternary:
    """Draw a secret, int8[4096]; each coefficient is -1, 0 or 1 with equal probability."""
    kept = np.empty(0, np.uint8)
    while len(kept) < N:
        drawn = np.frombuffer(secrets.token_bytes(N), np.uint8)
        kept = np.concatenate([kept, drawn[drawn < _FAIR]])
    return (kept[:N] % 3).astype(np.int8) - np.int8(1)


def pack_ternary(secret: Ternary) -> bytes:
    """Return a secret, int8[4096] of {-1, 0, 1}, as 820 bytes."""
    digits = np.zeros(TERNARY_BYTES * _PER_BYTE, np.int64)
    digits[:N] = secret + 1
    return (digits.reshape(-1, _PER_BYTE) @ _PLACES).astype(np.uint8).tobytes()


def unpack_ternary(data: bytes) -> Ternary:
    """Decode the output of `pack_ternary`.

    Raises:
        CipherError: the bytes are not a secret.
    """
    if len(data) != TERNARY_BYTES:
        raise CipherError(f"a secret polynomial has {TERNARY_BYTES} bytes, not {len(data)}")
    packed = np.frombuffer(data, np.uint8).astype(np.int64)
    digits = packed[:, None] // _PLACES % 3
    secret = digits.reshape(-1)[:N].astype(np.int8) - np.int8(1)
    if pack_ternary(secret) != data:
        raise CipherError("a secret polynomial has coefficients of -1, 0 and 1 only")
    return secret
