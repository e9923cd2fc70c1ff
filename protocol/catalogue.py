"""The transparency log of offers, calendars and market series: append-only, one hash for everyone.

Each entry's `head` is a hash over the entry and the previous head, so one head identifies
everything ever listed. The platform signs pages of entries. The documents are published beside the
list, each signed by its provider or publisher. Cloud and chip apply the same rules
(`Catalogue.admit`).
"""

import hashlib
from collections import deque
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from protocol.calendar import day_number, day_of_number
from protocol.contract import Offer, Signed, check_extension, open_document, open_offer
from protocol.envelope import SIZE_MAX_BYTES, decode_body
from protocol.errors import DocumentRefused, MessageRefused
from protocol.ids import public_key_text
from protocol.messages import DayNumber, Hash
from protocol.schedule import Calendar, PriceSeries, Schedule, Schedules, check_schedule

GENESIS = bytes(32)
# An entry takes at most 92 bytes, so a page of them fits into a message of 64 KiB.
PAGE_ENTRIES = 512
ENTRIES_MAX = 1 << 20
# What one key may list within a year: two documents a day with room for offers, and prices of a
# year's quarter-hours twenty times. Every chip keeps the list.
YEAR = timedelta(days=365)
YEAR_DOCUMENTS_MAX = 1_024
YEAR_MAX_BYTES = 2 * 1024 * 1024

ListedKind = Literal["Offer", "Calendar", "PriceSeries"]
Document = Offer | Calendar | PriceSeries
_SCHEDULE_TYPES: dict[str, type[Calendar] | type[PriceSeries]] = {
    "Calendar": Calendar,
    "PriceSeries": PriceSeries,
}


