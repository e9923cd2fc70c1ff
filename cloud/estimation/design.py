"""The chip's transform: how much of the clip radius each direction of a curve gets.

Water-filling: for a given mean square norm of the codes, the matrix A minimises the trace of
(S⁻¹ + AᵀA n²/σ²)⁻¹, where S is the covariance of the area's mean curve before the release.
"""

import numpy as np

from cloud.estimation.learn import Moments, weekends
from cloud.estimation.linalg import power, symmetric
from cloud.estimation.model import Code, Dynamics
from protocol.transform import CLOCK_SLOTS, Curve, Matrix

_ROUNDS = 3
# Long codes are clipped, so their tails matter more than their mean square: see decision 0009.
_TAIL_ROUNDS = 4
_TAIL_POWER = 2.0
_TAIL_PART = 0.5
_DAYS_TO_STEADY = 14
_BISECTIONS = 100
_RIDGE = 0.002


def water_filled(moments: Moments, homes: int, sigma: float, kappa: float) -> Matrix:
    """Return the transform, float64[K, 96] per Wh with float32 values.

    `sigma` is the noise of the sum in clip radii; `kappa` is the mean square norm of the codes.
    """
    dynamics = moments.variety.dynamics(homes)
    residuals = moments.residuals.reshape(-1, CLOCK_SLOTS)
    noise = sigma / homes
    matrix = _adapted(dynamics, moments.total, noise, kappa)
    for _ in range(_TAIL_ROUNDS):
        cost = _tail_cost(moments.total, residuals, matrix)
        matrix = _adapted(dynamics, cost, noise, kappa)
        square = float(((residuals @ matrix.T) ** 2).sum(1).mean())
        matrix *= np.sqrt(kappa / square)
    return matrix.astype(np.float32).astype(np.float64)


def _tail_cost(total: Matrix, residuals: Matrix, matrix: Matrix) -> Matrix:
    """Weigh the covariance by the directions of long codes, so that few of them are clipped."""
    squares = ((residuals @ matrix.T) ** 2).sum(1)
    weights = squares**_TAIL_POWER / np.mean(squares**_TAIL_POWER)
    tail = (residuals * weights[:, None]).T @ residuals / len(residuals)
    scale = float(np.trace(total) / np.trace(tail))
    return np.asarray((1 - _TAIL_PART) * total + _TAIL_PART * scale * tail)


def _adapted(dynamics: Dynamics, cost: Matrix, noise: float, kappa: float) -> Matrix:
    """Fill for the uncertainty of the first day, then repeatedly for that after two weeks."""
    daily = dynamics.level_step + dynamics.daily
    matrix = _filled(cost, dynamics.level_first + daily, noise, kappa)
    for _ in range(_ROUNDS - 1):
        steady = _steady(dynamics, matrix, noise)
        matrix = _filled(cost, steady + daily, noise, kappa)
    return matrix


def _filled(total: Matrix, unknown: Matrix, noise: float, kappa: float) -> Matrix:
    """Solve unknown·v = d·total^½·v, and fill so that the mean square norm is kappa."""
    outer = power(total, -0.25)
    gains, inner = np.linalg.eigh(symmetric(outer @ unknown @ outer))
    gains = np.maximum(gains, 1e-12 * gains.max())
    vectors = outer @ inner
    costs = np.einsum("kj,kl,lj->j", vectors, total, vectors, optimize=True)
    low, high = gains.max() * 1e-9, gains.max()
    for _ in range(_BISECTIONS):
        level = np.sqrt(low * high)
        weights = noise**2 * np.maximum(1 / level - 1 / gains, 0)
        if weights @ costs > kappa:
            low = level
        else:
            high = level
    kept = np.flatnonzero(weights > 0)[::-1]
    return np.asarray((vectors[:, kept] * np.sqrt(weights[kept])).T)


def _steady(dynamics: Dynamics, matrix: Matrix, noise: float) -> Matrix:
    """Return the filter's covariance after two weeks of releases."""
    known = dynamics.level_first
    for _ in range(_DAYS_TO_STEADY):
        known = known + dynamics.level_step
        observed = matrix @ (known + dynamics.daily) @ matrix.T + noise**2 * np.eye(len(matrix))
        known = symmetric(known - known @ matrix.T @ np.linalg.solve(observed, matrix @ known))
    return known


def clipped(codes: Curve) -> Curve:
    """Clip codes [..., K] to norm 1."""
    norms = np.sqrt(np.einsum("...k,...k->...", codes, codes))
    return np.asarray(codes / np.maximum(norms, 1)[..., None])


def fit_clip(moments: Moments, matrix: Matrix) -> Code:
    """Regress clipped codes of the public household-days on their residuals, with a small ridge."""
    residuals = moments.residuals
    codes = clipped(residuals @ matrix.T)
    weekend = weekends(residuals.shape[1])
    masks = (~weekend, weekend)
    code_means = np.stack([codes[:, mask].mean((0, 1)) for mask in masks])
    means = np.stack([residuals[:, mask].mean((0, 1)) for mask in masks])
    types = weekend.astype(int)
    flat = (residuals - residuals.mean((0, 1))).reshape(-1, CLOCK_SLOTS)
    code_flat = (codes - code_means[types]).reshape(-1, len(matrix))
    inner = flat.T @ flat / len(flat)
    ridge = _RIDGE * float(np.trace(inner)) / CLOCK_SLOTS * np.eye(CLOCK_SLOTS)
    clip = np.linalg.solve(inner + ridge, flat.T @ code_flat / len(flat)).T
    error = code_flat - flat @ clip.T
    return Code(
        clip=clip, offset=code_means - means @ clip.T, error=symmetric(error.T @ error / len(error))
    )
