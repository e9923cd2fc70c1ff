"""The privacy account against known values, and which way it must move."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import BoundExceeded
from protocol.privacy import (
    EPSILON_MAX,
    SHARE_STD_MIN,
    epsilon_at,
    epsilon_of_rho,
    gaussian_delta,
    gaussian_sigma,
    rho_of_sigma,
    share_std,
)

DELTA = 1e-6
EPSILONS = st.floats(0.05, 4.0)


def test_known_values():
    sigma = gaussian_sigma(2.0, DELTA)
    assert sigma == pytest.approx(2.2305, abs=5e-5)
    rho = rho_of_sigma(sigma)
    assert rho == pytest.approx(0.1005, abs=5e-5)
    # Found by another way: the least over two million orders, evenly spread in their logarithm.
    assert epsilon_of_rho(30 * rho, DELTA) == pytest.approx(14.9939, abs=1e-3)
    assert epsilon_of_rho(365 * rho, DELTA) == pytest.approx(79.9543, abs=1e-3)


def test_the_account_lies_a_little_above_the_exact_composition_of_gaussians():
    sigma = gaussian_sigma(2.0, DELTA)
    for days in (1, 30, 100, 365):
        epsilon = epsilon_of_rho(days * rho_of_sigma(sigma), DELTA)
        assert gaussian_delta(sigma / math.sqrt(days), epsilon) < DELTA
        assert gaussian_delta(sigma / math.sqrt(days), 0.9 * epsilon) > DELTA


@given(EPSILONS, st.floats(1.01, 2))
def test_more_privacy_needs_more_noise(epsilon, factor):
    assert gaussian_sigma(epsilon / factor, DELTA) > gaussian_sigma(epsilon, DELTA)


@given(EPSILONS)
def test_sigma_is_the_least_that_gives_delta(epsilon):
    sigma = gaussian_sigma(epsilon, DELTA)
    assert gaussian_delta(sigma, epsilon) <= DELTA * (1 + 1e-9)
    assert gaussian_delta(sigma * 0.999, epsilon) > DELTA


@given(st.floats(1e-4, 50), st.floats(1.01, 3))
def test_a_larger_cost_is_a_larger_epsilon_and_less_than_the_classic_bound(rho, factor):
    epsilon = epsilon_of_rho(rho, DELTA)
    assert epsilon <= epsilon_of_rho(rho * factor, DELTA)
    assert epsilon <= rho + 2 * math.sqrt(rho * math.log(1 / DELTA)) + 1e-9


@given(EPSILONS)
def test_the_account_of_one_release_is_no_better_than_the_exact_one(epsilon):
    rho = rho_of_sigma(gaussian_sigma(epsilon, DELTA))
    assert epsilon_of_rho(rho, DELTA) >= epsilon * (1 - 1e-6)


@given(st.integers(10, 10_000), st.floats(0, 0.9))
def test_shares_of_those_who_keep_the_rules_add_up(crowd, gamma):
    std = share_std(2.2305, crowd, gamma)
    assert std * math.sqrt(crowd * (1 - gamma)) == pytest.approx(2.2305)


def distance_of_a_sum(std: float, count: int) -> float:
    """Bound how far a sum of `count` discrete Gaussians of `std` is from a discrete Gaussian.

    tau of Kairouz, Liu, Steinke, "The Distributed Discrete Gaussian Mechanism" (2021), in one
    coordinate; `std` in grid units.
    """
    ratio = -2 * math.pi**2 * std**2
    return 10 * sum(math.exp(ratio * k / (k + 1)) for k in range(1, count))


def test_sums_of_shares_are_as_good_as_the_discrete_gaussian_from_four_units_on():
    assert distance_of_a_sum(SHARE_STD_MIN, 10_000) < 1e-60
    assert distance_of_a_sum(1.0, 10_000) > 1e-4


def test_the_limits_are_those_that_households_were_told():
    assert (EPSILON_MAX, SHARE_STD_MIN) == (4.0, 4.0)


def test_what_costs_nothing_tells_nothing():
    assert epsilon_of_rho(0, DELTA) == 0
    assert epsilon_of_rho(1e-4, DELTA) > 0


def test_twice_the_distance_costs_four_times_as_much():
    assert rho_of_sigma(2.0, distance=2.0) == pytest.approx(4 * rho_of_sigma(2.0))
    assert gaussian_delta(4.0, 1.0, distance=2.0) == pytest.approx(gaussian_delta(2.0, 1.0))


@pytest.mark.parametrize(("epsilon", "delta"), [(0, DELTA), (math.inf, DELTA), (1, 0), (1, 1)])
def test_what_makes_no_sense_is_refused(epsilon, delta):
    with pytest.raises(BoundExceeded):
        gaussian_sigma(epsilon, delta)


@given(EPSILONS, st.floats(0.5, 3.0))
def test_the_least_epsilon_of_some_noise_is_found(epsilon, distance):
    sigma = gaussian_sigma(epsilon, DELTA)
    least = epsilon_at(sigma, DELTA, distance)
    assert gaussian_delta(sigma, least, distance) <= DELTA
    assert gaussian_delta(sigma, 0.999 * least, distance) > DELTA


def test_another_day_is_twice_as_far_as_no_day():
    sigma = gaussian_sigma(2.0, DELTA)
    assert epsilon_at(sigma, DELTA) == pytest.approx(2.0, abs=1e-6)
    assert epsilon_at(sigma, DELTA, distance=2.0) == pytest.approx(4.318, abs=5e-4)
