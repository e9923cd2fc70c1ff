"""Scores of attackers: areas, intervals, chance; checked against what can be counted by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.audit.statistics import SURE_Z, Wins, chi_square_z, hit_rate, normal_quantile

bits = st.lists(st.booleans(), min_size=6, max_size=6)
scores = st.lists(st.integers(-3, 3), min_size=6, max_size=6)


def area_of(values, labels, valid=None):
    wins = Wins()
    columns = np.array(values, float).reshape(len(labels), -1)
    is_so = np.array(labels).reshape(columns.shape)
    is_valid = np.ones_like(is_so) if valid is None else np.array(valid).reshape(columns.shape)
    wins.add(columns, is_so, is_valid)
    return wins.measured()


@given(scores, bits, bits)
def test_an_area_is_the_share_of_pairs_ordered_rightly(values, labels, valid):
    pairs = [
        (values[i] > values[j]) + 0.5 * (values[i] == values[j])
        for i in range(6)
        for j in range(6)
        if valid[i] and valid[j] and labels[i] and not labels[j]
    ]
    found = area_of(values, labels, valid).score
    assert found == pytest.approx(np.mean(pairs) if pairs else 0.5)


def test_what_all_households_do_on_a_day_counts_for_nothing():
    # The score follows the day alone, and on the second day more households are away.
    day = np.array([[0.0, 9.0]] * 10)
    labels = np.array([[n < 1, n < 9] for n in range(10)])
    assert area_of(day, labels).score == 0.5


def test_constant_scores_are_chance_with_no_deviation():
    measured = area_of([1] * 8, [True, False] * 4)
    assert (measured.score, measured.z) == (0.5, 0.0)


def test_a_perfect_score_is_many_deviations_above_chance():
    labels = np.random.default_rng(1).random((40, 20)) < 0.3
    measured = area_of(labels.astype(float), labels)
    assert measured.score == 1.0
    assert measured.z > 100


def test_random_scores_are_within_a_few_deviations():
    rng = np.random.default_rng(2)
    measured = [area_of(rng.random((60, 30)), rng.random((60, 30)) < 0.2) for _ in range(20)]
    assert max(abs(one.z) for one in measured) < 5
    assert sum(one.low <= 0.5 <= one.high for one in measured) >= 15


def test_a_few_households_that_are_away_prove_nothing():
    """They all see one figure of their area, so a guess is right or wrong for each of them whole."""
    rng = np.random.default_rng(3)
    measured = []
    for _ in range(200):
        is_away = np.zeros((200, 14), bool)
        is_away[:4, rng.integers(14, size=3)] = True
        scores = np.repeat(rng.random((200, 1)), 14, axis=1)
        measured.append(area_of(scores, is_away))
    assert any(one.z > SURE_Z for one in measured)
    assert not any(one.is_sure for one in measured)


@pytest.mark.parametrize(
    ("hits", "n", "chance", "z"), [(5, 10, 0.5, -0.31), (0, 10, 0.5, -40), (10, 10, 0.5, 3.1)]
)
def test_a_hit_rates_deviation_is_that_of_the_exact_tail(hits, n, chance, z):
    measured = hit_rate(hits, n, chance)
    assert measured.z == pytest.approx(z, abs=0.02)
    assert measured.low <= measured.score <= measured.high


def test_nothing_to_decide_is_no_score():
    assert hit_rate(0, 0, 0.1).n == 0
    assert area_of([1, 2], [True, True]).n == 0


def test_quantiles_are_those_of_a_table():
    assert normal_quantile(0.025) == pytest.approx(1.96, abs=1e-3)
    assert normal_quantile(1e-6) == pytest.approx(4.7534, abs=1e-3)


def test_chi_square_sees_one_value_too_many():
    rng = np.random.default_rng(3)
    fair = np.bincount(rng.integers(0, 256, 100_000), minlength=256)
    loaded = fair.copy()
    loaded[7] += 400
    assert abs(chi_square_z([fair])[0]) < 5
    assert chi_square_z([loaded])[0] > 6
