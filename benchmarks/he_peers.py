"""The libraries with which the billing lane is compared, each used as its documentation shows.

TenSEAL's `bfv_vector` batches a day of readings into a ciphertext. The bill is a plain dot product,
which requires the household's Galois keys in the cloud. python-paillier uses one ciphertext per
reading, and gmpy2 for speed.
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
    """A household with TenSEAL's BFV at a ring dimension; TenSEAL is untyped, hence `Any`."""

    def __init__(self, dimension: int, plain_bits: int) -> None:
        """Make parameters for batching with 128 bits of security, and all keys."""
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
        """Return the size of the household's keys that the cloud needs to compute a bill."""
        public = self._context.copy()
        public.make_context_public()
        return len(public.serialize())

    def dots(self, days: Sequence[Any], prices: Sequence[int]) -> Any:
        """Compute a bill as documented: a dot product per day, then their sum."""
        return reduce(add, (day.dot(prices) for day in days))

    def products(self, days: Sequence[Any], prices: Sequence[int]) -> Any:
        """Compute a bill in TenSEAL's cheapest way: one rotation sum for all days."""
        return reduce(add, (day * prices for day in days)).sum()

    def sum_up(self, households: Sequence[Any]) -> Any:
        """Sum ciphertexts of many households (under one key: nobody may hold it)."""
        return reduce(add, households)

    def open(self, vector: Any) -> int:
        """Open a bill; the result is right only modulo the plain modulus."""
        return int(vector.decrypt()[0]) % self.plain_modulus

    def open_all(self, vector: Any, count: int) -> list[float]:
        """Open the first values of a vector; they are right only modulo the plain modulus."""
        return [float(int(value) % self.plain_modulus) for value in vector.decrypt()[:count]]


class CkksVector:
    """TenSEAL's CKKS, with which its tutorials sum real numbers."""

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
        """Open the first values of a vector; they are approximate."""
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
        """The size of a reading on the wire."""
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
