"""How far the household's ciphertexts are from the known attacks on ring-LWE.

The primal attack in the core-SVP model: Alkim, Ducas, Pöppelmann, Schwabe, "Post-quantum key exchange
– a new hope" (2016), section 6; the secret is scaled as in Albrecht et al. (2017). Checked against
what the authors of Kyber publish for its first two parameter sets.
"""

import math

import pytest

from protocol.household import N, Q

SIEVING_BITS = 0.292  # classical bits a dimension of a block
# SEAL's error, and a coefficient of the secret, which is -1, 0 or 1 alike.
ERROR_STD = 3.2
TERNARY_STD = math.sqrt(2 / 3)


def is_solved(beta: int, n: int, m: int, log_q: float, error_std: float, secret_std: float) -> bool:
    """Return whether blocks of `beta` find the secret from `m` samples."""
    root = (beta / (2 * math.pi * math.e) * (math.pi * beta) ** (1 / beta)) ** (
        1 / (2 * (beta - 1))
    )
    dimension = m + n + 1
    log_volume = m * log_q + n * math.log(error_std / secret_std)
    left = math.log(error_std) + math.log(beta) / 2
    return left <= (2 * beta - dimension - 1) * math.log(root) + log_volume / dimension


def core_svp_bits(n: int, log2_q: float, error_std: float, secret_std: float) -> float:
    """Return the classical cost of the best number of samples, in bits."""
    log_q = log2_q * math.log(2)

    def solves(beta: int) -> bool:
        samples = range(n // 8, 2 * n + 1, max(1, n // 256))
        return any(is_solved(beta, n, m, log_q, error_std, secret_std) for m in samples)

    low, high = 50, 4 * n
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if solves(middle) else (middle, high)
    return SIEVING_BITS * high


@pytest.mark.parametrize(("n", "std", "bits"), [(512, math.sqrt(1.5), 118), (768, 1.0, 183)])
def test_the_estimate_is_that_of_others(n, std, bits):
    assert core_svp_bits(n, math.log2(3329), std, std) == pytest.approx(bits, abs=2)


def test_the_households_ciphertexts_keep_their_margin():
    assert core_svp_bits(N, math.log2(Q), ERROR_STD, TERNARY_STD) > 200


def test_the_margin_is_what_the_small_modulus_leaves():
    """109 bits are the most that the homomorphic-encryption standard allows N = 4096."""
    assert core_svp_bits(N, 109, ERROR_STD, TERNARY_STD) < 100
