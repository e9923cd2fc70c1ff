"""Where a provider is served: by the API over HTTP, or by the store of an embedded town.

The provider's commands know these interfaces only. `provider.http_backend` is the one
implementation; the other belongs to the collectivity, and `volet` puts it in.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Protocol

from protocol import provider_api as shapes
from protocol.contract import Signed
from protocol.ids import DeviceId, HouseholdKeyId
from protocol.provider_api import ContractFilter, Drafting
from protocol.release import Release
from protocol.schedule import Schedules


class ProviderBackend(Protocol):
    """What a provider asks of the collectivity; hashes and ids are hexadecimal.

    Every method raises `DocumentRefused` for what the collectivity refuses, and `TransportError` or
    `StoreBusy` where trying again is right.
    """

    def contracts(self, wanted: ContractFilter) -> Iterator[shapes.ContractItem]:
        """Give the provider's contracts in the order they came."""

    def contract_document(self, contract: str) -> Signed:
        """Return a contract as the household signed it."""

    def accept(self, contract: str, signed: Signed) -> None:
        """Hand in the acceptance of a contract."""

    def draft(self, contract: str, drafting: Drafting) -> shapes.Draft:
        """Return the unsigned request for one contract."""

    def drafts(self, wanted: ContractFilter, drafting: Drafting) -> Iterator[shapes.Draft]:
        """Give unsigned requests for contracts."""

    def correction(self, statement: str) -> shapes.Draft:
        """Return the unsigned request that corrects a statement."""

    def request_statement(self, signed: Signed) -> shapes.StatementState:
        """Hand in a signed request."""

    def statement(self, statement: str) -> shapes.StatementState:
        """Return how far a statement has come."""

    def put_batch(self, name: str, requests: Iterable[Signed]) -> shapes.Batch:
        """Hand in a batch under an idempotency key."""

    def batches(self) -> Iterator[shapes.Batch]:
        """Give the provider's batches, oldest first."""

    def batch_items(self, batch: str, state: str) -> Iterator[shapes.BatchItem]:
        """Give the statements of a batch in a state."""

    def list_document(self, signed: Signed) -> shapes.ListedEntry:
        """List a document in public."""

    def receipts(self) -> shapes.ReceiptPage:
        """Return some receipts that were not acknowledged."""

    def acknowledge(self, statements: Sequence[str]) -> int:
        """Acknowledge receipts; returns how many."""

    def write_letter(self, signed: Signed) -> shapes.LetterItem:
        """Hand in a private message."""

    def figures(self, measure: str, code: str, start: date, end: date) -> Sequence[Release]:
        """Return what was released of an area over the days [start, end)."""

    def close(self) -> None:
        """Close the connection or the store."""


class OwnContract(Protocol):
    """A contract under the provider's key, as the household signed it, with its offer."""

    @property
    def hash(self) -> bytes:
        """SHA-256 of the contract's body."""

    @property
    def household_key(self) -> HouseholdKeyId:
        """Whose contract it is."""

    @property
    def contract(self) -> Signed:
        """The household's document."""

    @property
    def offer(self) -> Signed:
        """The provider's, which the contract takes."""


class KeptReceipt(Protocol):
    """A receipt as the collectivity keeps it."""

    @property
    def statement(self) -> bytes:
        """The id of the statement that it is for."""

    @property
    def household_key(self) -> HouseholdKeyId:
        """Whose statement it is."""

    @property
    def device(self) -> DeviceId:
        """The chip that sent the receipt."""

    @property
    def payload(self) -> bytes:
        """The chip's signed message as it came."""


class SignedBlock(Protocol):
    """A block as the collectivity keeps it."""

    @property
    def device(self) -> DeviceId:
        """The chip that sent the block."""

    @property
    def day(self) -> date:
        """The day for which it is kept."""

    @property
    def payload(self) -> bytes:
        """The chip's signed message as it came."""


class ReceiptEvidence(Protocol):
    """What the collectivity keeps of receipts, and what a provider checks them against.

    The API has no calls for it yet, so that receipts are checked where the store is.
    """

    @property
    def collectivity(self) -> str:
        """The collectivity's name in topics."""

    def contracts(self) -> Sequence[OwnContract]:
        """Return the provider's contracts in the order they came."""

    def receipts(self, contract: bytes) -> Sequence[KeptReceipt]:
        """Return a contract's receipts in the order they came."""

    def signing_keys(self, household_key: HouseholdKeyId) -> Mapping[DeviceId, bytes]:
        """Return the public keys (Ed25519) of all chips that ever spoke for a household key."""

    def request(self, statement: bytes, contract: bytes) -> Signed | None:
        """Return the request for a statement; None: it was not asked for under this contract."""

    def offer(self, offer_hash: bytes) -> Signed | None:
        """Return a listed offer."""

    def schedules(self) -> Schedules:
        """Return the listed calendars and series."""

    def blocks(
        self, household_key: HouseholdKeyId, start: date, end: date
    ) -> Sequence[SignedBlock]:
        """Return the blocks of the days [start, end), by day and first coefficient."""

    def close(self) -> None:
        """Close the store."""


class EmbeddedTown(Protocol):
    """A collectivity whose store is on this machine, by its directory."""

    def backend(self, directory: Path, provider_key: bytes) -> ProviderBackend:
        """Serve the provider of this public key (Ed25519, 32 bytes) from the store."""

    def evidence(self, directory: Path, provider_key: bytes) -> ReceiptEvidence:
        """Open what the provider's receipts are checked against."""
