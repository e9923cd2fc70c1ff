"""The tariff calendar of a day, and the day from which the meter counts by a calendar.

A day has one calendar: the one under which it counted its first kWh (docs/decisions/0014).
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from edge.bills.judgement import OtherCalendar
from edge.metering.events import DayClosed, DayPart
from edge.metering.state import Account
from protocol.registers import count_alike

ONE_DAY = timedelta(days=1)


def counted_by(closed: DayClosed) -> set[str]:
    """Return the calendars under which a day's register steps were counted."""
    return _counting(closed.parts) if closed.parts else {closed.calendar}


def is_of(closed: DayClosed, calendar: str) -> bool:
    """Return whether a day can be priced by `calendar`; a day of unknown calendar can."""
    return _are_alike(counted_by(closed) - {""}, calendar)


def other_calendar(
    own: Mapping[date, DayClosed], start: date, calendar: str
) -> OtherCalendar | None:
    """Return the days from `start` to the first day of `calendar`; None if `own` has none."""
    kwh, day = 0, start
    while (closed := own.get(day)) is not None:
        if is_of(closed, calendar):
            return OtherCalendar(day, kwh)
        kwh += sum(closed.register_steps_kwh)
        day += ONE_DAY
    return None


def first_day_of_present(days: Sequence[DayClosed], account: Account) -> date | None:
    """Return the first day of the meter's present calendar; None if the meter names none.

    `days`: the closed days, in order. The open day belongs to another calendar if that one has
    counted a kWh.
    """
    calendar = account.last.calendar
    if calendar is None:
        return None
    if not _are_alike(_counting(account.parts), calendar):
        return account.day + ONE_DAY
    first = account.day
    for closed in reversed(days):
        if closed.calendar == "" or not is_of(closed, calendar):
            break
        first = closed.day
    return first


def _counting(parts: Sequence[DayPart]) -> set[str]:
    return {part.calendar for part in parts if any(part.register_steps_kwh)}


def _are_alike(names: set[str], calendar: str) -> bool:
    return all(count_alike(name, calendar) for name in names)
