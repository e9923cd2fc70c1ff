"""Acting on readings that are believed although they do not simply continue the last one."""

import msgspec

from edge.metering.changes import change_calendar, change_meter, is_leap
from edge.metering.counting import count
from edge.metering.doubts import note_jump
from edge.metering.events import Event, Notice, NoticeKind
from edge.metering.gaps import note_gap
from edge.metering.other_meter import SetAside
from edge.metering.reading import Reading
from edge.metering.restore import last_known
from edge.metering.state import (
    CLOCK_STEP,
    Account,
    MeteringSettings,
    Misfit,
    counters,
    is_possible,
    misfit,
)


def follow(
    account: Account, reading: Reading, settings: MeteringSettings
) -> tuple[Account, list[Event]]:
    """Go on with a believed reading of the account's meter."""
    last, known = account.last, last_known(account)
    is_changed = misfit(last, reading, settings) is Misfit.CALENDAR
    if is_leap(last, reading) if is_changed else not is_possible(known, reading):
        return _quarantine(account, reading)
    if is_changed:
        detail = f"{last.calendar or 'unknown'} to {reading.calendar or 'unknown'}"
        events: list[Event] = [Notice(NoticeKind.CALENDAR_CHANGED, reading.at, detail)]
        account, closed = change_calendar(account, reading, settings)
    else:
        is_wrapped = any(after_wh < before_wh for before_wh, after_wh in counters(known, reading))
        account, events = note_jump(account, known, reading)
        if is_wrapped:
            events.append(Notice(NoticeKind.INDEX_WRAPPED, reading.at))
        account, closed = count(account, reading, settings)
    account, told = _tell_time(account, last, reading, settings)
    return account, told + events + closed


def replace(
    account: Account, other: SetAside, settings: MeteringSettings
) -> tuple[Account, list[Event]]:
    """Follow another meter from the first of its readings that were set aside."""
    first, *following = other.readings
    account, told = _tell_time(account, account.last, first, settings)
    told.append(Notice(NoticeKind.METER_REPLACED, first.at))
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


def _tell_time(
    account: Account, last: Reading, reading: Reading, settings: MeteringSettings
) -> tuple[Account, list[Event]]:
    elapsed = reading.at - last.at
    if elapsed < -CLOCK_STEP:
        return account, [Notice(NoticeKind.CLOCK_JUMP, reading.at, "the clock went back")]
    if elapsed.total_seconds() > settings.gap_s:
        return note_gap(account, reading)
    return account, []
