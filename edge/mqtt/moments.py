"""Draws when what a household wishes for leaves the home, so that it does not show who is in."""

import random
from datetime import UTC, date, datetime, timedelta

from protocol.calendar import day_start, next_month
from protocol.keys import HouseholdSecret

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
WISH_LEAST, WISH_MOST = timedelta(hours=2), timedelta(hours=12)

_draws = random.SystemRandom()


def in_next_day(now: datetime) -> datetime:
    """Draw a moment within the UTC day after that of `now`, to the second."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + DAY + _drawn(DAY)


def at_once(now: datetime) -> datetime:
    """Return `now`, for rehearsals: it shows when the household did something."""
    return now


def after_wish(wished_at: datetime) -> datetime:
    """Draw a moment 2 to 12 hours after `wished_at`, to the second."""
    return wished_at + WISH_LEAST + _drawn(WISH_MOST - WISH_LEAST)


def in_month(household: HouseholdSecret, month: date, subject: str) -> datetime:
    """Return a household's moment within a legal calendar month, to the second.

    It is drawn from the household's secret, so that it stays the same after a restart and nobody
    else can compute it.
    """
    start, end = day_start(month), day_start(next_month(month))
    drawn = household.draw(f"{subject} {month:%Y-%m}", (end - start) // SECOND)
    return start + drawn * SECOND


def _drawn(span: timedelta) -> timedelta:
    return _draws.randrange(span // SECOND) * SECOND
