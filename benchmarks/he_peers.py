"""Whom the billing lane is compared with, each used as its documentation shows.

TenSEAL's `bfv_vector`: a day of readings batched into a ciphertext, a plain dot product for the
bill, which needs Galois keys of the household in the cloud. python-paillier: a ciphertext a
reading, with gmpy2 below it, which is its fast way.
"""

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any

import phe
import tenseal
from phe import util as phe_util
from tenseal import sealapi


class BfvVector:
    """A household with TenSEAL's BFV at a ring dimension; `Any` is TenSEAL's, which has no types."""

    def __init__(self, dimension: int, plain_bits: int) -> None:
        """Make parameters for batching of 128 bits of security, and all keys."""
        self.name = f"bfv_vector N={dimension}"
        self.plain_modulus: int = sealapi.PlainModulus.Batching(dimension, plain_bits).value()
        self._context: Any = tenseal.context(
            tenseal.SCHEME_TYPE.BFV, dimension, plain_modulus=self.plain_modulus
        )
        self._context.generate_galois_keys()

    def encrypt(self, day_wh: Sequence[int]) -> Any:
        """Encrypt a day."""
        return tenseal.bfv_vector(self._context, day_wh)

    def size_bytes(self, vector: Any) -> int:
        """Return what a ciphertext takes on the wire."""
        return len(vector.serialize())

    def cloud_keys_bytes(self) -> int:
        """Return what the cloud must hold of the household to compute a bill."""
        public = self._context.copy()
        public.make_context_public()
        return len(public.serialize())

    def dots(self, days: Sequence[Any], prices: Sequence[int]) -> Any:
        """Compute a bill as documented: a dot product a day, then their sum."""
        return reduce(add, (day.dot(prices) for day in days))

    def products(self, days: Sequence[Any], prices: Sequence[int]) -> Any:
        """Compute a bill in the cheapest way TenSEAL allows: one rotation sum for all days."""
        return reduce(add, (day * prices for day in days)).sum()

    def sum_up(self, households: Sequence[Any]) -> Any:
        """Sum ciphertexts of many households (under one key: nobody may hold it)."""
        return reduce(add, households)

    def open(self, vector: Any) -> int:
        """Open a bill; right modulo the plain modulus only."""
        return int(vector.decrypt()[0]) % self.plain_modulus

    def open_all(self, vector: Any, count: int) -> list[float]:
        """Open the first values of a vector; right modulo the plain modulus only."""
        return [float(int(value) % self.plain_modulus) for value in vector.decrypt()[:count]]


class CkksVector:
    """TenSEAL's CKKS, which is how its tutorials sum real numbers."""

    def __init__(self, dimension: int) -> None:
        """Make the tutorial's parameters."""
        self.name = f"ckks_vector N={dimension}"
        self._context: Any = tenseal.context(
            tenseal.SCHEME_TYPE.CKKS, dimension, coeff_mod_bit_sizes=[60, 40, 40, 60]
        )
        self._context.global_scale = 2**40

    def encrypt(self, values: Sequence[int]) -> Any:
        """Encrypt a vector."""
        return tenseal.ckks_vector(self._context, values)

    def size_bytes(self, vector: Any) -> int:
        """Return what a ciphertext takes on the wire."""
        return len(vector.serialize())

    def sum_up(self, households: Sequence[Any]) -> Any:
        """Sum ciphertexts of many households (under one key: nobody may hold it)."""
        return reduce(add, households)

    def open_all(self, vector: Any, count: int) -> list[float]:
        """Open the first values of a vector, nearly right."""
        return [float(value) for value in vector.decrypt()[:count]]


class Paillier:
    """A household with python-paillier at 2048 bits."""

    def __init__(self) -> None:
        """Draw the keys."""
        self.name = "phe 2048 bits"
        self.is_fast = bool(phe_util.HAVE_GMP)
        self._public, self._private = phe.generate_paillier_keypair(n_length=2048)

    @property
    def size_bytes(self) -> int:
        """What a reading takes on the wire."""
        return (int(self._public.nsquare.bit_length()) + 7) // 8

    def encrypt(self, readings_wh: Sequence[int]) -> list[Any]:
        """Encrypt readings one by one."""
        return [self._public.encrypt(value) for value in readings_wh]

    def dot(self, readings: Sequence[Any], prices: Sequence[int]) -> Any:
        """Compute the weighted sum of encrypted readings."""
        return reduce(add, (one * price for one, price in zip(readings, prices, strict=True)))

    def sum_up(self, households: Sequence[Sequence[Any]]) -> list[Any]:
        """Sum vectors of many households, value by value (under one key)."""
        return [reduce(add, column) for column in zip(*households, strict=True)]

    def open(self, total: Any) -> int:
        """Open a sum."""
        return int(self._private.decrypt(total))
