"""Learns from public homes: profiles, and how homes and days differ from them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cloud.estimation.linalg import DCT, at_least, shrink
from cloud.estimation.model import Variety
from cloud.estimation.public import Curves
from protocol.errors import ConfigError
from protocol.transform import CLOCK_SLOTS, Matrix

HOMES_MIN = 8
DAYS_MIN = 21

_WEEK = 7
_SATURDAY = 5
_PROFILE_FREQUENCIES = 40
# The covariance of a few dozen homes is mostly noise off its diagonal (decision 0009).
_SHRINK_HOMES = 0.65
_SHRINK_DAYS = 0.2


@dataclass(frozen=True)
class Moments:
    """Means and covariances of homes' quarter-hours, in Wh and Wh², relative to the profiles.

    Attributes:
        profiles: float64[2, 96] by day type, float32 values, as chips have them.
        variety: how homes and days differ.
        total: covariance of one household-day, float64[96, 96].
        residuals: float64[homes, days, 96] less the profile.
    """

    profiles: Matrix
    variety: Variety
    total: Matrix
    residuals: Curves


def weekends(days: int) -> npt.NDArray[np.bool_]:
    """Return for days 0 (a Monday) on whether they are Saturday or Sunday."""
    return np.asarray(np.arange(days) % _WEEK >= _SATURDAY)


def learn(curves: Curves) -> Moments:
    """Learn from curves float64[homes, days, 96] in Wh; day 0 is a Monday.

    Raises:
        ConfigError: too few homes or days, or all values are 0.
    """
    homes, days, _ = curves.shape
    if homes < HOMES_MIN or days < DAYS_MIN:
        raise ConfigError(
            f"There are {homes} public homes of {days} days; {HOMES_MIN} homes of {DAYS_MIN} days "
            "are the least from which constants can be made."
        )
    if not curves.any():
        raise ConfigError("No public home ever draws anything; give measured curves.")
    weekend = weekends(days)
    low = DCT[:_PROFILE_FREQUENCIES].T @ DCT[:_PROFILE_FREQUENCIES]
    both = np.stack([curves[:, ~weekend].mean((0, 1)), curves[:, weekend].mean((0, 1))])
    profiles = (both @ low).astype(np.float32).astype(np.float64)
    residuals = curves - profiles[weekend.astype(int)]
    lasting = residuals.mean(1)
    within = _covariance(residuals - lasting[:, None], homes * (days - 1))
    between = shrink(lasting.T @ lasting / homes - within / days, _SHRINK_HOMES)
    far = 3 * _WEEK if days >= 5 * _WEEK else 2 * _WEEK
    near_half, far_half = _half_variogram(residuals, _WEEK), _half_variogram(residuals, far)
    drift = shrink((far_half - near_half) / (far - _WEEK), _SHRINK_HOMES)
    daily = shrink(near_half - _WEEK / 2 * drift, _SHRINK_DAYS)
    variety = Variety(
        public_homes=homes,
        mean=low @ curves.mean((0, 1)),
        between=between,
        weekend=_weekend(residuals, within),
        drift=drift,
        daily=at_least(daily, 1e-3 * float(np.trace(within)) / CLOCK_SLOTS),
    )
    return Moments(profiles, variety, within + between, residuals)


def _covariance(values: Curves, count: int) -> Matrix:
    flat = values.reshape(-1, CLOCK_SLOTS)
    return np.asarray(flat.T @ flat / count)


def _half_variogram(residuals: Curves, lag: int) -> Matrix:
    """Return half the mean square of changes over `lag` days, float64[96, 96]."""
    change = residuals[:, lag:] - residuals[:, :-lag]
    return _covariance(change, 2 * change.shape[0] * change.shape[1])


def _weekend(residuals: Curves, within: Matrix) -> Matrix:
    weekend = weekends(residuals.shape[1])
    added = residuals[:, weekend].mean(1) - residuals[:, ~weekend].mean(1)
    added = added - added.mean(0)
    noise = within * (1 / weekend.sum() + 1 / (~weekend).sum())
    return shrink(_covariance(added, len(added) - 1) - noise, _SHRINK_HOMES)
