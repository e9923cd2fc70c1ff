"""An index in quarantine, as a person is asked about it: what was believed, and what is shown now."""

import msgspec

from edge.metering.reading import Reading
from edge.metering.state import MeterState, Misfit, Settings, misfit


class Quarantine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The last reading believed, and the one that it contradicts."""

    before: Reading
    now: Reading


def quarantine_in(state: MeterState) -> Quarantine | None:
    """Return what is in quarantine, None where nothing is."""
    account, held = state.account, state.held
    if account is None or held is None or not account.is_quarantined:
        return None
    is_of_the_meter = held.serial == account.last.serial
    return Quarantine(account.last, held) if is_of_the_meter else None


def is_confirmed(state: MeterState, confirmed: Quarantine, settings: Settings) -> bool:
    """Return whether what a person confirmed is what the meter shows still."""
    found = quarantine_in(state)
    if found is None or found.before != confirmed.before:
        return False
    return misfit(confirmed.now, found.now, settings) in (None, Misfit.GAP)
