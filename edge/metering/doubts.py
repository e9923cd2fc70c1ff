"""Marks the days that rest on readings which are believed although nobody can vouch for them."""

from collections.abc import Iterable
from datetime import date, timedelta

import msgspec

from edge.metering.counters import allowed_rise_wh, counters, rise_wh
from edge.metering.events import DayClosed, Event, Notice, NoticeKind
from edge.metering.reading import Reading
from edge.metering.state import Account, DayDoubt
from protocol.calendar import legal_day
from protocol.doubt import Doubt, in_order

_MICROSECOND = timedelta(microseconds=1)


def begin_anew(account: Account, reading: Reading) -> tuple[Account, list[Event]]:
    """Record that registers continue from `reading`, not from what they showed before."""
    notice = Notice(NoticeKind.INDEX_BEGAN_ANEW, reading.at)
    return _doubt(account, Doubt.INDEX_BEGAN_ANEW, reading), [notice]


def note_jump(account: Account, last: Reading, reading: Reading) -> tuple[Account, list[Event]]:
    """Record if a counter rose since its meter's `last` by more than 36 kVA can have counted."""
    limit_wh = allowed_rise_wh(reading.at - last.at)
    pairs = counters(last, reading)
    if all((rise_wh(before_wh, after_wh) or 0) <= limit_wh for before_wh, after_wh in pairs):
        return account, []
    notice = Notice(NoticeKind.INDEX_JUMPED, reading.at)
    return _doubt(account, Doubt.INDEX_JUMPED, reading), [notice]


def doubts_on_open_day(account: Account) -> tuple[Doubt, ...]:
    """Return the doubts about the open day."""
    return in_order(doubt.doubt for doubt in account.doubts)


def doubts_after_open_day(account: Account) -> tuple[DayDoubt, ...]:
    """Return the doubts that outlast the open day.

    All do if the day leaves energy over, since that goes into the next day.
    """
    if account.is_carrying:
        return account.doubts
    return tuple([doubt for doubt in account.doubts if doubt.until > account.day])


def doubts_reopened(
    account: Account, undone: Iterable[DayClosed], first_day: date
) -> tuple[DayDoubt, ...]:
    """Return the doubts about the days from `first_day` on, when `undone` are open again."""
    until = max(first_day, legal_day(account.last.at))
    doubts = in_order(
        [*doubts_on_open_day(account), *(doubt for closed in undone for doubt in closed.doubts)]
    )
    return tuple([DayDoubt(doubt, until) for doubt in doubts])


def _doubt(account: Account, doubt: Doubt, reading: Reading) -> Account:
    """Doubt all days from the open one to the one that takes the steps up to `reading`."""
    until = max(account.day, legal_day(reading.at - _MICROSECOND))
    return msgspec.structs.replace(account, doubts=(*account.doubts, DayDoubt(doubt, until)))
