"""The cloud's storage interface and its values.

`Store` is all that the rest of the cloud knows. `cloud.store.sqlite.store` is the embedded default.
A store belongs to the thread that opened it, and its times are exact to the second. Everything a
chip signed is stored as its original payload, so that it can be sent back and verified again.
"""

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from hashlib import sha256
from typing import Protocol

import msgspec
from msgspec import field

from cloud.store.area import AreaStore as AreaStore
from cloud.store.bulk_requests import BulkRequestStore as BulkRequestStore
from cloud.store.catalogue import CatalogueStore as CatalogueStore
from cloud.store.fleet import FleetStore as FleetStore
from cloud.store.moving import MovingStore
from cloud.store.providers import ProviderStore as ProviderStore
from cloud.store.put import Count as Count
from cloud.store.put import Put as Put
from cloud.store.receipts import ReceiptStore as ReceiptStore
from cloud.store.versions import VersionStore as VersionStore
from protocol import versions
from protocol.contract import Signed
from protocol.errors import Reason
from protocol.ids import DeviceId, HouseholdKeyId, Incarnation
from protocol.messages import Block, Epoch, IncarnationState
from protocol.provider_api import RequestState as RequestState


class Device(msgspec.Struct, frozen=True):
    """One enrolment: this chip signs for this household key, from `since` until `until`.

    `signing_key` is the Ed25519 public key, 32 bytes. A device has one enrolment at a time.
    `version` is that of the wire in which messages to it are written, as the store knows it.
    """

    device: DeviceId
    signing_key: bytes
    household_key: HouseholdKeyId
    since: datetime
    until: datetime | None = None
    is_revoked: bool = False
    version: int = field(default_factory=lambda: versions.VERSIONS.oldest)


class StoredContract(msgspec.Struct, frozen=True):
    """A contract with its offer; `hash` is that of the contract's body.

    `acceptance` is the provider's signature, None until it accepts. `end` is the day after the last
    day, if the household has ended the contract.
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
    """A verified header to be stored."""

    device: DeviceId
    topic: str
    epoch: Epoch
    payload: bytes


class BlockItem(msgspec.Struct, frozen=True):
    """A verified block to be stored."""

    device: DeviceId
    topic: str
    block: Block
    payload: bytes


class DeadLetter(msgspec.Struct, frozen=True):
    """A refused message: its topic, the reason, its size and hash, but no payload."""

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
    """The input of one `put_batch`: headers are stored first, then blocks, and dead letters."""

    at: datetime
    epochs: Sequence[EpochItem] = ()
    blocks: Sequence[BlockItem] = ()
    refused: Sequence[DeadLetter] = ()


class BatchOutcome(msgspec.Struct, frozen=True):
    """One outcome per item, in the batch's order; a `Reason` means that it was not stored.

    Items that the store itself refuses (`conflict`, `no_epoch`, `out_of_bounds`) are dead-lettered
    in the same transaction.
    """

    epochs: tuple[Put | Reason, ...]
    blocks: tuple[Put | Reason, ...]


class Holdings(msgspec.Struct, frozen=True):
    """The states of all incarnations of a household key, ordered by incarnation.

    A state includes everything ever stored of an incarnation, even blocks deleted after their
    retention time. An incarnation of which everything was deleted has none.
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
    """A block as it came; `coefficients` are its payload's, 8 bytes each, little-endian."""

    device: DeviceId
    incarnation: Incarnation
    sequence: int
    day: date
    j0: int
    coefficients: bytes
    payload: bytes


class StatementOrder(msgspec.Struct, frozen=True):
    """A provider's request as it was submitted; `request` holds its exact bytes."""

    id: bytes
    contract: bytes
    household_key: HouseholdKeyId
    request: bytes


