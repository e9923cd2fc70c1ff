"""Continues an account over a change of calendar, TIC mode, meter or index."""

import msgspec

from edge.metering.closing import advance, bill
from edge.metering.counters import (
    NO_REGISTERS,
    allowed_rise_wh,
    believable_rise_wh,
    merge,
    rise_wh,
)
from edge.metering.counting import with_last_reading
from edge.metering.doubts import begin_anew, note_jump
from edge.metering.events import Event
from edge.metering.passage import Passage, compare_readings, have_same_total, passage_of
from edge.metering.reading import Reading
from edge.metering.state import Account, FormerMeter, MeteringSettings, is_same_calendar
from edge.tic.frame import Mode

FORMER_METERS_MAX = 4


def change_calendar(
    account: Account, reading: Reading, settings: MeteringSettings
) -> tuple[Account, list[Event]]:
    """Continue on the same meter in the registers of another calendar or of the other TIC mode.

    Registers that go on are billed under the new calendar for what they counted meanwhile. The
    others start anew.
    """
    last, known = account.last, account.known
    passage = passage_of(account, reading)
    notices: list[Event] = []
    is_unseen = (reading.at - last.at).total_seconds() > settings.boundary_s
    has_fallen = _has_injection_fallen(last, reading)
    if (is_unseen and not passage.is_whole) or account.is_untimed or has_fallen:
        account, anew = begin_anew(account, reading)
        notices += anew
    if have_same_total(known, reading) or account.closed is not None:
        account, jumps = note_jump(account, known, _going_on(known, reading, passage))
        notices += jumps
    reading = msgspec.structs.replace(
        reading,
        injected_wh=last.injected_wh if reading.injected_wh is None else reading.injected_wh,
    )
    account, closed = _go_on(account, reading, passage, settings)
    return account, notices + closed


def change_meter(
    account: Account, reading: Reading, settings: MeteringSettings
) -> tuple[Account, list[Event]]:
    """Close the meter at its last index and continue with another.

    A meter that was followed before continues from its last billed index, with what it counted
    since. A new meter starts at its first index. Energy that neither meter showed is not counted.
    """
    former, passage = _former(account, reading)
    energy_wh, notices = 0, list[Event]()
    if (
        account.closed is not None
        or account.is_untimed
        or (passage is not None and not passage.is_unbroken)
    ):
        # No step holds what the former meter counted after its last reading, or this one before
        # its first.
        account, notices = begin_anew(account, reading)
    if former is not None and passage is not None:
        energy_wh = max(passage.energy_wh - former.placed_wh, 0)
        if former.last.mode is reading.mode:
            account, jumps = note_jump(
                account, former.last, _going_on(former.last, reading, passage)
            )
            notices += jumps
    account, closed = advance(account, reading.at, energy_wh, None, settings)
    account, _ = bill(account, account.last, reading.at, with_injection=True)
    left = FormerMeter(
        account.known, account.billed_kwh, account.billed_injected_wh, account.placed_wh
    )
    kept = [
        meter
        for meter in account.former
        if meter.last.serial not in (reading.serial, account.last.serial)
    ]
    account = msgspec.structs.replace(
        account,
        former=(*kept, left)[-FORMER_METERS_MAX:],
        billed_kwh=(
            NO_REGISTERS if former is None or passage is None else passage.kept(former.billed_kwh)
        ),
        billed_injected_wh=None if former is None else former.billed_injected_wh,
    )
    if former is not None and former.last.mode is reading.mode:
        reading = merge(former.last, reading)
    return with_last_reading(account, reading), notices + closed


def renew_index(
    account: Account, reading: Reading, settings: MeteringSettings
) -> tuple[Account, list[Event]]:
    """Continue from a reading of the same meter that does not continue the last one.

    Registers that go on nevertheless are billed from their last index. The others start at what
    the reading shows, and no step holds what they counted since the last reading.
    """
    if is_same_calendar(account.known, reading):
        reading = merge(account.known, reading)  # a register hidden by noise keeps its last index
    passage = passage_of(account, reading, allowed_rise_wh(reading.at - account.known.at))
    account, notices = begin_anew(account, reading)
    account, closed = _go_on(account, reading, passage, settings)
    return account, notices + closed


def lacks_register_at_change(last: Reading, reading: Reading) -> bool:
    """Return whether a standard frame of another calendar or mode lacks an index known before.

    Such a frame always shows all ten registers, and a producer's EAIT. If one is missing, it was
    refused or is held back.
    """
    if reading.mode is not Mode.STANDARD or last.serial != reading.serial:
        return False
    if is_same_calendar(last, reading):
        return False
    return any(
        after_wh is None and before_wh is not None
        for before_wh, after_wh in zip(
            (last.injected_wh, *last.registers_wh),
            (reading.injected_wh, *reading.registers_wh),
            strict=True,
        )
    )


def _go_on(
    account: Account, reading: Reading, passage: Passage, settings: MeteringSettings
) -> tuple[Account, list[Event]]:
    """Bill up to the last reading; registers that do not go on from there start at `reading`."""
    has_fallen = _has_injection_fallen(account.last, reading)
    account, closed = advance(account, reading.at, passage.energy_wh, None, settings)
    account, _ = bill(account, account.last, reading.at, with_injection=has_fallen)
    account = msgspec.structs.replace(
        account,
        billed_kwh=passage.kept(account.billed_kwh),
        billed_injected_wh=None if has_fallen else account.billed_injected_wh,
    )
    return with_last_reading(account, reading), closed


def _former(account: Account, reading: Reading) -> tuple[FormerMeter | None, Passage | None]:
    """Return the former state of the reading's meter, and the passage from it to `reading`.

    Both are None if no register goes on from there.
    """
    for former in account.former:
        if former.last.serial == reading.serial:
            most_wh = believable_rise_wh(reading.at - former.last.at)
            passage = compare_readings(former.last, reading, most_wh=most_wh)
            return (former, passage) if any(passage.goes_on) else (None, None)
    return None, None


def _going_on(last: Reading, reading: Reading, passage: Passage) -> Reading:
    """Return the reading without the rise of registers that start anew, or of another total."""
    if passage.is_unbroken and have_same_total(last, reading):
        return reading
    return msgspec.structs.replace(
        reading, total_wh=last.total_wh, registers_wh=passage.kept(reading.registers_wh)
    )


def _has_injection_fallen(last: Reading, reading: Reading) -> bool:
    return (
        last.injected_wh is not None
        and reading.injected_wh is not None
        and rise_wh(last.injected_wh, reading.injected_wh) is None
    )
