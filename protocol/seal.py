"""The part of the billing lane with SEAL: encryptions of zero, and openings.

Only this module uses TenSEAL's untyped SEAL. SEAL reads and writes only paths, so every object goes
through an anonymous memory file and nothing secret touches a disk. SEAL loads only what `seal_form`
laid out number by number; bytes from a file or a message never reach its loader.
"""

import os
import struct
from collections.abc import Iterable
from datetime import date
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from tenseal import sealapi

from protocol import seal_form
from protocol.errors import CipherError
from protocol.household import (
    Coefficients,
    EpochPad,
    N,
    Q,
    T,
    Weights,
    check_weights,
    signed,
)
from protocol.ids import Incarnation
from protocol.ntt import transform
from protocol.seal_form import LaidOut, SavedForm
from protocol.ternary import Ternary, draw_ternary


class _Saved(Protocol):
    def save(self, path: str, /) -> None: ...


def _make_context() -> Any:
    parameters = sealapi.EncryptionParameters(sealapi.SCHEME_TYPE.BFV)
    parameters.set_poly_modulus_degree(N)
    parameters.set_coeff_modulus(sealapi.CoeffModulus.Create(N, [60]))
    parameters.set_plain_modulus(sealapi.Modulus(T))
    context = sealapi.SEALContext(parameters, True, sealapi.SEC_LEVEL_TYPE.TC128)
    modulus = context.first_context_data().parms().coeff_modulus()[0].value()
    named = struct.pack("<4Q", *context.first_parms_id())
    if not context.parameters_set() or modulus != Q or named != seal_form.PARAMETERS_ID:
        raise CipherError("this SEAL does not give the parameters of the billing lane")
    return context


CONTEXT: Any = _make_context()


def saved_bytes(obj: _Saved) -> bytes:
    """Return the bytes that SEAL saves for `obj`, through an anonymous memory file."""
    fd = os.memfd_create("seal", os.MFD_CLOEXEC)
    try:
        obj.save(f"/proc/self/fd/{fd}")
        return os.pread(fd, os.fstat(fd).st_size, 0)
    finally:
        os.close(fd)


FORM = SavedForm(seal_form.version_of(saved_bytes(sealapi.Plaintext("1"))))


def _load(obj: Any, laid_out: LaidOut) -> Any:
    fd = os.memfd_create("seal", os.MFD_CLOEXEC)
    try:
        with open(fd, "wb", closefd=False) as file:
            file.write(laid_out.data)
        obj.load(CONTEXT, f"/proc/self/fd/{fd}")
    except (RuntimeError, ValueError) as exc:
        raise CipherError("this SEAL does not read what is laid out for it") from exc
    finally:
        os.close(fd)
    return obj


