"""The storage interface for chips: when each was last heard, its state and its name."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

import msgspec

from cloud.store.put import Count
from protocol.ids import DeviceId


class LastHeard(msgspec.Struct, frozen=True):
    """New information about a device; None leaves a field unchanged.

    `heard_at` is the hour in which the device itself sent a message; its state may also come from
    the broker.
    """

    device: DeviceId
    heard_at: datetime | None = None
    state: str | None = None
    software: str | None = None
    not_after: datetime | None = None


class FleetDevice(msgspec.Struct, frozen=True):
    """A device that is enrolled, or was revoked.

    Attributes:
        last_day: the last day with stored blocks; None once the household uses another chip.
        is_damaged: its row holds an invalid time, so its report was not read.
    """

    device: DeviceId
    since: datetime
    is_revoked: bool
    last_heard: LastHeard
    last_day: date | None
    sealed_name: bytes | None
    is_damaged: bool = False


class DeviceStored(msgspec.Struct, frozen=True):
    """A device's stored blocks: how many, their size, and how many are of days to come."""

    device: DeviceId
    blocks: int
    size_bytes: int
    blocks_ahead: int


class FleetStore(Protocol):
    """The part of `Store` for the latest state of each chip, without history."""

    def put_heard(self, reports: Sequence[LastHeard]) -> None:
        """Store reports in their order, in one transaction."""

    def name(self, device: DeviceId, sealed_name: bytes | None) -> bool:
        """Set or remove a device's name. False if it is not enrolled."""

    def devices(self) -> tuple[FleetDevice, ...]:
        """Return enrolled and revoked devices by id, wherever their household is now."""

    def stored(self, today: date) -> tuple[DeviceStored, ...]:
        """Return what is stored of each device, revoked ones too; none without a block."""

    def known(self) -> set[DeviceId]:
        """Return every device that was ever enrolled."""

    def states(self) -> tuple[Count, ...]:
        """Count devices that are not revoked by their last state; "" stands for never heard."""

    def softwares(self) -> tuple[Count, ...]:
        """Count devices that are not revoked by their software, as far as it is known."""
