"""Another calendar, another TIC mode, another meter: how an account goes on over each.

What a register counted belongs to who it counted for, so the question is always which counters of
the reading before go on in the reading after. In another mode the total has another meaning: EAST
holds earlier contracts, the sum of the registers does not; nor is a sum of one calendar's registers
that of another's. Only registers tell what was drawn while either changed.
"""

from datetime import timedelta

import msgspec

from edge.metering.closing import advance, bill
from edge.metering.counting import stand_at
from edge.metering.doubts import begin_anew, note_jump
from edge.metering.events import Event, Notice, NoticeKind
from edge.metering.reading import Reading
from edge.metering.restore import last_known
from edge.metering.state import (
    NO_REGISTERS,
    Account,
    FormerMeter,
    MeteringSettings,
    allowed_rise_wh,
    are_counters_continued,
    is_possible,
    is_same_calendar,
    merge,
    rise_wh,
)
from edge.tic.frame import Mode
from protocol.registers import count_alike

FORMER_METERS_MAX = 4
# The two modes are timed by different clocks, which may differ.
_LEAST_ELAPSED = timedelta(hours=1)


class _Passage(msgspec.Struct, frozen=True):
    """What was drawn from one reading to another, and whether the registers are the same ones."""

    energy_wh: int
    is_continued: bool


def change_calendar(
    account: Account, reading: Reading, settings: MeteringSettings
) -> tuple[Account, list[Event]]:
    """Go on in the registers of another calendar, or of the other TIC mode, of the same meter.

    What registers that go on counted meanwhile is billed under the new calendar; others start anew.
    """
    last = account.last
    passage = _passage(last_known(account), reading)
    told: list[Event] = []
    if account.is_quarantined and passage.is_continued:
        told.append(Notice(NoticeKind.QUARANTINE_ENDED, reading.at))
    if not passage.is_continued and (reading.at - last.at).total_seconds() > settings.gap_s:
        account, anew = begin_anew(account, reading)
        told += anew
    if _have_same_total(last, reading):
        account, jumps = note_jump(account, last, _going_on(last, reading, passage))
        told += jumps
    account, closed = advance(account, reading.at, passage.energy_wh, None, settings)
    account, _ = bill(account, last, reading.at, with_injection=False)
    reading = msgspec.structs.replace(
        reading,
        injected_wh=last.injected_wh if reading.injected_wh is None else reading.injected_wh,
    )
    billed_kwh = account.billed_kwh if passage.is_continued else NO_REGISTERS
    account = msgspec.structs.replace(account, billed_kwh=_shown(billed_kwh, reading))
    return stand_at(account, reading), told + closed


def change_meter(
    account: Account, reading: Reading, settings: MeteringSettings
) -> tuple[Account, list[Event]]:
    """Close the meter at its last index and go on with another.

    A meter that was followed before goes on from its last billed index, with what it counted since;
    a new one starts at its first, and what neither showed is not counted.
    """
    former = _former(account, reading)
    energy_wh, told = 0, list[Event]()
    if former is not None:
        energy_wh = _passage(former.last, reading).energy_wh
        if former.last.mode is reading.mode:
            account, told = note_jump(account, former.last, reading)
    account, closed = advance(account, reading.at, energy_wh, None, settings)
    account, _ = bill(account, account.last, reading.at, with_injection=True)
    left = FormerMeter(account.last, account.billed_kwh, account.billed_injected_wh)
    kept = [
        each
        for each in account.former
        if each.last.serial not in (reading.serial, account.last.serial)
    ]
    account = msgspec.structs.replace(
        account,
        former=(*kept, left)[-FORMER_METERS_MAX:],
        billed_kwh=NO_REGISTERS if former is None else _shown(former.billed_kwh, reading),
        billed_injected_wh=None if former is None else former.billed_injected_wh,
    )
    if former is not None and former.last.mode is reading.mode:
        reading = merge(former.last, reading)
    return stand_at(account, reading), told + closed


