"""Reads the transparency log: segments must extend the copy, and documents are admitted in order.

The log is the same for everyone and only grows. A signed segment with other or fewer entries than
the copy is kept as proof and reported to the household; the copy does not change.
"""

import hashlib
from functools import partial

import msgspec
import structlog

from edge.identity.platform_keys import for_stored
from edge.vault.catalogue import AlarmKind, LogAlarm
from edge.vault.reader import VaultReader
from edge.vault.vault import Vault
from protocol.catalogue import PAGE_ENTRIES, Catalogue, Entry, Segment, check_chain
from protocol.contract import Signed
from protocol.envelope import ALL, Address, VerifyingKey, open_message
from protocol.errors import DocumentRefused, MessageRefused, Reason
from protocol.listed import Listed, read_signed
from protocol.packed import read_packed
from protocol.topics import (
    CatalogueTopic,
    PublicKind,
    listed_topic,
    page_topic,
    parse_catalogue_topic,
)
from system.clock import Clock
from system.set_aside import SetAside

# Documents are subscribed a few at a time, so that a long log does not fill the link's queue.
DOCUMENTS_AT_ONCE = 32
# Missing documents are subscribed anew after this time, because the link may have dropped them.
RENEW_S = 300.0
# Two hundred products a month for ten years; a longer log must not fill the chip's card.
DOCUMENTS_MAX_BYTES = 128 * 1024 * 1024

log = structlog.get_logger()


class Copy:
    """The vault's copy of the log: its entries, and the documents admitted so far."""

    def __init__(
        self,
        vault: VaultReader,
        collectivity: str,
        key: VerifyingKey,
        set_aside: SetAside | None = None,
    ) -> None:
        """Read the copy in `vault`; `key` is the platform's."""
        self._set_aside = set_aside or SetAside()
        self.address = Address(collectivity, ALL, PublicKind.LIST)
        self.key = key
        self.entries: list[Entry] = []
        self._tables = vault.catalogue
        self.catalogue = Catalogue(self._load)
        self._sizes = self._tables.document_sizes()
        stored_key = for_stored(key)
        try:
            for payload in self._tables.pages():
                self.entries += open_message(self.address, payload, stored_key, Segment).entries
        except MessageRefused:
            self.entries = []
        # The household has moved from another collectivity.
        self.is_foreign = not self.entries and bool(self._sizes)
        rows = [] if self.is_foreign else self._tables.listed()
        for row in rows:
            if row:
                self.catalogue.restore(read_packed(row, Listed))
        self._decided = len(rows)
        self.advance()

    @property
    def head(self) -> bytes | None:
        """The chain head, which identifies the whole copy; None if nothing is listed."""
        return self.entries[-1].head if self.entries else None

    def knows(self, head: bytes) -> bool:
        """Return whether `head` is or was a chain head of the log."""
        return any(entry.head == head for entry in self.entries)

    def at(self, head: bytes) -> Catalogue | None:
        """Return the documents at the time of chain head `head`; None if some are missing."""
        length = next((entry.number + 1 for entry in self.entries if entry.head == head), None)
        if length is None or self._decided < length:
            return None
        return self.catalogue.at(length)

    @property
    def decided(self) -> int:
        """Of how many entries it is known whether their document is admitted."""
        return self._decided

    @property
    def is_complete(self) -> bool:
        """Whether the copy has the document of every entry."""
        return self._decided == len(self.entries)

    @property
    def size_bytes(self) -> int:
        """The total size of the documents."""
        return sum(self._sizes.values())

    def missing(self) -> list[bytes]:
        """Return the hashes of listed documents that the copy lacks, in order."""
        return [
            entry.hash for entry in self.entries[self._decided :] if entry.hash not in self._sizes
        ]

    def put(self, name: bytes, payload: bytes) -> list[Entry]:
        """Note that the vault has the document of an entry. Returns as `advance`."""
        self._sizes[name] = len(payload)
        return self.advance()

    def advance(self) -> list[Entry]:
        """Admit documents in the order of the log, up to the first missing one.

        Returns the entries that were decided; the catalogue has those that it admitted.
        """
        first = self._decided
        while self._decided < len(self.entries):
            entry = self.entries[self._decided]
            payload = self._tables.document(entry.hash)
            if payload is None:
                break
            admit = partial(self._admit, payload, entry)
            self._set_aside.handle(PublicKind.LIST, payload, admit, otherwise=False)
            self._decided += 1
        return self.entries[first : self._decided]

    def drop(self, name: bytes) -> None:
        """Note that the vault has dropped the bytes of a refused or withdrawn document."""
        self._sizes.pop(name, None)

    def _load(self, document: bytes) -> Signed | None:
        payload = self._tables.document(document)
        return None if payload is None else read_signed(payload)

    def _admit(self, payload: bytes, entry: Entry) -> bool:
        try:
            self.catalogue.admit(read_signed(payload), entry.day, entry.number)
        except DocumentRefused as exc:
            log.warning("listed_document_refused", entry=entry.number, why=str(exc))
            return False
        return True


