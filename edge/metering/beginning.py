"""Corrects the beginning of an account that began at a wrong time.

The very first reading may be timed by a clock that no other clock confirms. If that clock steps
within a day, the beginning was wrong by the same amount.
"""

from datetime import timedelta

import msgspec

from edge.metering.closing import count_again_from, leave_out
from edge.metering.events import Event, Notice, NoticeKind
from edge.metering.state import Account, DayDoubt, MeteringSettings
from edge.metering.timekeeping import AGREEMENT, BelievedTime
from protocol.calendar import legal_day, quarter_hour, quarter_hour_start

# A beginning that has lasted longer than this was right.
BEGINNING_LASTS = timedelta(days=1)


def move_beginning(
    account: Account, step: timedelta, settings: MeteringSettings
) -> tuple[Account, list[Event]]:
    """Move an account's beginning by the step of the clock that it began by.

    If nothing has closed since, the whole account moves with it. Otherwise the days before the
    beginning are left out, with the quarter-hours whose energy was closed there. What was closed
    ahead of it may be opened again (see `reopening.closed_ahead`).
    """
    if account.began_at is None or not step:
        return account, []
    began_at, last_at = account.began_at + step, account.last.at + step
    last = msgspec.structs.replace(account.last, at=last_at)
    events: list[Event] = [Notice(NoticeKind.BEGINNING_MOVED, last_at)]
    moved = msgspec.structs.replace(account, began_at=began_at)
    day, j = quarter_hour(began_at)
    if (account.day, account.j) == quarter_hour(account.began_at):
        doubts = tuple([DayDoubt(doubt.doubt, legal_day(last_at)) for doubt in account.doubts])
        moved = msgspec.structs.replace(
            moved, last=last, day=day, j=j, is_start_metered=False, doubts=doubts, gap_spell=None
        )
        is_beyond = last_at >= quarter_hour_start(day, j + 1)
        return count_again_from(moved, began_at) if is_beyond else moved, events
    if day > account.day:
        moved, closed = leave_out(moved, quarter_hour(last_at), settings)
        return msgspec.structs.replace(moved, last=last), events + closed
    return moved, []


def settle_beginning(account: Account, time: BelievedTime) -> Account:
    """Return the account with its beginning final, once a clock confirms it or it is a day old."""
    if account.began_at is None or time.at is None or time.step:
        return account
    is_ahead = quarter_hour_start(account.day, account.j) - time.at > AGREEMENT
    is_over = time.is_borne_out or time.at - account.began_at > BEGINNING_LASTS
    return account if is_ahead or not is_over else msgspec.structs.replace(account, began_at=None)
