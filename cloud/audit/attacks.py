"""The attacks on a view: linking weeks, detecting absence, detecting appliances.

After Buchmann, Böhm, Burghardt, Kessler, "Re-identification of smart meter data" (2013), and the
non-intrusive load monitoring that plain quarter-hours allow. In turn, attackers are fitted on a
third of the households, chosen on another and scored on the last, so the scored households were not
used before.
"""

from collections.abc import Iterator
from itertools import combinations

import msgspec
import numpy as np
import numpy.typing as npt

from cloud.audit.attackers import CLASSIFIERS, Tool, decoder, standardiser
from cloud.audit.statistics import Flags, Floats, Score, Wins, hit_rate
from cloud.audit.truth import SLOTS, Truth
from cloud.audit.views import View, about_the_mean

REIDENTIFY = "re-identification"
ABSENCE = "absence"
APPLIANCES = "appliances"
AREA_MAX = 0.55
CHANCE = 0.5
REIDENTIFY_MAX_TIMES = 2.0
FOLDS = 3
_WEEK = 7
_CHOOSING_SHARE = 3


class AttackResult(msgspec.Struct, frozen=True):
    """The result of one attack on one view.

    `limit` is the highest allowed score, None in a reference. `by` names the chosen attackers.
    `verdict` is reference, kept, broken, or `too few` if the score is above the limit but may be
    due to chance.
    """

    attack: str
    on: str
    score: float
    low: float
    high: float
    chance: float
    limit: float | None
    n: int
    verdict: str
    by: str


def finding(attack: str, view: View, measured: Score, limit: float, by: str) -> AttackResult:
    """Judge a score."""
    if view.is_reference:
        verdict = "reference"
    elif measured.score > limit:
        verdict = "broken" if measured.is_sure else "too few"
    else:
        verdict = "kept" if measured.n else "too few"
    return AttackResult(
        attack,
        view.name,
        measured.score,
        measured.low,
        measured.high,
        measured.chance,
        None if view.is_reference else limit,
        measured.n,
        verdict,
        by,
    )


def run(view: View, truth: Truth) -> Iterator[AttackResult]:
    """Run every attack on a view."""
    yield reidentify(view)
    yield absence(view, truth)
    yield appliances(view, truth)


def reidentify(view: View) -> AttackResult:
    """Link each household's anonymous week to the nearest named week."""
    profiles = dict(_profiles(view))
    weeks = next(iter(profiles.values())).shape[1] if profiles else 0
    pairs = list(combinations(range(weeks), 2))
    if not pairs:
        nothing = Score(0.0, 0.0, 1.0, 0.0, 0.0, 0)
        return finding(REIDENTIFY, view, nothing, 0.0, "no two weeks")
    choosing = pairs[:: _CHOOSING_SHARE + 1] if len(pairs) > 1 else pairs
    trying = [pair for pair in pairs if pair not in choosing] or pairs
    best = max(profiles, key=lambda name: _hits(profiles[name], choosing, view.cells))
    chance = float(np.mean(1 / np.bincount(view.cells)[view.cells]))
    count = len(view.cells) * len(trying)
    measured = hit_rate(round(_hits(profiles[best], trying, view.cells)), count, chance)
    return finding(REIDENTIFY, view, measured, REIDENTIFY_MAX_TIMES * chance, best)


def absence(view: View, truth: Truth) -> AttackResult:
    """Distinguish a day of low use from others, among the households of the same day."""
    wins, used = Wins(), []
    inputs = list(_inputs(view))
    for train, choose, test in _folds(len(truth.households)):
        best, best_area, best_scores = "", -1.0, np.zeros((len(test), len(truth.days)))
        for name, values in inputs:
            fitted = standardiser(values[train][truth.is_known[train]])
            rows = fitted(values[train][truth.is_known[train]])
            labels = truth.is_low[train][truth.is_known[train]]
            for classifier, fit in CLASSIFIERS.items():
                score = fit(rows, labels)
                area = _area(_scores(score, fitted, values[choose]), truth, choose)
                if area > best_area:
                    best, best_area = f"{name}, {classifier}", area
                    best_scores = _scores(score, fitted, values[test])
        used.append(best)
        wins.add(best_scores, truth.is_low[test], truth.is_known[test])
    return finding(ABSENCE, view, wins.measured(), AREA_MAX, "; ".join(sorted(set(used))))


