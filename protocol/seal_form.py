"""Reads and writes SEAL's save format (4.x) without SEAL.

A saved object is a 16-byte header and a body, which may be compressed: the parameters' id, a shape,
and arrays of words, each with its own header. A symmetrically encrypted ciphertext has the 64-byte
seed of its second polynomial in place of that polynomial. This module writes uncompressed bodies.
SEAL reads only headers of its own minor version, so the installed SEAL determines the version.
"""

import struct
from dataclasses import dataclass, field

import numpy as np
import zstandard

from protocol.errors import CipherError
from protocol.household import SEED_BYTES, Coefficients, N, Q

# SEAL's identifier of the parameters: BLAKE2b over scheme, N, q and t, 32 bytes.
PARAMETERS_ID = bytes.fromhex("ae4b871136e84dae583795a032abe85c18b6219aacc21e2acc84c5aefb3d5b68")
VERSION_BYTES = 2

_HEADER = struct.Struct("<HBBBBHQ")
_MAGIC = 0xA15E
_PRNG_BLAKE2XB = b"\1"
_NOT_COMPRESSED = 0
_ZSTD = 2
# The largest body read here is a ciphertext of two polynomials.
_BODY_BYTES_MAX = 2 * 8 * N + 1024

_CIPHERTEXT = PARAMETERS_ID + struct.pack("<B3QdQ", 0, 2, N, 1, 1.0, 1)
_SECRET_KEY = PARAMETERS_ID + struct.pack("<Qd", N, 1.0)


@dataclass(frozen=True, slots=True)
class LaidOut:
    """Bytes that this module laid out number by number. SEAL loads no others."""

    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SavedForm:
    """The save format of SEAL `version` (2 bytes: major, minor)."""

    version: bytes

    def seeded_ciphertext(self, c0: Coefficients, seed: bytes) -> LaidOut:
        """Lay out a first polynomial (uint64[4096] below q) and the seed (64 bytes) of the second.

        Raises:
            CipherError: shape, range or length is wrong.
        """
        if len(seed) != SEED_BYTES:
            raise CipherError(f"a seed has {SEED_BYTES} bytes, not {len(seed)}")
        expanded_from = self._section(_PRNG_BLAKE2XB + seed)
        return self._whole(_CIPHERTEXT + self._array(c0) + expanded_from)

    def full_ciphertext(self, c0: Coefficients, c1: Coefficients) -> LaidOut:
        """Lay out both polynomials (uint64[4096] below q each).

        Raises:
            CipherError: shape or range is wrong.
        """
        return self._whole(_CIPHERTEXT + self._array(c0, c1))

    def secret_key(self, transformed: Coefficients) -> LaidOut:
        """Lay out a secret key from its transform (uint64[4096] below q, protocol/ntt.py).

        Raises:
            CipherError: shape or range is wrong.
        """
        return self._whole(_SECRET_KEY + self._array(transformed))

    def _whole(self, body: bytes) -> LaidOut:
        return LaidOut(self._section(body))

    def _array(self, *polynomials: Coefficients) -> bytes:
        for polynomial in polynomials:
            if (
                polynomial.shape != (N,)
                or polynomial.dtype != np.uint64
                or not (polynomial < Q).all()
            ):
                raise CipherError(f"a polynomial has {N} coefficients in [0, q)")
        words = b"".join(polynomial.astype("<u8").tobytes() for polynomial in polynomials)
        return self._section(struct.pack("<Q", len(words) // 8) + words)

    def _section(self, body: bytes) -> bytes:
        size = _HEADER.size + len(body)
        header = (_MAGIC, _HEADER.size, *self.version, _NOT_COMPRESSED, 0, size)
        return _HEADER.pack(*header) + body


def version_of(saved: bytes) -> bytes:
    """Return the version (2 bytes: major, minor) of the SEAL that saved these bytes."""
    return saved[3 : 3 + VERSION_BYTES]


def read_seeded_ciphertext(saved: bytes) -> tuple[Coefficients, bytes]:
    """Return the first polynomial (uint64[4096]) and seed (64 bytes) of a symmetric encryption.

    Raises:
        CipherError: these bytes are not such a ciphertext with the billing lane's parameters.
    """
    body = _body(saved)
    (c0,) = _words(body, _CIPHERTEXT, 1)
    if body[-SEED_BYTES - 1 : -SEED_BYTES] != _PRNG_BLAKE2XB:
        raise CipherError("this SEAL saves no seed; TenSEAL with SEAL 4 is needed")
    return c0, body[-SEED_BYTES:]


def read_ciphertext(saved: bytes) -> tuple[Coefficients, Coefficients]:
    """Return both polynomials (uint64[4096] each) of a saved ciphertext.

    Raises:
        CipherError: these bytes are not a ciphertext with the billing lane's parameters.
    """
    c0, c1 = _words(_body(saved), _CIPHERTEXT, 2)
    return c0, c1


def _words(body: bytes, shape: bytes, polynomials: int) -> list[Coefficients]:
    start = len(shape) + _HEADER.size + 8
    if not body.startswith(shape) or len(body) < start + 8 * N * polynomials:
        raise CipherError("SEAL saved something else here, or it was damaged")
    words = np.frombuffer(body, "<u8", N * polynomials, start).astype(np.uint64)
    if not (words < Q).all():
        raise CipherError("a saved polynomial has coefficients in [0, q)")
    return np.split(words, polynomials)


def _body(saved: bytes) -> bytes:
    """Return the decompressed body, but no more than a valid one can have."""
    if len(saved) < _HEADER.size:
        raise CipherError("these bytes are shorter than SEAL's header")
    magic, header_bytes, _, _, compression, _, size = _HEADER.unpack_from(saved)
    if (magic, header_bytes, size) != (_MAGIC, _HEADER.size, len(saved)):
        raise CipherError("SEAL did not save these bytes, or they were cut short")
    body = saved[_HEADER.size :]
    if compression == _NOT_COMPRESSED:
        return body
    if compression != _ZSTD:
        raise CipherError("SEAL compressed these bytes in a way that no TenSEAL does")
    try:
        with zstandard.ZstdDecompressor(max_window_size=1 << 20).stream_reader(body) as reader:
            return reader.read(_BODY_BYTES_MAX)
    except zstandard.ZstdError as exc:
        raise CipherError("these bytes are damaged: they do not decompress") from exc
