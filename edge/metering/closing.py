"""Closes quarter-hours and days: spreads the energy between two readings over the time between."""

from datetime import date, datetime, timedelta

import msgspec

from edge.metering.counters import rise_wh
from edge.metering.doubts import doubts_after_open_day, doubts_on_open_day
from edge.metering.events import (
    DayClosed,
    DayPart,
    Event,
    Notice,
    NoticeKind,
    QuarterHourClosed,
)
from edge.metering.reading import COUNTER_MODULUS_WH, Reading
from edge.metering.state import LONGEST_GAP, Account, MeteringSettings
from protocol.calendar import (
    QUARTER_HOUR,
    day_end,
    legal_day,
    quarter_hour_start,
    quarter_hours,
)
from protocol.layout import DAY_VALUE_MAX, QUARTER_HOUR_MAX_WH, REGISTERS, STEP_MAX_KWH
from protocol.registers import standard_name

MICROSECOND = timedelta(microseconds=1)
WHOLE_KWH_MODULUS = COUNTER_MODULUS_WH // 1_000


def advance(
    account: Account,
    until: datetime,
    energy_wh: int,
    reading: Reading | None,
    settings: MeteringSettings,
) -> tuple[Account, list[Event]]:
    """Close everything that ends by `until`, with `energy_wh` counted since the last reading.

    The energy is spread evenly over the time since then. Up to a boundary it is the whole-Wh part
    of its share, so that the parts add up exactly. A quarter-hour takes at most 9000 Wh; the rest
    stays for the next one. `reading` is the one at `until`, or None if the account has none.
    Days more than 400 before `until` are left out, so that the work is bounded.
    """
    if until - quarter_hour_start(account.day, account.j) > LONGEST_GAP:
        day = legal_day(until - LONGEST_GAP)
        detail = f"{max((day - account.day).days - 1, 0)} days are too long ago and are left out"
        account, events = leave_out(account, (day, 0), settings)
        events.append(Notice(NoticeKind.GAP, until, detail))
    else:
        events = []
    account, closed = _close_until(account, until, energy_wh, reading, settings)
    return account, events + closed


def leave_out(
    account: Account, place: tuple[date, int], settings: MeteringSettings
) -> tuple[Account, list[Event]]:
    """Close the open day, then continue at a quarter-hour (day, j) of a later day."""
    account, events = _close_until(account, day_end(account.day), 0, None, settings)
    day, j = max(place, (account.day, account.j))
    last = msgspec.structs.replace(account.last, at=quarter_hour_start(day, j))
    return msgspec.structs.replace(account, day=day, j=j, last=last), events


def count_again_from(account: Account, start: datetime) -> Account:
    """Return the account as if its last reading were at `start`.

    Energy that no closed quarter-hour holds is spread over the time since then, as over a gap.
    """
    if start >= account.last.at:
        return account
    total_wh = (account.last.total_wh - account.pool_wh) % COUNTER_MODULUS_WH
    last = msgspec.structs.replace(account.last, at=start, total_wh=total_wh)
    return msgspec.structs.replace(account, last=last, pool_wh=0)


