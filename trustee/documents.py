"""The trustee sets, measures and roster that a trustee relies on, each verified on arrival."""

import hashlib
from collections.abc import Sequence

from protocol.envelope import decode_body
from protocol.errors import DocumentRefused
from protocol.governance import (
    NOTICE_DAYS,
    CosignedDocument,
    TrusteeSet,
    check_signed_by_trustees,
    fingerprint,
    open_first_set,
    open_next_set,
    read_cosigned,
)
from protocol.measures import Measures, check_measures
from protocol.packed import read_packed
from protocol.roster import Roster, RosterEntry, SignedEntry
from trustee.log import TrusteeLog

CONFIRMED = "confirmed"
WAITING = "waiting"
_FIRST_SET = "first_set"


class TrustedDocuments:
    """The documents and the roster entries that this trustee has received and verified."""

    def __init__(self, log: TrusteeLog, collectivity: str) -> None:
        """Load what was verified before."""
        self._log = log
        self.collectivity = collectivity
        self._sets: list[tuple[CosignedDocument, TrusteeSet]] = []
        self._measures: list[tuple[bytes, Measures]] = []
        self._devices: dict[str, RosterEntry] = {}
        self.roster = Roster(bytes(32))
        for data in log.documents():
            self._add(read_packed(data, CosignedDocument))
        for body, signature, seen in log.roster():
            self._append(SignedEntry(body, signature), seen)

    @property
    def hashes(self) -> tuple[bytes, ...]:
        """The hashes of all documents, trustee sets first."""
        sets = (cosigned.hash for cosigned, _ in self._sets)
        return (*sets, *(document for document, _ in self._measures))

    @property
    def trustees(self) -> TrusteeSet | None:
        """The latest trustee set."""
        return self._sets[-1][1] if self._sets else None

    @property
    def trustee_sets(self) -> tuple[TrusteeSet, ...]:
        """All trustee sets, oldest first."""
        return tuple(trustees for _, trustees in self._sets)

    def trustee_set(self, document: bytes) -> TrusteeSet | None:
        """Return the trustee set with this hash."""
        return next(
            (trustees for cosigned, trustees in self._sets if cosigned.hash == document), None
        )

    def signing_key(self, name: str) -> bytes | None:
        """Return a trustee's key in the latest set that names it."""
        for _, trustees in reversed(self._sets):
            for trustee in trustees.trustees:
                if trustee.name == name:
                    return trustee.signing_key
        return None

    def measures_on(self, day: int) -> tuple[bytes, Measures] | None:
        """Return the measures in force on `day` (a number), with their hash."""
        in_force = [known for known in self._measures if known[1].effective <= day]
        return in_force[-1] if in_force else None

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
        self._log.put_document(cosigned.hash, cosigned.kind, data)
        self._add(cosigned)

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

    def _check_set(self, cosigned: CosignedDocument, data: bytes, today: int) -> None:
        if self._sets:
            trustees = open_next_set(cosigned, self._sets[-1][0])
            _check_notice(trustees.effective, today, "set of trustees")
            if trustees.registrar_key != self._sets[-1][1].registrar_key:
                raise DocumentRefused("This set of trustees names another registrar.")
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
        check_signed_by_trustees(cosigned, trustees)
        check_measures(measures)
        if measures.collectivity != self.collectivity:
            raise DocumentRefused("These measures are another collectivity's.")
        if self._measures:
            last = self._measures[-1][1]
            if measures.version != last.version + 1 or measures.effective < last.effective:
                raise DocumentRefused("These measures do not follow those that are known.")
            _check_notice(measures.effective, today, "measures")

    def _add(self, cosigned: CosignedDocument) -> None:
        if cosigned.kind == TrusteeSet.__name__:
            trustees = read_cosigned(cosigned, TrusteeSet)
            if not self._sets:
                self.roster = Roster(trustees.registrar_key)
            self._sets.append((cosigned, trustees))
        else:
            self._measures.append((cosigned.hash, read_cosigned(cosigned, Measures)))

    def _append(self, signed: SignedEntry, seen: int | None) -> RosterEntry:
        entry = self.roster.append(signed, seen)
        self._devices[entry.device] = entry
        return entry


def _check_notice(effective: int, today: int, what: str) -> None:
    if effective < today + NOTICE_DAYS:
        raise DocumentRefused(
            f"This {what} would take effect in {effective - today} days; {NOTICE_DAYS} are needed."
        )
