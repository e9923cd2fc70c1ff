"""Billing lane, the part with SEAL: keys, encryptions of zero, openings.

The only module beside TenSEAL's untyped SEAL. SEAL reads and writes paths only; every object goes
through an anonymous memory file, so nothing secret touches a disk. SEAL's saved form (4.x): a
16-byte header, zstd-compressed; inside a ciphertext the parameters' id, its shape, the first
polynomial, and instead of the second one the 64-byte seed it is expanded from.
"""

import os
import struct
from collections.abc import Iterable
from datetime import date
from typing import Any, Protocol

import numpy as np
import zstandard
from tenseal import sealapi

from protocol.errors import CipherError
from protocol.household import (
    SEED_BYTES,
    Coefficients,
    Epoch,
    N,
    Q,
    T,
    Weights,
    check_weights,
    signed,
)
from protocol.ids import Incarnation

_HEADER_BYTES = 16
_MAGIC = 0xA15E
_PRNG_BLAKE2XB = 1
_COMPRESSION_NONE = 0
_COMPRESSION_ZSTD = 2


class _Saved(Protocol):
    def save(self, path: str, /) -> None: ...


def _make_context() -> Any:
    parameters = sealapi.EncryptionParameters(sealapi.SCHEME_TYPE.BFV)
    parameters.set_poly_modulus_degree(N)
    parameters.set_coeff_modulus(sealapi.CoeffModulus.Create(N, [60]))
    parameters.set_plain_modulus(sealapi.Modulus(T))
    context = sealapi.SEALContext(parameters, True, sealapi.SEC_LEVEL_TYPE.TC128)
    modulus = context.first_context_data().parms().coeff_modulus()[0].value()
    if not context.parameters_set() or modulus != Q:
        raise CipherError("this SEAL does not give the parameters of the billing lane")
    return context


CONTEXT: Any = _make_context()
_SHAPE = struct.pack("<4QB3QdQ", *CONTEXT.first_parms_id(), 0, 2, N, 1, 1.0, 1)


def saved_bytes(obj: _Saved) -> bytes:
    """Return what SEAL saves of `obj`, without a file that has a name."""
    fd = os.memfd_create("seal", os.MFD_CLOEXEC)
    try:
        obj.save(f"/proc/self/fd/{fd}")
        return os.pread(fd, os.fstat(fd).st_size, 0)
    finally:
        os.close(fd)


# SEAL reads only what its own version wrote.
_VERSION = saved_bytes(sealapi.Plaintext("1"))[3:5]


def _load(obj: Any, data: bytes) -> Any:
    fd = os.memfd_create("seal", os.MFD_CLOEXEC)
    try:
        with open(fd, "wb", closefd=False) as file:
            file.write(data)
        obj.load(CONTEXT, f"/proc/self/fd/{fd}")
    except (RuntimeError, ValueError) as exc:
        raise CipherError("SEAL refuses these bytes") from exc
    finally:
        os.close(fd)
    return obj


def _header(body_bytes: int) -> bytes:
    size = body_bytes + _HEADER_BYTES
    return struct.pack("<HBBBBHQ", _MAGIC, _HEADER_BYTES, *_VERSION, _COMPRESSION_NONE, 0, size)


def _section(body: bytes) -> bytes:
    return _header(len(body)) + body


