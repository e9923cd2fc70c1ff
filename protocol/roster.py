"""The roster of households and their cells: an append-only log signed by the registrar.

Entry n contains the hash of entry n - 1, so two rosters with the same length and head are equal. A
household's latest entry describes it, and that entry's number identifies it in sets.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Annotated

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol.calendar import DayNumber, day_of_number
from protocol.envelope import decode_body
from protocol.errors import DocumentRefused, MessageRefused
from protocol.ids import PublicKey
from protocol.key_list import AnyOf, KeyUse, Successors, alone
from protocol.messages import Hash, KeyId
from protocol.packed import Count

FIRST_PREVIOUS = bytes(32)
# A household counts towards a threshold this many days after it joined. Invented households must
# therefore appear in the public log well in advance.
COUNTS_AFTER_DAYS = 30
# An entry seen up to this many days late still counts from its start.
SEEN_LATE_DAYS = 3

_Code = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Z]{2,9}(?!\n)$")]


class RosterEntry(
    msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False
):
    """One entry: from day `start` on, this household with this device belongs to this cell.

    `cell` is an IRIS or commune code, None once the household has left. `point` is a hash of the
    delivery point that only the registrar can compute; a point has at most one active household.
    `provider` is the energy provider's name, empty if the household is not counted with one.
    """

    number: Count
    previous: Hash
    household_key: KeyId
    device: str
    signing_key: PublicKey
    point: Hash
    cell: _Code | None
    provider: Annotated[str, msgspec.Meta(max_length=32)]
    start: DayNumber

    @property
    def hash(self) -> bytes:
        """SHA-256 of the entry's only form, as `SignedEntry.hash`."""
        return hashlib.sha256(msgspec.msgpack.encode(self)).digest()


