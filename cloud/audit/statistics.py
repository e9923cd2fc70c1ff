"""How well an attack did, compared with chance."""

import math
from collections.abc import Iterable

import msgspec
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

# With these limits, a verdict "broken" is wrong less than once in 100 000 audits: a deviation that
# is estimated from 20 households is exceeded six times that rarely (Student's t); from three, in one
# audit of 75.
SURE_Z = 6.0
SURE_HOUSEHOLDS = 20
INTERVAL_Z = 1.96
_LEAST_DEVIATION = 1e-9
_PAIRS_AT_ONCE = 4_000_000


class Score(msgspec.Struct, frozen=True):
    """A score with its 95 % interval, the score of chance, and the distance in deviations (`z`).

    `n` counts the attacker's decisions, `households` those whose behaviour the deviation is
    estimated from: with the label or without it, whichever are fewer.
    """

    score: float
    low: float
    high: float
    chance: float
    z: float
    n: int
    households: int = 0

    @property
    def is_sure(self) -> bool:
        """Return whether the score exceeds chance by more than chance explains."""
        return self.z > SURE_Z and self.households >= SURE_HOUSEHOLDS


class Wins:
    """Pairs that an attacker ordered correctly, by household, over disjoint sets of households.

    The area under the ROC curve within strata. A pair is a household with the label and one without
    it, on the same day or quarter-hour, so behaviour common to all households does not count.
    """

    def __init__(self) -> None:
        self._wins: list[Floats] = []
        self._pairs: list[Floats] = []
        self._n = 0
        self._labelled = self._unlabelled = 0

    def add(self, scores: Floats, labels: Flags, valid: Flags) -> None:
        """Count a set of households: float64[households, strata], bool of the same shape."""
        households, strata = scores.shape
        wins, pairs = np.zeros(households), np.zeros(households)
        step = max(1, _PAIRS_AT_ONCE // households**2)
        for begin in range(0, strata, step):
            part = slice(begin, begin + step)
            column = scores[:, part]
            is_pair = (labels & valid)[:, None, part] & (~labels & valid)[None, :, part]
            above = (column[:, None] > column[None]) + 0.5 * (column[:, None] == column[None])
            won = np.where(is_pair, above, 0).sum(axis=2)
            count = is_pair.sum(axis=2)
            wins += won.sum(axis=1) + won.sum(axis=0)
            pairs += count.sum(axis=1) + count.sum(axis=0)
        self._wins.append(wins)
        self._pairs.append(pairs)
        self._n += int((labels & valid).sum())
        self._labelled += int((labels & valid).any(axis=1).sum())
        self._unlabelled += int((~labels & valid).any(axis=1).sum())

    def measured(self) -> Score:
        """Return the area under the curve; its deviation is over households, not readings."""
        wins, pairs = np.concatenate(self._wins), np.concatenate(self._pairs)
        total = pairs.sum()
        if total == 0:
            return Score(0.5, 0.0, 1.0, 0.5, 0.0, 0)
        score = float(wins.sum() / total)
        # Both households of a pair count it, so `total` is twice the number of pairs.
        deviation = 2 * float(np.sqrt(((wins - score * pairs) ** 2).sum()) / total)
        half = INTERVAL_Z * deviation
        z = (score - 0.5) / max(deviation, _LEAST_DEVIATION)
        low, high = max(0.0, score - half), min(1.0, score + half)
        return Score(score, low, high, 0.5, z, self._n, min(self._labelled, self._unlabelled))


def hit_rate(hits: int, n: int, chance: float) -> Score:
    """Score a share of correct guesses: Wilson's interval, exact tail under chance."""
    if n == 0:
        return Score(0.0, 0.0, 1.0, chance, 0.0, 0)
    rate = hits / n
    square = INTERVAL_Z**2
    centre = (rate + square / (2 * n)) / (1 + square / n)
    half = INTERVAL_Z * math.sqrt(rate * (1 - rate) / n + square / (4 * n * n)) / (1 + square / n)
    z = normal_quantile(_binomial_tail(hits, n, chance))
    return Score(rate, max(0.0, centre - half), min(1.0, centre + half), chance, z, n, n)


def normal_quantile(tail: float) -> float:
    """Return z such that a standard normal exceeds it with probability `tail`."""
    low, high = -40.0, 40.0
    for _ in range(100):
        middle = (low + high) / 2
        if math.erfc(middle / math.sqrt(2)) / 2 > tail:
            low = middle
        else:
            high = middle
    return low


def chi_square_z(counts: Iterable[npt.NDArray[np.int64]]) -> tuple[float, int]:
    """Compare counts with uniform ones (Wilson, Hilferty); return (z, degrees of freedom)."""
    statistic, freedom = 0.0, 0
    for category_counts in counts:
        expected = category_counts.sum() / len(category_counts)
        statistic += float(((category_counts - expected) ** 2).sum() / expected)
        freedom += len(category_counts) - 1
    spread = 2 / (9 * freedom)
    return ((statistic / freedom) ** (1 / 3) - (1 - spread)) / math.sqrt(spread), freedom


def _binomial_tail(hits: int, n: int, chance: float) -> float:
    """Return the probability of at least `hits` right guesses in `n`."""
    if hits == 0:
        return 1.0
    if not 0 < chance < 1:
        return float(chance >= 1)
    log_terms = (
        math.lgamma(n + 1)
        - math.lgamma(k + 1)
        - math.lgamma(n - k + 1)
        + k * math.log(chance)
        + (n - k) * math.log1p(-chance)
        for k in range(hits, n + 1)
    )
    return min(1.0, math.fsum(math.exp(max(term, -745.0)) for term in log_terms))
