"""What waits for a person's confirmation: an index in quarantine, or another meter on the line."""

import msgspec

from edge.metering.counters import is_leaping
from edge.metering.reading import Reading
from edge.metering.state import MeterState, is_same_calendar


class Quarantine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="index"):
    """The last believed reading, the first that contradicts it, and the latest, of one meter."""

    before: Reading
    first: Reading
    now: Reading


class Replacement(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="meter"):
    """The last reading of the followed meter, and the first of another one that is set aside."""

    before: Reading
    now: Reading


Unconfirmed = Quarantine | Replacement


def unconfirmed_in(state: MeterState) -> Unconfirmed | None:
    """Return what waits for a person's confirmation, None if nothing does."""
    return replacement_in(state) or quarantine_in(state)


def quarantine_in(state: MeterState) -> Quarantine | None:
    """Return the index in quarantine, None if there is none."""
    account, quarantined = state.account, state.quarantined
    if account is None or quarantined is None:
        return None
    return Quarantine(account.known, quarantined.readings[0], quarantined.last)


def replacement_in(state: MeterState) -> Replacement | None:
    """Return the meter that is set aside, None if there is none."""
    account, other = state.account, state.other
    if account is None or other is None:
        return None
    return Replacement(account.last, other.readings[0])


def is_waiting(state: MeterState, confirmed: Unconfirmed) -> bool:
    """Return whether what a person confirmed still waits; False once it is settled.

    If the meter has since left the index for another one, it is not what the person saw. The same
    holds if it was shown without a register that the meter shows now.
    """
    if isinstance(confirmed, Replacement):
        return replacement_in(state) == confirmed
    quarantine = quarantine_in(state)
    if quarantine is None or (quarantine.before, quarantine.first) != (
        confirmed.before,
        confirmed.first,
    ):
        return False
    shown, now = confirmed.now, quarantine.now
    return (
        is_same_calendar(shown, now)
        and _registers(shown) == _registers(now)
        and not is_leaping(shown, now)
    )


def latest_reading(state: MeterState, confirmed: Unconfirmed) -> Reading:
    """Return the last reading of what was confirmed and still waits (see `is_waiting`)."""
    set_aside = state.other if isinstance(confirmed, Replacement) else state.quarantined
    return confirmed.now if set_aside is None else set_aside.last


def _registers(reading: Reading) -> list[bool]:
    """Return which registers a reading shows."""
    return [index_wh is not None for index_wh in reading.registers_wh]