def appliances(view: View, truth: Truth) -> AttackResult:
    """Distinguish quarter-hours with a step of 1 kW, among the households of the same moment."""
    wins, used = Wins(), []
    is_step = truth.is_step
    valid = np.repeat(truth.is_known[:, :, None], SLOTS - 1, axis=2)
    for train, choose, test in _folds(len(truth.households)):
        best, best_area = "", -1.0
        best_scores = np.zeros((len(test), len(truth.days), SLOTS - 1))
        for name, scores in _step_scores(view, truth, train):
            area = _step_area(scores[choose], is_step[choose], valid[choose])
            if not best or abs(area - CHANCE) > abs(best_area - CHANCE):
                sign = np.copysign(1.0, area - CHANCE)
                best, best_area, best_scores = name, area, sign * scores[test]
        used.append(best)
        shape = (len(test), -1)
        wins.add(
            best_scores.reshape(shape), is_step[test].reshape(shape), valid[test].reshape(shape)
        )
    return finding(APPLIANCES, view, wins.measured(), AREA_MAX, "; ".join(sorted(set(used))))


def _folds(households: int) -> Iterator[tuple[npt.NDArray[np.int64], ...]]:
    """Yield (train, choose, test) households; each is in `test` once."""
    parts = [np.arange(part, households, FOLDS) for part in range(FOLDS)]
    for turn in range(FOLDS):
        yield parts[turn], parts[(turn + 1) % FOLDS], parts[(turn + 2) % FOLDS]


def _inputs(view: View) -> Iterator[tuple[str, Floats]]:
    """Yield every set of features, as it is and relative to each household's mean."""
    for name, values in view.features.items():
        yield name, values
        yield f"{name} about the mean", about_the_mean(values)


def _scores(score: Tool, fitted: Tool, values: Floats) -> Floats:
    flat = values.reshape(-1, values.shape[2])
    return score(fitted(flat)).reshape(values.shape[:2])


def _area(scores: Floats, truth: Truth, households: npt.NDArray[np.int64]) -> float:
    wins = Wins()
    wins.add(scores, truth.is_low[households], truth.is_known[households])
    return wins.measured().score


def _step_scores(
    view: View, truth: Truth, train: npt.NDArray[np.int64]
) -> Iterator[tuple[str, Floats]]:
    """Yield scores float64[households, days, 95] of every attacker."""
    for name, signal in view.signals.items():
        if not view.is_on_habits:
            yield f"{name}, its steps", np.abs(np.diff(signal, axis=2))
        yield f"{name}, as it is", signal[:, :, 1:]
    is_known = truth.is_known[train]
    curves = truth.energies_wh[train][is_known]
    steps = truth.is_step[train][is_known].astype(np.float64)
    for name, values in view.features.items():
        fitted = standardiser(values[train][is_known])
        rows = fitted(values[train][is_known])
        flat = fitted(values.reshape(-1, values.shape[2]))
        shape = (*values.shape[:2], -1)
        if not view.is_on_habits:
            decoded = decoder(rows, curves)(flat).reshape(shape)
            yield f"{name}, decoded to a curve", np.abs(np.diff(decoded, axis=2))
        yield f"{name}, decoded to steps", decoder(rows, steps)(flat).reshape(shape)


def _step_area(scores: Floats, is_step: Flags, valid: Flags) -> float:
    wins = Wins()
    shape = (len(scores), -1)
    wins.add(scores.reshape(shape), is_step.reshape(shape), valid.reshape(shape))
    return wins.measured().score


def _profiles(view: View) -> Iterator[tuple[str, Floats]]:
    """Yield weekly profiles float64[households, weeks, k]: means, and means with deviations."""
    for name, values in view.features.items():
        weeks = values.shape[1] // _WEEK
        by_week = values[:, : weeks * _WEEK].reshape(len(values), weeks, _WEEK, -1)
        mean, deviation = by_week.mean(axis=2), by_week.std(axis=2)
        yield f"{name}, mean", mean
        flat = mean.reshape(-1, mean.shape[2])
        yield f"{name}, mean of standardised", standardiser(flat)(flat).reshape(mean.shape)
        both = np.concatenate([mean, deviation], axis=2)
        flat = both.reshape(-1, both.shape[2])
        yield f"{name}, mean and deviation", standardiser(flat)(flat).reshape(both.shape)


def _hits(profiles: Floats, pairs: list[tuple[int, int]], cells: npt.NDArray[np.int64]) -> float:
    """Count correct links; if several weeks are equally near, each counts with its share."""
    hits = 0.0
    others = cells[:, None] != cells[None, :]
    for named, anonymous in pairs:
        left, right = profiles[:, named], profiles[:, anonymous]
        distances = (
            (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1)[None, :] - 2 * left @ right.T
        )
        scale = max(float(np.abs(distances).max()), 1e-300)
        distances = np.where(others, np.inf, distances)
        is_least = distances <= distances.min(axis=0) + 1e-12 * scale
        hits += float((np.diag(is_least) / is_least.sum(axis=0)).sum())
    return hits
