"""Derives transform and release model from public curves, with kappa and band cross-validated."""

import math
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from cloud.estimation.design import clipped, fit_clip, water_filled
from cloud.estimation.filter import Filter, Observation
from cloud.estimation.learn import HOMES_MIN, Moments, learn, weekends
from cloud.estimation.linalg import pack
from cloud.estimation.model import MODEL_VERSION, ReleaseModel
from cloud.estimation.public import Curves
from cloud.estimation.resample import resample
from protocol.errors import BoundExceeded, ConfigError
from protocol.transform import CLOCK_SLOTS, Curve, Matrix, Transform

BAND_PART = 0.9
_NORMAL_90 = 1.6448536269514722
# The best kappa for 200 homes at epsilon 2, and its power law in the noise per home.
_KAPPA_200 = 0.55
_NOISE_200 = 2.81 / 200
_KAPPA_POWER = 0.37
_KAPPA_FACTORS = (0.6, 1.0, 1.6)
# Half of the homes clip worse than all of them do, so only a clear gain changes kappa.
_CLEAR_GAIN = 0.04
_AREA_MAX = 2_000
_CHUNK = 500
_MONDAY = date(2024, 1, 1)


@dataclass(frozen=True)
class Trial:
    """The errors on homes that were left out, for one kappa.

    Attributes:
        error: median over days of the relative root mean square error.
        deviations: errors in standard deviations of the filter, all quarter-hours.
    """

    kappa: float
    error: float
    deviations: Curve

    @property
    def band_factor(self) -> float:
        """How many standard deviations contain 90 of 100 errors once all public homes are used.

        The errors beyond the model come from the small number of homes in either half; with twice
        as many homes, their variance is half as large.
        """
        halves = float(np.quantile(np.abs(self.deviations), BAND_PART))
        return math.sqrt((halves**2 + _NORMAL_90**2) / 2)


def derive(
    curves: Curves,
    homes: int,
    sigma: float,
    *,
    kappa: float | None = None,
    partitions: int = 2,
    seed: int = 1,
) -> tuple[Transform, ReleaseModel]:
    """Derive the transform and the model for areas of `homes` homes.

    Args:
        curves: float64[homes, days, 96] in Wh, day 0 a Monday, of public homes.
        homes: size of the area; works for areas about 20 % smaller or larger.
        sigma: noise of the released sum in clip radii, all homes reporting (`released_sigma`).
        kappa: mean square norm of the codes; None: the best of three on homes left out.
        partitions: how often the public homes are halved for that, and for the band.
        seed: of the halving and of the noise; not secret.

    Raises:
        ConfigError: too few public homes or days.
        BoundExceeded: homes or sigma are out of range.
    """
    if homes < 1 or not 0 < sigma < float("inf"):
        raise BoundExceeded(f"an area of {homes} homes with noise of {sigma:g} clip radii")
    if len(curves) < 2 * HOMES_MIN:
        raise ConfigError(
            f"There are {len(curves)} public homes; {2 * HOMES_MIN} are the least, because one "
            "half is tried on the other."
        )
    moments = learn(curves)
    usual = usual_kappa(homes, sigma)
    kappas = [usual * factor for factor in _KAPPA_FACTORS] if kappa is None else [kappa]
    trials = cross_fit(curves, homes, sigma, kappas, partitions, seed)
    best = min(trials, key=lambda trial: trial.error * _hesitation(trial.kappa, usual))
    return assemble(moments, homes, sigma, best.kappa, best.band_factor)


def usual_kappa(homes: int, sigma: float) -> float:
    """Return a mean square norm of codes that works well for an area of this size."""
    return _KAPPA_200 * math.pow(sigma / homes / _NOISE_200, _KAPPA_POWER)


def _hesitation(kappa: float, usual: float) -> float:
    return 1.0 if math.isclose(kappa, usual) else 1 + _CLEAR_GAIN


def released_sigma(share_std: float, homes: int) -> float:
    """Return the noise of a sum of `homes` shares, in clip radii, if all arrived."""
    return share_std * math.sqrt(homes)


