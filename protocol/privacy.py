"""The privacy that noise gives: the Gaussian mechanism, accounted in zero-concentrated DP (zCDP).

Sensitivity is 1 throughout: a contribution is clipped to norm 1, and neighbouring data sets differ
by the presence of one contribution. Replacing one by another doubles the distance.

Sources: Balle, Wang, "Improving the Gaussian Mechanism" (2018); Bun, Steinke, "Concentrated
Differential Privacy" (2016); Canonne, Kamath, Steinke, "The Discrete Gaussian for Differential
Privacy" (2020), which shows that the discrete Gaussian costs the same rho as the continuous one;
Kairouz, Liu, Steinke, "The Distributed Discrete Gaussian Mechanism" (2021), for sums of shares.
"""

import math
from collections.abc import Callable
from functools import lru_cache

from protocol.errors import BoundExceeded

EPSILON_MAX = 4.0
# If a share's standard deviation is below this many grid units, a sum of discrete Gaussians is no
# longer one itself; tests/unit/protocol/test_privacy_account.py bounds the difference.
SHARE_STD_MIN = 4.0
_BISECTIONS = 200


def gaussian_delta(sigma: float, epsilon: float, distance: float = 1.0) -> float:
    """Return the exact delta at which noise of `sigma` hides a `distance` with `epsilon`."""
    ratio = distance / sigma
    return _normal_cdf(ratio / 2 - epsilon / ratio) - math.exp(epsilon) * _normal_cdf(
        -ratio / 2 - epsilon / ratio
    )


@lru_cache(maxsize=256)
def gaussian_sigma(epsilon: float, delta: float) -> float:
    """Return the least standard deviation that gives (epsilon, delta) at sensitivity 1.

    Raises:
        BoundExceeded: epsilon is not positive, or delta is not in (0, 1).
    """
    if not (0 < epsilon < math.inf and 0 < delta < 1):
        raise BoundExceeded("epsilon must be positive and delta between 0 and 1")
    return _least(lambda sigma: gaussian_delta(sigma, epsilon) <= delta, 1e-3, 1e6)


def epsilon_at(sigma: float, delta: float, distance: float = 1.0) -> float:
    """Return the least epsilon at which noise of `sigma` hides a `distance` with `delta`."""
    return _least(lambda epsilon: gaussian_delta(sigma, epsilon, distance) <= delta, 1e-6, 1e3)


def epsilon_replaced(epsilon: float, delta: float) -> float:
    """Return what hides one day among others, where taking part or not costs `epsilon`."""
    return epsilon_at(gaussian_sigma(epsilon, delta), delta, distance=2.0)


def rho_of_sigma(sigma: float, distance: float = 1.0) -> float:
    """Return the zCDP cost of one release with noise of `sigma`."""
    return distance**2 / (2 * sigma**2)


def epsilon_of_rho(rho: float, delta: float) -> float:
    """Return an epsilon such that rho-zCDP implies (epsilon, delta).

    It is the least over the orders of Rényi divergence (Canonne, Kamath, Steinke 2020, prop. 12).
    """

    def at(excess: float) -> float:
        alpha = 1 + excess
        return alpha * rho + (
            math.log(1 / delta) + (alpha - 1) * math.log1p(-1 / alpha) - math.log(alpha)
        ) / (alpha - 1)

    low, high = 1e-6, 1e6
    for _ in range(_BISECTIONS):  # unimodal in the logarithm of alpha - 1
        left, right = low ** (2 / 3) * high ** (1 / 3), low ** (1 / 3) * high ** (2 / 3)
        if at(left) < at(right):
            high = right
        else:
            low = left
    return max(0.0, at(math.sqrt(low * high)))


def share_std(sigma: float, crowd: int, gamma: float) -> float:
    """Return the standard deviation of one share of noise, in units of the clip radius.

    The shares of crowd·(1 - gamma) honest households add up to `sigma`.
    """
    return sigma / math.sqrt(crowd * (1 - gamma))


def _least(suffices: Callable[[float], bool], low: float, high: float) -> float:
    """Return the least number in (low, high] that suffices, if all above it do; by bisection."""
    for _ in range(_BISECTIONS):
        middle = math.sqrt(low * high)
        low, high = (low, middle) if suffices(middle) else (middle, high)
    return high


def _normal_cdf(value: float) -> float:
    return math.erfc(-value / math.sqrt(2)) / 2
