"""Where metering goes on after a loss: the account that came back, and the meter on the line.

The account knows its meter by a fingerprint only. A frame of another meter does not take it; its
readings are set aside until the right one is read, or until this one has taken its place.
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

# No meter has this serial: metering takes every meter for another.
UNKNOWN_SERIAL = "?"


class RestoredState(msgspec.Struct, frozen=True):
    """The state from which the next frame goes on.

    `names`: names of calendars by the fingerprints of the meter on the line under each, empty where
    it is another meter.
    """

    state: MeterState
    names: dict[int, str]


def is_unknown(state: MeterState | None) -> bool:
    """Say whether the account's meter is known by its fingerprint only."""
    return (
        state is not None
        and state.account is not None
        and state.account.last.serial == UNKNOWN_SERIAL
    )


def restore_for(reading: Reading, point: RestorePoint, household: HouseholdSecret) -> RestoredState:
    """Restore the account for the meter on the line, whose reading names its calendar.

    Its calendar may have changed since the last day closed: it is the same meter all the same.
    """
    calendars = KNOWN_CALENDARS | names_of(reading.calendar or "")
    names = {household.meter_fingerprint(reading.serial, name): name for name in calendars}
    found = names.get(point.fingerprint)
    if found is None:
        return RestoredState(restore(point, UNKNOWN_SERIAL), {})
    mode = _mode_of(found, reading, point)
    return RestoredState(restore(point, reading.serial, found, mode), names)


def _mode_of(calendar: str, reading: Reading, point: RestorePoint) -> Mode:
    """Return the TIC mode in which the calendar was named when the last day closed.

    BASE and EJP are named alike in both: there the total must go on in the reading's mode.
    """
    if calendar not in HISTORIQUE_REGISTERS:
        return Mode.STANDARD
    if len(names_of(calendar)) > 1:
        return Mode.HISTORIQUE
    is_standard = reading.mode is Mode.STANDARD
    if not is_standard and not count_alike(calendar, reading.calendar or ""):
        return Mode.HISTORIQUE  # sums of different registers tell nothing
    if not _is_same_total(calendar, reading, point):
        is_standard = not is_standard
    return Mode.STANDARD if is_standard else Mode.HISTORIQUE


def _is_same_total(calendar: str, reading: Reading, point: RestorePoint) -> bool:
    """Return whether the total means what it meant when the last day closed.

    One that rose by more than the registers did, or fell while none did, does not. Under another
    calendar each register may have counted; what earlier contracts left in one is then told from
    what was drawn by what 36 kVA can have counted.
    """
    total_rise_wh = rise_wh(point.drawn_index_wh, reading.total_wh)
    is_alike = count_alike(calendar, reading.calendar or "")
    elapsed = reading.at - quarter_hour_start(point.day, point.j)
    if not is_alike and (total_rise_wh is None or total_rise_wh > allowed_rise_wh(elapsed)):
        return False
    counting = len(HISTORIQUE_REGISTERS[calendar]) if is_alike else REGISTERS
    registers_rise_wh = _registers_rise_wh(counting, reading, point)
    if registers_rise_wh is None and not is_alike:
        return False  # a register fell, so that nothing tells one total from the other
    if registers_rise_wh is None or point.is_carrying:
        return total_rise_wh is None or total_rise_wh <= believable_rise_wh(elapsed)
    return total_rise_wh is not None and total_rise_wh + point.placed_wh <= registers_rise_wh


def _registers_rise_wh(counting: int, reading: Reading, point: RestorePoint) -> int | None:
    """Return by how much the registers rose at most since the last closed day; None where one fell.

    One that stood below a kWh may not have been shown: of these only the first `counting` are known.
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
