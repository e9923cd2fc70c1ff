"""Which bills that were not right a later one has put right, so that nobody has to act on them."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from edge.bills.judgement import Judgement, Verdict


def replaced(judgements: Sequence[Judgement]) -> set[str]:
    """Return the statements (ids) whose days later ones bill correctly.

    `judgements`: all of them, in the order in which they arrived.
    """
    right: set[date] = set()
    found = set()
    for judgement in reversed(judgements):
        days = set(_days(judgement))
        if judgement.verdict is Verdict.CORRECT:
            right |= days
        elif days and days <= right:
            found.add(judgement.statement)
    return found


def _days(judgement: Judgement) -> Iterable[date]:
    """Give the days whose energy a statement bills."""
    left_out = set(judgement.left_out)
    for number in range((judgement.end - judgement.start).days):
        day = judgement.start + timedelta(days=number)
        if day not in left_out:
            yield day
    yield from judgement.late