def is_leap(last: Reading, reading: Reading) -> bool:
    """Return whether registers that go on over a change rose by more than needs no person."""
    if not _have_same_total(last, reading):
        return False
    return are_counters_continued(last, reading) and not is_possible(last, reading)


def lacks_register_at_change(last: Reading, reading: Reading) -> bool:
    """Return whether a standard frame of another calendar or mode lacks a register known before.

    Such a frame always shows all ten: the register was refused, or is held back.
    """
    if reading.mode is not Mode.STANDARD or last.serial != reading.serial:
        return False
    if last.mode is None or is_same_calendar(last, reading):
        return False
    return any(
        after_wh is None and before_wh is not None
        for before_wh, after_wh in zip(last.registers_wh, reading.registers_wh, strict=True)
    )


def renew_index(
    account: Account, reading: Reading, settings: MeteringSettings
) -> tuple[Account, list[Event]]:
    """Go on from indices that began anew at the same meter, as from those of a new one."""
    account = msgspec.structs.replace(account, former=_without(account, reading.serial))
    account, events = change_meter(account, reading, settings)
    former = _without(account, reading.serial)
    return msgspec.structs.replace(account, former=former), events


def _without(account: Account, serial: str) -> tuple[FormerMeter, ...]:
    return tuple([each for each in account.former if each.last.serial != serial])


def _former(account: Account, reading: Reading) -> FormerMeter | None:
    """Return where the reading's meter stood when it was followed last, if it goes on from there."""
    for former in account.former:
        if former.last.serial == reading.serial:
            last = former.last
            is_same_mode = last.mode is reading.mode
            goes_on = _passage(last, reading).is_continued
            return former if goes_on and (not is_same_mode or is_possible(last, reading)) else None
    return None


def _passage(last: Reading, reading: Reading) -> _Passage:
    if not _have_same_total(last, reading):
        risen_wh = _registers_rise_wh(last, reading)
        elapsed = max(reading.at - last.at, _LEAST_ELAPSED)
        is_continued = risen_wh is not None and risen_wh <= allowed_rise_wh(elapsed)
        is_placed = last.mode is None  # in the curve of a restored account, nobody knows how much
        return _Passage(risen_wh or 0 if is_continued and not is_placed else 0, is_continued)
    energy_wh = rise_wh(last.total_wh, reading.total_wh)
    is_continued = are_counters_continued(last, reading)
    if energy_wh is None or not (
        is_continued or energy_wh <= allowed_rise_wh(reading.at - last.at)
    ):
        energy_wh = 0
    return _Passage(energy_wh, is_continued)


def _going_on(last: Reading, reading: Reading, passage: _Passage) -> Reading:
    """Return the reading without what registers that start anew have risen by."""
    if passage.is_continued:
        return reading
    return msgspec.structs.replace(reading, total_wh=last.total_wh, registers_wh=NO_REGISTERS)


def _have_same_total(last: Reading, reading: Reading) -> bool:
    """Return whether both totals count the same: `EAST` always does, a sum while its registers do."""
    if None in (last.mode, reading.mode):
        return None in (last.calendar, reading.calendar) or last.calendar == reading.calendar
    if last.mode is not reading.mode:
        return False
    return reading.mode is Mode.STANDARD or count_alike(last.calendar or "", reading.calendar or "")


def _registers_rise_wh(last: Reading, reading: Reading) -> int | None:
    """Return by how much the registers that both show rose together; None where one fell, or none is."""
    rises_wh = [
        rise_wh(before_wh, after_wh)
        for before_wh, after_wh in zip(last.registers_wh, reading.registers_wh, strict=True)
        if before_wh is not None and after_wh is not None
    ]
    known_wh = [step_wh for step_wh in rises_wh if step_wh is not None]
    return sum(known_wh) if rises_wh and len(known_wh) == len(rises_wh) else None


def _shown(billed_kwh: tuple[int | None, ...], reading: Reading) -> tuple[int | None, ...]:
    """Return the billed indices of registers that the reading shows."""
    return tuple(
        [
            None if index_wh is None else billed
            for index_wh, billed in zip(reading.registers_wh, billed_kwh, strict=True)
        ]
    )
