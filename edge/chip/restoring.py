"""Where metering goes on after a loss: the account that came back, and the meter on the line.

The account knows its meter by a fingerprint only. A frame of another meter does not take it; its
readings are set aside until the right one is read, or until this one has taken its place.
"""

import msgspec

from edge.metering.reading import Reading
from edge.metering.restore import restore
from edge.metering.state import MeterState
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
    is_same_total = found is None or found == calendar
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
