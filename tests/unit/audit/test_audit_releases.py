"""What a figure tells about a household: much where few are in it, nothing by what was known."""

import numpy as np

from cloud.audit import attacks
from cloud.audit.releases import KNOWN_DAYS, of_releases
from cloud.audit.truth import Truth
from tests.support.audit_fleet import audited_curves

DAYS = 80


def findings_of(homes, published=None):
    curves = audited_curves(homes, DAYS, np.random.default_rng(4)).astype(float)
    truth = Truth(tuple(map(str, range(homes))), tuple(range(20_000, 20_000 + DAYS)), curves)
    totals = curves.sum(axis=0) if published is None else published(curves)
    released = of_releases({("x", day): totals[n] for n, day in enumerate(truth.days)}, truth)
    assert released is not None
    view, tried = released
    assert tried.days == truth.days[KNOWN_DAYS:]
    return attacks.absence(view, tried), attacks.appliances(view, tried)


def test_the_sum_of_many_tells_nothing_of_one():
    assert [one.verdict for one in findings_of(60)] == ["kept", "kept"]


def test_the_sum_of_a_few_would_tell_who_is_away():
    absence, _ = findings_of(9)
    assert absence.low > 0.55


def test_a_figure_that_has_nothing_to_do_with_the_homes_scores_chance():
    rng = np.random.default_rng(8)
    for one in findings_of(60, lambda curves: rng.normal(0, 1e4, curves.shape[1:])):
        assert one.low <= 0.5 <= one.high or abs(one.score - 0.5) < 0.02


def test_a_few_releases_are_not_judged():
    truth = Truth(("a", "b"), (5, 6), np.ones((2, 2, 96)))
    assert of_releases({("x", 5): np.ones(96)}, truth) is None
