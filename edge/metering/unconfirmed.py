"""What waits for a person's word: an index in quarantine, or another meter on the line."""

import msgspec

from edge.metering.reading import Reading
from edge.metering.restore import last_known
from edge.metering.state import MeteringSettings, MeterState, Misfit, is_leaping, misfit


class Quarantine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="index"):
    """The last reading believed, and the one of the same meter that it contradicts."""

    before: Reading
    now: Reading


class Replacement(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="meter"):
    """The last reading of the meter that is followed, and the first of another one set aside."""

    before: Reading
    now: Reading


Unconfirmed = Quarantine | Replacement


def unconfirmed_in(state: MeterState) -> Unconfirmed | None:
    """Return what waits for a person's word, None where nothing does."""
    return replacement_in(state) or quarantine_in(state)


def quarantine_in(state: MeterState) -> Quarantine | None:
    """Return the index in quarantine, None where none is."""
    account, held = state.account, state.held
    if account is None or held is None or not account.is_quarantined:
        return None
    is_of_the_meter = held.serial == account.last.serial
    return Quarantine(last_known(account), held) if is_of_the_meter else None


def replacement_in(state: MeterState) -> Replacement | None:
    """Return the meter that is set aside, None where none is."""
    account, other = state.account, state.other
    if account is None or other is None:
        return None
    return Replacement(account.last, other.readings[0])


def may_be_confirmed(state: MeterState, confirmed: Unconfirmed) -> bool:
    """Return whether what was confirmed can wait still; False once it is carried out or over."""
    if isinstance(confirmed, Replacement):
        return replacement_in(state) == confirmed
    return state.account is not None and state.account.is_quarantined


def latest_reading(state: MeterState, confirmed: Unconfirmed) -> Reading:
    """Return the last reading of what was confirmed and waits still (see `is_confirmed`)."""
    if isinstance(confirmed, Replacement) and state.other is not None:
        return state.other.last
    return state.held or confirmed.now


def is_confirmed(state: MeterState, confirmed: Unconfirmed, settings: MeteringSettings) -> bool:
    """Return whether what a person confirmed is what the meter shows still."""
    if isinstance(confirmed, Replacement):
        return replacement_in(state) == confirmed
    found = quarantine_in(state)
    if found is None or found.before != confirmed.before:
        return False
    why = misfit(confirmed.now, found.now, settings)
    has_wrapped = why is Misfit.FALL and not is_leaping(confirmed.now, found.now)
    return why in (None, Misfit.GAP) or has_wrapped