class Entry(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One line of the list: document `hash` of `kind` was listed on day `listed_on`.

    `head` is SHA-256 over the previous entry's head (zeros before the first) and the other fields.
    """

    number: Annotated[int, msgspec.Meta(ge=0, lt=ENTRIES_MAX)]
    listed_on: DayNumber
    kind: ListedKind
    hash: Hash
    head: Hash

    @property
    def day(self) -> date:
        """The day on which the document was listed."""
        return day_of_number(self.listed_on)


class Segment(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """catalogue/list/{number}: up to 512 entries, beginning with entry `number` × 512."""

    number: Annotated[int, msgspec.Meta(ge=0, lt=ENTRIES_MAX // PAGE_ENTRIES)]
    entries: Annotated[tuple[Entry, ...], msgspec.Meta(min_length=1, max_length=PAGE_ENTRIES)]


def next_entry(previous: Entry | None, signed: Signed, listed_on: date) -> Entry:
    """Return the entry that lists `signed` after `previous` (None for the first entry)."""
    number = 0 if previous is None else previous.number + 1
    head = GENESIS if previous is None else previous.head
    entry = Entry(number, day_number(listed_on), _kind(signed), signed.hash, GENESIS)
    return msgspec.structs.replace(entry, head=_head(head, entry))


def check_chain(previous: Entry | None, entries: Sequence[Entry]) -> None:
    """Check that `entries` follow `previous` (None at the start of the list) and each other.

    Raises:
        DocumentRefused: a number, a day or a head does not follow.
    """
    for entry in entries:
        number = 0 if previous is None else previous.number + 1
        if entry.number != number:
            raise DocumentRefused(f"Entry {number} of the list is missing.")
        if previous is not None and entry.listed_on < previous.listed_on:
            raise DocumentRefused(f"Entry {number} of the list is dated before the one above it.")
        if entry.head != _head(GENESIS if previous is None else previous.head, entry):
            raise DocumentRefused(f"The head of entry {number} does not follow from the list.")
        previous = entry


def segments_of(entries: Sequence[Entry], first: int = 0) -> list[Segment]:
    """Split entries into pages; `entries[0]` is the first entry of page `first`."""
    return [
        Segment(first + at // PAGE_ENTRIES, tuple(entries[at : at + PAGE_ENTRIES]))
        for at in range(0, len(entries), PAGE_ENTRIES)
    ]


class Quota:
    """What one key has listed within a year, in the order of the list."""

    def __init__(self) -> None:
        self._listed: deque[tuple[date, int]] = deque()
        self._size_bytes = 0

    def check(self, size_bytes: int, listed_on: date) -> None:
        """Check that the key may list so many more bytes on a day.

        Raises:
            DocumentRefused: it has listed as much as a year allows.
        """
        while self._listed and listed_on - self._listed[0][0] >= YEAR:
            self._size_bytes -= self._listed.popleft()[1]
        is_full = len(self._listed) >= YEAR_DOCUMENTS_MAX
        if is_full or self._size_bytes + size_bytes > YEAR_MAX_BYTES:
            raise DocumentRefused(
                f"This key has listed {len(self._listed)} documents of {self._size_bytes} bytes "
                f"within a year; it may list {YEAR_DOCUMENTS_MAX} of {YEAR_MAX_BYTES} bytes."
            )

    def take(self, size_bytes: int, listed_on: date) -> None:
        """Count a document that was listed."""
        self._listed.append((listed_on, size_bytes))
        self._size_bytes += size_bytes


class Catalogue:
    """The admitted documents, in the order of the list."""

    def __init__(self) -> None:
        self._signed: dict[bytes, Signed] = {}
        self._offers: dict[bytes, Offer] = {}
        self._extended_by: dict[bytes, bytes] = {}
        self._quotas: dict[bytes, Quota] = {}
        self._by_hash: dict[bytes, Schedule] = {}
        self._covered: dict[tuple[bytes, str], list[Schedule]] = {}
        self._schedules: Schedules | None = None

    def __contains__(self, document: bytes) -> bool:
        return document in self._signed

    @property
    def offers(self) -> dict[bytes, Offer]:
        """All offers by hash, in the order of the list."""
        return self._offers

    def signed(self, document: bytes) -> Signed | None:
        """Return a signed document by its hash."""
        return self._signed.get(document)

    def document(self, document: bytes) -> Document | None:
        """Return a document by its hash."""
        return self._offers.get(document) or self._by_hash.get(document)

    def schedules(self) -> Schedules:
        """Return the calendars and series; cached until another one is admitted."""
        if self._schedules is None:
            listed = [schedule for covered in self._covered.values() for schedule in covered]
            self._schedules = Schedules(listed)
        return self._schedules

    def latest_offers(self) -> dict[bytes, Offer]:
        """Return the offers that no other offer extends, in the order of the list."""
        return {name: o for name, o in self._offers.items() if name not in self._extended_by}

    def extensions_of(self, offer: bytes) -> dict[bytes, Offer]:
        """Return the listed offers that extend an offer, directly or through others, in order."""
        extensions = {}
        while (following := self._extended_by.get(offer)) is not None:
            extensions[following] = self._offers[following]
            offer = following
        return extensions

    def admit(self, signed: Signed, listed_on: date) -> Document:
        """Add a document that was listed on a day. Adding it again changes nothing.

        Raises:
            DocumentRefused: the document breaks a rule, by itself or beside earlier ones; the error
                names the rule.
        """
        size_bytes = len(msgspec.msgpack.encode(signed))
        if size_bytes > SIZE_MAX_BYTES:
            raise DocumentRefused(
                f"This document has more than {SIZE_MAX_BYTES // 1024} KiB, which no message "
                "carries; split it into shorter periods, one document each."
            )
        document = open_listed(signed)
        if signed.hash in self._signed:
            return document
        quota = self._quotas.setdefault(owner_of(document), Quota())
        quota.check(size_bytes, listed_on)
        if isinstance(document, Offer):
            self._check_offer(document, listed_on)
            self._offers[signed.hash] = document
            if document.extends is not None:
                self._extended_by[document.extends] = signed.hash
        else:
            self._check_place(document)
            self._by_hash[signed.hash] = document
            self._covered.setdefault((document.publisher, document.name), []).append(document)
            self._schedules = None
        self._signed[signed.hash] = signed
        quota.take(size_bytes, listed_on)
        return document

    def _check_offer(self, offer: Offer, listed_on: date) -> None:
        if offer.extends is None:
            return
        former = self._offers.get(offer.extends)
        if former is None:
            raise DocumentRefused("This offer extends one that is not listed; list that one first.")
        if offer.extends in self._extended_by:
            raise DocumentRefused(
                "The offer that this one extends has been extended already; extend the latest."
            )
        check_extension(former, offer)
        added = offer.tariffs[len(former.tariffs) :]
        if any(tariff.valid_from < listed_on for tariff in added):
            raise DocumentRefused(
                f"A tariff that an offer adds begins on {listed_on}, the day it is listed, at the "
                "earliest."
            )

    def _check_place(self, schedule: Schedule) -> None:
        for other in self._covered.get((schedule.publisher, schedule.name), ()):
            if type(other) is not type(schedule):
                raise DocumentRefused(f"{schedule.name} is listed as a document of another kind.")
            if schedule.start < other.end and other.start < schedule.end:
                raise DocumentRefused(
                    f"{schedule.name}: a listed document covers some of these quarter-hours; "
                    "documents of one name follow each other without overlap."
                )


def owner_of(document: Document) -> bytes:
    """Return the key that signs a listed document."""
    return document.provider_key if isinstance(document, Offer) else document.publisher


def titles(document: Document | None) -> tuple[str, str]:
    """Return a listed document's owner (a provider, or a publisher's key) and its name.

    Both are empty if the document is None.
    """
    if document is None:
        return "", ""
    if isinstance(document, Offer):
        return document.provider, document.product
    return public_key_text(document.publisher), document.name


def open_listed(signed: Signed) -> Document:
    """Verify a document with the key it names, and check its contents.

    Raises:
        DocumentRefused: names what is wrong.
    """
    if signed.kind == "Offer":
        return open_offer(signed)
    document_type = _SCHEDULE_TYPES.get(signed.kind)
    if document_type is None:
        raise DocumentRefused("Only offers, calendars and market series are listed.")
    try:
        publisher = decode_body(signed.body, document_type).publisher
    except MessageRefused as exc:
        raise DocumentRefused(f"This document cannot be read: {exc.detail}.") from exc
    key = Ed25519PublicKey.from_public_bytes(publisher)
    schedule: Schedule = open_document(signed, key, document_type)
    check_schedule(schedule, schedule.name)
    return schedule


def read_signed(payload: bytes) -> Signed:
    """Decode a signed document from the payload of its topic.

    Raises:
        DocumentRefused: it is not a signed document.
    """
    try:
        return decode_body(payload, Signed)
    except MessageRefused as exc:
        raise DocumentRefused("This is no signed document.") from exc


def _kind(signed: Signed) -> ListedKind:
    try:
        kind: ListedKind = msgspec.convert(signed.kind, ListedKind)
    except msgspec.ValidationError as exc:
        raise DocumentRefused("Only offers, calendars and market series are listed.") from exc
    return kind


def _head(previous: bytes, entry: Entry) -> bytes:
    fields = ("volet catalogue", entry.number, entry.listed_on, entry.kind, entry.hash)
    return hashlib.sha256(previous + msgspec.msgpack.encode(fields)).digest()
