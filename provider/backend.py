"""Interfaces through which a provider is served: by the API over HTTP or by a local store.

The provider's commands depend only on these interfaces. `provider.http_backend` implements the
service over HTTP. The local implementation belongs to the collectivity, and `volet` injects it.
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
    """The collectivity's service for a provider; hashes and ids are hexadecimal.

    Every method raises `DocumentRefused` if the collectivity refuses the request, and
    `TransportError` or `StoreBusy` if the caller should retry.
    """

    def contracts(self, wanted: ContractFilter) -> Iterator[shapes.ContractItem]:
        """Yield the provider's contracts in the order of their arrival."""

    def contract_document(self, contract: str) -> Signed:
        """Return a contract as the household signed it."""

    def accept(self, contract: str, signed: Signed) -> None:
        """Submit the acceptance of a contract."""

    def draft(self, contract: str, drafting: Drafting) -> shapes.Draft:
        """Return the unsigned request for one contract."""

    def drafts(self, wanted: ContractFilter, drafting: Drafting) -> Iterator[shapes.Draft]:
        """Yield the unsigned requests for contracts."""

    def correction(self, statement: str) -> shapes.Draft:
        """Return the unsigned request that corrects a statement."""

    def request_statement(self, signed: Signed) -> shapes.StatementState:
        """Submit a signed request."""

    def statement(self, statement: str) -> shapes.StatementState:
        """Return the state of a statement."""

    def put_batch(self, name: str, requests: Iterable[Signed]) -> shapes.Batch:
        """Submit a batch under an idempotency key."""

    def batches(self) -> Iterator[shapes.Batch]:
        """Yield the provider's batches, oldest first."""

    def batch_items(self, batch: str, state: str) -> Iterator[shapes.BatchItem]:
        """Yield the statements of a batch that are in a state."""

    def list_document(self, signed: Signed) -> shapes.ListedEntry:
        """Add a document to the transparency log."""

    def receipts(self) -> shapes.ReceiptPage:
        """Return a page of receipts that are not acknowledged yet."""

    def acknowledge(self, statements: Sequence[str]) -> int:
        """Acknowledge receipts, and return how many."""

    def write_letter(self, signed: Signed) -> shapes.LetterItem:
        """Submit a private message."""

    def figures(self, measure: str, code: str, start: date, end: date) -> Sequence[Release]:
        """Return the releases of an area over the days [start, end)."""

    def close(self) -> None:
        """Close the connection or the store."""


class OwnContract(Protocol):
    """A contract under the provider's key, with its offer."""

    @property
    def hash(self) -> bytes:
        """SHA-256 of the contract's body."""

    @property
    def household_key(self) -> HouseholdKeyId:
        """The household's key."""

    @property
    def contract(self) -> Signed:
        """The document that the household signed."""

    @property
    def offer(self) -> Signed:
        """The provider's offer that the contract takes."""


class KeptReceipt(Protocol):
    """A receipt as the collectivity stores it."""

    @property
    def statement(self) -> bytes:
        """The id of its statement."""

    @property
    def household_key(self) -> HouseholdKeyId:
        """The key of the statement's household."""

    @property
    def device(self) -> DeviceId:
        """The chip that sent the receipt."""

    @property
    def payload(self) -> bytes:
        """The chip's signed message as it arrived."""


class SignedBlock(Protocol):
    """A block as the collectivity stores it."""

    @property
    def device(self) -> DeviceId:
        """The chip that sent the block."""

    @property
    def day(self) -> date:
        """The day for which it is stored."""

    @property
    def payload(self) -> bytes:
        """The chip's signed message as it arrived."""


class ReceiptEvidence(Protocol):
    """The stored receipts, and the evidence that a provider checks them against.

    The API has no calls for them yet, so receipts are checked on the machine of the store.
    """

    @property
    def collectivity(self) -> str:
        """The collectivity's name in topics."""

    def contracts(self) -> Sequence[OwnContract]:
        """Return the provider's contracts in the order of their arrival."""

    def receipts(self, contract: bytes) -> Sequence[KeptReceipt]:
        """Return a contract's receipts in the order of their arrival."""

    def signing_keys(self, household_key: HouseholdKeyId) -> Mapping[DeviceId, bytes]:
        """Return the public keys (Ed25519) of all chips that a household key has ever had."""

    def request(self, statement: bytes, contract: bytes) -> Signed | None:
        """Return the request for a statement, or None if there is none under this contract."""

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
        """Open the evidence for the provider's receipts."""
