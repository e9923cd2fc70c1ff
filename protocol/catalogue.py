"""The transparency log of offers, calendars and market series: append-only, one hash for everyone.

Each entry's `head` is a hash over the entry and the previous head, so one head identifies
everything ever listed. The platform signs pages of entries. The documents are published beside the
list, each signed by its provider or publisher. Cloud and chip apply the same rules
(`Catalogue.admit`).
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from datetime import date
from functools import lru_cache
from typing import Annotated

import msgspec

from protocol.calendar import DayNumber, day_number, day_of_number
from protocol.contract import Offer, Signed, check_extension
from protocol.envelope import SIZE_MAX_BYTES
from protocol.errors import DocumentRefused
from protocol.listed import (
    SCHEDULE_TYPES,
    Document,
    Listed,
    ListedKind,
    Withdrawal,
    kind_of,
    listed_as,
    open_listed,
)
from protocol.messages import Hash
from protocol.quota import Quota
from protocol.schedule import Schedule, Schedules, ScheduleSpan

GENESIS = bytes(32)
# An entry takes at most 92 bytes, so a page of them fits into a message of 64 KiB.
PAGE_ENTRIES = 512
ENTRIES_MAX = 1 << 20
# Documents that a catalogue keeps as read, for those that are named again and again.
DOCUMENTS_KEPT = 16


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
    entry = Entry(number, day_number(listed_on), kind_of(signed), signed.hash, GENESIS)
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


Load = Callable[[bytes], Signed | None]


class Catalogue:
    """The admitted documents, in the order of the list.

    It keeps what the rules need of each, and reads a document when somebody asks for it.
    """

    def __init__(self, load: Load | None = None, *, documents_kept: int = DOCUMENTS_KEPT) -> None:
        """Read documents by `load`, keeping some; without it, keep all as they are admitted."""
        self._kept: dict[bytes, Signed] = {}
        self._load = load or self._kept.get
        self._is_keeping = load is None
        self._read = lru_cache(maxsize=documents_kept)(self._open)
        self._listed: dict[bytes, Listed] = {}
        self._extended_by: dict[bytes, Listed] = {}
        self._withdrawn_by: dict[bytes, Listed] = {}
        self._quotas: dict[bytes, Quota] = {}
        self._covered: dict[tuple[bytes, str], list[Listed]] = {}
        self._schedules: Schedules | None = None
        self._length = ENTRIES_MAX

    def __contains__(self, document: bytes) -> bool:
        return self.listed(document) is not None

    def at(self, length: int) -> "Catalogue":
        """Return the documents as they were when the list had `length` entries."""
        earlier = copy(self)
        earlier._length, earlier._schedules = length, None  # noqa: SLF001 - its own class
        return earlier

    def listed(self, document: bytes) -> Listed | None:
        """Return what the list tells of a document by its hash."""
        listed = self._listed.get(document)
        return listed if listed is not None and listed.number < self._length else None

    @property
    def offers(self) -> list[bytes]:
        """The hashes of all offers, in the order of the list."""
        return [name for name, listed in self._listed.items() if self._is_offer(listed)]

    def signed(self, document: bytes) -> Signed | None:
        """Return a signed document by its hash."""
        return self._load(document) if document in self else None

    def document(self, document: bytes) -> Document | None:
        """Return a document by its hash."""
        return self._read(document) if document in self else None

    def schedules(self) -> Schedules:
        """Return the calendars and series; cached until another one is admitted."""
        if self._schedules is None:
            self._schedules = Schedules.listed(
                self._span(listed)
                for covered in self._covered.values()
                for listed in covered
                if listed.number < self._length
            )
        return self._schedules

    def latest_offers(self) -> Iterator[tuple[bytes, Offer]]:
        """Yield the offers that are neither extended nor withdrawn, in the order of the list."""
        for name in self.offers:
            if self._extension(name) is None and not self.is_withdrawn(name):
                yield name, self._offer(name)

    def is_withdrawn(self, offer: bytes) -> bool:
        """Return whether its provider has withdrawn an offer."""
        withdrawal = self._withdrawn_by.get(offer)
        return withdrawal is not None and withdrawal.number < self._length

    def unused(self, withdrawal: Listed) -> list[bytes]:
        """Return the withdrawn offers whose bytes nobody needs any more.

        A contract that follows its offer still needs those that extend it.
        """
        named = [self._listed[name] for name in withdrawal.withdraws]
        return [offer.hash for offer in named if offer.extends is None]

    def extensions_of(self, offer: bytes) -> dict[bytes, Offer]:
        """Return the listed offers that extend an offer, directly or through others, in order."""
        extensions = {}
        while (following := self._extension(offer)) is not None:
            extensions[following] = self._offer(following)
            offer = following
        return extensions

    def admit(self, signed: Signed, listed_on: date, number: int | None = None) -> Document:
        """Add a document that was listed on a day. Adding it again changes nothing.

        `number` is its entry's; without it, the documents' own order counts.

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
        if signed.hash in self._listed:
            return document
        number = len(self._listed) if number is None else number
        listed = listed_as(document, signed, number, day_number(listed_on), size_bytes)
        self._quota(listed).check(size_bytes, listed_on)
        if isinstance(document, Offer):
            self._check_offer(document, listed_on)
        elif isinstance(document, Withdrawal):
            self._check_withdrawal(document)
        else:
            self._check_place(listed)
        if self._is_keeping:
            self._kept[signed.hash] = signed
        self.restore(listed)
        return document

    def restore(self, listed: Listed) -> None:
        """Add what an admitted document was, without reading it."""
        self._listed[listed.hash] = listed
        self._quota(listed).take(listed.size_bytes, day_of_number(listed.listed_on))
        if listed.extends is not None:
            self._extended_by[listed.extends] = listed
        self._withdrawn_by |= dict.fromkeys(listed.withdraws, listed)
        if listed.kind in SCHEDULE_TYPES:
            self._covered.setdefault((listed.owner, listed.name), []).append(listed)
            self._schedules = None

    def _quota(self, listed: Listed) -> Quota:
        return self._quotas.setdefault(listed.owner, Quota())

    def _is_offer(self, listed: Listed) -> bool:
        return listed.kind == "Offer" and listed.number < self._length

    def _extension(self, offer: bytes) -> bytes | None:
        extension = self._extended_by.get(offer)
        return extension.hash if extension is not None and self._is_offer(extension) else None

    def _open(self, document: bytes) -> Document:
        signed = self._load(document)
        if signed is None:
            raise DocumentRefused(f"The listed document {document.hex()} is not kept.")
        return open_listed(signed)

    def _offer(self, document: bytes) -> Offer:
        offer = self._read(document)
        if not isinstance(offer, Offer):  # pragma: no cover - the kind was checked on admission
            raise DocumentRefused("Only offers, calendars and market series are listed.")
        return offer

    def _span(self, listed: Listed) -> ScheduleSpan:
        def read() -> Schedule:
            schedule = self._read(listed.hash)
            if isinstance(schedule, Offer | Withdrawal):  # pragma: no cover - as in `_offer`
                raise DocumentRefused("Only offers, calendars and market series are listed.")
            return schedule

        kind = SCHEDULE_TYPES[listed.kind]
        return ScheduleSpan(
            listed.owner, listed.name, kind, listed.start, listed.end, listed.hash, read
        )

    def _check_offer(self, offer: Offer, listed_on: date) -> None:
        if offer.extends is None:
            return
        extended = self.listed(offer.extends)
        if extended is None or extended.kind != "Offer":
            raise DocumentRefused("This offer extends one that is not listed; list that one first.")
        if self.is_withdrawn(offer.extends):
            raise DocumentRefused("This offer extends one that is withdrawn; list a new one.")
        if offer.extends in self._extended_by:
            raise DocumentRefused(
                "The offer that this one extends has been extended already; extend the latest."
            )
        former = self._offer(offer.extends)
        check_extension(former, offer)
        added = offer.tariffs[len(former.tariffs) :]
        if any(tariff.valid_from < listed_on for tariff in added):
            raise DocumentRefused(
                f"A tariff that an offer adds begins on {listed_on}, the day it is listed, at the "
                "earliest."
            )

    def _check_withdrawal(self, withdrawal: Withdrawal) -> None:
        for name in withdrawal.offers:
            offer = self.listed(name)
            if offer is None or (offer.kind, offer.owner) != ("Offer", withdrawal.provider_key):
                raise DocumentRefused(
                    f"{name.hex()} is not listed as an offer of this provider; a withdrawal names "
                    "own offers."
                )

    def _check_place(self, schedule: Listed) -> None:
        for other in self._covered.get((schedule.owner, schedule.name), ()):
            if other.kind != schedule.kind:
                raise DocumentRefused(f"{schedule.name} is listed as a document of another kind.")
            if schedule.start < other.end and other.start < schedule.end:
                raise DocumentRefused(
                    f"{schedule.name}: a listed document covers some of these quarter-hours; "
                    "documents of one name follow each other without overlap."
                )


def _head(previous: bytes, entry: Entry) -> bytes:
    fields = ("volet catalogue", entry.number, entry.listed_on, entry.kind, entry.hash)
    return hashlib.sha256(previous + msgspec.msgpack.encode(fields)).digest()