def _array(*polynomials: Coefficients) -> bytes:
    data = b"".join(p.astype("<u8").tobytes() for p in polynomials)
    return _section(struct.pack("<Q", len(data) // 8) + data)


def _body(saved: bytes) -> bytes:
    return (
        zstandard.ZstdDecompressor().decompressobj().decompress(saved[_HEADER_BYTES:])
        if saved[5] == _COMPRESSION_ZSTD
        else saved[_HEADER_BYTES:]
    )


def _first_words(body: bytes, count: int) -> Coefficients:
    offset = len(_SHAPE) + _HEADER_BYTES + 8
    return np.frombuffer(body, "<u8", count, offset).astype(np.uint64)


def seeded_ciphertext(c0: Coefficients, seed: bytes) -> bytes:
    """Lay out coefficients (uint64[4096]) and seed as SEAL saves a seeded ciphertext.

    The result loads into `tenseal.sealapi.Ciphertext`.
    """
    return _section(_SHAPE + _array(c0) + _section(bytes([_PRNG_BLAKE2XB]) + seed))


def full_ciphertext(c0: Coefficients, c1: Coefficients) -> bytes:
    """Lay out both polynomials (uint64[4096] each) as SEAL saves a ciphertext."""
    return _section(_SHAPE + _array(c0, c1))


def load_ciphertext(data: bytes) -> Any:
    """Load a `tenseal.sealapi.Ciphertext` from bytes."""
    return _load(sealapi.Ciphertext(), data)


def weights_plaintext(weights: Weights) -> Any:
    """Return the SEAL plaintext Σ w_k·x^(-k) for `weights` (int64[n], not all zero).

    x^(-k) = -x^(N-k) in the ring.
    """
    k = np.flatnonzero(weights)
    exponents = ((N - k) % N).tolist()
    terms = (np.where(k == 0, weights[k], -weights[k]) % T).tolist()
    pairs = sorted(zip(exponents, terms, strict=True), reverse=True)
    return sealapi.Plaintext(" + ".join([f"{w:X}x^{e}" if e else f"{w:X}" for e, w in pairs]))


def _mask(seed: bytes, weights: Weights) -> Coefficients:
    """Return a·Σ w_k·x^(-k), uint64[4096], for the `a` that SEAL expands from `seed`.

    SEAL multiplies by a single term without lifting a negative coefficient (its fast plain lift):
    right modulo t, but not the exact product that the sum is. So a single negative term is
    multiplied by its opposite and the result negated.
    """
    terms = np.flatnonzero(weights)
    is_negated = len(terms) == 1 and (weights[terms[0]] > 0) == (terms[0] > 0)
    plain = weights_plaintext(-weights if is_negated else weights)
    zero = load_ciphertext(seeded_ciphertext(np.zeros(N, np.uint64), seed))
    product = sealapi.Ciphertext()
    sealapi.Evaluator(CONTEXT).multiply_plain(zero, plain, product)
    mask = _first_words(_body(saved_bytes(product)), 2 * N)[N:]
    return (np.uint64(Q) - mask) % np.uint64(Q) if is_negated else mask


class SealSecret:
    """A household's SEAL secret key."""

    def __init__(self, key: Any) -> None:
        """Wrap a `tenseal.sealapi.SecretKey`."""
        self._key = key
        self._encryptor = sealapi.Encryptor(CONTEXT, key)
        self._decryptor = sealapi.Decryptor(CONTEXT, key)

    @classmethod
    def generate(cls) -> "SealSecret":
        """Draw a new ternary secret from SEAL's generator."""
        return cls(sealapi.KeyGenerator(CONTEXT).secret_key())

    @classmethod
    def from_bytes(cls, data: bytes) -> "SealSecret":
        """Read what `to_bytes` gave.

        Raises:
            CipherError: the bytes are no secret key of these parameters.
        """
        return cls(_load(sealapi.SecretKey(), data))

    def to_bytes(self) -> bytes:
        """Return the key as SEAL saves it; the caller keeps it secret."""
        return saved_bytes(self._key)

    def new_epoch(self, month: date, incarnation: Incarnation) -> Epoch:
        """Encrypt zero once more: a fresh pad for `month` in this incarnation."""
        body = _body(saved_bytes(self._encryptor.encrypt_zero_symmetric()))
        if len(body) < SEED_BYTES or body[-SEED_BYTES - 1] != _PRNG_BLAKE2XB:
            raise CipherError("this SEAL saves no seed; TenSEAL with SEAL 4 is needed")
        return Epoch(month, incarnation, body[-SEED_BYTES:], _first_words(body, N))

    def open_sum(self, total: int, terms: Iterable[tuple[bytes, Weights]]) -> int:
        """Open a month's weighted sum that the cloud computed.

        Args:
            total: Σ w_k·c_k mod q over all incarnations.
            terms: for each incarnation the seed of its own epoch and the weights (int64[3968]) that
                fall on its coefficients, both the chip's own: nothing that anyone else built is
                decrypted, else an answer would be an oracle for the key.

        Raises:
            BoundExceeded: the weights allow sums that would not open exactly.
            CipherError: `total` is not in [0, q), or not zero although no weight is.
        """
        if not 0 <= total < Q:
            raise CipherError("a sum lies between 0 and q")
        live = [(seed, weights) for seed, weights in terms if weights.any()]
        if not live:
            if total:
                raise CipherError("a sum over nothing is not zero")
            return 0
        check_weights(np.sum([np.abs(weights) for _, weights in live], axis=0))
        c1 = np.zeros(N, np.uint64)
        for seed, weights in live:
            c1 = (c1 + _mask(seed, weights)) % np.uint64(Q)
        c0 = np.zeros(N, np.uint64)
        c0[0] = total
        (constant,) = self._decrypt(full_ciphertext(c0, c1), 1)
        return signed(constant)

    def open_own(self, seed: bytes, coefficients: Coefficients) -> list[int]:
        """Open a month of the chip's own coefficients (uint64[n]); absent ones give noise.

        For rebuilding the store only, on blocks whose signature and epoch MAC are the chip's own.
        """
        c0 = np.zeros(N, np.uint64)
        c0[: len(coefficients)] = coefficients
        return self._decrypt(seeded_ciphertext(c0, seed), len(coefficients))

    def _decrypt(self, ciphertext: bytes, count: int) -> list[int]:
        plain = sealapi.Plaintext()
        self._decryptor.decrypt(load_ciphertext(ciphertext), plain)
        present = plain.coeff_count()
        return [plain[i] if i < present else 0 for i in range(count)]
