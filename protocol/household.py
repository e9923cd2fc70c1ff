"""The part of the billing lane without SEAL: online encryption and weighted sums on ciphertexts.

Parameters (docs/explanation/ciphers.md): ring Z_q[x]/(x^N + 1), N = 4096, q = 2^60 - 2^14 + 1,
plaintext modulus t = 2^37. A value m at coefficient k is c_k = z0[k] + round(q·m/t) mod q, where
z0 is the first half of a symmetric SEAL encryption of zero. Σ w_k·c_k mod q is coefficient 0 of
the SEAL product with Σ w_k·x^(-k), so the cloud needs this module's dot product and nothing else.
"""

from collections.abc import Sequence
from datetime import date

import numpy as np
import numpy.typing as npt

from protocol.errors import BoundExceeded, CoefficientUsed
from protocol.ids import Incarnation
from protocol.layout import (
    DAY_COEFFICIENTS,
    MONTH_COEFFICIENTS,
    coefficient,
    value_max,
)

N = 4096
Q = (1 << 60) - (1 << 14) + 1
T_BITS = 37
T = 1 << T_BITS
WEIGHT_BITS = 10
WEIGHT_LIMIT = 1 << WEIGHT_BITS
SUM_LIMIT = 1 << (T_BITS - 1)
SEED_BYTES = 64

Coefficients = npt.NDArray[np.uint64]
Weights = npt.NDArray[np.int64]

_MASK_30 = np.uint64((1 << 30) - 1)
_VALUE_MAX = np.tile([value_max(j) for j in range(DAY_COEFFICIENTS)], 31)


def scale(value: int) -> int:
    """Return round(q·value/t), value in [0, t)."""
    return value * (Q // T) + (((Q % T) * value + T // 2) >> T_BITS)


class EpochPad:
    """One incarnation's pad for one month; z0 exists only in this object.

    The first use of a coefficient removes it from the pad, so it cannot carry a second value.
    """

    def __init__(
        self, month: date, incarnation: Incarnation, seed: bytes, z0: Coefficients
    ) -> None:
        """Store `z0` (uint64[4096], below q) and the public `seed` (64 bytes) of the other half."""
        if z0.shape != (N,) or len(seed) != SEED_BYTES or month.day != 1:
            raise ValueError("an epoch is the first of a month, 4096 coefficients and 64 bytes")
        self.month = month
        self.incarnation = incarnation
        self.seed = seed
        self._pad: list[int | None] = z0.tolist()

    def encrypt(self, day: date, j: int, value: int) -> int:
        """Encrypt one value under coefficient `j` of `day`, by one modular addition.

        `value` is in [0, 9000] for a quarter-hour (j < 100), in [0, 2^20) elsewhere.

        Raises:
            BoundExceeded: `value` is out of range.
            CoefficientUsed: this coefficient has already carried a value.
        """
        if day.replace(day=1) != self.month:
            raise ValueError(f"{day} is not in the epoch's month {self.month:%Y-%m}")
        k = coefficient(day, j)
        if not 0 <= value <= value_max(j):
            raise BoundExceeded(f"coefficient {j} carries 0 to {value_max(j)}")
        pad = self._pad[k]
        if pad is None:
            raise CoefficientUsed(f"coefficient {k} of this incarnation has carried a value")
        self._pad[k] = None
        return (pad + scale(value)) % Q


def check_weights(weights: Weights) -> None:
    """Check that an opening under `weights` (int64[3968]) is exact for any values.

    Raises:
        BoundExceeded: a weight is 2^10 or more, or the sum could reach 2^36.
    """
    if weights.shape != (MONTH_COEFFICIENTS,):
        raise ValueError(f"a month has {MONTH_COEFFICIENTS} weights, not {weights.shape}")
    magnitude = np.abs(weights)
    if int(magnitude.max(initial=0)) >= WEIGHT_LIMIT:
        raise BoundExceeded("a weight reaches 2^10; split it into digits")
    if int(magnitude @ _VALUE_MAX) >= SUM_LIMIT:
        raise BoundExceeded("the weighted sum could reach 2^36; open fewer values at once")


def weighted_sum(coefficients: Coefficients, weights: Weights) -> int:
    """Return Σ w_k·c_k mod q.

    Args:
        coefficients: uint64[n], n ≤ 4096, each below q.
        weights: int64[n], each |w| < 2^10.

    Exact in int64: 2^12 terms of 2^10·2^30 stay below 2^53.
    """
    low = (coefficients & _MASK_30).astype(np.int64)
    high = (coefficients >> np.uint64(30)).astype(np.int64)
    return (int(weights @ low) + (int(weights @ high) << 30)) % Q


def split_digits(weights: Weights) -> tuple[Weights, Weights]:
    """Split weights, int64[n] below 2^20, into signed digits: low + 2^10·high.

    Raises:
        BoundExceeded: a weight needs a third digit.
    """
    magnitude = np.abs(weights)
    if int(magnitude.max(initial=0)) >= 1 << (2 * WEIGHT_BITS):
        raise BoundExceeded("a price stays below 2^20 units")
    sign = np.sign(weights)
    return sign * (magnitude & (WEIGHT_LIMIT - 1)), sign * (magnitude >> WEIGHT_BITS)


def undigits(opened: Sequence[int]) -> int:
    """Join sums that were opened digit by digit, lowest first."""
    return sum(value << (WEIGHT_BITS * place) for place, value in enumerate(opened))


def signed(plain: int) -> int:
    """Interpret a plaintext coefficient, in [0, t), as a signed number."""
    return plain - T if plain >= T // 2 else plain
