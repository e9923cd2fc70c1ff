"""The filter against all days' joint Gaussian, solved in one piece."""

from datetime import date, timedelta

import numpy as np
import pytest

from cloud.estimation.derive import derive
from cloud.estimation.design import clipped
from cloud.estimation.filter import Observation
from cloud.estimation.learn import learn
from cloud.estimation.model import unpacked
from tests.support.area_filter import replay

SHARE = 0.2
HOMES = 240
MONDAY = date(2026, 1, 5)


def make_homes(count, days, seed):
    """Homes in Wh a quarter-hour whose levels and evenings differ."""
    rng = np.random.default_rng(seed)
    hours = np.arange(96) / 4
    evening = 200 * np.exp(-(((hours - 19) / 2) ** 2))
    own = rng.lognormal(0, 0.4, (count, 1, 1))
    daily = rng.lognormal(0, 0.3, (count, days, 1))
    return own * 60 + daily * evening + rng.gamma(0.3, 60, (count, days, 96))


@pytest.fixture(scope="module")
def made():
    public = make_homes(16, 21, 11)
    return (*derive(public, HOMES, SHARE * HOMES**0.5, kappa=0.6, partitions=1), public)


def joint(model, days, households):
    """Mean 0 covariance of the days' residuals, [days, 96, days, 96], and of their codes' noise."""
    constants = unpacked(model)
    dynamics = constants.variety.dynamics(households)
    first = days[0]
    blocks = np.zeros((len(days), 96, len(days), 96))
    for i, one in enumerate(days):
        for j, other in enumerate(days):
            passed = (min(one, other) - first).days
            block = dynamics.level_first + passed * dynamics.level_step
            if one.weekday() >= 5 and other.weekday() >= 5:
                block = block + dynamics.weekend_first + passed * dynamics.weekend_step
            blocks[i, :, j] = block + (dynamics.daily if i == j else 0)
    noise = constants.code.error * (1 / households + 1 / (10 * model.public_homes))
    return constants, blocks, noise + SHARE**2 / households * np.eye(model.rows)


def test_the_last_day_is_what_the_joint_distribution_says(made):
    _, model, _ = made
    days = [MONDAY + timedelta(days=n) for n in (0, 1, 4, 5, 6, 9, 12)]
    rng = np.random.default_rng(2)
    codes = rng.normal(0, 0.05, (len(days), model.rows))
    observations = [
        Observation(d, c * HOMES, HOMES, SHARE) for d, c in zip(days, codes, strict=True)
    ]
    estimate = replay(model, observations)[-1]

    constants, blocks, noise = joint(model, days, HOMES)
    clip, count = constants.code.clip, len(days)
    seen = np.concatenate(
        [codes[i] - constants.code.offset[int(d.weekday() >= 5)] for i, d in enumerate(days)]
    )
    spread = np.einsum("kt,itju,lu->ikjl", clip, blocks, clip, optimize=True)
    spread = spread.reshape(count * model.rows, -1) + np.kron(np.eye(count), noise)
    cross = np.einsum("tju,lu->tjl", blocks[-1], clip).reshape(96, -1)
    residual = cross @ np.linalg.solve(spread, seen)
    variance = np.diag(blocks[-1, :, -1]) - np.diag(cross @ np.linalg.solve(spread, cross.T))
    expected = HOMES * (constants.profiles[int(days[-1].weekday() >= 5)] + residual)
    np.testing.assert_allclose(estimate.curve_wh, expected, rtol=1e-6)
    np.testing.assert_allclose(
        estimate.band_wh, HOMES * model.band_factor * np.sqrt(variance), rtol=1e-5
    )


def test_households_may_differ_from_day_to_day(made):
    _, model, _ = made
    observations = [
        Observation(MONDAY + timedelta(days=n), np.zeros(model.rows), count, SHARE)
        for n, count in enumerate((240, 180, 260))
    ]
    few, many = replay(model, observations)[1:]
    assert few.band_wh.mean() / 180 > many.band_wh.mean() / 260
    assert [few.households, many.households] == [180, 260]


def test_each_day_has_the_noise_that_it_was_released_with(made):
    """A noisy day in the middle moves the estimate less than one like the others."""
    _, model, _ = made

    def last(share_std):
        days = [
            Observation(MONDAY + timedelta(days=n), np.full(model.rows, float(n == 1)), HOMES, std)
            for n, std in enumerate((SHARE, share_std, SHARE))
        ]
        return replay(model, days)[-1]

    quiet, alike, noisy = map(last, (SHARE / 4, SHARE, SHARE * 4))
    assert quiet.band_wh.mean() < alike.band_wh.mean() < noisy.band_wh.mean()
    assert not np.allclose(noisy.curve_wh, alike.curve_wh)


def test_the_clip_regression_gives_the_public_homes_own_mean_codes(made):
    transform, model, public = made
    code = unpacked(model).code
    residuals = learn(public).residuals
    codes = clipped(residuals @ transform.matrix_values().T)
    weekend = np.arange(21) % 7 >= 5
    for kind, mask in enumerate((~weekend, weekend)):
        foretold = code.clip @ residuals[:, mask].mean((0, 1)) + code.offset[kind]
        np.testing.assert_allclose(foretold, codes[:, mask].mean((0, 1)), atol=1e-9)
    assert np.linalg.norm(codes, axis=-1).max() <= 1 + 1e-12