class SignedEntry(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """An entry's exact bytes and the registrar's signature."""

    body: bytes
    signature: bytes

    @property
    def hash(self) -> bytes:
        """SHA-256 of the body, which the next entry names."""
        return hashlib.sha256(self.body).digest()


def sign_entry(entry: RosterEntry, key: Ed25519PrivateKey) -> SignedEntry:
    """Sign an entry as the registrar."""
    body = msgspec.msgpack.encode(entry)
    return SignedEntry(body, key.sign(_signed_bytes(body)))


def open_entry(signed: SignedEntry, *registrar_keys: bytes) -> RosterEntry:
    """Verify and decode an entry that one of these keys signed.

    Raises:
        DocumentRefused: the signature does not fit, or this is no entry.
    """
    try:
        AnyOf(registrar_keys).verify(signed.signature, _signed_bytes(signed.body))
        return decode_body(signed.body, RosterEntry)
    except InvalidSignature as exc:
        raise DocumentRefused("The registrar has not signed this roster entry.") from exc
    except MessageRefused as exc:
        raise DocumentRefused(f"This roster entry cannot be read: {exc.detail}.") from exc


class Membership(msgspec.Struct, frozen=True, gc=False):
    """A household's entry on a day, and whether it counts towards a threshold."""

    entry: RosterEntry
    is_counted: bool


class Roster:
    """The known part of the log, and its state on any day. Append-only."""

    def __init__(self, registrar_key: bytes, successors: Successors = alone) -> None:
        """Start an empty roster of one registrar (Ed25519 public key, 32 bytes).

        `successors` are asked for the keys that follow. Once an entry is signed by one of them, no
        later entry counts that a key before it has signed.
        """
        self._registrar_key = registrar_key
        self._successors = successors
        self._entries: list[RosterEntry] = []
        self._heads: list[bytes] = [FIRST_PREVIOUS]
        self._of_household: dict[bytes, list[RosterEntry]] = {}
        self._at_point: dict[bytes, RosterEntry] = {}
        self._seen: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def head(self) -> bytes:
        """The hash of the last entry."""
        return self._heads[-1]

    def head_at(self, length: int) -> bytes | None:
        """Return the head after `length` entries, None if there are fewer."""
        return self._heads[length] if length < len(self._heads) else None

    def entry(self, number: int) -> RosterEntry:
        """Return an entry. Raises IndexError."""
        return self._entries[number]

    def append(self, signed: SignedEntry, seen: int | None = None) -> RosterEntry:
        """Verify the next entry, check it against the rules, and add it.

        `seen` is the day on which it arrived. A household that joins with an entry that arrived
        more than three days after its start counts from its arrival less three days. With None, it
        counts from its start.

        Raises:
            DocumentRefused: names the rule; nothing was added.
        """
        keys = self._successors(KeyUse.REGISTRAR, self._registrar_key)
        used = next((place for place, key in enumerate(keys) if _is_by(signed, key)), 0)
        entry = self._add(signed, open_entry(signed, *keys))
        self._registrar_key = keys[used]
        if seen is not None:
            self._seen[entry.number] = seen
        return entry

    def had_arrived_by(self, day: int) -> bool:
        """Date entries that arrived after `day` (a number) to it; return whether there were any."""
        ahead = [number for number, seen in self._seen.items() if seen > day]
        self._seen.update(dict.fromkeys(ahead, day))
        return bool(ahead)

    def load(self, signed: Iterable[SignedEntry]) -> None:
        """Add stored entries, whose signatures are already verified; all other rules apply.

        Raises:
            DocumentRefused: at the first that breaks a rule.
        """
        for signed_entry in signed:
            try:
                entry = decode_body(signed_entry.body, RosterEntry)
            except MessageRefused as exc:
                raise DocumentRefused(f"A roster entry cannot be read: {exc.detail}.") from exc
            self._add(signed_entry, entry)

    def _add(self, signed: SignedEntry, entry: RosterEntry) -> RosterEntry:
        self._check(entry)
        self._entries.append(entry)
        self._heads.append(signed.hash)
        history = self._of_household.setdefault(entry.household_key, [])
        if history and history[-1].cell is not None:
            self._at_point.pop(history[-1].point, None)
        history.append(entry)
        if entry.cell is not None:
            self._at_point[entry.point] = entry
        return entry

    def extend(self, signed: Iterable[SignedEntry]) -> None:
        """Add entries in order. Raises DocumentRefused at the first that breaks a rule."""
        for signed_entry in signed:
            self.append(signed_entry)

    def history(self, household_key: bytes) -> Sequence[RosterEntry]:
        """Return all entries of a household, oldest first."""
        return tuple(self._of_household.get(household_key, ()))

    def households(self) -> Iterator[bytes]:
        """Iterate over all household keys that were ever entered."""
        return iter(self._of_household)

    def membership(
        self, household_key: bytes, day: int, length: int | None = None
    ) -> Membership | None:
        """Return a household's membership on `day` (a number), None if it has no cell.

        With `length`, only that many first entries are used, so an old set can be checked again.
        """
        history = self._of_household.get(household_key, [])
        known = [entry for entry in history if length is None or entry.number < length]
        current = next((entry for entry in reversed(known) if entry.start <= day), None)
        if current is None or current.cell is None:
            return None
        first = current
        for entry in reversed(known[: known.index(current)]):
            if entry.cell is None:
                break
            first = entry
        seen = self._seen.get(first.number, first.start)
        joined = max(first.start, seen - SEEN_LATE_DAYS)
        return Membership(current, day - joined >= COUNTS_AFTER_DAYS)

    def memberships(self, day: int, length: int | None = None) -> Iterator[Membership]:
        """Yield the membership of every household with a cell on `day`."""
        for household_key in self._of_household:
            membership = self.membership(household_key, day, length)
            if membership is not None:
                yield membership

    def _check(self, entry: RosterEntry) -> None:
        place = f"Roster entry {entry.number}"
        if entry.number != len(self._entries) or entry.previous != self.head:
            raise DocumentRefused(f"{place} does not follow entry {len(self._entries) - 1}.")
        history = self._of_household.get(entry.household_key, [])
        if history and entry.start < history[-1].start:
            raise DocumentRefused(f"{place} begins before the household's last entry.")
        if entry.cell is None:
            if not history or history[-1].cell is None:
                raise DocumentRefused(f"{place} ends a household that stands nowhere.")
            return
        other = self._at_point.get(entry.point)
        if other is not None and other.household_key != entry.household_key:
            raise DocumentRefused(f"{place} names a delivery point at which another one stands.")
        moves = [move for move in _moves(history) if _quarter(move.start) == _quarter(entry.start)]
        cells = [past.cell for past in history if past.cell is not None]
        if cells and cells[-1] != entry.cell and moves:
            raise DocumentRefused(f"{place} is the household's second change of cell in a quarter.")


def _is_by(signed: SignedEntry, key: bytes) -> bool:
    try:
        AnyOf((key,)).verify(signed.signature, _signed_bytes(signed.body))
    except InvalidSignature:
        return False
    return True


def _moves(history: Sequence[RosterEntry]) -> Iterator[RosterEntry]:
    """Yield the entries that changed a household's cell, its first cell excluded."""
    cell = None
    for entry in history:
        if entry.cell is not None:
            if cell is not None and entry.cell != cell:
                yield entry
            cell = entry.cell


def _quarter(day: int) -> date:
    first = day_of_number(day)
    return date(first.year, (first.month - 1) // 3 * 3 + 1, 1)


def _signed_bytes(body: bytes) -> bytes:
    return msgspec.msgpack.encode(("volet roster", body))
