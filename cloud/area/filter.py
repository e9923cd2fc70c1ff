"""From an area's opened code sums to its curves: a Kalman filter over days.

Several views of how much homes move together run side by side; each day they are weighed by how
well they foretold the sums so far, and the released curve is their mean. Everything that a release
depends on is public: the model and the sums released before. The same sums give the same bytes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import numpy as np

from cloud.area.linalg import symmetric
from cloud.area.model import Constants, Dynamics, ReleaseModel, unpacked
from protocol.calendar import day_number
from protocol.errors import BoundExceeded
from protocol.transform import CLOCK_SLOTS, Curve, Matrix, day_type

# What of a day's evidence for a view is left a day later: the present counts most.
_MEMORY = 0.98
# The clip regression is known from so many times the public homes' household-days.
_DAYS_A_HOME = 10


@dataclass(frozen=True)
class Observation:
    """A day's opened sum: codes float64[K] in clip radii, of how many households."""

    day: date
    code_sum: Curve
    households: int


@dataclass(frozen=True)
class Estimate:
    """A day's curves for the households counted, float64[96] Wh on the clock's day.

    Attributes:
        curve_wh: filtered.
        band_wh: half-width about it within which the true sum is, 90 times in 100.
        raw_wh: from this day's sum alone, without the model's memory; noisy, see `Filter.raw`.
    """

    day: date
    households: int
    curve_wh: Curve
    band_wh: Curve
    raw_wh: Curve


@dataclass
class _View:
    """One setting's state: level and weekend, float64[192] and its covariance."""

    mean: Curve
    covariance: Matrix
    evidence: float


class Filter:
    """Filters one area's days, in their order."""

    def __init__(self, model: ReleaseModel, share_std: float | None = None) -> None:
        """Take the model, and the noise of one household's share in clip radii.

        Without `share_std` it is what the model was made for.
        """
        self._model = model
        self._constants: Constants = unpacked(model)
        self._share_std = model.sigma / np.sqrt(model.homes) if share_std is None else share_std
        self._day: int | None = None
        self._views: list[_View] = []
        self._pseudo_inverse = np.linalg.pinv(self._constants.code.clip, rcond=1e-6)

    def step(self, day: date, code_sum: Curve, households: int) -> Estimate:
        """Take a day's opened sum, float64[K] in clip radii, and return its curves.

        Raises:
            BoundExceeded: the day is not after the last one, or the sum does not fit the model.
        """
        number = day_number(day)
        if code_sum.shape != (self._model.rows,) or not np.isfinite(code_sum).all():
            raise BoundExceeded(f"{day}: {self._model.rows} finite code sums")
        if households < 1 or (self._day is not None and number <= self._day):
            raise BoundExceeded(f"{day}: a later day than the last, and households")
        code, kind = self._constants.code, day_type(day)
        noise = code.error * (1 / households + 1 / (_DAYS_A_HOME * self._model.public_homes))
        noise = noise + self._share_std**2 / households * np.eye(self._model.rows)
        seen = code_sum / households - code.offset[kind]
        results = []
        for index, setting in enumerate(self._model.settings):
            dynamics = self._constants.variety.dynamics(households, setting)
            view = self._foretold(index, dynamics, number)
            results.append(_update(view, dynamics.daily, code.clip, noise, seen, weekend=kind == 1))
            self._views[index : index + 1] = [view]
        self._day = number
        return self._estimate(day, households, seen, results)

    def _foretold(self, index: int, dynamics: Dynamics, number: int) -> _View:
        """Return a view's state as it is foretold for day `number`."""
        if self._day is None:
            covariance = np.zeros((2 * CLOCK_SLOTS, 2 * CLOCK_SLOTS))
            covariance[:CLOCK_SLOTS, :CLOCK_SLOTS] = dynamics.level_first
            covariance[CLOCK_SLOTS:, CLOCK_SLOTS:] = dynamics.weekend_first
            return _View(np.zeros(2 * CLOCK_SLOTS), covariance, 0.0)
        view, passed = self._views[index], number - self._day
        covariance = view.covariance.copy()
        covariance[:CLOCK_SLOTS, :CLOCK_SLOTS] += passed * dynamics.level_step
        covariance[CLOCK_SLOTS:, CLOCK_SLOTS:] += passed * dynamics.weekend_step
        return _View(view.mean, covariance, view.evidence * _MEMORY)

    def _estimate(
        self, day: date, households: int, seen: Curve, results: list[tuple[Curve, Matrix]]
    ) -> Estimate:
        evidence = np.array([view.evidence for view in self._views])
        weights = np.exp(evidence - evidence.max())
        weights /= weights.sum()
        means = np.stack([mean for mean, _ in results])
        mean = weights @ means
        variances = np.stack([variance for _, variance in results])
        variance = weights @ (variances + (means - mean) ** 2)
        profile = self._constants.profiles[day_type(day)]
        band = self._model.band_factor * np.sqrt(np.maximum(variance, 0))
        return Estimate(
            day=day,
            households=households,
            curve_wh=households * (profile + mean),
            band_wh=households * band,
            raw_wh=households * (profile + self._pseudo_inverse @ seen),
        )


def _update(
    view: _View, daily: Matrix, clip: Matrix, noise: Matrix, seen: Curve, *, weekend: bool
) -> tuple[Curve, Matrix]:
    """Update a view by what was seen; returns the day's residual and its variance, float64[96]."""
    sum_of = slice(CLOCK_SLOTS)
    # Covariance of the state with the day's lasting part, and of that part itself.
    with_level = view.covariance[:, sum_of]
    if weekend:
        with_level = with_level + view.covariance[:, CLOCK_SLOTS:]
    foretold = view.mean[sum_of] + (view.mean[CLOCK_SLOTS:] if weekend else 0)
    lasting = with_level[sum_of] + (with_level[CLOCK_SLOTS:] if weekend else 0)
    whole = symmetric(lasting + daily)
    spread = symmetric(clip @ whole @ clip.T + noise)
    surprise = seen - clip @ foretold
    root = np.linalg.cholesky(spread)
    white = np.linalg.solve(root, surprise)
    view.evidence -= float(white @ white) / 2 + float(np.log(np.diag(root)).sum())
    to_day = np.linalg.solve(root, clip @ whole)
    to_state = np.linalg.solve(root, clip @ with_level.T)
    day_mean = foretold + to_day.T @ white
    day_variance = np.diag(whole) - np.einsum("kt,kt->t", to_day, to_day)
    view.mean = view.mean + to_state.T @ white
    view.covariance = symmetric(view.covariance - to_state.T @ to_state)
    return day_mean, day_variance


def replay(
    model: ReleaseModel, observations: Iterable[Observation], share_std: float | None = None
) -> tuple[Estimate, ...]:
    """Filter days anew from their stored sums."""
    kalman = Filter(model, share_std)
    return tuple(kalman.step(each.day, each.code_sum, each.households) for each in observations)
