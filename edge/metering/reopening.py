"""Reopens quarter-hours and days that a wrong time closed, so that the right time closes them."""

from datetime import date, timedelta

import msgspec

from edge.metering.closing import WHOLE_KWH_MODULUS, count_again_from
from edge.metering.doubts import doubts_reopened
from edge.metering.events import DayClosed, DayPart, QuarterHourClosed
from edge.metering.reading import COUNTER_MODULUS_WH
from edge.metering.state import Account, MeterState
from edge.metering.timekeeping import AGREEMENT
from protocol.calendar import day_end, quarter_hour, quarter_hour_start
from protocol.registers import count_alike

# A step ahead that has lasted longer than this was right.
STEP_LASTS = timedelta(days=1)


class Undone(msgspec.Struct, frozen=True):
    """What was closed and is undone, in order, up to the open quarter-hour.

    Attributes:
        since: the quarter-hour (day, j) from which on everything is open again.
        quarter_hours: the quarter-hours that were closed from there on.
        days: the days that were closed from there on.
    """

    since: tuple[date, int]
    quarter_hours: tuple[QuarterHourClosed, ...]
    days: tuple[DayClosed, ...]


def closed_ahead(state: MeterState) -> tuple[date, int] | None:
    """Return the quarter-hour (day, j) from which a wrong time closed; None if it closed none.

    It is the one in which the step ahead was believed, the one of the account's beginning if that
    was ahead, or else the one that holds the last reading.
    """
    account = state.account
    if account is None:
        return None
    now = account.last.at
    if quarter_hour_start(account.day, account.j) - now <= AGREEMENT:
        return None
    for since in (state.time.stepped_from, account.began_at):
        if since is not None and timedelta() <= now - since <= STEP_LASTS:
            return quarter_hour(since)
    return quarter_hour(now)


def reopen(account: Account, undone: Undone) -> Account:
    """Return the account as if `undone` had not been closed, to count its content again.

    Its energy is spread over the time since, as over a gap, if that time has passed. Its steps
    fall on the day that closes next, under the meter and calendar that counted them.
    """
    first = undone.quarter_hours[0]
    day, j = (first.day, first.j) if account.began_at is None else undone.since
    parts = [part for closed in undone.days for part in _parts(closed)] + list(account.parts)
    own = [part for part in parts if _is_of(part, account)]
    billed_kwh = tuple(
        [
            None if billed is None else (billed - _steps(own, n)) % WHOLE_KWH_MODULUS
            for n, billed in enumerate(account.billed_kwh)
        ]
    )
    injected_wh = account.billed_injected_wh
    if injected_wh is not None:
        injected_wh = (injected_wh - sum(part.injected_wh for part in own)) % COUNTER_MODULUS_WH
    account = msgspec.structs.replace(
        account,
        day=day,
        j=j,
        pool_wh=account.pool_wh + sum(quarter.energy_wh for quarter in undone.quarter_hours),
        billed_kwh=billed_kwh,
        billed_injected_wh=injected_wh,
        parts=tuple([part for part in parts if not _is_of(part, account)]),
        max_power_va=max(account.max_power_va, *[closed.max_power_va for closed in undone.days], 0),
        is_start_metered=False,
        is_carrying=False,
        doubts=doubts_reopened(account, undone.days, day),
    )
    start = quarter_hour_start(day, j)
    if account.began_at is not None and quarter_hour(account.began_at) == (day, j):
        start = account.began_at
    return count_again_from(account, start)


def _parts(closed: DayClosed) -> tuple[DayPart, ...]:
    if closed.parts:
        return closed.parts
    whole = DayPart(
        meter_serial=closed.meter_serial,
        calendar=closed.calendar,
        until=day_end(closed.day),
        register_steps_kwh=closed.register_steps_kwh,
        register_index_kwh=closed.register_index_kwh,
        injected_wh=closed.injected_wh,
        injected_step_kwh=closed.injected_step_kwh,
    )
    return (whole,)


def _is_of(part: DayPart, account: Account) -> bool:
    last = account.last
    return part.meter_serial == last.serial and count_alike(part.calendar, last.calendar or "")


def _steps(parts: list[DayPart], n: int) -> int:
    return sum(part.register_steps_kwh[n] for part in parts)
