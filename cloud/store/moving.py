"""What the store keeps of people who move: terminations, places and who has looked them up."""

from datetime import date, datetime
from typing import Protocol

import msgspec

from cloud.store.put import Put
from protocol.ids import DeviceId, HouseholdKeyId


class StoredIdentity(msgspec.Struct, frozen=True):
    """A household's own public key (Ed25519), and the time of its latest mandate (`Mandate.made_at`)."""

    identity: bytes
    mandated_at: int


class SealedMeter(msgspec.Struct, frozen=True):
    """A delivery point's number as it is kept: a keyed tag to find it by, and the sealed number."""

    tag: bytes
    sealed: bytes


class SupplyPoint(msgspec.Struct, frozen=True):
    """A household spoke through this chip at this meter, from `since` until `until`.

    `meter` is None where the registry was not told. `last_day`: the household said that it left.
    """

    household_key: HouseholdKeyId
    device: DeviceId
    meter: SealedMeter | None
    since: datetime
    until: datetime | None = None
    last_day: date | None = None


class LookUp(msgspec.Struct, frozen=True):
    """Somebody has looked into the registry: when, who, for what, and why. Never changed."""

    at: datetime
    who: str
    what: str
    why: str


class MovingStore(Protocol):
    """The part of `Store` that knows who lived where."""

    def identity(self, household_key: HouseholdKeyId) -> StoredIdentity | None:
        """Return a household's identity, None where no mandate has named it yet."""

    def put_identity(self, household_key: HouseholdKeyId, identity: StoredIdentity) -> None:
        """Keep a household's identity and the time of its latest mandate."""

    def put_place(self, place: SupplyPoint, *, is_again: bool = False) -> None:
        """Begin a household's time at a place; ends what was open of it, of its chip and meter.

        The same household with the same chip and meter goes on; one that has left does only if
        `is_again`, when its chip hands in a request that it has handed in before. Statements that nobody has seen
        are to be published anew to the chip that speaks now, and what was retained for the former
        is to be cleared from the broker (`clearings`).
        """

    def places(self, tag: bytes | None = None) -> tuple[SupplyPoint, ...]:
        """Return all places in the order they began, or those of one meter."""

    def leave(self, household_key: HouseholdKeyId, device: DeviceId, last_day: date) -> None:
        """Take note that a household has said that it leaves."""

    def put_termination(
        self, contract: bytes, last_day: date, document: bytes, at: datetime
    ) -> Put:
        """End a contract with `last_day`, unless it ends earlier already."""

    def last_block_day(self, household_key: HouseholdKeyId) -> date | None:
        """Return the last day of which anything is stored of a household."""

    def clearings(self) -> tuple[tuple[DeviceId, bytes], ...]:
        """Return (device, statement id) of retained messages that are to be cleared."""

    def cleared(self, clearings: tuple[tuple[DeviceId, bytes], ...]) -> None:
        """Take note that the broker has cleared them."""

    def put_look_up(self, look_up: LookUp) -> None:
        """Add to the audit table, of which nothing is ever changed or deleted."""

    def look_ups(self) -> tuple[LookUp, ...]:
        """Return the audit table, oldest first."""
