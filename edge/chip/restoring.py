"""Where metering goes on after a loss: the account that came back, and the meter on the line.

The account knows its meter by a fingerprint only. A frame of another meter does not take it; its
readings are set aside until the right one is read, or until this one has taken its place.
"""

import msgspec

from edge.metering.reading import HISTORIQUE_REGISTERS, Reading
from edge.metering.restore import restore
from edge.metering.state import MeterState, rise_wh
from edge.vault.rows import RestorePoint
from protocol.keys import HouseholdSecret
from protocol.registers import names_of

# No meter has this serial: metering takes every meter for another.
UNKNOWN_SERIAL = "?"


class RestoredState(msgspec.Struct, frozen=True):
    """The state from which the next frame goes on.

    `names`: the calendar's names by the fingerprints of the meter on the line, empty where it is
    another one.
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
    """Restore the account for the meter on the line, whose reading names its calendar."""
    calendar = reading.calendar or ""
    names = {household.meter_fingerprint(reading.serial, name): name for name in names_of(calendar)}
    found = names.get(point.fingerprint)
    # In the other TIC mode the total means something else: only registers go on.
    is_same_total = found is None or (found == calendar and not _is_other_total(reading, point))
    state = restore(
        day=point.day,
        j=point.j,
        drawn_index_wh=point.drawn_index_wh if is_same_total else reading.total_wh,
        register_index_kwh=point.register_index_kwh,
        injected_index_wh=point.injected_index_wh,
        serial=UNKNOWN_SERIAL if found is None else reading.serial,
        calendar=None if found is None else calendar,
    )
    return RestoredState(state, {} if found is None else names)


def _is_other_total(reading: Reading, point: RestorePoint) -> bool:
    """Return whether the total has another meaning than it had, though the calendar's name stayed.

    BASE and EJP are named alike in both TIC modes. A total that fell while no register did, or rose
    by more than they did, is not the one of before.
    """
    calendar = reading.calendar or ""
    if calendar not in HISTORIQUE_REGISTERS or len(names_of(calendar)) > 1:
        return False
    registers_rise_wh = _registers_rise_wh(reading, point)
    if registers_rise_wh is None:
        return False
    total_rise_wh = rise_wh(point.drawn_index_wh, reading.total_wh)
    return total_rise_wh is None or total_rise_wh + point.placed_wh > registers_rise_wh


def _registers_rise_wh(reading: Reading, point: RestorePoint) -> int | None:
    """Return by how much the registers rose at most since the last closed day; None where one fell.

    One that stood below a kWh may not have been shown: of these only the calendar's own are known.
    """
    own = len(HISTORIQUE_REGISTERS[reading.calendar or ""])
    risen_wh = 0
    for n, (index_wh, known_kwh) in enumerate(
        zip(reading.registers_wh, point.register_index_kwh, strict=True)
    ):
        if index_wh is None or (known_kwh == 0 and n >= own):
            continue
        step_wh = rise_wh(1_000 * known_kwh, index_wh)
        if step_wh is None:
            return None
        risen_wh += step_wh
    return risen_wh
