"""The transparency log in the cloud: checks new entries, looks documents up, publishes the log."""

from collections.abc import Iterator
from datetime import date
from functools import partial
from weakref import WeakKeyDictionary

import msgspec
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.store import Store
from protocol.catalogue import PAGE_ENTRIES, Catalogue, Entry, next_entry, segments_of
from protocol.contract import Offer, Signed
from protocol.envelope import ALL, Address, seal_message
from protocol.errors import DocumentRefused, StoreError
from protocol.listed import open_listed
from protocol.schedule import Schedules
from protocol.topics import PublicKind, listed_topic, page_topic
from system.mqtt.message import Outgoing
from system.set_aside import SetAside
from tariffs.rules import refuse_spikes

log = structlog.get_logger()

# A chip may ask about a slightly older list.
HEADS_KEPT = 64
# As read; some 20 kB each.
DOCUMENTS_KEPT = 2_048


class OpenedLog:
    """The listed documents, opened once; reads what others have added to the store.

    Use it in the store's thread only.
    """

    def __init__(self, store: Store) -> None:
        """Read from `store`; its register has the names that offers bear."""
        self._store, self._register = store.catalogue, store.providers
        self._set_aside = SetAside()
        self._catalogue = self._empty()
        self._entries: list[Entry] = []

    @property
    def catalogue(self) -> Catalogue:
        """The documents as they are now."""
        return self._refreshed()

    @property
    def entries(self) -> list[Entry]:
        """The list as it is now."""
        self._refreshed()
        return self._entries

    def offer(self, offer_hash: bytes) -> Signed | None:
        """Return a listed offer as its provider signed it."""
        listed = self._refreshed().listed(offer_hash)
        return None if listed is None or listed.kind != "Offer" else self.document(offer_hash)

    def schedules(self) -> Schedules:
        """Return the listed calendars and series; the same object until another one is listed."""
        return self._refreshed().schedules()

    def add(self, signed: Signed, today: date) -> Entry:
        """Check a document and list it; one that is already listed keeps its entry.

        Raises:
            DocumentRefused: names the rule that it breaks.
            StoreError: somebody else has just added to the list.
        """
        catalogue = self._refreshed()
        if signed.hash in catalogue:
            return next(entry for entry in self._entries if entry.hash == signed.hash)
        last = self._entries[-1] if self._entries else None
        if last is not None and today < last.day:
            raise DocumentRefused(f"The last entry is of {last.day}; set this machine's clock.")
        document = open_listed(signed)
        if isinstance(document, Offer):
            self._check_name(document)
            for tariff in document.tariffs:
                refuse_spikes(tariff, catalogue.schedules())
        catalogue.admit(signed, today, len(self._entries))
        try:
            entry = next_entry(last, signed, today)
            self._store.append(entry, signed)
        except StoreError:
            self._catalogue, self._entries = self._empty(), []
            raise
        self._entries.append(entry)
        return entry

    def _check_name(self, offer: Offer) -> None:
        provider = self._register.provider_of(offer.provider_key)
        if provider is None:
            raise DocumentRefused(
                "No provider is registered with the key of this offer; `volet cloud provider add` "
                "registers one."
            )
        if provider.title != offer.provider:
            raise DocumentRefused(
                f"This key is registered for {provider.title}, and the offer names "
                f"{offer.provider}; sign one that bears the registered name."
            )

    def at(self, head: bytes) -> Catalogue | None:
        """Return the documents listed when `head` was the list's, or None if it was not recently.

        Only the latest heads are searched: no chip has an older one.
        """
        catalogue, entries = self._refreshed(), self._entries
        if entries and entries[-1].head == head:
            return catalogue
        known = [entry.number for entry in entries[-HEADS_KEPT:] if entry.head == head]
        return catalogue.at(known[0] + 1) if known else None

    def _empty(self) -> Catalogue:
        return Catalogue(self._store.document, documents_kept=DOCUMENTS_KEPT)

    def _admit(self, catalogue: Catalogue, entry: Entry, signed: Signed) -> None:
        try:
            admit = partial(catalogue.admit, signed, entry.day, entry.number)
            self._set_aside.handle(PublicKind.LIST, signed.body, admit, None, DocumentRefused)
        except DocumentRefused as exc:  # listed by a version of Volet with other rules
            log.warning("listed_document_refused", entry=entry.number, why=str(exc))

    def document(self, document: bytes) -> Signed | None:
        """Return a listed document as it was signed."""
        return self._store.document(document)

    def _refreshed(self) -> Catalogue:
        for entry in self._store.entries(len(self._entries)):
            signed = self._store.document(entry.hash)
            if signed is None:
                raise StoreError(f"Entry {entry.number} of the transparency log has no document.")
            self._admit(self._catalogue, entry, signed)
            self._entries.append(entry)
        return self._catalogue


_LISTED: WeakKeyDictionary[Store, OpenedLog] = WeakKeyDictionary()


def listed_in(store: Store) -> OpenedLog:
    """Return the opened log of a store; it is shared as long as the store is open."""
    if store not in _LISTED:
        _LISTED[store] = OpenedLog(store)
    return _LISTED[store]


class Publisher:
    """Publishes the list's pages and documents as retained messages."""

    def __init__(self, listed: OpenedLog, collectivity: str, key: Ed25519PrivateKey) -> None:
        """Sign pages with `key`."""
        self._listed = listed
        self._collectivity = collectivity
        self._key = key

    def messages(self, first: int) -> tuple[list[Outgoing], int]:
        """Return the messages since the list had `first` entries, and how many it has now.

        Documents come before the page that names them.
        """
        entries = self._listed.entries
        if first >= len(entries):
            return [], len(entries)
        return [*self._documents(entries[first:]), *self._pages(entries, first)], len(entries)

    def _documents(self, entries: list[Entry]) -> Iterator[Outgoing]:
        for entry in entries:
            payload = msgspec.msgpack.encode(self._listed.document(entry.hash))
            topic = listed_topic(self._collectivity, entry.hash)
            yield Outgoing(topic, payload, retain=True)

    def _pages(self, entries: list[Entry], first: int) -> Iterator[Outgoing]:
        page = first // PAGE_ENTRIES
        address = Address(self._collectivity, ALL, PublicKind.LIST)
        for segment in segments_of(entries[page * PAGE_ENTRIES :], page):
            payload = seal_message(address, segment, self._key)
            yield Outgoing(page_topic(self._collectivity, segment.number), payload, retain=True)
