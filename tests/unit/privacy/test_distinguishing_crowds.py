"""The guarantee of real groups: the shares of a whole crowd, added up as the release does.

One household of the group is watched, all other honest ones add their shares, and the rest of the
crowd (gamma of it) adds none. The bounds are proven for each sample on its own, so that presence and
absence may be seen under the same noise of the others, which halves the work.
"""

import numpy as np
import pytest

from edge.privacy import mechanism
from edge.privacy.mechanism import noised
from edge.privacy.noise import draw_noise
from protocol.measures import Group
from protocol.privacy import gaussian_sigma
from tests.support.distinguishing import SHARE, one_measure, worst_excess
from tests.support.sweeps import swept

EPSILON, DELTA, GAMMA = 2.0, 1e-6, 0.1
SIGMA = gaussian_sigma(EPSILON, DELTA)
FAR = 5.0
# (crowd, roster): the smallest group there can be, and the smallest of a curve.
SMALL, CURVE = (70, 100), (140, 200)
# A size is one value for `parametrize`, not two.
SIZES = swept([pytest.param(SMALL), pytest.param(CURVE)], 2)
MEASURES = one_measure(EPSILON, DELTA, GAMMA, grid_bits=20)
# Each home's slots are so many independent runs of the day.
PRODUCT_DRAWS, QUICK_DRAWS = 4_000, 20_000


def quick(seed):
    """Return a sampler of rounded normals, which are discrete Gaussians at such widths."""
    generator = np.random.default_rng(seed)

    def draw(slots, std_units):
        assert std_units > 1_000
        return np.rint(generator.normal(0, std_units, slots)).astype(np.int64)

    return draw


def honest(size):
    return round(size[0] * (1 - GAMMA))


def shares(size, draws, sampler):
    """Return the sum of the shares of all honest homes but one, float64[draws]."""
    crowd, roster = size
    group = Group("75101", ("75101",), roster, crowd, crowd, draws, bytes(32))
    total = np.zeros(draws, np.int64)
    for _ in range(honest(size) - 1):
        total += noised(np.zeros(draws), MEASURES, SHARE, group, sampler)[:-1]
    return total / MEASURES.grid


def watched(size, code, draws, sampler):
    """Return the watched home's contribution in as many runs, float64[draws].

    Clip and share are drawn for one slot; the noise of all runs comes at once and is given out.
    """
    crowd, roster = size
    group = Group("75101", ("75101",), roster, crowd, crowd, 1, bytes(32))
    record = iter(sampler(draws, MEASURES.noise_units(SHARE, group)))

    def given_out(slots, _std_units):
        return np.array([next(record) for _ in range(slots)])

    one = np.array([code])
    values = [noised(one, MEASURES, SHARE, group, given_out)[0] for _ in range(draws)]
    return np.array(values) / MEASURES.grid


def experiment(size, draws, sampler):
    """Return the released sum with a day present and with it absent, float64[draws] each."""
    rest = shares(size, draws, sampler)
    return [watched(size, code, draws, sampler) + rest for code in (FAR, 0.0)]


def halved(sampler):
    return lambda slots, std_units: sampler(slots, std_units / 2)


@pytest.mark.long
def test_a_day_in_a_small_group_cannot_be_told_by_the_products_own_draws():
    assert worst_excess(*experiment(SMALL, PRODUCT_DRAWS, draw_noise), SIGMA) <= 0


@pytest.mark.long
def test_so_many_of_the_products_draws_see_halved_noise():
    assert worst_excess(*experiment(SMALL, 3 * PRODUCT_DRAWS // 4, halved(draw_noise)), SIGMA) > 0


@pytest.mark.parametrize("size", SIZES)
def test_a_day_in_a_real_crowd_cannot_be_told_from_its_absence(size):
    assert worst_excess(*experiment(size, QUICK_DRAWS, quick(1)), SIGMA) <= 0


@pytest.mark.parametrize("size", SIZES)
def test_the_test_of_a_crowd_goes_red_when_the_noise_is_halved(size):
    assert worst_excess(*experiment(size, QUICK_DRAWS // 5, halved(quick(2))), SIGMA) > 0


@pytest.mark.parametrize("size", SIZES)
def test_the_test_of_a_crowd_goes_red_when_only_half_of_the_crowd_adds_noise(size, monkeypatch):
    monkeypatch.setattr(f"{__name__}.honest", lambda size: size[0] // 2)
    assert worst_excess(*experiment(size, QUICK_DRAWS, quick(3)), SIGMA) > 0


@pytest.mark.parametrize("size", SIZES)
def test_the_test_of_a_crowd_goes_red_when_the_clip_is_removed(size, monkeypatch):
    def without_clip(code, grid):
        return np.trunc(code * grid).astype(np.int64)

    monkeypatch.setattr(mechanism, "clip_to_grid", without_clip)
    assert worst_excess(*experiment(size, QUICK_DRAWS // 5, quick(4)), SIGMA) > 0


def two_days(size, draws, *, is_drawn_anew):
    """Return the difference of two days' sums, a home at +1 and -1, and without it."""
    found = []
    for codes in ((FAR, -FAR), (0.0, 0.0)):
        days = [
            watched(size, code, draws, sampler) + shares(size, draws, sampler)
            for number, code in enumerate(codes)
            for sampler in [quick(5 + (number if is_drawn_anew else 0))]
        ]
        found.append((days[0] - days[1]) / 2)
    return found


@pytest.mark.parametrize("size", SIZES)
def test_two_days_of_a_crowd_cost_what_the_ledger_says(size):
    differences = two_days(size, QUICK_DRAWS // 2, is_drawn_anew=True)
    assert worst_excess(*differences, SIGMA / np.sqrt(2)) <= 0


@pytest.mark.parametrize("size", [SMALL, CURVE])
def test_the_test_of_a_crowd_goes_red_when_shares_are_drawn_once_for_two_days(size):
    differences = two_days(size, 1_000, is_drawn_anew=False)
    assert worst_excess(*differences, SIGMA / np.sqrt(2)) > 0


@pytest.mark.long
def test_a_day_in_a_curves_group_cannot_be_told_by_the_products_own_draws():
    assert worst_excess(*experiment(CURVE, PRODUCT_DRAWS, draw_noise), SIGMA) <= 0
