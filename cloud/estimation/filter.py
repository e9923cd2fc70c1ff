"""A Kalman filter over days that turns an area's opened code sums into its curves.

The state is what persists in an area: its level, and an offset for weekends. A release depends only
on public data: the model and the sums released before. The same sums give the same bytes.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np

from cloud.estimation.linalg import symmetric
from cloud.estimation.model import Constants, Dynamics, ReleaseModel, unpacked
from protocol.calendar import day_number
from protocol.errors import BoundExceeded
from protocol.transform import CLOCK_SLOTS, Curve, Matrix, day_type

# The clip regression rests on this many household-days per public home.
_DAYS_A_HOME = 10
_PINV_LEAST = 1e-6


@dataclass(frozen=True)
class Observation:
    """A day's opened sum: codes float64[K] in clip radii, and the number of households.

    `share_std` is the noise of one household's share of it, in clip radii.
    """

    day: date
    code_sum: Curve
    households: int
    share_std: float


@dataclass(frozen=True)
class Estimate:
    """A day's curves for the households counted, float64[96] Wh on the clock's day.

    Attributes:
        curve_wh: filtered.
        band_wh: half-width of the band that contains the true sum 90 times in 100.
        raw_wh: from this day's sum alone, by the pseudo-inverse of the clip regression, without
            earlier days or the model's covariances. It is unbiased if the code has all 96 slots and
            the area clips like the public homes; with fewer slots, the rest comes from the profile.
    """

    day: date
    households: int
    curve_wh: Curve
    band_wh: Curve
    raw_wh: Curve


class Filter:
    """Filters one area's days in order; skipped days only widen the state."""

    def __init__(self, model: ReleaseModel) -> None:
        """Use the model."""
        self._model = model
        self._constants: Constants = unpacked(model)
        self._pseudo_inverse = np.linalg.pinv(self._constants.code.clip, rcond=_PINV_LEAST)
        self._day: int | None = None
        # Level and weekend: float64[192] Wh and its covariance.
        self._mean: Curve = np.zeros(2 * CLOCK_SLOTS)
        self._covariance: Matrix = np.zeros((2 * CLOCK_SLOTS, 2 * CLOCK_SLOTS))

    def step(self, observation: Observation) -> Estimate:
        """Filter a day's opened sum, and return its curves.

        Raises:
            BoundExceeded: the day is not after the last one, or the sum does not fit the model.
        """
        day, code_sum, households = observation.day, observation.code_sum, observation.households
        number, rows = day_number(day), self._model.rows
        if code_sum.shape != (rows,) or not np.isfinite(code_sum).all():
            raise BoundExceeded(f"{day}: {rows} finite code sums are needed")
        if households < 1 or (self._day is not None and number <= self._day):
            raise BoundExceeded(f"{day}: a day after the last one, and households, are needed")
        code, kind = self._constants.code, day_type(day)
        dynamics = self._constants.variety.dynamics(households)
        self._predict(dynamics, number)
        noise = code.error * (1 / households + 1 / (_DAYS_A_HOME * self._model.public_homes))
        noise = noise + observation.share_std**2 / households * np.eye(rows)
        observed = code_sum / households - code.offset[kind]
        residual, variance = self._update(dynamics.daily, noise, observed, weekend=kind == 1)
        profile = self._constants.profiles[kind]
        return Estimate(
            day=day,
            households=households,
            curve_wh=households * (profile + residual),
            band_wh=households * self._model.band_factor * np.sqrt(np.maximum(variance, 0)),
            raw_wh=households * (profile + self._pseudo_inverse @ observed),
        )

    def _predict(self, dynamics: Dynamics, number: int) -> None:
        """Advance the state to day `number`; each passed day widens it."""
        level, weekend = slice(CLOCK_SLOTS), slice(CLOCK_SLOTS, None)
        if self._day is None:
            self._covariance[level, level] = dynamics.level_first
            self._covariance[weekend, weekend] = dynamics.weekend_first
        else:
            passed = number - self._day
            self._covariance[level, level] += passed * dynamics.level_step
            self._covariance[weekend, weekend] += passed * dynamics.weekend_step
        self._day = number

    def _update(
        self, daily: Matrix, noise: Matrix, observed: Curve, *, weekend: bool
    ) -> tuple[Curve, Curve]:
        """Update the state; return the day's residual and its variance, float64[96]."""
        level, added = slice(CLOCK_SLOTS), slice(CLOCK_SLOTS, None)
        clip = self._constants.code.clip
        predicted, with_lasting = self._mean[level], self._covariance[:, level]
        if weekend:
            predicted = predicted + self._mean[added]
            with_lasting = with_lasting + self._covariance[:, added]
        lasting = with_lasting[level] + (with_lasting[added] if weekend else 0)
        whole = symmetric(lasting + daily)
        root = np.linalg.cholesky(symmetric(clip @ whole @ clip.T + noise))
        innovation = np.linalg.solve(root, observed - clip @ predicted)
        to_day = np.linalg.solve(root, clip @ whole)
        to_state = np.linalg.solve(root, clip @ with_lasting.T)
        self._mean = self._mean + to_state.T @ innovation
        self._covariance = symmetric(self._covariance - to_state.T @ to_state)
        variance = np.diag(whole) - np.einsum("kt,kt->t", to_day, to_day)
        return np.asarray(predicted + to_day.T @ innovation), np.asarray(variance)
