"""Commits to closed days, reproducibly (protocol/commitment.py)."""

from edge.metering.events import DayClosed
from protocol.calendar import day_number
from protocol.commitment import commit_day
from protocol.keys import HouseholdSecret


def committed_values(closed: DayClosed) -> tuple[int, ...]:
    """Return the values of coefficients 100 to 111 of a closed day."""
    return (*closed.register_steps_kwh, closed.injected_wh, closed.injected_step_kwh)


def day_commitment(household: HouseholdSecret, closed: DayClosed) -> bytes:
    """Return the commitment to a closed day; the same day gives the same 32 bytes."""
    values = committed_values(closed)
    return commit_day(values, household.blinding(day_number(closed.day), values))
