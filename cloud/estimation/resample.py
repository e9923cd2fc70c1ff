"""Areas of any size from a few homes, for calibration and simulation; never for a release."""

import numpy as np
import numpy.typing as npt

from cloud.estimation.public import Curves

_WEEK = 7
_GAIN_MEAN, _GAIN_STD = -0.02, 0.2


def resample(curves: Curves, homes: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return `homes` homes, float64[homes, days, 96], from curves[H, days, 96]; day 0 is a Monday.

    Up to H, these are real homes, drawn without repetition. Above H, they are copies: whole weeks
    rotated, shifted by at most a quarter-hour, scaled by a log-normal gain of 20 %. Days after the
    last whole week are then dropped.
    """
    known, days, slots = curves.shape
    if homes <= known:
        return np.asarray(curves[rng.permutation(known)[:homes]])
    weeks = days // _WEEK
    source = rng.integers(0, known, homes)
    turn = rng.integers(-1, 2, homes)
    gain = rng.lognormal(_GAIN_MEAN, _GAIN_STD, homes)
    late = rng.integers(0, weeks, homes)
    by_week = curves[:, : weeks * _WEEK].reshape(known, weeks, _WEEK, slots)
    drawn = np.empty((homes, weeks, _WEEK, slots))
    for home in range(homes):
        copy = np.roll(by_week[source[home]], late[home], axis=0)
        drawn[home] = np.roll(copy, turn[home], axis=-1) * gain[home]
    return drawn.reshape(homes, weeks * _WEEK, slots)
