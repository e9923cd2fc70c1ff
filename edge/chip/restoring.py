"""Continues metering after a loss: matches the returned account with the meter on the line.

The account knows its meter only by a fingerprint. A frame of another meter does not match; its
readings are set aside until the right meter is read, or until this one has replaced it.
"""

import msgspec

from edge.metering.reading import Reading
from edge.metering.restore import RestorePoint, restore
from edge.metering.state import MeterState
from protocol.keys import HouseholdSecret
from protocol.registers import KNOWN_CALENDARS, names_of

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
    return RestoredState(restore(point, reading.serial, calendar), names)
