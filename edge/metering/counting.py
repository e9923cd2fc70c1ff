"""Counts a reading: the first of an account, or the next of the same counters."""

from datetime import date

import msgspec

from edge.metering.closing import advance, highest_power_va
from edge.metering.counters import NO_REGISTERS, merge, rise_wh
from edge.metering.events import Event
from edge.metering.reading import Reading
from edge.metering.state import Account, MeteringSettings
from protocol.calendar import quarter_hour, quarter_hour_start


def begin(reading: Reading, first_day: date | None) -> Account:
    """Start an account: the counters' present values are its base, not a step.

    Nothing before `first_day` is closed. What is counted until then goes into the first
    quarter-hours and steps of that day.
    """
    day, j = quarter_hour(reading.at)
    if first_day is not None and day < first_day:
        day, j = first_day, 0
    account = Account(
        last=reading,
        day=day,
        j=j,
        billed_kwh=NO_REGISTERS,
        is_start_metered=reading.at == quarter_hour_start(day, j),
        began_at=reading.at if first_day is None else None,
    )
    return with_last_reading(account, reading)


def count(
    account: Account, reading: Reading, settings: MeteringSettings
) -> tuple[Account, list[Event]]:
    """Count a reading of the same counters."""
    energy_wh = rise_wh(account.last.total_wh, reading.total_wh) or 0
    reading = merge(account.known, reading)
    account = _with_new_bases(account, reading)
    account, closed = advance(account, reading.at, energy_wh, reading, settings)
    return with_last_reading(account, reading), closed


def with_last_reading(account: Account, reading: Reading) -> Account:
    """Return the account with `reading` as its last one and a base for each new counter."""
    account = _with_new_bases(account, reading)
    return msgspec.structs.replace(
        account,
        last=reading,
        max_power_va=max(highest_power_va(account, reading), reading.power_va),
        is_untimed=False,
        closed=None,
    )


def _with_new_bases(account: Account, reading: Reading) -> Account:
    billed_kwh = account.billed_kwh
    if None in billed_kwh:
        billed_kwh = tuple(
            [
                index_wh // 1_000 if billed is None and index_wh is not None else billed
                for index_wh, billed in zip(reading.registers_wh, billed_kwh, strict=True)
            ]
        )
    injected_wh = account.billed_injected_wh
    return msgspec.structs.replace(
        account,
        billed_kwh=billed_kwh,
        billed_injected_wh=reading.injected_wh if injected_wh is None else injected_wh,
    )
