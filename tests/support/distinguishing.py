"""An attacker who decides from a sum whether a household-day is in it, and the bound of its gain.

For every event S and every epsilon', a mechanism with Gaussian noise of `sigma` satisfies
P1(S) - e^epsilon'·P0(S) ≤ delta(epsilon'), with equality for thresholds along the difference. So
the test is tight: a mechanism that is just good enough touches the bound, and a worse one breaks
it.
"""

import math
from functools import lru_cache

import numpy as np

from protocol.measures import Measure, MeasureKind, Measures, Shares
from protocol.privacy import gaussian_delta

SHARE = 1.0
MEASURE = Measure("curve", MeasureKind.CURVE, Shares(SHARE, SHARE), ())
FALSE_ALARM = 1e-7
EPSILONS = (0.0, 0.25, 0.5, 1.0, 1.5)


def one_measure(epsilon: float, delta: float, gamma: float, grid_bits: int) -> Measures:
    """Return a measures document with only `MEASURE`."""
    return Measures(
        collectivity="ville",
        version=1,
        trustees=bytes(32),
        previous=None,
        effective=0,
        end=40_000,
        epsilon=epsilon,
        delta=delta,
        gamma=gamma,
        grid_bits=grid_bits,
        days_a_week=7,
        profile_days_a_year=0,
        deadline_h=24,
        measures=(MEASURE,),
    )


def clopper_pearson(hits: int, count: int, alpha: float) -> tuple[float, float]:
    """Return bounds for a probability; it lies outside with probability at most 2·alpha."""
    return _lower(hits, count, alpha), 1 - _lower(count - hits, count, alpha)


def worst_excess(present, absent, sigma: float, distance: float = 1.0) -> float:
    """Return the excess of the proven gain over the promise, at most 0 for a good mechanism.

    `present`, `absent`: float64[draws] of the statistic, in clip radii.
    """
    alpha = FALSE_ALARM / (4 * len(EPSILONS))
    worst = -math.inf
    for epsilon in EPSILONS:
        threshold = sigma**2 * epsilon / distance + distance / 2
        upper = (int((present > threshold).sum()), int((absent > threshold).sum()))
        lower = (
            int((absent < distance - threshold).sum()),
            int((present < distance - threshold).sum()),
        )
        for likely, unlikely in (upper, lower):
            low, _ = clopper_pearson(likely, len(present), alpha)
            _, high = clopper_pearson(unlikely, len(absent), alpha)
            gain = low - math.exp(epsilon) * high
            worst = max(worst, gain - gaussian_delta(sigma, epsilon, distance))
    return worst


@lru_cache(maxsize=4)
def _log_factorials(count: int):
    return np.concatenate(((0.0,), np.cumsum(np.log(np.arange(1, count + 1)))))


def _lower(hits: int, count: int, alpha: float) -> float:
    if hits == 0:
        return 0.0
    low, high = 0.0, hits / count
    for _ in range(60):
        middle = (low + high) / 2
        if _tail(hits, count, middle) > alpha:
            high = middle
        else:
            low = middle
    return low


def _tail(hits: int, count: int, p: float) -> float:
    """Return P(Binomial(count, p) ≥ hits) for p ≤ hits / count.

    What lies 40 standard deviations above `hits`, and more, has less weight than rounding takes.
    """
    if p <= 0:
        return 0.0
    most = min(count, hits + 100 + int(40 * math.sqrt(count * p * (1 - p))))
    k = np.arange(hits, most + 1)
    factorials = _log_factorials(count)
    logs = factorials[count] - factorials[k] - factorials[count - k]
    logs += k * math.log(p) + (count - k) * math.log1p(-p)
    return float(np.exp(logs).sum())
