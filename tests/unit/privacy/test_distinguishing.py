"""What an attacker gains from a sum stays within (epsilon, delta), and the test would see more."""

import numpy as np
import pytest

from edge.privacy import mechanism
from edge.privacy.mechanism import noised
from edge.privacy.noise import draw_noise
from protocol.measures import Group
from protocol.privacy import gaussian_sigma
from tests.support.distinguishing import SHARE, clopper_pearson, one_measure, worst_excess
from tests.support.sweeps import swept

EPSILON, DELTA, GAMMA = 2.0, 1e-6, 0.2
SIGMA = gaussian_sigma(EPSILON, DELTA)
# Outside the clip: the worst case is a day that the clip holds at one radius.
FAR = 5.0


def terms(crowd):
    return one_measure(EPSILON, DELTA, GAMMA, grid_bits=16), crowd


def contributions(setting, code, draws, sampler):
    """One household's contribution in `draws` independent runs of the day, float64[draws]."""
    measures, crowd = setting
    group = Group("75101", ("75101",), 300, crowd, 300, 1, bytes(32))
    one = np.array([code])
    values = [noised(one, measures, SHARE, group, sampler)[0] for _ in range(draws)]
    return np.array(values) / measures.grid


def others(setting, draws, sampler):
    """The sum of the other honest households' shares, float64[draws], as many runs at once."""
    measures, crowd = setting
    honest = round(crowd * (1 - GAMMA))
    group = Group("75101", ("75101",), 300, crowd, 300, draws, bytes(32))
    total = np.zeros(draws)
    for _ in range(honest - 1):
        total += noised(np.zeros(draws), measures, SHARE, group, sampler)[:-1]
    return total / measures.grid


def experiment(crowd, draws, sampler=draw_noise):
    """Return the released sum with a day present and with it absent, float64[draws] each."""
    setting = terms(crowd)
    return tuple(
        contributions(setting, code, draws, sampler) + others(setting, draws, sampler)
        for code in (FAR, 0.0)
    )


def two_days(crowd, draws, make_sampler):
    """Return the difference of two days' sums, with a household at +1 and -1, and without it."""
    setting = terms(crowd)
    found = []
    for codes in ((FAR, -FAR), (0.0, 0.0)):
        days = []
        samplers = make_sampler()
        for code, (own, rest) in zip(codes, samplers, strict=True):
            days.append(contributions(setting, code, draws, own) + others(setting, draws, rest))
        found.append((days[0] - days[1]) / 2)
    return found


def remembered():
    """Return a sampler that records, and one that plays the record back."""
    record = []

    def recording(slots, std_units):
        record.append(draw_noise(slots, std_units))
        return record[-1]

    def playing(_slots, _std_units):
        return record.pop(0)

    return recording, playing


def drawn_anew():
    return [(draw_noise, draw_noise), (draw_noise, draw_noise)]


def drawn_once_for_both():
    (own, own_again), (rest, rest_again) = remembered(), remembered()
    return [(own, rest), (own_again, rest_again)]


@pytest.mark.parametrize("crowd", swept([5, 1], 2))
def test_a_day_cannot_be_told_from_its_absence_better_than_promised(crowd):
    present, absent = experiment(crowd, 4_000)
    assert worst_excess(present, absent, SIGMA) <= 0


def test_the_test_goes_red_when_the_noise_is_halved():
    def halved(slots, std_units):
        return draw_noise(slots, std_units / 2)

    present, absent = experiment(5, 4_000, halved)
    assert worst_excess(present, absent, SIGMA) > 0


def test_the_test_goes_red_when_the_clip_is_removed(monkeypatch):
    monkeypatch.setattr(
        mechanism, "clip_to_grid", lambda code, grid: np.trunc(code * grid).astype(np.int64)
    )
    present, absent = experiment(5, 4_000)
    assert worst_excess(present, absent, SIGMA) > 0


@pytest.mark.long
def test_two_days_cost_what_the_ledger_says():
    """Noise of two days in opposite directions: distance 1 under noise of sigma/√2."""
    present, absent = two_days(5, 3_000, drawn_anew)
    assert worst_excess(present, absent, SIGMA / np.sqrt(2)) <= 0


def test_the_test_goes_red_when_a_share_is_drawn_once_for_two_days():
    present, absent = two_days(5, 1_000, drawn_once_for_both)
    assert worst_excess(present, absent, SIGMA / np.sqrt(2)) > 0


@pytest.mark.long
def test_a_day_cannot_be_told_from_its_absence_in_many_draws():
    present, absent = experiment(5, 30_000)
    assert worst_excess(present, absent, SIGMA) <= 0


@pytest.mark.long
def test_many_draws_see_a_quarter_less_noise():
    def less(slots, std_units):
        return draw_noise(slots, std_units * 0.75)

    present, absent = experiment(5, 30_000, less)
    assert worst_excess(present, absent, SIGMA) > 0


def test_bounds_hold_what_they_should():
    low, high = clopper_pearson(50, 100, 0.025)
    assert low == pytest.approx(0.3983, abs=1e-4)
    assert high == pytest.approx(0.6017, abs=1e-4)
    assert clopper_pearson(0, 100, 0.025)[0] == 0
    assert clopper_pearson(100, 100, 0.025)[1] == 1
