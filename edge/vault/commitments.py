"""Commits to closed days, reproducibly (protocol/commitment.py)."""

import msgspec

from edge.metering.events import DayClosed
from protocol.calendar import day_number
from protocol.commitment import commit_day
from protocol.year_keys import YearKeys


class CommittedDay(msgspec.Struct, frozen=True):
    """A closed day, and the keys under which the chip committed to it."""

    closed: DayClosed
    keys: YearKeys


def committed_values(closed: DayClosed) -> tuple[int, ...]:
    """Return the values of coefficients 100 to 111 of a closed day."""
    return (*closed.register_steps_kwh, closed.injected_wh, closed.injected_step_kwh)


def blinding_of(keys: YearKeys, closed: DayClosed) -> int:
    """Return the scalar that blinds the commitment to a closed day."""
    return keys.blinding(day_number(closed.day), committed_values(closed))


def day_commitment(keys: YearKeys, closed: DayClosed) -> bytes:
    """Return the commitment to a closed day; the same day gives the same 32 bytes."""
    return commit_day(committed_values(closed), blinding_of(keys, closed))