def cross_fit(
    curves: Curves, homes: int, sigma: float, kappas: list[float], partitions: int, seed: int
) -> list[Trial]:
    """Learn from one half of the homes, filter areas of the other half, and the reverse."""
    errors: dict[float, list[Curve]] = {kappa: [] for kappa in kappas}
    deviations: dict[float, list[Curve]] = {kappa: [] for kappa in kappas}
    rng = np.random.default_rng(seed)
    for _ in range(partitions):
        order = rng.permutation(len(curves))
        halves = order[: len(curves) // 2], order[len(curves) // 2 :]
        for known, unknown in (halves, halves[::-1]):
            moments = learn(curves[known])
            area = resample(curves[unknown], min(homes, _AREA_MAX), rng)
            for kappa in kappas:
                error, deviation = _try(moments, area, homes, sigma, kappa, rng)
                errors[kappa].append(error)
                deviations[kappa].append(deviation)
    return [
        Trial(
            kappa,
            float(np.mean([np.median(daily_errors) for daily_errors in errors[kappa]])),
            np.concatenate(deviations[kappa]),
        )
        for kappa in kappas
    ]


def _try(
    moments: Moments,
    area: Curves,
    homes: int,
    sigma: float,
    kappa: float,
    rng: np.random.Generator,
) -> tuple[Curve, Curve]:
    """Return relative errors by day and all errors in standard deviations, for one area."""
    transform, model = assemble(moments, homes, sigma, kappa, 1.0)
    scale = homes / len(area)
    sums = code_sums(transform, area) * scale
    truth = area.sum(0) * scale
    sums = sums + rng.normal(0, sigma, sums.shape)
    kalman, share_std = Filter(model), float(sigma / np.sqrt(homes))
    estimates = [
        kalman.step(Observation(_MONDAY + timedelta(days), code_sum, homes, share_std))
        for days, code_sum in enumerate(sums)
    ]
    errors = np.stack([estimate.curve_wh for estimate in estimates]) - truth
    bands = np.stack([estimate.band_wh for estimate in estimates])
    return relative_errors(errors, truth), (errors / bands).ravel()


def relative_errors(wrong: Curve, truth: Curve) -> Curve:
    """Return each day's root mean square error over its mean, from float64[days, 96]."""
    mean = np.maximum(truth.mean(1), 1e-9)
    return np.asarray(np.sqrt((wrong**2).mean(1)) / mean)


def code_sums(transform: Transform, area: Curves) -> Curve:
    """Return the sums of an area's clipped codes by day, float64[days, K], without noise."""
    profiles = np.frombuffer(transform.profiles, "<f4").astype(np.float64).reshape(2, CLOCK_SLOTS)
    profile = profiles[weekends(area.shape[1]).astype(int)]
    matrix = transform.matrix_values()
    sums = np.zeros((area.shape[1], transform.rows))
    for start in range(0, len(area), _CHUNK):
        sums += clipped((area[start : start + _CHUNK] - profile) @ matrix.T).sum(0)
    return sums


def assemble(
    moments: Moments, homes: int, sigma: float, kappa: float, band_factor: float
) -> tuple[Transform, ReleaseModel]:
    """Make transform and model for a given kappa and band."""
    matrix = water_filled(moments, homes, sigma, kappa)
    code = fit_clip(moments, matrix)
    variety = moments.variety

    def flat(values: Matrix) -> bytes:
        return np.ascontiguousarray(values, "<f8").tobytes()

    model = ReleaseModel(
        version=MODEL_VERSION,
        homes=homes,
        public_homes=variety.public_homes,
        rows=len(matrix),
        sigma=sigma,
        kappa=kappa,
        profiles=flat(moments.profiles),
        mean=flat(variety.mean),
        between=pack(variety.between),
        weekend=pack(variety.weekend),
        drift=pack(variety.drift),
        daily=pack(variety.daily),
        clip=flat(code.clip),
        offset=flat(code.offset),
        clip_error=pack(code.error),
        band_factor=band_factor,
    )
    transform = Transform(
        homes=homes,
        rows=len(matrix),
        matrix=matrix.astype("<f4").tobytes(),
        profiles=moments.profiles.astype("<f4").tobytes(),
        model=model.hash,
    )
    return transform, model
