"""What the cloud keeps: one small interface, and the values that cross it.

`Store` is all that the rest of the cloud knows; `cloud.store.sqlite.store` is the embedded default. A
store belongs to the thread that opened it, and its times are exact to the second. Everything a chip signed is kept as its original
payload, so that it can be given back and checked again.
"""

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from hashlib import sha256
from typing import Protocol

import msgspec

from cloud.store.area import AreaStore as AreaStore
from cloud.store.bulk_requests import BulkRequestStore as BulkRequestStore
from cloud.store.catalogue import CatalogueStore as CatalogueStore
from cloud.store.fleet import FleetStore as FleetStore
from cloud.store.moving import MovingStore
from cloud.store.providers import ProviderStore as ProviderStore
from cloud.store.put import Count as Count
from cloud.store.put import Put as Put
from cloud.store.receipts import ReceiptStore as ReceiptStore
from protocol.contract import Signed
from protocol.errors import Reason
from protocol.ids import DeviceId, HouseholdKeyId, Incarnation
from protocol.messages import Block, Epoch, IncarnationState
from protocol.provider_api import RequestState as RequestState


class Device(msgspec.Struct, frozen=True):
    """One enrolment: this chip signs for this household key, from `since` until `until`.

    `signing_key` is the Ed25519 public key, 32 bytes. A device has one enrolment at a time.
    """

    device: DeviceId
    signing_key: bytes
    household_key: HouseholdKeyId
    since: datetime
    until: datetime | None = None
    is_revoked: bool = False


class StoredContract(msgspec.Struct, frozen=True):
    """A contract with the offer that it takes; `hash` is that of the contract's body.

    `acceptance` is the provider's signature under it, None while it has not accepted; `end` the
    day after the last, where the household has ended it since.
    """

    hash: bytes
    household_key: HouseholdKeyId
    provider: str
    provider_key: bytes
    offer: Signed
    contract: Signed
    acceptance: Signed | None = None
    end: date | None = None


class EpochItem(msgspec.Struct, frozen=True):
    """A verified header on its way into the store."""

    device: DeviceId
    topic: str
    epoch: Epoch
    payload: bytes


class BlockItem(msgspec.Struct, frozen=True):
    """A verified block on its way into the store."""

    device: DeviceId
    topic: str
    block: Block
    payload: bytes


class DeadLetter(msgspec.Struct, frozen=True):
    """A message that was refused: where it came, why, and by what to know it again; no payload."""

    topic: str
    reason: Reason
    detail: str
    size_bytes: int
    sha256: bytes
    at: datetime


def dead_letter(
    topic: str, payload: bytes, reason: Reason, at: datetime, detail: str = ""
) -> DeadLetter:
    """Make a dead letter of a payload, which is not kept."""
    return DeadLetter(topic, reason, detail, len(payload), sha256(payload).digest(), at)


class IngestBatch(msgspec.Struct, frozen=True):
    """What one call stores: headers first, then blocks; `refused` came no further."""

    at: datetime
    epochs: Sequence[EpochItem] = ()
    blocks: Sequence[BlockItem] = ()
    refused: Sequence[DeadLetter] = ()


class BatchOutcome(msgspec.Struct, frozen=True):
    """One outcome an item, in the batch's order; a `Reason` says that it was not stored.

    What the store itself refuses (`conflict`, `no_epoch`, `out_of_bounds`) is dead-lettered in the
    same transaction.
    """

    epochs: tuple[Put | Reason, ...]
    blocks: tuple[Put | Reason, ...]


class Holdings(msgspec.Struct, frozen=True):
    """The states of all incarnations of a household key, ordered by incarnation.

    A state says what was stored once; the end of retention does not take it back.
    """

    household_key: HouseholdKeyId
    states: tuple[IncarnationState, ...]


class StoredEpoch(msgspec.Struct, frozen=True):
    """An epoch header as it came."""

    device: DeviceId
    incarnation: Incarnation
    month: date
    payload: bytes


class StoredBlock(msgspec.Struct, frozen=True):
    """A block as it came; `coefficients` are those of its payload, 8 bytes each, little-endian."""

    device: DeviceId
    incarnation: Incarnation
    sequence: int
    day: date
    j0: int
    coefficients: bytes
    payload: bytes


class StatementOrder(msgspec.Struct, frozen=True):
    """A provider's request as it was handed in; `request` are its exact bytes."""

    id: bytes
    contract: bytes
    household_key: HouseholdKeyId
    request: bytes


class StoredRequest(msgspec.Struct, frozen=True):
    """A request and what became of it.

    `device` and `statement` (the signed payload) stand from publication on; `detail` says why it
    was refused.
    """

    order: StatementOrder
    state: RequestState
    requested_at: datetime
    device: DeviceId | None = None
    statement: bytes | None = None
    published_at: datetime | None = None
    seen_at: datetime | None = None
    detail: str = ""


class PublishedStatement(msgspec.Struct, frozen=True):
    """A statement (the signed payload) that is being published to `device`."""

    id: bytes
    device: DeviceId
    statement: bytes


class RefusedRequest(msgspec.Struct, frozen=True):
    """A request that gets no statement; `detail` is a sentence for the provider."""

    id: bytes
    detail: str


class SeenStatement(msgspec.Struct, frozen=True):
    """A chip of this household key says that this statement has arrived."""

    household_key: HouseholdKeyId
    id: bytes