def _close_until(
    account: Account,
    until: datetime,
    energy_wh: int,
    reading: Reading | None,
    settings: MeteringSettings,
) -> tuple[Account, list[Event]]:
    events: list[Event] = []
    start = account.last.at
    day_length = quarter_hours(account.day)
    end = quarter_hour_start(account.day, account.j + 1)
    placed_wh = 0
    while end <= until:
        due_wh = energy_wh * ((end - start) // MICROSECOND) // ((until - start) // MICROSECOND)
        account = msgspec.structs.replace(account, pool_wh=account.pool_wh + due_wh - placed_wh)
        placed_wh = due_wh
        is_metered = _is_near(end, start, until, reading, settings)
        account, closed = _close_quarter_hour(account, end, is_metered=is_metered)
        events += closed
        if account.j == day_length:
            drawn_wh = account.last.total_wh + placed_wh - account.pool_wh
            account = msgspec.structs.replace(
                account, max_power_va=highest_power_va(account, reading)
            )
            source = reading if until == end else None
            account, day = _close_day(account, source, end, drawn_wh, settings)
            events.append(day)
            day_length = quarter_hours(account.day)
        end += QUARTER_HOUR
    pool_wh = account.pool_wh + energy_wh - placed_wh
    return msgspec.structs.replace(account, pool_wh=pool_wh), events


def close_for_good(account: Account) -> list[Event]:
    """Close the open day at the last reading, as for a household that moves out.

    Energy that is metered but in no quarter-hour yet goes into the open one, and what exceeds it
    into the day's next ones. Later quarter-hours are absent. Steps add up to the last reading.
    """
    events: list[Event] = []
    at = account.last.at
    day_length = quarter_hours(account.day)
    while account.pool_wh and account.j < day_length:
        account, closed = _close_quarter_hour(account, at, is_metered=False)
        events += closed
    if account.pool_wh:
        detail = "more energy than the rest of the last day takes; the curve lacks it"
        events.append(Notice(NoticeKind.ENERGY_UNPLACED, at, detail))
    drawn_wh = account.last.total_wh - account.pool_wh
    _, day = _close_day(account, None, at, drawn_wh, MeteringSettings(), is_last=True)
    return [*events, day]


def bill(
    account: Account,
    source: Reading,
    until: datetime,
    *,
    with_injection: bool,
    with_registers: bool = True,
) -> tuple[Account, DayPart]:
    """Bill as steps what has been counted since the last part or day, up to `source`.

    What is not billed now goes into the next part or day. A day's steps and injection stay below
    what its coefficients carry (protocol/layout.py). What a very long gap leaves above that goes
    into the next day.
    """
    steps_kwh = [0] * REGISTERS
    billed_kwh = list(account.billed_kwh)
    for n, (index_wh, before_kwh) in enumerate(
        zip(source.registers_wh, account.billed_kwh, strict=True)
    ):
        if index_wh is None or before_kwh is None or not with_registers:
            continue
        room_kwh = STEP_MAX_KWH - sum(part.register_steps_kwh[n] for part in account.parts)
        steps_kwh[n] = min((index_wh // 1_000 - before_kwh) % WHOLE_KWH_MODULUS, room_kwh)
        billed_kwh[n] = (before_kwh + steps_kwh[n]) % WHOLE_KWH_MODULUS
    injected_wh = injected_step_kwh = 0
    billed_injected_wh = account.billed_injected_wh
    if with_injection and source.injected_wh is not None and billed_injected_wh is not None:
        room_wh = DAY_VALUE_MAX - sum(part.injected_wh for part in account.parts)
        injected_wh = min(rise_wh(billed_injected_wh, source.injected_wh) or 0, room_wh)
        injected_step_kwh = (billed_injected_wh % 1_000 + injected_wh) // 1_000
        billed_injected_wh = (billed_injected_wh + injected_wh) % COUNTER_MODULUS_WH
    part = DayPart(
        meter_serial=source.serial,
        calendar=source.calendar or "",
        until=until,
        register_steps_kwh=tuple(steps_kwh),
        register_index_kwh=tuple([index_kwh or 0 for index_kwh in billed_kwh]),
        injected_wh=injected_wh,
        injected_step_kwh=injected_step_kwh,
    )
    account = msgspec.structs.replace(
        account,
        billed_kwh=tuple(billed_kwh),
        billed_injected_wh=billed_injected_wh,
        parts=(*account.parts, part),
    )
    return account, part


def highest_power_va(account: Account, reading: Reading | None) -> int:
    """Return the open day's highest apparent power (VA): the one seen or the meter's own."""
    maxima = () if reading is None else reading.day_maxima
    kept_va = [maximum.power_va for maximum in maxima if maximum.day == account.day]
    return max(account.max_power_va, *kept_va, 0)


def _is_near(
    end: datetime,
    start: datetime,
    until: datetime,
    reading: Reading | None,
    settings: MeteringSettings,
) -> bool:
    distance = end - start if reading is None else min(end - start, until - end)
    return distance <= timedelta(seconds=settings.boundary_s)


def _close_quarter_hour(
    account: Account, end: datetime, *, is_metered: bool
) -> tuple[Account, list[Event]]:
    energy_wh = min(account.pool_wh, QUARTER_HOUR_MAX_WH)
    is_carrying = account.pool_wh > QUARTER_HOUR_MAX_WH
    events: list[Event] = [
        QuarterHourClosed(
            day=account.day,
            j=account.j,
            energy_wh=energy_wh,
            is_estimated=not (is_metered and account.is_start_metered),
        )
    ]
    if is_carrying and not account.is_carrying:
        detail = "more energy than a quarter-hour takes; the rest follows in the next ones"
        events.append(Notice(NoticeKind.ENERGY_UNPLACED, end, detail))
    account = msgspec.structs.replace(
        account,
        j=account.j + 1,
        pool_wh=account.pool_wh - energy_wh,
        is_carrying=is_carrying,
        is_start_metered=is_metered,
    )
    return account, events


def _close_day(
    account: Account,
    reading: Reading | None,
    end: datetime,
    drawn_wh: int,
    settings: MeteringSettings,
    *,
    is_last: bool = False,
) -> tuple[Account, DayClosed]:
    """Close the open day with the reading at its very end, or with the last one before.

    A day's registers belong to one calendar, so that a tariff can price the day. What another
    calendar has counted since it took over falls on the next day, unless this day `is_last`.
    """
    source = account.last if reading is None else reading
    is_split = bool(account.parts)
    before = {
        standard_name(part.calendar) for part in account.parts if any(part.register_steps_kwh)
    }
    is_another = bool(before) and standard_name(source.calendar or "") not in before
    account, last = bill(
        account, source, end, with_injection=True, with_registers=is_last or not is_another
    )
    parts = account.parts
    injected_index_wh = account.billed_injected_wh or 0
    closed = DayClosed(
        day=account.day,
        register_steps_kwh=tuple(
            [sum(part.register_steps_kwh[n] for part in parts) for n in range(REGISTERS)]
        ),
        injected_wh=sum(part.injected_wh for part in parts),
        injected_step_kwh=sum(part.injected_step_kwh for part in parts),
        register_index_kwh=last.register_index_kwh,
        injected_index_kwh=injected_index_wh // 1_000,
        drawn_index_wh=drawn_wh % COUNTER_MODULUS_WH,
        injected_index_wh=injected_index_wh,
        meter_serial=last.meter_serial,
        calendar=last.calendar,
        max_power_va=account.max_power_va,
        is_index_read=end - source.at <= timedelta(seconds=settings.boundary_s),
        parts=parts if is_split else (),
        doubts=doubts_on_open_day(account),
        mode=source.mode,
    )
    account = msgspec.structs.replace(
        account,
        day=legal_day(end),
        j=0,
        parts=(),
        max_power_va=0,
        doubts=doubts_after_open_day(account),
    )
    return account, closed