def load_ciphertext(laid_out: LaidOut) -> Any:
    """Load a `tenseal.sealapi.Ciphertext`."""
    return _load(sealapi.Ciphertext(), laid_out)


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

    SEAL multiplies by a single term without lifting a negative coefficient (its fast plain lift).
    The result is right modulo t, but it is not the exact product that the cloud's sum is. So for a
    single negative term this multiplies by the opposite term and negates the result.
    """
    terms = np.flatnonzero(weights)
    is_negated = len(terms) == 1 and (weights[terms[0]] > 0) == (terms[0] > 0)
    plain = weights_plaintext(-weights if is_negated else weights)
    zero = load_ciphertext(FORM.seeded_ciphertext(np.zeros(N, np.uint64), seed))
    product = sealapi.Ciphertext()
    sealapi.Evaluator(CONTEXT).multiply_plain(zero, plain, product)
    _, mask = seal_form.read_ciphertext(saved_bytes(product))
    return (np.uint64(Q) - mask) % np.uint64(Q) if is_negated else mask


class SealSecret:
    """A household's secret polynomial and SEAL's objects for it, which are created on first use."""

    def __init__(self, ternary: Ternary) -> None:
        """Store the secret polynomial, int8[4096] of {-1, 0, 1}."""
        self.ternary = ternary

    @cached_property
    def _key(self) -> Any:
        return _load(sealapi.SecretKey(), FORM.secret_key(transform(self.ternary)))

    @cached_property
    def _encryptor(self) -> Any:
        return sealapi.Encryptor(CONTEXT, self._key)

    @cached_property
    def _decryptor(self) -> Any:
        return sealapi.Decryptor(CONTEXT, self._key)

    @classmethod
    def generate(cls) -> "SealSecret":
        """Draw a new secret."""
        return cls(draw_ternary())

    def new_epoch(self, month: date, incarnation: Incarnation) -> EpochPad:
        """Return a fresh encryption of zero as the pad for `month` in this incarnation."""
        saved = saved_bytes(self._encryptor.encrypt_zero_symmetric())
        z0, seed = seal_form.read_seeded_ciphertext(saved)
        return EpochPad(month, incarnation, seed, z0)

    def open_constant(self, total: int, mask: Coefficients) -> int:
        """Return the constant term of the ciphertext (total, mask), decrypted and signed."""
        c0 = np.zeros(N, np.uint64)
        c0[0] = total
        (constant,) = self._decrypt(FORM.full_ciphertext(c0, mask), 1)
        return signed(constant)

    def constant_of_product(self, mask: Coefficients) -> int:
        """Return the constant term of mask·s modulo q, for the secret polynomial s.

        It is mask_0·s_0 - Σ mask_k·s_(N-k), since x^N = -1.
        """
        turned = np.concatenate([self.ternary[:1], -self.ternary[:0:-1]])
        added: int = sum(mask[turned == 1].tolist())
        taken: int = sum(mask[turned == -1].tolist())
        return (added - taken) % Q

    def open_own(self, seed: bytes, coefficients: Coefficients) -> list[int]:
        """Open a month of the chip's own coefficients (uint64[n]); absent ones give noise.

        Use it only to rebuild the store, on blocks with the chip's own signature and epoch MAC.
        """
        c0 = np.zeros(N, np.uint64)
        c0[: len(coefficients)] = coefficients
        return self._decrypt(FORM.seeded_ciphertext(c0, seed), len(coefficients))

    def _decrypt(self, ciphertext: LaidOut, count: int) -> list[int]:
        plain = sealapi.Plaintext()
        self._decryptor.decrypt(load_ciphertext(ciphertext), plain)
        present = plain.coeff_count()
        return [plain[i] if i < present else 0 for i in range(count)]


def open_sum(total: int, terms: Iterable[tuple[SealSecret, bytes, Weights]]) -> int:
    """Open a month's weighted sum that the cloud computed.

    SEAL decrypts under one secret. The part of the mask that lies under any other secret (keys that
    were drawn anew within the year) is added to the sum before, exactly modulo q.

    Args:
        total: Σ w_k·c_k mod q over all incarnations.
        terms: for each incarnation, the secret and the seed of its epoch and the weights
            (int64[3968]) of its coefficients. All must be the chip's own: opening anything built by
            others would make an oracle for the key.

    Raises:
        BoundExceeded: the weights allow sums that would not open exactly.
        CipherError: `total` is not in [0, q), or is not zero although all weights are.
    """
    if not 0 <= total < Q:
        raise CipherError("a sum lies between 0 and q")
    live = [(secret, seed, weights) for secret, seed, weights in terms if weights.any()]
    if not live:
        if total:
            raise CipherError("a sum over nothing is not zero")
        return 0
    check_weights(np.sum([np.abs(weights) for *_, weights in live], axis=0))
    first = live[0][0]
    mask = np.zeros(N, np.uint64)
    for secret, seed, weights in live:
        own = _mask(seed, weights)
        if secret is first:
            mask = (mask + own) % np.uint64(Q)
        else:
            total = (total + secret.constant_of_product(own)) % Q
    return first.open_constant(total, mask)