class StoreFigures(msgspec.Struct, frozen=True):
    """What an operator may know of a store: counts, nothing of any household."""

    generation: str
    devices: int
    revoked: int
    contracts: int
    epochs: int
    blocks: int
    dead_letters: tuple[Count, ...]
    requests: tuple[Count, ...]
    contributions: int
    seeds: int
    roster: int
    documents: tuple[Count, ...]
    area_figures: tuple[Count, ...]
    size_bytes: int


class Store(MovingStore, Protocol):
    """The cloud's record.

    Every method raises `StoreBusy` when trying again is right and `StoreError` when the store is
    damaged; a method that raises has written nothing.
    """

    @property
    def generation(self) -> bytes:
        """8 random bytes drawn when the store was made; another store has others."""

    @property
    def area(self) -> AreaStore:
        """What is kept for the area lane, in the same store and thread."""

    @property
    def providers(self) -> ProviderStore:
        """Providers, their tokens and calls, in the same store and thread."""

    @property
    def bulk_requests(self) -> BulkRequestStore:
        """Providers' bulk requests, in the same store and thread."""

    @property
    def catalogue(self) -> CatalogueStore:
        """The transparency log of offers and schedules, in the same store and thread."""

    @property
    def fleet(self) -> FleetStore:
        """What is known of chips as things, in the same store and thread."""

    @property
    def receipts(self) -> ReceiptStore:
        """What households sign off, in the same store and thread."""

    def transaction(self) -> AbstractContextManager[None]:
        """Join all that is written within it: it is stored together, or nothing of it is.

        Another transaction within is a part of this one.
        """

    def enrol(self, device: Device) -> None:
        """Take an enrolment; ends the device's enrolment under any other household key."""

    def revoke(self, device: DeviceId) -> bool:
        """Revoke a device: nothing it signs is taken from now on. False: there is none."""

    def devices(self, ids: Collection[DeviceId] | None = None) -> tuple[Device, ...]:
        """Return the current enrolments of `ids`, or of all, revoked ones included."""

    def device_of(self, household_key: HouseholdKeyId) -> Device | None:
        """Return the enrolment that speaks for a household key now, unless it is revoked."""

    def put_contract(self, contract: StoredContract) -> None:
        """Keep a contract; the same one again changes nothing."""

    def put_next_contract(self, contract: StoredContract, last_day: date, at: datetime) -> None:
        """Keep a contract; the household's others end with `last_day` at the latest, all at once."""

    def contracts_of(self, household_key: HouseholdKeyId) -> tuple[StoredContract, ...]:
        """Return a household's contracts in the order in which it took them."""

    def accept(self, contract_hash: bytes, acceptance: Signed) -> bool:
        """Keep a provider's verified acceptance; the first one stays. False: no such contract."""

    def contract(self, contract_hash: bytes) -> StoredContract | None:
        """Return the contract of this hash."""

    def contracts(self) -> tuple[StoredContract, ...]:
        """Return all contracts, in the order they came."""

    def put_batch(self, batch: IngestBatch) -> BatchOutcome:
        """Store a batch in one durable transaction."""

    def holdings(self, household_keys: Collection[HouseholdKeyId]) -> tuple[Holdings, ...]:
        """Return what is held of each household key, in the order given."""

    def epochs(
        self, household_key: HouseholdKeyId, incarnation: Incarnation | None = None
    ) -> tuple[StoredEpoch, ...]:
        """Return the headers of one incarnation, or of all of a household key, by month."""

    def blocks(
        self, household_key: HouseholdKeyId, incarnation: Incarnation, sequence: int, count: int
    ) -> tuple[StoredBlock, ...]:
        """Return at most `count` blocks of one incarnation from `sequence` on, in order."""

    def blocks_of_days(
        self, household_key: HouseholdKeyId, start: date, end: date
    ) -> tuple[StoredBlock, ...]:
        """Return the blocks of the days [start, end), by day and first coefficient."""

    def put_request(self, order: StatementOrder, at: datetime) -> Put | Reason:
        """Keep a request; `conflict` if its id stands for other bytes."""

    def request(self, request_id: bytes) -> StoredRequest | None:
        """Return the request of this id."""

    def requests(
        self, state: RequestState | None = None, after: bytes = b"", limit: int = -1
    ) -> tuple[StoredRequest, ...]:
        """Return the requests in a state, or all, in the order they came.

        Those that came after the request `after` only, if it is named; at most `limit`, if it is
        not negative.
        """

    def requests_of(self, contract_hash: bytes) -> tuple[StoredRequest, ...]:
        """Return the requests of one contract, in the order they came."""

    def settle(
        self,
        published: Sequence[PublishedStatement],
        refused: Sequence[RefusedRequest],
        at: datetime,
    ) -> None:
        """End pending requests in one transaction: keep what is being published, or why not.

        What is published to a chip that speaks for the household no more stays pending, and is to
        be cleared from the broker.
        """

    def mark_seen(self, seen: Sequence[SeenStatement], at: datetime) -> tuple[bool, ...]:
        """Mark statements as arrived; False: this household key has no such statement."""

    def dead_letters(self, limit: int = 100) -> tuple[DeadLetter, ...]:
        """Return the latest dead letters, newest first."""

    def figures(self) -> StoreFigures:
        """Count what is there; dead letters by reason since the store was made."""

    def expire(self, before: date, limit: int = 10_000) -> int:
        """Delete at most `limit` blocks of days before `before`; returns how many.

        Headers go when all their month lies before `before` and no block was left to delete.
        """

    def close(self) -> None:
        """Close the store."""
