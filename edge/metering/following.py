"""Follows readings that are believed although they do not simply continue the last one."""

from collections.abc import Iterable

import msgspec

from edge.metering.changes import change_calendar, change_meter, renew_index
from edge.metering.counters import counters, is_possible
from edge.metering.counting import count
from edge.metering.doubts import note_jump
from edge.metering.events import Event, Notice, NoticeKind
from edge.metering.gaps import note_gap
from edge.metering.other_meter import SetAside
from edge.metering.passage import is_leap
from edge.metering.reading import Reading
from edge.metering.state import CLOCK_STEP, Account, MeteringSettings, Misfit, misfit


class Followed(msgspec.Struct, frozen=True):
    """An account after readings that had been set aside.

    `quarantined` holds those from the first that the account cannot continue to.
    """

    account: Account
    events: list[Event]
    quarantined: SetAside | None = None


def needs_person(account: Account, reading: Reading, settings: MeteringSettings) -> bool:
    """Return whether only a person can decide if the account's meter continues to `reading`."""
    if misfit(account.last, reading, settings) is Misfit.CALENDAR:
        return is_leap(account.known, reading)
    return not is_possible(account.known, reading)


def follow(
    account: Account, reading: Reading, settings: MeteringSettings
) -> tuple[Account, list[Event]]:
    """Continue with a believed reading of the account's meter that needs no confirmation."""
    last, known = account.last, account.known
    if misfit(last, reading, settings) is Misfit.CALENDAR:
        detail = f"{last.calendar or 'unknown'} to {reading.calendar or 'unknown'}"
        events: list[Event] = [Notice(NoticeKind.CALENDAR_CHANGED, reading.at, detail)]
        account, closed = change_calendar(account, reading, settings)
    else:
        is_wrapped = any(after_wh < before_wh for before_wh, after_wh in counters(known, reading))
        account, events = note_jump(account, known, reading)
        if is_wrapped:
            events.append(Notice(NoticeKind.INDEX_WRAPPED, reading.at))
        account, closed = count(account, reading, settings)
    account, timed = _time_notices(account, last, reading, settings)
    return account, timed + events + closed


def replace(account: Account, other: SetAside, settings: MeteringSettings) -> Followed:
    """Follow another meter, from the first of its readings that were set aside."""
    first, *following = other.readings
    account, events = _time_notices(account, account.last, first, settings)
    events.append(Notice(NoticeKind.METER_REPLACED, first.at))
    account, new = change_meter(account, first, settings)
    events += new
    for n, reading in enumerate(following, 1):
        if needs_person(account, reading, settings):
            events.append(quarantine_notice(reading))
            return Followed(account, events, SetAside(other.readings[n:]))
        account, new = follow(account, reading, settings)
        events += new
    return Followed(account, events)


def renew(
    account: Account, readings: Iterable[Reading], settings: MeteringSettings
) -> tuple[Account, list[Event]]:
    """Continue with readings of the account's meter that a person has confirmed, jumps included."""
    events: list[Event] = []
    for reading in readings:
        last = account.last
        if needs_person(account, reading, settings):
            account, new = renew_index(account, reading, settings)
            account, timed = _time_notices(account, last, reading, settings)
            new = timed + new
        else:
            account, new = follow(account, reading, settings)
        events += new
    return account, events


def quarantine_notice(reading: Reading) -> Notice:
    """Return the notice of an index that is not believed."""
    detail = "an index fell, or rose by more than can have been used"
    return Notice(NoticeKind.INDEX_QUARANTINED, reading.at, detail)


def _time_notices(
    account: Account, last: Reading, reading: Reading, settings: MeteringSettings
) -> tuple[Account, list[Event]]:
    elapsed = reading.at - last.at
    if elapsed < -CLOCK_STEP:
        return account, [Notice(NoticeKind.CLOCK_JUMP, reading.at, "the clock went back")]
    if elapsed.total_seconds() > settings.gap_s:
        return note_gap(account, reading)
    return account, []
