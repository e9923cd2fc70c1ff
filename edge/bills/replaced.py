"""Which bills that are not right ask for nothing: their days are billed correctly by others."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta

from edge.bills.judgement import Finding, Judgement, Verdict


def replaced(
    judgements: Sequence[Judgement], unbillable: Mapping[str, Collection[date]] | None = None
) -> set[str]:
    """Return the statements (ids) that ask for nothing of the household.

    Their days later ones bill correctly, or they only repeat days that a correct one has billed.
    One that is wrong for another reason still is after a correct one.

    `judgements`: all of them, in the order in which they arrived. `unbillable`: by statement, the
    days that none can bill, so that bills of the other days, or of later ones, are all there is.
    """
    unbillable = unbillable or {}
    billed = {
        day for each in judgements if each.verdict is Verdict.CORRECT for day in _covered(each)
    }
    right: set[date] = set()
    found = set()
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
            found.add(judgement.statement)
    return found


def is_repeated(judgement: Judgement) -> bool:
    """Say whether nothing but days that are billed already is wrong with a statement."""
    return judgement.verdict is Verdict.REFUSED and judgement.findings == (Finding.ALREADY_BILLED,)


def _covered(judgement: Judgement) -> Iterable[date]:
    """Give the days that a correct statement bills: those that it leaves out are owed."""
    for number in range((judgement.end - judgement.start).days):
        yield judgement.start + timedelta(days=number)
    yield from judgement.late


def _days(judgement: Judgement) -> Iterable[date]:
    """Give the days whose energy a statement bills."""
    left_out = set(judgement.left_out)
    return (day for day in _covered(judgement) if day not in left_out)
