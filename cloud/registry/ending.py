"""Ends a household that nobody serves any more: one that gives up, has died, or lost its chip for good.

A household that moves announces its end itself, and goes on elsewhere. Blocks, contracts and statements
stay for as long as their retention says: a provider may bill the last days.
"""

from datetime import date, datetime
from pathlib import Path

import msgspec

from cloud.registry.revocation import revoke_everywhere
from cloud.store import Device, Store
from protocol.errors import DocumentRefused
from protocol.ids import DeviceId


class Ended(msgspec.Struct, frozen=True):
    """What was ended: whether anything was left to end, and the last day with stored blocks."""

    is_changed: bool
    last_block_day: date | None


def find_household(store: Store, device: str) -> Device:
    """Return the present enrolment of a chip, revoked or not.

    Raises:
        DocumentRefused: it is no household's present chip.
    """
    found = store.devices([DeviceId(device)])
    if not found:
        raise DocumentRefused(
            f"{device} is no household's chip, or no more; `volet cloud registry list` shows them."
        )
    return found[0]


def end_household(
    directory: Path, store: Store, household: Device, broker: Path, now: datetime
) -> Ended:
    """Shut a household's chip out, end its place, and have no mandate of before count any more.

    A repetition completes what the first run did not do. The roster is the registrar's to change.

    Raises:
        ConfigError, TransportError: the chip is revoked, but the broker does not know yet.
    """
    key, device = household.household_key, household.device
    with store.transaction():
        is_changed = store.end_place(key, device, now) or not household.is_revoked
        identity = store.identity(key)
        ended_at = int(now.timestamp() * 1_000)
        if is_changed and identity is not None and identity.mandated_at < ended_at:
            store.put_identity(key, msgspec.structs.replace(identity, mandated_at=ended_at))
    revoke_everywhere(directory, store, device, broker, now)
    return Ended(is_changed, store.last_block_day(key))