class CatalogueReader:
    """Extends the copy from the broker's retained messages, and chooses topics to subscribe to."""

    def __init__(
        self,
        vault: Vault,
        clock: Clock,
        collectivity: str,
        platform_key: VerifyingKey,
        set_aside: SetAside | None = None,
    ) -> None:
        """Continue from the copy in `vault`."""
        self._vault = vault
        self._clock = clock
        self._collectivity = collectivity
        self.copy = Copy(vault, collectivity, platform_key, set_aside)
        if self.copy.is_foreign:
            with vault.catalogue_change() as tables:
                tables.forget()
            self.copy = Copy(vault, collectivity, platform_key, set_aside)
        self._keep(self.copy.entries[len(vault.catalogue.listed()) : self.copy.decided])
        self._wanted: list[bytes] = []
        self._renewed_s = 0.0

    def topics(self, now_s: float) -> frozenset[str]:
        """Return the topics to subscribe to: the last segments, and missing documents."""
        page = len(self.copy.entries) // PAGE_ENTRIES
        pages = {page_topic(self._collectivity, number) for number in {max(page - 1, 0), page}}
        missing = self.copy.missing()[:DOCUMENTS_AT_ONCE]
        if missing != self._wanted:
            self._wanted, self._renewed_s = missing, now_s
        elif missing and now_s - self._renewed_s >= RENEW_S:
            self._renewed_s, missing = now_s, []
        if missing and self.copy.size_bytes >= DOCUMENTS_MAX_BYTES:
            missing = []
        return frozenset(pages | {listed_topic(self._collectivity, name) for name in missing})

    def take(self, topic: str, payload: bytes) -> bool:
        """Process a message of the log; return False if the topic is not the log's.

        Raises:
            MessageRefused: the message is invalid; nothing of it was kept, except as proof.
        """
        parts = parse_catalogue_topic(topic)
        if parts is None:
            return False
        if parts.collectivity != self._collectivity:
            raise MessageRefused(Reason.TOPIC, "another collectivity's list")
        if payload:  # an empty one clears the broker's retained message
            self._take(parts, payload)
        return True

    def _take(self, topic: CatalogueTopic, payload: bytes) -> None:
        if topic.document is not None:
            self._take_document(topic.document, payload)
            return
        page = open_message(self.copy.address, payload, self.copy.key, Segment)
        if page.number != topic.page:
            raise MessageRefused(Reason.TOPIC, "the topic names another page")
        self._take_page(page, payload)

    def _take_page(self, page: Segment, payload: bytes) -> None:
        first, entries = page.number * PAGE_ENTRIES, self.copy.entries
        if first > len(entries):
            return  # earlier segments have not arrived yet
        own = entries[first : first + PAGE_ENTRIES]
        common = min(len(own), len(page.entries))
        for ours, theirs in zip(own[:common], page.entries[:common], strict=True):
            if ours != theirs:
                self._alarm(AlarmKind.FORKED, ours.number, payload)
        if len(page.entries) < len(own):
            self._alarm(AlarmKind.SHRUNK, first + common, payload)
        new = page.entries[common:]
        if not new:
            return
        try:
            check_chain(entries[-1] if entries else None, new)
        except DocumentRefused as exc:
            if new[0].number == len(entries):
                self._alarm(AlarmKind.FORKED, len(entries), payload)
            raise MessageRefused(Reason.DOCUMENT, str(exc)) from exc
        with self._vault.catalogue_change() as tables:
            tables.put_page(page.number, payload)
        entries += new
        log.info("list_grown", entries=len(entries))
        self._keep(self.copy.advance())

    def _take_document(self, name: bytes, payload: bytes) -> None:
        if name not in self.copy.missing():
            return
        try:
            signed = read_signed(payload)
        except DocumentRefused as exc:
            raise MessageRefused(Reason.DOCUMENT, str(exc)) from exc
        if hashlib.sha256(signed.body).digest() != name:
            raise MessageRefused(Reason.DOCUMENT, "another document than the list names")
        with self._vault.catalogue_change() as tables:
            tables.put_document(name, payload)
        self._keep(self.copy.put(name, payload))

    def _keep(self, decided: list[Entry]) -> None:
        """Keep what was decided about documents, and drop the bytes of those that were refused."""
        if not decided:
            return
        with self._vault.catalogue_change() as tables:
            for entry in decided:
                listed = self.copy.catalogue.listed(entry.hash)
                tables.put_listed(
                    entry.number, b"" if listed is None else msgspec.msgpack.encode(listed)
                )
                dropped = [entry.hash] if listed is None else self.copy.catalogue.unused(listed)
                for name in dropped:
                    tables.drop_document(name)
                    self.copy.drop(name)

    def _alarm(self, kind: AlarmKind, entry: int, payload: bytes) -> None:
        """Store the proof, then raise MessageRefused."""
        with self._vault.catalogue_change() as tables:
            is_new = tables.put_alarm(LogAlarm(self._clock.now(), kind, entry, payload))
        if is_new:
            log.error("list_contradicts_copy", kind=kind, entry=entry)
        raise MessageRefused(Reason.CONFLICT, f"the transparency log is {kind} at entry {entry}")
