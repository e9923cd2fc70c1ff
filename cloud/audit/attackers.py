"""The attackers' tools: fitted on some households, tried on others.

Plain numpy, in a few variants each. The variant that is best on one set of households attacks
another set, which none of them has seen.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
# A fitted attacker: maps float64[m, k] to scores or predictions.
Tool = Callable[[Floats], Floats]
Fit = Callable[[Floats, Flags], Tool]

_NEWTON_STEPS = 8
_PENALTY_SHARE = 0.02
_NEIGHBOURS = 25
_REFERENCE_MAX = 2_000
_EXTREME = 8.0
_ROUNDING = 1e-9
_LEAST = 1e-300


def standardiser(features: Floats) -> Tool:
    """Return a function that standardises features to the mean and deviation of float64[n, k]."""
    mean, deviation = features.mean(axis=0), features.std(axis=0)
    is_constant = deviation <= _ROUNDING * np.abs(features).max(axis=0)
    scale = np.where(is_constant, 0, 1 / np.maximum(deviation, _LEAST))
    return lambda other: np.clip((other - mean) * scale, -_EXTREME, _EXTREME)


def best_feature(features: Floats, labels: Flags) -> Tool:
    """Score by the one feature whose ranks follow the labels best, in its better direction."""
    ranks = features.argsort(axis=0).argsort(axis=0)
    tied = np.ptp(features, axis=0) == 0
    ones = max(int(labels.sum()), 1)
    zeros = max(len(labels) - ones, 1)
    areas = (ranks[labels].sum(axis=0) - ones * (ones - 1) / 2) / (ones * zeros)
    distance = np.where(tied, 0, areas - 0.5)
    which = int(np.abs(distance).argmax())
    sign = 1.0 if distance[which] >= 0 else -1.0
    return lambda other: sign * other[:, which]


def logistic(features: Floats, labels: Flags) -> Tool:
    """Score by a logistic regression with a ridge penalty, by Newton's method."""
    count, width = features.shape
    penalty = np.eye(width + 1) * max(_PENALTY_SHARE * count, 1.0)
    penalty[-1, -1] = 1e-6
    design = np.column_stack([features, np.ones(count)])
    weights = np.zeros(width + 1)
    for _ in range(_NEWTON_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(design @ weights, -30, 30)))
        spread = np.maximum(chance * (1 - chance), 1e-4)
        slope = design.T @ (labels - chance) - penalty @ weights
        weights += np.linalg.solve(design.T @ (design * spread[:, None]) + penalty, slope)
    return lambda other: np.asarray(other @ weights[:-1])


def nearest(features: Floats, labels: Flags) -> Tool:
    """Score by the share of labels among the nearest neighbours."""
    kept, known = features[-_REFERENCE_MAX:], labels[-_REFERENCE_MAX:]
    norms = (kept**2).sum(axis=1)

    def score(other: Floats) -> Floats:
        distances = norms[None, :] - 2 * (other @ kept.T)
        count = min(_NEIGHBOURS, len(kept)) - 1
        near = np.argpartition(distances, count, axis=1)[:, : count + 1]
        return np.asarray(known[near].mean(axis=1))

    return score


CLASSIFIERS: dict[str, Fit] = {
    "best feature": best_feature,
    "logistic regression": logistic,
    "nearest neighbours": nearest,
}


def decoder(features: Floats, targets: Floats) -> Tool:
    """Predict targets float64[n, m] from features float64[n, k] by ridge regression."""
    mean = targets.mean(axis=0)
    ridge = features.T @ features
    ridge[np.diag_indices_from(ridge)] += max(_PENALTY_SHARE * len(features), 1.0)
    weights = np.linalg.solve(ridge, features.T @ (targets - mean))
    return lambda other: np.asarray(other @ weights)
