"""The trustee sets, measures and roster that a trustee relies on, each verified on arrival."""

import hashlib
from collections.abc import Sequence
from itertools import pairwise
from typing import NoReturn

import msgspec
import structlog
from cryptography import x509

from protocol.calendar import day_of_number
from protocol.envelope import decode_body
from protocol.errors import DocumentRefused
from protocol.governance import (
    NOTICE_DAYS,
    CosignedDocument,
    TrusteeSet,
    check_signed_by_trustees,
    fingerprint,
    is_fork,
    open_first_set,
    open_next_set,
    read_cosigned,
)
from protocol.measures import DEADLINE_MAX_H, Measures, check_measures
from protocol.packed import read_packed
from protocol.roster import Roster, RosterEntry, SignedEntry
from trustee.keys import CollectivityKeys
from trustee.log import Standing, StoredDocument, TrusteeLog

CONFIRMED = "confirmed"
WAITING = "waiting"
_FIRST_SET = "first_set"
# Proofs of forks; each is a document that a quorum signed.
FORKS_KEPT = 16

log = structlog.get_logger()


class TrustedDocuments:
    """The documents and the roster entries that this trustee has received and verified."""

    def __init__(
        self,
        trustee_log: TrusteeLog,
        collectivity: str,
        roots: Sequence[x509.Certificate] = (),
    ) -> None:
        """Load what was verified before; the key list must come from one of `roots`."""
        self._log = trustee_log
        self.keys = CollectivityKeys(trustee_log, collectivity, roots)
        self.collectivity = collectivity
        self._sets: list[tuple[CosignedDocument, TrusteeSet]] = []
        self._measures: list[tuple[bytes, Measures]] = []
        self._devices: dict[str, RosterEntry] = {}
        self.roster = Roster(bytes(32))
        for stored in trustee_log.documents():
            self._add(_decoded(stored))
        for body, signature, seen in trustee_log.roster():
            self._append(SignedEntry(body, signature), seen)

    @property
    def hashes(self) -> tuple[bytes, ...]:
        """The hashes of all documents, trustee sets first."""
        sets = (cosigned.hash for cosigned, _ in self._sets)
        return (*sets, *(document for document, _ in self._measures))

    @property
    def cosigned_sets(self) -> tuple[tuple[CosignedDocument, TrusteeSet], ...]:
        """All trustee sets with what was signed, oldest first."""
        return tuple(self._sets)

    @property
    def trustees(self) -> TrusteeSet | None:
        """The latest trustee set."""
        return self._sets[-1][1] if self._sets else None

    @property
    def trustee_sets(self) -> tuple[TrusteeSet, ...]:
        """All trustee sets, oldest first, each once for each key of its collectivity."""
        return self.keys.with_successors([trustees for _, trustees in self._sets])

    def trustee_set(self, document: bytes) -> TrusteeSet | None:
        """Return the trustee set with this hash."""
        return next(
            (trustees for cosigned, trustees in self._sets if cosigned.hash == document), None
        )

    def trustees_of(self, measures: bytes) -> TrusteeSet | None:
        """Return the trustee set of known measures (their hash)."""
        named = (each.trustees for known, each in self._measures if known == measures)
        return next((self.trustee_set(document) for document in named), None)

    def signing_key(self, name: str) -> bytes | None:
        """Return a trustee's key in the latest set that names it."""
        for _, trustees in reversed(self._sets):
            for trustee in trustees.trustees:
                if trustee.name == name:
                    return trustee.signing_key
        return None

    def measures_on(self, day: int) -> tuple[bytes, Measures] | None:
        """Return the measures in force on `day` (a number), with their hash."""
        begun = [known for known in self._measures if known[1].effective <= day]
        return begun[-1] if begun and day < begun[-1][1].end else None

    @property
    def begins(self) -> int | None:
        """The first day (a number) on which homes may contribute; None without measures."""
        return self._measures[0][1].effective if self._measures else None

    @property
    def deadline_h(self) -> int:
        """The longest time, in hours after a day, in which any measures take contributions."""
        return max((each.deadline_h for _, each in self._measures), default=DEADLINE_MAX_H)

    def place_of(self, measures: bytes) -> int | None:
        """Return the place of known measures (their hash) in their chain, from 0."""
        return next((at for at, (known, _) in enumerate(self._measures) if known == measures), None)

    def entry_of_device(self, device: str) -> RosterEntry | None:
        """Return a device's latest roster entry, if it is also its household's latest."""
        entry = self._devices.get(device)
        if entry is None or self.roster.history(entry.household_key)[-1].device != device:
            return None
        return entry

    def take_cosigned(self, data: bytes, today: int) -> None:
        """Verify and store a signed document (MessagePack), unless it is known already.

        Raises:
            DocumentRefused: the document is wrong, or it waits for the operator's confirmation.
        """
        cosigned = decode_body(data, CosignedDocument)
        if cosigned.hash in self.hashes:
            return
        if cosigned.kind == TrusteeSet.__name__:
            self._check_set(cosigned, data, today)
        else:
            self._check_measures(cosigned, today)
        self._put(cosigned, Standing.TRUSTED, today)
        self._add(cosigned)

    def check_signing(self, cosigned: CosignedDocument) -> None:
        """Check that a document does not fork from one that is trusted or was signed here.

        As long as honest trustees keep to this, no two documents with one predecessor get enough
        signatures.

        Raises:
            DocumentRefused: names the other document.
        """
        document = _read(cosigned)
        for stored in (*self._log.documents(), *self._log.documents(Standing.SIGNED)):
            other = _decoded(stored)
            if other.kind != cosigned.kind or other.hash == cosigned.hash:
                continue
            if is_fork(document, _read(other)) and not self._is_void(stored):
                raise DocumentRefused(
                    f"Another {other.kind} has the same place, {fingerprint(other)}, and is signed "
                    "or known here; two documents that follow the same one are a fork. Ask the "
                    "collectivity to add that one, and to draw up one that follows it."
                )

    def put_signed(self, cosigned: CosignedDocument, today: int) -> None:
        """Store a document that this trustee signs, before the signature leaves.

        Raises:
            DocumentRefused: as `check_signing` does.
        """
        self.check_signing(cosigned)
        if cosigned.hash not in self.hashes:
            self._put(cosigned, Standing.SIGNED, today)

    def take_confirmed(self, today: int) -> bool:
        """Accept the waiting first set if the operator has confirmed it; return whether it was."""
        if self._sets:
            return False
        data, words = self._log.fact(_FIRST_SET), self._log.fact(WAITING)
        if data is None or words != self._log.fact(CONFIRMED):
            return False
        self.take_cosigned(data, today)
        return True

    def take_roster(
        self, first: int, entries: Sequence[tuple[bytes, bytes]], seen: int | None = None
    ) -> list[RosterEntry]:
        """Append and return the entries that are new.

        `seen` is today's number, or None if nothing has ever been answered: these households were
        there before the first figure, so they count from their start.

        Raises:
            DocumentRefused: an entry does not fit; the entries before it are stored.
        """
        if not self._sets:
            raise DocumentRefused("The roster comes after the first set of trustees.")
        length = len(self.roster)
        if first > length:
            raise DocumentRefused(f"The roster ends before entry {first}; send from {length} on.")
        for index, known in enumerate(entries[: length - first]):
            if hashlib.sha256(known[0]).digest() != self.roster.head_at(first + index + 1):
                raise DocumentRefused(f"Roster entry {first + index} differs from what is known.")
        new = entries[length - first :]
        added: list[RosterEntry] = []
        try:
            for entry in new:
                added.append(self._append(SignedEntry(*entry), seen))  # noqa: PERF401 - may stop halfway
        finally:
            self._log.append_roster(length, new[: len(added)], seen)
        return added

    def correct_arrivals(self, today: int, last_answered: int) -> None:
        """Date roster entries of days that have not come to `today`: a clock that was ahead did it.

        Their households would count only once that time has come. `last_answered` is the newest day
        (a number) that was answered, so a clock that is behind dates no entry from before it.
        """
        day = max(today, last_answered)
        if self.roster.had_arrived_by(day):
            self._log.roster_had_arrived_by(day)
            log.info("roster_arrivals_corrected", to=str(day_of_number(day)))

    def _check_set(self, cosigned: CosignedDocument, data: bytes, today: int) -> None:
        if self._sets:
            self._check_no_other_set(cosigned, today)
            trustees = open_next_set(cosigned, self._sets[-1][0], self.keys.successors)
            _check_notice(trustees.effective, self._seen(cosigned, today), "set of trustees")
            return
        trustees = open_first_set(cosigned)
        if trustees.collectivity != self.collectivity:
            raise DocumentRefused("This set of trustees is another collectivity's.")
        words = fingerprint(cosigned)
        if self._log.fact(CONFIRMED) != words.encode():
            self._log.put_fact(WAITING, words.encode())
            self._log.put_fact(_FIRST_SET, data)
            raise DocumentRefused(
                f"The first set of trustees, {words}, waits; compare it with what the collectivity "
                "publishes, then `volet trustee confirm`."
            )

    def _check_measures(self, cosigned: CosignedDocument, today: int) -> None:
        measures = read_cosigned(cosigned, Measures)
        trustees = self.trustee_set(measures.trustees)
        if trustees is None:
            raise DocumentRefused("These measures name a set of trustees that is not known.")
        check_signed_by_trustees(cosigned, trustees, self.keys.successors)
        check_measures(measures)
        if measures.collectivity != self.collectivity:
            raise DocumentRefused("These measures are another collectivity's.")
        for known, other in self._measures:
            if is_fork(measures, other):
                self._keep_fork(cosigned, known, today)
        last = self._measures[-1] if self._measures else None
        place = (None, 1) if last is None else (last[0], last[1].version + 1)
        if (measures.previous, measures.version) != place:
            raise DocumentRefused("These measures do not follow those that are known.")
        if last is not None:
            if measures.effective < last[1].effective:
                raise DocumentRefused("These measures would take effect before those they follow.")
            _check_notice(measures.effective, self._seen(cosigned, today), "measures")

    def _check_no_other_set(self, cosigned: CosignedDocument, today: int) -> None:
        trustees = read_cosigned(cosigned, TrusteeSet)
        for (before, _), (known, other) in pairwise(self._sets):
            if is_fork(trustees, other):
                open_next_set(cosigned, before, self.keys.successors)
                self._keep_fork(cosigned, known.hash, today)

    def _keep_fork(self, cosigned: CosignedDocument, known: bytes, today: int) -> NoReturn:
        """Keep a valid document as proof against those who signed it and the known one."""
        kept = {fork.hash for fork in self._log.documents(Standing.FORK)}
        if cosigned.hash not in kept and len(kept) < FORKS_KEPT:
            self._put(cosigned, Standing.FORK, today)
            log.error("document_forked", kind=cosigned.kind)
        raise DocumentRefused(
            f"This {cosigned.kind} {cosigned.hash.hex()[:16]}… has the place of "
            f"{known.hex()[:16]}…, which is known: two documents that follow the same one are a "
            "fork. It is kept as proof against all who signed both."
        )

    def _is_void(self, stored: StoredDocument) -> bool:
        """Return whether a document that was only signed here can no longer count.

        This is so for a first set, until one is confirmed, and for measures of such a set.
        """
        if stored.standing != Standing.SIGNED:
            return False
        document = _read(_decoded(stored))
        if document.previous is not None:
            return False
        if isinstance(document, TrusteeSet):
            return True
        return bool(self._sets) and self.trustee_set(document.trustees) is None

    def _seen(self, cosigned: CosignedDocument, today: int) -> int:
        """Return the day on which this document was signed here; today, if it was not."""
        signed = self._log.documents(Standing.SIGNED)
        return min((each.seen for each in signed if each.hash == cosigned.hash), default=today)

    def _put(self, cosigned: CosignedDocument, standing: Standing, today: int) -> None:
        data = msgspec.msgpack.encode(cosigned)
        self._log.put_document(StoredDocument(cosigned.hash, cosigned.kind, data, standing, today))

    def _add(self, cosigned: CosignedDocument) -> None:
        if cosigned.kind == TrusteeSet.__name__:
            trustees = read_cosigned(cosigned, TrusteeSet)
            if not self._sets:
                self.roster = Roster(trustees.registrar_key, self.keys.successors)
            self._sets.append((cosigned, trustees))
        else:
            self._measures.append((cosigned.hash, read_cosigned(cosigned, Measures)))

    def _append(self, signed: SignedEntry, seen: int | None) -> RosterEntry:
        entry = self.roster.append(signed, seen)
        self._devices[entry.device] = entry
        return entry


def _decoded(stored: StoredDocument) -> CosignedDocument:
    return read_packed(stored.data, CosignedDocument)


def _read(cosigned: CosignedDocument) -> TrusteeSet | Measures:
    if cosigned.kind == TrusteeSet.__name__:
        return read_cosigned(cosigned, TrusteeSet)
    return read_cosigned(cosigned, Measures)


def _check_notice(effective: int, today: int, what: str) -> None:
    if effective < today + NOTICE_DAYS:
        raise DocumentRefused(
            f"This {what} would take effect in {effective - today} days; {NOTICE_DAYS} are needed."
        )


def confirm_first_set(trustee_log: TrusteeLog, words: str) -> bool:
    """Trust the first trustee set if it has this fingerprint (six groups of four characters).

    Returns whether that was not so yet.
    """
    spelled = " ".join(words.upper().split()).encode()
    is_new = trustee_log.fact(CONFIRMED) != spelled
    trustee_log.put_fact(CONFIRMED, spelled)
    return is_new
