"""The legal day of metropolitan France and its quarter-hours.

A *day* is a local legal day (Europe/Paris). Its quarter-hour j begins j × 15 minutes of elapsed
time after local midnight, so a day has 96 of them, 92 when clocks go forward and 100 when they go
back. Instants are always aware datetimes.
"""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec

# An instant in messages and files; one without a time zone is refused on reading.
Instant = Annotated[datetime, msgspec.Meta(tz=True)]
# A day in messages and files; see `day_number`.
DayNumber = Annotated[int, msgspec.Meta(ge=0, le=100_000)]
PARIS = ZoneInfo("Europe/Paris")
QUARTER_HOUR = timedelta(minutes=15)
DAY_NUMBER_EPOCH = date(1970, 1, 1)
# Several years, since the same days recur for every household.
DAYS_KEPT = 2_048


def day_start(day: date) -> datetime:
    """Return the instant (UTC) at which the legal day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=PARIS).astimezone(UTC)


def day_end(day: date) -> datetime:
    """Return the instant (UTC) at which the next legal day begins."""
    return day_start(day + timedelta(days=1))


def legal_day(at: datetime) -> date:
    """Return the legal day that contains the instant `at`."""
    return at.astimezone(PARIS).date()


def quarter_hours(day: date) -> int:
    """Return the number of quarter-hours in the legal day: 92, 96 or 100."""
    return (day_end(day) - day_start(day)) // QUARTER_HOUR


def quarter_hour(at: datetime) -> tuple[date, int]:
    """Return the legal day and the number j of the quarter-hour that contains the instant `at`."""
    day = legal_day(at)
    return day, (at - day_start(day)) // QUARTER_HOUR


def quarter_hour_start(day: date, j: int) -> datetime:
    """Return the instant (UTC) at which quarter-hour `j` of `day` begins; j = count: its end."""
    return day_start(day) + j * QUARTER_HOUR


@lru_cache(maxsize=DAYS_KEPT)
def month_of(day: date) -> date:
    """Return the first day of the month that contains `day`."""
    return day.replace(day=1)


def next_month(month: date) -> date:
    """Return the first day of the month after the one that contains `month`."""
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1)


def days_between(start: date, end: date) -> list[date]:
    """Return the days of the half-open period [start, end)."""
    return [start + timedelta(days=n) for n in range((end - start).days)]


def day_number(day: date) -> int:
    """Return the day as days since 1970-01-01, its wire form."""
    return (day - DAY_NUMBER_EPOCH).days


@lru_cache(maxsize=DAYS_KEPT)
def day_of_number(number: int) -> date:
    """Return the day whose `day_number` is `number`."""
    return DAY_NUMBER_EPOCH + timedelta(days=number)
