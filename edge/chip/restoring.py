"""Continues metering after a loss: matches the returned account with the meter on the line.

The account knows its meter only by a fingerprint. A frame of another meter does not match; its
readings are set aside until the right meter is read, or until this one has replaced it.
"""

import msgspec

from edge.metering.counters import allowed_rise_wh, believable_rise_wh, rise_wh
from edge.metering.reading import HISTORIQUE_REGISTERS, Reading
from edge.metering.restore import RestorePoint, restore
from edge.metering.state import MeterState
from edge.tic.frame import Mode
from protocol.calendar import quarter_hour_start
from protocol.keys import HouseholdSecret
from protocol.layout import REGISTERS
from protocol.registers import KNOWN_CALENDARS, count_alike, names_of

# No meter has this serial, so metering takes every meter for another one.
UNKNOWN_SERIAL = "?"


class RestoredState(msgspec.Struct, frozen=True):
    """The state that the next frame continues.

    `names`: calendar names by the fingerprint of the meter on the line under each calendar; empty
    if it is another meter.
    """

    state: MeterState
    names: dict[int, str]


def is_unknown(state: MeterState | None) -> bool:
    """Return whether the account's meter is known only by its fingerprint."""
    return (
        state is not None
        and state.account is not None
        and state.account.last.serial == UNKNOWN_SERIAL
    )


def restore_for(reading: Reading, point: RestorePoint, household: HouseholdSecret) -> RestoredState:
    """Restore the account for the meter on the line, whose reading names its calendar.

    The meter is recognised even if its calendar has changed since the last day closed.
    """
    calendars = KNOWN_CALENDARS | names_of(reading.calendar or "")
    names = {household.meter_fingerprint(reading.serial, name): name for name in calendars}
    calendar = names.get(point.fingerprint)
    if calendar is None:
        return RestoredState(restore(point, UNKNOWN_SERIAL), {})
    mode = _mode_of(calendar, reading, point)
    return RestoredState(restore(point, reading.serial, calendar, mode), names)


def _mode_of(calendar: str, reading: Reading, point: RestorePoint) -> Mode:
    """Return the TIC mode in which the calendar was named when the last day closed.

    BASE and EJP have the same name in both modes. For these, the total decides: if it continues in
    the reading's mode, the mode is the same.
    """
    if calendar not in HISTORIQUE_REGISTERS:
        return Mode.STANDARD
    if len(names_of(calendar)) > 1:
        return Mode.HISTORIQUE
    is_standard = reading.mode is Mode.STANDARD
    if not is_standard and not count_alike(calendar, reading.calendar or ""):
        return Mode.HISTORIQUE  # sums of different registers cannot be compared
    if not _is_same_total(calendar, reading, point):
        is_standard = not is_standard
    return Mode.STANDARD if is_standard else Mode.HISTORIQUE


def _is_same_total(calendar: str, reading: Reading, point: RestorePoint) -> bool:
    """Return whether the total means what it meant when the last day closed.

    It does not if it rose by more than the registers, or fell while none of them did. Under another
    calendar any register may have counted. The limit of 36 kVA then separates what was drawn from
    what earlier contracts left in a register.
    """
    total_rise_wh = rise_wh(point.drawn_index_wh, reading.total_wh)
    is_alike = count_alike(calendar, reading.calendar or "")
    elapsed = reading.at - quarter_hour_start(point.day, point.j)
    if not is_alike and (total_rise_wh is None or total_rise_wh > allowed_rise_wh(elapsed)):
        return False
    counting = len(HISTORIQUE_REGISTERS[calendar]) if is_alike else REGISTERS
    registers_rise_wh = _registers_rise_wh(counting, reading, point)
    if registers_rise_wh is None and not is_alike:
        return False  # a register fell, so the two totals cannot be told apart
    if registers_rise_wh is None or point.is_carrying:
        return total_rise_wh is None or total_rise_wh <= believable_rise_wh(elapsed)
    return total_rise_wh is not None and total_rise_wh + point.placed_wh <= registers_rise_wh


def _registers_rise_wh(counting: int, reading: Reading, point: RestorePoint) -> int | None:
    """Return the most that the registers rose since the last closed day, in Wh; None if one fell.

    A register below one kWh may not have been shown; only the first `counting` of these are known.
    """
    risen_wh = 0
    for n, (index_wh, known_kwh) in enumerate(
        zip(reading.registers_wh, point.register_index_kwh, strict=True)
    ):
        if index_wh is None or (known_kwh == 0 and n >= counting):
            continue
        step_wh = rise_wh(1_000 * known_kwh, index_wh)
        if step_wh is None:
            return None
        risen_wh += step_wh
    return risen_wh
