"""One provider's operations on the store, without HTTP; the only key used is its public one.

Anything that belongs to another provider is `not_found`, never "forbidden".
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from cloud.api.cells import Cells
from cloud.api.problems import ProblemError, not_found, not_stored
from cloud.billing.progress import progress
from cloud.billing.requests import ask_again, ask_for, check_near
from cloud.billing.statements import end_of, prepare
from cloud.catalogue.log import listed_in
from cloud.store import Put, RequestState, StatementOrder, Store, StoredContract
from cloud.store.bulk_requests import (
    BulkFault,
    BulkProgress,
    BulkRefused,
    BulkRequest,
    BulkRequestItem,
)
from cloud.store.providers import ContractRow
from cloud.store.put import REQUESTS_A_DAY
from protocol import provider_api as shapes
from protocol.calendar import DAY_NUMBER_EPOCH, day_of_number
from protocol.contract import (
    PERIOD_DAYS_MAX,
    Acceptance,
    Contract,
    Signed,
    StatementRequest,
    check_request,
    open_document,
)
from protocol.envelope import decode_body
from protocol.errors import DocumentRefused
from protocol.provider_api import ContractFilter, Drafting
from protocol.schedule import ScheduleMissing

ID_BYTES = 16


class ProviderService:
    """The store, for one provider."""

    def __init__(self, store: Store, provider_key: bytes, cells: Cells) -> None:
        """Serve the provider of this public key (Ed25519, 32 bytes)."""
        self._store = store
        self._key = provider_key
        self._cells = cells

    @property
    def public_key(self) -> Ed25519PublicKey:
        """The key that verifies the provider's documents."""
        return Ed25519PublicKey.from_public_bytes(self._key)

    def contracts(self, wanted: ContractFilter, after: bytes, limit: int) -> shapes.ContractPage:
        """List own contracts; a page may be shorter than `limit` although more follow."""
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
        row = ContractRow(own.hash, own.household_key, own.contract, own.acceptance, own.end)
        item = self._item(row, ContractFilter())
        if item is None:  # pragma: no cover - an empty filter matches all
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
        """Store the provider's acceptance of a contract.

        Raises:
            ProblemError: the provider has no such contract.
            DocumentRefused: it is not signed by the provider, or accepts another contract.
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
        """Store a signed request; return whether it is new. Storing it again changes nothing.

        Raises:
            ProblemError: the contract is not the provider's, or the id belongs to another request.
            DocumentRefused: says what is wrong with it.
        """
        request = open_document(signed, self.public_key, StatementRequest)
        contract = self.own_contract(request.contract)
        now = datetime.now(UTC)
        check_near(day_of_number(request.end), now)
        body = msgspec.msgpack.encode(signed)
        with suppress(ScheduleMissing):  # the request waits for the calendar or series
            prepare(body, contract, listed_in(self._store))
        order = StatementOrder(request.id, contract.hash, contract.household_key, body)
        put = self._store.put_request(order, now)
        if not isinstance(put, Put):
            raise not_stored(put, "request", REQUESTS_A_DAY)
        return self.statement(request.id), put is Put.STORED

    def statement(self, request_id: bytes) -> shapes.StatementState:
        """Return how far a statement has come.

        Raises:
            ProblemError: the provider has no such statement.
        """
        self._own_request(request_id)
        return progress(self._store, request_id)

    def correction(self, request_id: bytes) -> shapes.Draft:
        """Make the request that corrects an own statement: the same days, by the latest offer.

        Raises:
            ProblemError: the provider has no such statement.
            DocumentRefused: it was refused, or is a correction itself.
        """
        contract = self._own_request(request_id)
        request = ask_again(self._store, contract, request_id)
        return shapes.Draft(contract.hash.hex(), shapes.base64(msgspec.msgpack.encode(request)), "")

    def _own_request(self, request_id: bytes) -> StoredContract:
        """Return the contract of an own statement. Raises ProblemError."""
        stored = self._store.request(request_id)
        if stored is None:
            raise not_found("statement")
        try:
            return self.own_contract(stored.order.contract)
        except ProblemError as exc:
            raise not_found("statement") from exc

    def put_batch(
        self, name: str, digest: bytes, items: Callable[[], Iterator[BulkRequestItem]]
    ) -> tuple[shapes.Batch, bool]:
        """Store a batch of verified requests, all or none; return whether it is new.

        Raises:
            ProblemError: a contract is not the provider's own, or an id or the name is taken.
        """
        batch_id = hashlib.sha256(b"volet batch" + self._key + name.encode()).digest()[:ID_BYTES]
        batch = BulkRequest(batch_id, self._key, name, digest, datetime.now(UTC))
        put = self._store.bulk_requests.put_batch(batch, items())
        if isinstance(put, BulkRefused):
            raise _refused(put)
        return self.batch(batch_id), put is Put.STORED

    def drafts(
        self, wanted: ContractFilter, drafting: Drafting, after: bytes, limit: int
    ) -> shapes.DraftPage:
        """Make requests for own contracts that apply on some day of the period.

        Raises:
            ProblemError: no statement can have this period.
        """
        _check_period(drafting)
        page = self.contracts(wanted, after, limit)
        drafts = tuple(
            self._draft(bytes.fromhex(item.contract), drafting)
            for item in page.contracts
            if max(drafting.start, item.start) < min(drafting.end, item.end or drafting.end)
        )
        return shapes.DraftPage(drafts, page.next)

    def draft(self, contract_hash: bytes, drafting: Drafting) -> shapes.DraftPage:
        """Make the request for one own contract.

        Raises:
            ProblemError: there is none.
        """
        _check_period(drafting)
        self.own_contract(contract_hash)
        return shapes.DraftPage((self._draft(contract_hash, drafting),), None)

    def _draft(self, contract_hash: bytes, drafting: Drafting) -> shapes.Draft:
        """Make a request for the part of the period that the contract covers."""
        contract = self.own_contract(contract_hash)
        terms = decode_body(contract.contract.body, Contract)
        start = max(drafting.start, terms.start)
        end = min(drafting.end, end_of(terms, contract.end) or drafting.end)
        try:
            request = ask_for(
                self._store, contract, start, end, without_missing=drafting.without_missing
            )
            check_request(request)
        except DocumentRefused as exc:
            return shapes.Draft(contract_hash.hex(), "", str(exc))
        return shapes.Draft(contract_hash.hex(), shapes.base64(msgspec.msgpack.encode(request)), "")

    def batch(self, batch_id: bytes) -> shapes.Batch:
        """Return how far a batch has come.

        Raises:
            ProblemError: the provider has no such batch.
        """
        return _batch(self._own_batch(batch_id))

    def batches(self, after: bytes, limit: int) -> shapes.BatchPage:
        """List own batches."""
        batches = self._store.bulk_requests.batches(self._key, after, limit)
        progresses = [self._own_batch(batch.id) for batch in batches]
        return shapes.BatchPage(
            tuple(_batch(bulk_progress) for bulk_progress in progresses),
            batches[-1].id.hex() if len(batches) == limit else None,
        )

    def batch_items(
        self, batch_id: bytes, state: str | None, after: int, limit: int
    ) -> shapes.BatchItems:
        """List the statements of an own batch.

        Raises:
            ProblemError: there is no such batch.
        """
        self._own_batch(batch_id)
        lines = self._store.bulk_requests.lines(batch_id, after, limit, state)
        items = tuple(
            shapes.BatchItem(
                line.number,
                line.request.hex(),
                line.contract.hex(),
                RequestState(line.state),
                line.detail,
            )
            for line in lines
        )
        return shapes.BatchItems(items, lines[-1].number if len(lines) == limit else None)

    def _own_batch(self, batch_id: bytes) -> BulkProgress:
        bulk_progress = self._store.bulk_requests.progress(batch_id)
        if bulk_progress is None or bulk_progress.batch.provider_key != self._key:
            raise not_found("batch")
        return bulk_progress

    def _item(self, row: ContractRow, wanted: ContractFilter) -> shapes.ContractItem | None:
        terms = decode_body(row.contract.body, Contract)
        end = end_of(terms, row.end)
        cell = self._cells.of(row.household_key)
        is_out = (
            (wanted.area and not (cell or "").startswith(wanted.area))
            or (wanted.offer and terms.offer != wanted.offer)
            or (wanted.is_accepted not in (None, row.acceptance is not None))
            or (
                wanted.on is not None
                and not (terms.start <= wanted.on and (end is None or wanted.on < end))
            )
        )
        if is_out:
            return None
        return shapes.ContractItem(
            row.hash.hex(),
            row.household_key.hex(),
            terms.offer.hex(),
            terms.start,
            end,
            str(terms.consent),
            terms.follows,
            row.acceptance is not None,
            shapes.base64(terms.sealing_key),
            cell,
        )


def _check_period(drafting: Drafting) -> None:
    """Check that a statement can have this period.

    Raises:
        ProblemError: it cannot.
    """
    days = (drafting.end - drafting.start).days
    if not 0 < days <= PERIOD_DAYS_MAX or drafting.start < DAY_NUMBER_EPOCH:
        raise ProblemError(
            400, f"Ask for 1 to {PERIOD_DAYS_MAX} days since 1970; `to` is the day after them."
        )
    try:
        check_near(drafting.end, datetime.now(UTC))
    except DocumentRefused as exc:
        raise ProblemError(400, str(exc)) from exc


def _refused(refused: BulkRefused) -> ProblemError:
    line = refused.number or None
    if refused.fault is BulkFault.NOT_OWN:
        return ProblemError(
            404,
            f"Line {line}: you have no such contract; the list says which there are.",
            line=line,
        )
    if refused.fault is BulkFault.TAKEN:
        return ProblemError(
            409, f"Line {line}: the id stands for another request; draw a new one.", line=line
        )
    if refused.fault is BulkFault.TOO_MANY:
        return ProblemError(
            429,
            f"Line {line}: a contract takes at most {REQUESTS_A_DAY} requests within a day; ask for "
            "the rest tomorrow.",
            line=line,
        )
    return ProblemError(409, "This key stands for other lines; choose another key for these.")


def _batch(bulk_progress: BulkProgress) -> shapes.Batch:
    batch = bulk_progress.batch
    return shapes.Batch(
        batch.id.hex(),
        batch.name,
        batch.digest.hex(),
        batch.at,
        bulk_progress.total,
        bulk_progress.pending,
        bulk_progress.published,
        bulk_progress.seen,
        bulk_progress.refused,
    )
