"""Finds the wrong bills that need no action, because other bills bill their days correctly."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta

from edge.bills.judgement import Finding, Judgement, Verdict


def replaced(
    judgements: Sequence[Judgement], unbillable: Mapping[str, Collection[date]] | None = None
) -> set[str]:
    """Return the ids of the statements that need no action of the household.

    Later statements bill their days correctly, or they only repeat days that a correct statement
    has billed. A statement that is wrong for another reason remains so after a correct one.

    `judgements`: all of them, in the order of arrival. `unbillable`: by statement, the days that no
    statement can bill; correct bills of its other days, or of later ones, then replace it.
    """
    unbillable = unbillable or {}
    billed = {
        day
        for judgement in judgements
        if judgement.verdict is Verdict.CORRECT
        for day in _covered(judgement)
    }
    right: set[date] = set()
    superseded = set()
    for judgement in reversed(judgements):
        days = set(_days(judgement))
        if judgement.verdict is Verdict.CORRECT:
            right |= days
            continue
        if not days:
            continue
        left = days.difference(unbillable.get(judgement.statement, ()))
        is_billed = left <= right if left else max(right, default=date.min) > max(days)
        if is_billed or (is_repeated(judgement) and left <= billed):
            superseded.add(judgement.statement)
    return superseded


def is_repeated(judgement: Judgement) -> bool:
    """Return whether a statement's only fault is that its days are billed already."""
    return judgement.verdict is Verdict.REFUSED and judgement.findings == (Finding.ALREADY_BILLED,)


def _covered(judgement: Judgement) -> Iterable[date]:
    """Yield all days that a statement covers; those that it leaves out become owed."""
    for number in range((judgement.end - judgement.start).days):
        yield judgement.start + timedelta(days=number)
    yield from judgement.late


def _days(judgement: Judgement) -> Iterable[date]:
    """Return the days whose energy a statement bills."""
    left_out = set(judgement.left_out)
    return (day for day in _covered(judgement) if day not in left_out)