class StoredRequest(msgspec.Struct, frozen=True):
    """A request and its progress.

    `device` and `statement` (the signed payload) are set on publication. `detail` is the reason of
    a refusal.
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
    """A chip of this household key reports that this statement has arrived."""

    household_key: HouseholdKeyId
    id: bytes


class StoreFigures(msgspec.Struct, frozen=True):
    """The counts that an operator may see; they contain nothing about a household."""

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
    version: int
    chips_by_version: tuple[Count, ...]


class Store(MovingStore, Protocol):
    """The cloud's store.

    Every method raises `StoreBusy` if a retry can help and `StoreError` if the store is damaged. A
    method that raises has written nothing.
    """

    @property
    def generation(self) -> bytes:
        """8 random bytes drawn when the store was made, so that stores can be distinguished."""

    @property
    def area(self) -> AreaStore:
        """The storage of area figures, in the same store and thread."""

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
        """The latest state of each chip, in the same store and thread."""

    @property
    def versions(self) -> VersionStore:
        """The versions of the wire, in the same store and thread."""

    @property
    def receipts(self) -> ReceiptStore:
        """Households' receipts for statements, in the same store and thread."""

    def transaction(self) -> AbstractContextManager[None]:
        """Open a transaction: either everything written within it is stored, or nothing.

        A nested transaction is a part of the outer one.
        """

    def enrol(self, device: Device) -> None:
        """Store an enrolment; it ends the device's enrolment under any other household key."""

    def revoke(self, device: DeviceId) -> bool:
        """Revoke a device: nothing it signs is accepted any more. False if it is unknown.

        Statements and provider messages that it has not seen wait for the household's next chip.
        """

    def devices(self, ids: Collection[DeviceId] | None = None) -> tuple[Device, ...]:
        """Return the current enrolments of `ids`, or of all, revoked ones included."""

    def device_of(self, household_key: HouseholdKeyId) -> Device | None:
        """Return the current enrolment for a household key, unless it is revoked."""

    def put_contract(self, contract: StoredContract) -> None:
        """Store a contract; storing it again changes nothing."""

    def put_next_contract(self, contract: StoredContract, last_day: date, at: datetime) -> None:
        """Store a contract, and end the household's others with `last_day` at the latest."""

    def contracts_of(self, household_key: HouseholdKeyId) -> tuple[StoredContract, ...]:
        """Return a household's contracts, oldest first."""

    def accept(self, contract_hash: bytes, acceptance: Signed) -> bool:
        """Store a provider's verified acceptance, unless there is one. False: no such contract."""

    def contract(self, contract_hash: bytes) -> StoredContract | None:
        """Return the contract of this hash."""

    def contracts(self) -> tuple[StoredContract, ...]:
        """Return all contracts, oldest first."""

    def put_batch(self, batch: IngestBatch) -> BatchOutcome:
        """Store a batch in one durable transaction."""

    def holdings(self, household_keys: Collection[HouseholdKeyId]) -> tuple[Holdings, ...]:
        """Return what is stored for each household key, in the order given."""

    def epochs(
        self, household_key: HouseholdKeyId, incarnation: Incarnation | None = None
    ) -> tuple[StoredEpoch, ...]:
        """Return the headers of one or all incarnations of a household key, by month."""

    def blocks(
        self, household_key: HouseholdKeyId, incarnation: Incarnation, sequence: int, count: int
    ) -> tuple[StoredBlock, ...]:
        """Return at most `count` blocks of one incarnation, in order, starting at `sequence`."""

    def blocks_of_days(
        self, household_key: HouseholdKeyId, start: date, end: date
    ) -> tuple[StoredBlock, ...]:
        """Return the blocks of the days [start, end), by day and first coefficient."""

    def put_request(self, order: StatementOrder, at: datetime) -> Put | Reason:
        """Store a request.

        `conflict` if its id belongs to different bytes, `over_quota` if its contract has had
        `REQUESTS_A_DAY` within a day.
        """

    def request(self, request_id: bytes) -> StoredRequest | None:
        """Return the request of this id."""

    def requests(
        self, state: RequestState | None = None, after: bytes = b"", limit: int = -1
    ) -> tuple[StoredRequest, ...]:
        """Return the requests in a state, or all, oldest first.

        If `after` is given, only requests that came after it; if `limit` is not negative, at most
        that many.
        """

    def requests_of(self, contract_hash: bytes) -> tuple[StoredRequest, ...]:
        """Return the requests of one contract, oldest first."""

    def settle(
        self,
        published: Sequence[PublishedStatement],
        refused: Sequence[RefusedRequest],
        at: datetime,
    ) -> None:
        """End pending requests in one transaction, by publication or by refusal.

        A statement for a chip that no longer speaks for the household stays pending, and is marked
        to be cleared from the broker.
        """

    def mark_seen(self, seen: Sequence[SeenStatement], at: datetime) -> tuple[bool, ...]:
        """Mark statements as arrived; False if the household key has no such statement."""

    def dead_letters(self, limit: int = 100) -> tuple[DeadLetter, ...]:
        """Return the latest dead letters, newest first."""

    def figures(self) -> StoreFigures:
        """Count what is stored; dead letters are counted by reason since the store was made."""

    def metered_days(self, start: date, end: date) -> int:
        """Count the days in [start, end) of which a block of any chip is stored."""

    def expire(self, before: date, limit: int = 10_000) -> int:
        """Delete at most `limit` blocks of days before `before`; return how many were deleted.

        A header is deleted once its whole month lies before `before` and no blocks are left to
        delete, and an incarnation is forgotten with its last header.
        """

    def close(self) -> None:
        """Close the store."""
