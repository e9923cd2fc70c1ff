"""Errors of released curves against the plain sums, as fractions."""

import msgspec
import numpy as np
import numpy.typing as npt

Curves = npt.NDArray[np.float64]


class Result(msgspec.Struct, frozen=True):
    """The result of a simulation; errors are fractions of the plain sum.

    `band_coverage`: how often the 90 % band contained it. `releases`: number of days released.
    """

    median_relative_rmse: float
    p95_relative_rmse: float
    daily_total_error_median: float
    daily_total_error_p95: float
    epsilon: float
    delta: float
    households: int
    seconds: float
    band_coverage: float
    releases: int


def relative_rmse(estimate: Curves, truth: Curves) -> Curves:
    """Return the root mean square error of a day's curve, divided by the mean of the truth."""
    return np.asarray(np.sqrt(np.mean((estimate - truth) ** 2)) / np.mean(truth))


def total_error(estimate: Curves, truth: Curves) -> Curves:
    """Return the error of a day's total, divided by the true total."""
    return np.asarray(abs(estimate.sum() - truth.sum()) / truth.sum())
