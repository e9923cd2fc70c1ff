"""A provider's documents: what it lists in public, receives from households, and writes to them."""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from cloud.api.problems import ProblemError, not_found, not_stored
from cloud.api.provider import ProviderService
from cloud.catalogue.log import listed_in
from cloud.store import Put, Store
from cloud.store.providers import StoredLetter
from cloud.store.put import LETTERS_A_DAY
from protocol import provider_api as shapes
from protocol.calendar import legal_day
from protocol.catalogue import Entry
from protocol.contract import Signed
from protocol.letters import read_letter
from protocol.listed import open_listed, owner_of
from protocol.provider_api import LetterState


class ProviderDocuments:
    """The transparency log, receipts and letters for one provider."""

    def __init__(self, store: Store, provider_key: bytes, service: ProviderService) -> None:
        """Serve the provider of this public key (Ed25519, 32 bytes)."""
        self._store = store
        self._key = provider_key
        self._service = service

    def list_document(self, signed: Signed) -> tuple[shapes.ListedEntry, bool]:
        """List an own document in public; return whether it is new.

        Raises:
            ProblemError: it is another's.
            DocumentRefused: it breaks a rule; names the place.
        """
        document = open_listed(signed)
        if owner_of(document) != self._key:
            raise ProblemError(422, "This is another's document; list what your own key signed.")
        listed = listed_in(self._store)
        is_new = signed.hash not in listed.catalogue
        return _entry(listed.add(signed, legal_day(datetime.now(UTC)))), is_new

    def listed(self, after: int, limit: int) -> shapes.ListedPage:
        """Return entries of the transparency log."""
        entries = listed_in(self._store).entries[after + 1 : after + 1 + limit]
        more = entries[-1].number if len(entries) == limit else None
        return shapes.ListedPage(tuple(_entry(entry) for entry in entries), more)

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
        """Record which receipts the provider has received."""
        taken = self._store.providers.take_receipts(self._key, statements, datetime.now(UTC))
        return shapes.Acknowledged(taken)

    def write_letter(self, signed: Signed) -> tuple[shapes.LetterItem, bool]:
        """Store a private message for its household; return whether it is new.

        Raises:
            ProblemError: the contract is not the provider's, or the id belongs to another letter.
            DocumentRefused: it has another's signature, or is too long.
        """
        letter = read_letter(signed, self._service.public_key)
        contract = self._service.own_contract(letter.contract)
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
            raise not_stored(put, "letter", LETTERS_A_DAY)
        return self.letter(letter.id), put is Put.STORED

    def letter(self, letter_id: bytes) -> shapes.LetterItem:
        """Return how far an own letter has come.

        Raises:
            ProblemError: there is none.
        """
        stored = self._store.providers.letter(letter_id)
        if stored is None:
            raise not_found("letter")
        try:
            self._service.own_contract(stored.contract)
        except ProblemError as exc:
            raise not_found("letter") from exc
        return shapes.LetterItem(stored.id.hex(), stored.contract.hex(), stored.state)


def _entry(entry: Entry) -> shapes.ListedEntry:
    return shapes.ListedEntry(
        entry.number, entry.day, entry.kind, entry.hash.hex(), entry.head.hex()
    )
