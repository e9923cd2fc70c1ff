"""Acting on readings that are believed although they do not simply continue the last one."""

import msgspec

from edge.metering.changes import change_calendar, change_meter
from edge.metering.counting import count
from edge.metering.events import Event, Notice, NoticeKind
from edge.metering.other_meter import SetAside
from edge.metering.reading import Reading
from edge.metering.state import (
    CLOCK_STEP,
    Account,
    Misfit,
    Settings,
    counters,
    is_possible,
    misfit,
)


def follow(account: Account, reading: Reading, settings: Settings) -> tuple[Account, list[Event]]:
    """Go on with a believed reading of the account's meter."""
    last = account.last
    if misfit(last, reading, settings) is Misfit.CALENDAR:
        detail = f"{last.calendar or 'unknown'} to {reading.calendar or 'unknown'}"
        events: list[Event] = [Notice(NoticeKind.CALENDAR_CHANGED, reading.at, detail)]
        account, closed = change_calendar(account, reading, settings)
    elif not is_possible(last, reading):
        return _quarantine(account, reading)
    else:
        is_wrapped = any(after_wh < before_wh for before_wh, after_wh in counters(last, reading))
        events = [Notice(NoticeKind.INDEX_WRAPPED, reading.at)] if is_wrapped else []
        account, closed = count(account, reading, settings)
    return account, _time_notices(last, reading, settings) + events + closed


def replace(account: Account, other: SetAside, settings: Settings) -> tuple[Account, list[Event]]:
    """Follow another meter from the first of its readings that were set aside."""
    first, *following = other.readings
    told = [
        *_time_notices(account.last, first, settings),
        Notice(NoticeKind.METER_REPLACED, first.at),
    ]
    account, events = change_meter(account, first, settings)
    for reading in following:
        account, closed = follow(account, reading, settings)
        events += closed
    return account, told + events


def _quarantine(account: Account, reading: Reading) -> tuple[Account, list[Event]]:
    if account.is_quarantined:
        return account, []
    detail = "an index fell, or rose by more than can have been used"
    notice = Notice(NoticeKind.INDEX_QUARANTINED, reading.at, detail)
    return msgspec.structs.replace(account, is_quarantined=True), [notice]


def _time_notices(last: Reading, reading: Reading, settings: Settings) -> list[Event]:
    elapsed = reading.at - last.at
    if elapsed < -CLOCK_STEP:
        return [Notice(NoticeKind.CLOCK_JUMP, reading.at, "the clock went back")]
    if elapsed.total_seconds() > settings.gap_s:
        detail = "no reading for some time, or the clock was set forward"
        return [Notice(NoticeKind.GAP, reading.at, detail)]
    return []
