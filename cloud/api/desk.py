"""What one provider may ask of the store; knows no HTTP, and no key but the provider's public one.

What belongs to another provider is not there: `not_found`, never "forbidden".
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from cloud.api import shapes
from cloud.api.cells import Cells
from cloud.api.problems import ProblemError, not_found
from cloud.catalogue import listed_in
from cloud.provider import progress
from cloud.statements import prepare
from cloud.store import Put, RequestState, StatementOrder, Store, StoredContract
from cloud.store.batches import BatchItem, BatchProgress, BatchRefused, Fault, NewBatch
from cloud.store.providers import ContractRow, LetterState, StoredLetter
from protocol.calendar import legal_day
from protocol.catalogue import Entry, open_listed
from protocol.contract import (
    Acceptance,
    Contract,
    Offer,
    Signed,
    StatementRequest,
    open_document,
)
from protocol.envelope import decode_body
from protocol.letters import read_letter

ID_BYTES = 16


class Wanted(msgspec.Struct, frozen=True):
    """Which contracts a list is to hold: all that every given condition holds for."""

    area: str = ""
    on: date | None = None
    offer: bytes = b""
    is_accepted: bool | None = None


class Desk:
    """The store, for one provider."""

    def __init__(self, store: Store, provider_key: bytes, cells: Cells) -> None:
        """Serve the provider of this public key (Ed25519, 32 bytes)."""
        self._store = store
        self._key = provider_key
        self._cells = cells

    @property
    def public_key(self) -> Ed25519PublicKey:
        """What the provider's documents are verified with."""
        return Ed25519PublicKey.from_public_bytes(self._key)

    def contracts(self, wanted: Wanted, after: bytes, limit: int) -> shapes.ContractPage:
        """List own contracts; a page may be shorter than `limit` though more follow."""
        self._cells.refresh(self._store.area)
        rows = self._store.providers.contracts_of(self._key, after, limit)
        items = tuple(item for row in rows if (item := self._item(row, wanted)))
        return shapes.ContractPage(items, rows[-1].hash.hex() if len(rows) == limit else None)

    def contract(self, contract_hash: bytes) -> shapes.ContractItem:
        """Return an own contract.

        Raises:
            ProblemError: there is none.
        """
        self._cells.refresh(self._store.area)
        own = self.own_contract(contract_hash)
        row = ContractRow(own.hash, own.household_key, own.contract, own.acceptance)
        item = self._item(row, Wanted())
        if item is None:  # pragma: no cover - nothing is wanted of it
            raise not_found("contract")
        return item

    def own_contract(self, contract_hash: bytes) -> StoredContract:
        """Return an own contract as it is stored.

        Raises:
            ProblemError: there is none.
        """
        contract = self._store.contract(contract_hash)
        if contract is None or contract.provider_key != self._key:
            raise not_found("contract")
        return contract

    def accept(self, contract_hash: bytes, signed: Signed) -> shapes.Accepted:
        """Keep the provider's acceptance of a contract.

        Raises:
            ProblemError: there is no such contract of its own.
            DocumentRefused: it is not signed by the provider, or is of another contract.
        """
        self.own_contract(contract_hash)
        acceptance = open_document(signed, self.public_key, Acceptance)
        if acceptance.contract != contract_hash:
            raise ProblemError(
                422, "The acceptance names another contract than the path; sign this one's."
            )
        self._store.accept(contract_hash, signed)
        return shapes.Accepted(contract_hash.hex(), is_accepted=True)

    def request_statement(self, signed: Signed) -> tuple[shapes.StatementState, bool]:
        """Keep a signed request; says whether it is new. The same again changes nothing.

        Raises:
            ProblemError: the contract is not the provider's, or the id stands for another request.
            DocumentRefused: with what is wrong with it.
        """
        request = open_document(signed, self.public_key, StatementRequest)
        contract = self.own_contract(request.contract)
        body = msgspec.msgpack.encode(signed)
        prepare(body, contract, listed_in(self._store))
        order = StatementOrder(request.id, contract.hash, contract.household_key, body)
        put = self._store.put_request(order, datetime.now(UTC))
        if not isinstance(put, Put):
            raise ProblemError(409, "This id stands for another request; draw a new one.")
        return self.statement(request.id), put is Put.STORED

    def statement(self, request_id: bytes) -> shapes.StatementState:
        """Say how far a statement has come.

        Raises:
            ProblemError: there is none of the provider's own contracts.
        """
        stored = self._store.request(request_id)
        if stored is None:
            raise not_found("statement")
        try:
            self.own_contract(stored.order.contract)
        except ProblemError as exc:
            raise not_found("statement") from exc
        return msgspec.convert(
            progress(self._store, request_id), shapes.StatementState, from_attributes=True
        )

    def put_batch(
        self, name: str, digest: bytes, items: Callable[[], Iterator[BatchItem]]
    ) -> tuple[shapes.Batch, bool]:
        """Keep a batch of verified requests, all of them or none; says whether it is new.

        Raises:
            ProblemError: a contract is not the provider's own, an id or the name is taken.
        """
        batch_id = hashlib.sha256(b"volet batch" + self._key + name.encode()).digest()[:ID_BYTES]
        batch = NewBatch(batch_id, self._key, name, digest, datetime.now(UTC))
        put = self._store.batches.put_batch(batch, items())
        if isinstance(put, BatchRefused):
            raise _refused(put)
        return self.batch(batch_id), put is Put.STORED

    def batch(self, batch_id: bytes) -> shapes.Batch:
        """Say how far a batch has come.

        Raises:
            ProblemError: there is none of the provider's own.
        """
        return _batch(self._own_batch(batch_id))

    def batches(self, after: bytes, limit: int) -> shapes.BatchPage:
        """List own batches."""
        found = self._store.batches.batches(self._key, after, limit)
        counted = [self._own_batch(each.id) for each in found]
        return shapes.BatchPage(
            tuple(_batch(each) for each in counted),
            found[-1].id.hex() if len(found) == limit else None,
        )

    def batch_items(
        self, batch_id: bytes, state: str | None, after: int, limit: int
    ) -> shapes.BatchItems:
        """List the statements of an own batch.

        Raises:
            ProblemError: there is no such batch.
        """
        self._own_batch(batch_id)
        lines = self._store.batches.lines(batch_id, after, limit, state)
        items = tuple(
            shapes.BatchItem(
                each.number,
                each.request.hex(),
                each.contract.hex(),
                RequestState(each.state),
                each.detail,
            )
            for each in lines
        )
        return shapes.BatchItems(items, lines[-1].number if len(lines) == limit else None)

    def list_document(self, signed: Signed) -> tuple[shapes.ListedEntry, bool]:
        """List an own document in public; says whether it is new.

        Raises:
            ProblemError: it is another's.
            DocumentRefused: it breaks a rule; names the place.
        """
        document = open_listed(signed)
        publisher = (
            document.provider_key
            if isinstance(document, Offer)
            else bytes.fromhex(document.publisher)
        )
        if publisher != self._key:
            raise ProblemError(422, "This is another's document; list what your own key signed.")
        listed = listed_in(self._store)
        is_new = signed.hash not in listed.catalogue
        return _entry(listed.add(signed, legal_day(datetime.now(UTC)))), is_new

    def listed(self, after: int, limit: int) -> shapes.ListedPage:
        """Return entries of the public list."""
        entries = listed_in(self._store).entries[after + 1 : after + 1 + limit]
        more = entries[-1].number if len(entries) == limit else None
        return shapes.ListedPage(tuple(_entry(each) for each in entries), more)

    def listed_document(self, document: bytes) -> shapes.SignedDocument:
        """Return a listed document as it was signed.

        Raises:
            ProblemError: it is not listed.
        """
        signed = listed_in(self._store).document(document)
        if signed is None:
            raise not_found("document")
        return shapes.document_of(signed)

    def receipts(self, after: bytes, limit: int, *, is_new: bool) -> shapes.ReceiptPage:
        """List receipts for own statements."""
        rows = self._store.providers.receipts_of(self._key, after, limit, is_new=is_new)
        items = tuple(
            shapes.ReceiptItem(
                row.statement.hex(),
                row.contract.hex(),
                row.device,
                shapes.base64(row.payload),
                row.at,
                row.is_taken,
            )
            for row in rows
        )
        return shapes.ReceiptPage(items, items[-1].statement if len(items) == limit else None)

    def acknowledge(self, statements: Sequence[bytes]) -> shapes.Acknowledged:
        """Note which receipts are kept."""
        taken = self._store.providers.take_receipts(self._key, statements, datetime.now(UTC))
        return shapes.Acknowledged(taken)

    def write_letter(self, signed: Signed) -> tuple[shapes.LetterItem, bool]:
        """Keep a private message for its household; says whether it is new.

        Raises:
            ProblemError: the contract is not the provider's, or the id stands for another letter.
            DocumentRefused: another's signature, or too long.
        """
        letter = read_letter(signed, self.public_key)
        contract = self.own_contract(letter.contract)
        stored = StoredLetter(
            letter.id,
            contract.hash,
            contract.household_key,
            msgspec.msgpack.encode(signed),
            LetterState.PENDING,
            datetime.now(UTC),
        )
        put = self._store.providers.put_letter(stored)
        if not isinstance(put, Put):
            raise ProblemError(409, "This id stands for another letter; draw a new one.")
        return self.letter(letter.id), put is Put.STORED

    def letter(self, letter_id: bytes) -> shapes.LetterItem:
        """Say how far an own letter has come.

        Raises:
            ProblemError: there is none.
        """
        stored = self._store.providers.letter(letter_id)
        if stored is None:
            raise not_found("letter")
        try:
            self.own_contract(stored.contract)
        except ProblemError as exc:
            raise not_found("letter") from exc
        return shapes.LetterItem(stored.id.hex(), stored.contract.hex(), stored.state)

    def _own_batch(self, batch_id: bytes) -> BatchProgress:
        found = self._store.batches.progress(batch_id)
        if found is None or found.batch.provider_key != self._key:
            raise not_found("batch")
        return found

    def _item(self, row: ContractRow, wanted: Wanted) -> shapes.ContractItem | None:
        terms = decode_body(row.contract.body, Contract)
        cell = self._cells.of(row.household_key)
        is_out = (
            (wanted.area and not (cell or "").startswith(wanted.area))
            or (wanted.offer and terms.offer != wanted.offer)
            or (wanted.is_accepted not in (None, row.acceptance is not None))
            or (
                wanted.on is not None
                and not (terms.start <= wanted.on and (terms.end is None or wanted.on < terms.end))
            )
        )
        if is_out:
            return None
        return shapes.ContractItem(
            row.hash.hex(),
            row.household_key.hex(),
            terms.offer.hex(),
            terms.start,
            terms.end,
            str(terms.consent),
            terms.follows,
            row.acceptance is not None,
            shapes.base64(terms.sealing_key),
            cell,
        )


def _entry(entry: Entry) -> shapes.ListedEntry:
    return shapes.ListedEntry(
        entry.number, entry.day, entry.kind, entry.hash.hex(), entry.head.hex()
    )


def _refused(refused: BatchRefused) -> ProblemError:
    line = refused.number or None
    if refused.fault is Fault.NOT_OWN:
        return ProblemError(
            404,
            f"Line {line}: you have no such contract; the list says which there are.",
            line=line,
        )
    if refused.fault is Fault.TAKEN:
        return ProblemError(
            409, f"Line {line}: the id stands for another request; draw a new one.", line=line
        )
    return ProblemError(409, "This key stands for other lines; choose another key for these.")


def _batch(found: BatchProgress) -> shapes.Batch:
    batch = found.batch
    return shapes.Batch(
        batch.id.hex(),
        batch.name,
        batch.digest.hex(),
        batch.at,
        found.total,
        found.pending,
        found.published,
        found.seen,
        found.refused,
    )
