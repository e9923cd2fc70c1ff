"""The providers' service without HTTP, for a provider on the store's machine.

`volet` passes both classes where `provider.backend` needs a `ProviderBackend` and
`ReceiptEvidence`; they take and return the same values as the API.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import ParamSpec, TypeVar

import msgspec

from cloud.api.cells import Cells
from cloud.api.documents import ProviderDocuments
from cloud.api.problems import ProblemError
from cloud.api.provider import ProviderService
from cloud.api.upload import Upload
from cloud.catalogue.log import listed_in
from cloud.release.reading import Period, releases_of
from cloud.store import Store, StoredBlock, StoredContract
from cloud.store.receipts import StoredReceipt
from protocol import provider_api as shapes
from protocol.contract import Signed
from protocol.errors import DocumentRefused
from protocol.ids import DeviceId, HouseholdKeyId
from protocol.packed import read_packed
from protocol.provider_api import ContractFilter, Drafting
from protocol.release import Release
from protocol.schedule import Schedules

P = ParamSpec("P")
T = TypeVar("T")


class LocalBackend:
    """The API's answers to one provider, from an open store."""

    def __init__(self, store: Store, provider_key: bytes) -> None:
        """Serve the provider of this public key (Ed25519, 32 bytes)."""
        self._store = store
        self._service = ProviderService(store, provider_key, Cells())
        self._documents = ProviderDocuments(store, provider_key, self._service)

    def contracts(self, wanted: ContractFilter) -> Iterator[shapes.ContractItem]:
        """Yield the provider's contracts, oldest first."""
        after: str | None = ""
        while after is not None:
            page = self._service.contracts(wanted, bytes.fromhex(after), shapes.LIMIT_MAX)
            yield from page.contracts
            after = page.next

    def contract_document(self, contract: str) -> Signed:
        """Return a contract as the household signed it."""
        return _call(self._service.own_contract, _bytes(contract)).contract

    def accept(self, contract: str, signed: Signed) -> None:
        """Store the acceptance of a contract."""
        _call(self._service.accept, _bytes(contract), signed)

    def draft(self, contract: str, drafting: Drafting) -> shapes.Draft:
        """Return the unsigned request for one contract."""
        (draft,) = _call(self._service.draft, _bytes(contract), drafting).drafts
        return draft

    def drafts(self, wanted: ContractFilter, drafting: Drafting) -> Iterator[shapes.Draft]:
        """Yield unsigned requests for contracts."""
        after: str | None = ""
        while after is not None:
            page = _call(self._service.drafts, wanted, drafting, bytes.fromhex(after), shapes.LIMIT)
            yield from page.drafts
            after = page.next

    def correction(self, statement: str) -> shapes.Draft:
        """Return the unsigned request that corrects a statement."""
        return _call(self._service.correction, _bytes(statement))

    def request_statement(self, signed: Signed) -> shapes.StatementState:
        """Store a signed request."""
        return _call(self._service.request_statement, signed)[0]

    def statement(self, statement: str) -> shapes.StatementState:
        """Return how far a statement has come."""
        return _call(self._service.statement, _bytes(statement))

    def put_batch(self, name: str, requests: Iterable[Signed]) -> shapes.Batch:
        """Store a batch under an idempotency key."""
        upload = Upload(self._service.public_key)
        try:
            for number, signed in enumerate(requests, start=1):
                _call(upload.take, [(number, msgspec.json.encode(signed))])
            return _call(self._service.put_batch, name, upload.digest, upload.items)[0]
        finally:
            upload.close()

    def batches(self) -> Iterator[shapes.Batch]:
        """Yield the provider's batches, oldest first."""
        after: str | None = ""
        while after is not None:
            page = self._service.batches(bytes.fromhex(after), shapes.LIMIT)
            yield from page.batches
            after = page.next

    def batch_items(self, batch: str, state: str) -> Iterator[shapes.BatchItem]:
        """Yield the statements of a batch in a state."""
        after: int | None = 0
        while after is not None:
            page = _call(self._service.batch_items, _bytes(batch), state, after, shapes.LIMIT_MAX)
            yield from page.items
            after = page.next

    def list_document(self, signed: Signed) -> shapes.ListedEntry:
        """List a document in the transparency log."""
        return _call(self._documents.list_document, signed)[0]

    def receipts(self) -> shapes.ReceiptPage:
        """Return some receipts that were not acknowledged."""
        return self._documents.receipts(b"", shapes.LIMIT, is_new=True)

    def acknowledge(self, statements: Sequence[str]) -> int:
        """Acknowledge receipts; return how many."""
        return self._documents.acknowledge(
            [_bytes(statement) for statement in statements]
        ).acknowledged

    def write_letter(self, signed: Signed) -> shapes.LetterItem:
        """Store a private message for its household."""
        return _call(self._documents.write_letter, signed)[0]

    def figures(self, measure: str, code: str, start: date, end: date) -> Sequence[Release]:
        """Return what was released for an area over the days [start, end)."""
        return releases_of(self._store.area, measure, code, Period(start, end))

    def close(self) -> None:
        """Close the store."""
        self._store.close()


class LocalEvidence:
    """The store's evidence for one provider's receipts."""

    def __init__(self, store: Store, provider_key: bytes, collectivity: str) -> None:
        """Read for the provider of this public key (Ed25519, 32 bytes)."""
        self._store = store
        self._key = provider_key
        self._listed = listed_in(store)
        self.collectivity = collectivity

    def contracts(self) -> tuple[StoredContract, ...]:
        """Return the provider's contracts, oldest first."""
        return tuple(
            contract for contract in self._store.contracts() if contract.provider_key == self._key
        )

    def receipts(self, contract: bytes) -> tuple[StoredReceipt, ...]:
        """Return a contract's receipts, oldest first."""
        return self._store.receipts.of_contract(contract)

    def signing_keys(self, household_key: HouseholdKeyId) -> Mapping[DeviceId, bytes]:
        """Return the Ed25519 public keys of all chips ever enrolled for a household key."""
        return self._store.receipts.signing_keys(household_key)

    def request(self, statement: bytes, contract: bytes) -> Signed | None:
        """Return the request for a statement; None if this contract has no such request."""
        stored = self._store.request(statement)
        if stored is None or stored.order.contract != contract:
            return None
        return read_packed(stored.order.request, Signed)

    def offer(self, offer_hash: bytes) -> Signed | None:
        """Return a listed offer."""
        return self._listed.offer(offer_hash)

    def schedules(self) -> Schedules:
        """Return the listed calendars and series."""
        return self._listed.schedules()

    def blocks(
        self, household_key: HouseholdKeyId, start: date, end: date
    ) -> tuple[StoredBlock, ...]:
        """Return the blocks of the days [start, end), by day and first coefficient."""
        return self._store.blocks_of_days(household_key, start, end)

    def close(self) -> None:
        """Close the store."""
        self._store.close()


def _call(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function; raise its refusals as the API's client does.

    Raises:
        DocumentRefused: the API would answer with a problem.
    """
    try:
        return function(*args, **kwargs)
    except ProblemError as exc:
        raise DocumentRefused(str(exc)) from exc


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as exc:
        raise DocumentRefused(f"{text} is no hash or id in hexadecimal.") from exc
