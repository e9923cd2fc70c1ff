"""What the store keeps of chips as things: when each was heard last, how it was, and its name."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

import msgspec

from cloud.store.put import Count
from protocol.ids import DeviceId


class LastHeard(msgspec.Struct, frozen=True):
    """What has been heard of a device; None: nothing new of this.

    `heard_at` is the hour in which it spoke itself; the broker may say its state for it.
    """

    device: DeviceId
    heard_at: datetime | None = None
    state: str | None = None
    software: str | None = None
    not_after: datetime | None = None


class FleetDevice(msgspec.Struct, frozen=True):
    """A device that is enrolled, or was revoked.

    Attributes:
        last_day: the last one of which anything is stored; None once another chip speaks.
        is_damaged: its row holds a time that is none, and no word is read from it.
    """

    device: DeviceId
    since: datetime
    is_revoked: bool
    last_heard: LastHeard
    last_day: date | None
    sealed_name: bytes | None
    is_damaged: bool = False


class FleetStore(Protocol):
    """The part of `Store` that knows how chips are; of each the last word only."""

    def put_heard(self, reports: Sequence[LastHeard]) -> None:
        """Take words in their order, in one transaction."""

    def name(self, device: DeviceId, sealed_name: bytes | None) -> bool:
        """Give a device a name, or take it away. False: it is not enrolled."""

    def devices(self) -> tuple[FleetDevice, ...]:
        """Return enrolled devices by id, and all that were revoked, wherever their household is."""

    def known(self) -> set[DeviceId]:
        """Return every device that was ever enrolled."""

    def states(self) -> tuple[Count, ...]:
        """Count devices that are not revoked by their last state; "" for those never heard."""

    def softwares(self) -> tuple[Count, ...]:
        """Count devices that are not revoked and were heard by the software they run."""
