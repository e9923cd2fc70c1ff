"""The storage interface for people who move: terminations, places and the registry's audit."""

from datetime import date, datetime
from typing import Protocol

import msgspec

from cloud.store.put import Put
from protocol.ids import DeviceId, HouseholdKeyId


class StoredIdentity(msgspec.Struct, frozen=True):
    """A household's public key (Ed25519) and the time of its latest mandate (`Mandate.made_at`)."""

    identity: bytes
    mandated_at: int


class SealedMeter(msgspec.Struct, frozen=True):
    """A delivery point's number as stored: a keyed tag for look-ups, and the sealed number."""

    tag: bytes
    sealed: bytes


class SupplyPoint(msgspec.Struct, frozen=True):
    """A household used this chip at this meter from `since` until `until`.

    `meter` is None if the registry does not know it. `last_day` is set once the household has
    announced that it leaves.
    """

    household_key: HouseholdKeyId
    device: DeviceId
    meter: SealedMeter | None
    since: datetime
    until: datetime | None = None
    last_day: date | None = None


class LookUp(msgspec.Struct, frozen=True):
    """One look-up in the registry: when, by whom, for what, and why. Never changed."""

    at: datetime
    who: str
    what: str
    why: str


class MovingStore(Protocol):
    """The part of `Store` that records who lived where."""

    def identity(self, household_key: HouseholdKeyId) -> StoredIdentity | None:
        """Return a household's identity, None if no mandate has named it yet."""

    def put_identity(self, household_key: HouseholdKeyId, identity: StoredIdentity) -> None:
        """Store a household's identity and the time of its latest mandate."""

    def put_place(self, place: SupplyPoint, *, is_again: bool = False) -> None:
        """Begin a household's time at a place; open places of it, its chip or its meter end.

        If household, chip and meter are the same, the place goes on. For a household that has left,
        this holds only with `is_again`, when its chip repeats an earlier request. Statements and
        provider messages that nobody has seen will be published again to the current chip, and
        those retained for the former chip will be cleared from the broker (`clearings`).
        """

    def places(self, tag: bytes | None = None) -> tuple[SupplyPoint, ...]:
        """Return the places of one meter, or all, in the order they began."""

    def leave(self, household_key: HouseholdKeyId, device: DeviceId, last_day: date) -> None:
        """Record a household's announcement that it leaves."""

    def end_place(self, household_key: HouseholdKeyId, device: DeviceId, at: datetime) -> bool:
        """End a household's time with this chip; return whether it had not ended."""

    def last_day_of(self, household_key: HouseholdKeyId) -> date | None:
        """Return the last day that a household has announced at its present place, if any."""

    def put_termination(
        self, contract: bytes, last_day: date, document: bytes, at: datetime
    ) -> Put:
        """End a contract with `last_day`, unless it already ends earlier."""

    def last_block_day(self, household_key: HouseholdKeyId) -> date | None:
        """Return a household's last day with stored blocks."""

    def clearings(self) -> tuple[tuple[DeviceId, bytes], ...]:
        """Return (device, id) of retained statements and provider messages to clear."""

    def cleared(self, clearings: tuple[tuple[DeviceId, bytes], ...]) -> None:
        """Record that the broker has cleared them."""

    def put_look_up(self, look_up: LookUp) -> None:
        """Append to the audit table, which is never changed or deleted."""

    def look_ups(self) -> tuple[LookUp, ...]:
        """Return the audit table, oldest first."""
