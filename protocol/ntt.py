"""The number-theoretic transform modulo q, the form in which SEAL keeps its secret keys.

Value i of the transform is the polynomial at ψ^(2·r(i) + 1), where ψ is the smallest primitive
8192nd root of unity modulo q and r reverses the 12 bits of i (Longa and Naehrig 2016, algorithms 1
and 2). It uses Python's integers, since a product has 120 bits, and takes about 20 ms.
"""

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from protocol.household import Coefficients, N, Q

# The smallest primitive 2N-th root of unity; a test searches for it.
PSI = 116_777_451_583_545

_Words = npt.NDArray[Any]  # of Python's integers


@lru_cache(maxsize=2)
def _powers(root: int) -> _Words:
    """Return root^r(i) for i = 0 … N-1."""
    powers = [1]
    for _ in range(N - 1):
        powers.append(powers[-1] * root % Q)
    bits = N.bit_length() - 1
    return np.array([powers[int(f"{i:0{bits}b}"[::-1], 2)] for i in range(N)], object)


def transform(polynomial: npt.NDArray[np.integer[Any]]) -> Coefficients:
    """Return the transform, uint64[4096], of a polynomial's coefficients (integers[4096])."""
    words: _Words = polynomial.astype(object)
    powers = _powers(PSI)
    count = 1
    while count < N:
        pairs = words.reshape(count, 2, -1)
        low, high = pairs[:, 0], pairs[:, 1] * powers[count : 2 * count, None] % Q
        words = np.stack([low + high, low - high], axis=1) % Q
        count *= 2
    return words.reshape(N).astype(np.uint64)
