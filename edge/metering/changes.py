"""Another calendar, another TIC mode, another meter, another index: how an account goes on over each."""

import msgspec

from edge.metering.closing import advance, bill
from edge.metering.counters import (
    NO_REGISTERS,
    allowed_rise_wh,
    believable_rise_wh,
    merge,
    rise_wh,
)
from edge.metering.counting import stand_at
from edge.metering.doubts import begin_anew, note_jump
from edge.metering.events import Event
from edge.metering.passage import Passage, have_same_total, passage, passage_of
from edge.metering.reading import Reading
from edge.metering.state import Account, FormerMeter, MeteringSettings, is_same_calendar
from edge.tic.frame import Mode

FORMER_METERS_MAX = 4


def change_calendar(
    account: Account, reading: Reading, settings: MeteringSettings
) -> tuple[Account, list[Event]]:
    """Go on in the registers of another calendar, or of the other TIC mode, of the same meter.

    What registers that go on counted meanwhile is billed under the new calendar; others start anew.
    """
    last, known = account.last, account.known
    found = passage_of(account, reading)
    told: list[Event] = []
    is_unseen = (reading.at - last.at).total_seconds() > settings.boundary_s
    has_fallen = _has_injection_fallen(last, reading)
    if (is_unseen and not found.is_whole) or account.is_untimed or has_fallen:
        account, anew = begin_anew(account, reading)
        told += anew
    if have_same_total(known, reading) or account.closed is not None:
        account, jumps = note_jump(account, known, _going_on(known, reading, found))
        told += jumps
    reading = msgspec.structs.replace(
        reading,
        injected_wh=last.injected_wh if reading.injected_wh is None else reading.injected_wh,
    )
    account, closed = _go_on(account, reading, found, settings)
    return account, told + closed


def change_meter(
    account: Account, reading: Reading, settings: MeteringSettings
) -> tuple[Account, list[Event]]:
    """Close the meter at its last index and go on with another.

    A meter that was followed before goes on from its last billed index, with what it counted since;
    a new one starts at its first, and what neither showed is not counted.
    """
    former, found = _former(account, reading)
    energy_wh, told = 0, list[Event]()
    if (
        account.known.mode is None
        or account.closed is not None
        or account.is_untimed
        or (found is not None and not found.is_unbroken)
    ):
        # What the former meter counted after it was read last, or this one before, is in no step.
        account, told = begin_anew(account, reading)
    if former is not None and found is not None:
        energy_wh = max(found.energy_wh - former.placed_wh, 0)
        if former.last.mode is reading.mode:
            account, jumps = note_jump(account, former.last, _going_on(former.last, reading, found))
            told += jumps
    account, closed = advance(account, reading.at, energy_wh, None, settings)
    account, _ = bill(account, account.last, reading.at, with_injection=True)
    left = FormerMeter(
        account.known, account.billed_kwh, account.billed_injected_wh, account.placed_wh
    )
    kept = [
        each
        for each in account.former
        if each.last.serial not in (reading.serial, account.last.serial)
    ]
    account = msgspec.structs.replace(
        account,
        former=(*kept, left)[-FORMER_METERS_MAX:],
        billed_kwh=(
            NO_REGISTERS if former is None or found is None else found.kept(former.billed_kwh)
        ),
        billed_injected_wh=None if former is None else former.billed_injected_wh,
    )
    if former is not None and former.last.mode is reading.mode:
        reading = merge(former.last, reading)
    return stand_at(account, reading), told + closed


def renew_index(
    account: Account, reading: Reading, settings: MeteringSettings
) -> tuple[Account, list[Event]]:
    """Go on from a reading of the same meter that does not go on from the last one.

    Registers that go on all the same are billed from where they stood; the others start at what the
    reading shows, and what they counted since the last one is in no step.
    """
    if is_same_calendar(account.known, reading):
        reading = merge(account.known, reading)  # a register that noise hides stays where it stood
    found = passage_of(account, reading, allowed_rise_wh(reading.at - account.known.at))
    account, told = begin_anew(account, reading)
    account, closed = _go_on(account, reading, found, settings)
    return account, told + closed


def lacks_register_at_change(last: Reading, reading: Reading) -> bool:
    """Return whether a standard frame of another calendar or mode lacks an index known before.

    Such a frame always shows all ten registers, and EAIT of a producer: one was refused, or is held
    back.
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
    account: Account, reading: Reading, found: Passage, settings: MeteringSettings
) -> tuple[Account, list[Event]]:
    """Bill up to the last reading; what does not go on from there starts at `reading`."""
    has_fallen = _has_injection_fallen(account.last, reading)
    account, closed = advance(account, reading.at, found.energy_wh, None, settings)
    account, _ = bill(account, account.last, reading.at, with_injection=has_fallen)
    account = msgspec.structs.replace(
        account,
        billed_kwh=found.kept(account.billed_kwh),
        billed_injected_wh=None if has_fallen else account.billed_injected_wh,
    )
    return stand_at(account, reading), closed


def _former(account: Account, reading: Reading) -> tuple[FormerMeter | None, Passage | None]:
    """Return where the reading's meter stood when it was followed last, if registers go on from there."""
    for former in account.former:
        if former.last.serial == reading.serial:
            most_wh = believable_rise_wh(reading.at - former.last.at)
            found = passage(former.last, reading, most_wh=most_wh)
            return (former, found) if any(found.goes_on) else (None, None)
    return None, None


def _going_on(last: Reading, reading: Reading, found: Passage) -> Reading:
    """Return the reading without what registers that start anew, or another total, have risen by."""
    if found.is_unbroken and have_same_total(last, reading):
        return reading
    return msgspec.structs.replace(
        reading, total_wh=last.total_wh, registers_wh=found.kept(reading.registers_wh)
    )


def _has_injection_fallen(last: Reading, reading: Reading) -> bool:
    return (
        last.injected_wh is not None
        and reading.injected_wh is not None
        and rise_wh(last.injected_wh, reading.injected_wh) is None
    )
