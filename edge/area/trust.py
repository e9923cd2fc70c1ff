"""Decides which documents a chip trusts, and which of them apply to a day. Pure.

The first set of trustees is trusted because the household confirmed it by hand. Each later set is
trusted because enough trustees of the set before signed it, and measures because enough trustees of
a trusted set signed them. The cloud carries the documents, but does not decide which are in force.
"""

from collections.abc import Sequence

import msgspec

from edge.vault.area import DocumentRow
from edge.vault.signer import Signer
from protocol.errors import DocumentRefused
from protocol.governance import (
    NOTICE_DAYS,
    CosignedDocument,
    TrusteeSet,
    check_signed_by_trustees,
    open_first_set,
    open_next_set,
    read_cosigned,
)
from protocol.key_list import KeyUse, Successors, alone
from protocol.measures import Group, Measures, check_measures
from protocol.packed import read_packed
from protocol.roster import RosterEntry, SignedEntry, open_entry
from protocol.transform import Transform, read_transform

TRUSTEE_SET = TrusteeSet.__name__
MEASURES = Measures.__name__
TRANSFORM = "Transform"
# A document that follows the same one as a document of another hash, kept as proof.
FORK = "Fork"


class TrustedSet(msgspec.Struct, frozen=True):
    """A set of trustees of the chain, in force from day `start` (a number) on."""

    hash: bytes
    cosigned: CosignedDocument
    trustees: TrusteeSet
    start: int


class TrustedMeasures(msgspec.Struct, frozen=True):
    """A measures document of a trusted set, in force from day `start` (a number) on."""

    hash: bytes
    measures: Measures
    start: int


class TrustState(msgspec.Struct, frozen=True):
    """The documents that a chip trusts; empty until the first set of trustees is confirmed.

    `entries` are the household's own roster entries, oldest first.
    """

    sets: tuple[TrustedSet, ...] = ()
    measures: tuple[TrustedMeasures, ...] = ()
    entries: tuple[RosterEntry, ...] = ()
    transforms: dict[bytes, Transform] = msgspec.field(default_factory=dict)

    def measures_on(self, day: int) -> TrustedMeasures | None:
        """Return the newest measures that began by a day (a number), unless they have ended."""
        begun = [measures for measures in self.measures if measures.start <= day]
        newest = max(begun, key=lambda trusted: trusted.measures.version, default=None)
        return newest if newest is not None and day < newest.measures.end else None

    def entry_on(self, day: int) -> RosterEntry | None:
        """Return the household's roster entry on a day (a number); None if it has no cell then."""
        in_force = [entry for entry in self.entries if entry.start <= day]
        return in_force[-1] if in_force and in_force[-1].cell is not None else None

    def set_of(self, trustee_set: bytes) -> TrustedSet | None:
        """Return the trusted set with this hash, if any."""
        return next((trusted for trusted in self.sets if trusted.hash == trustee_set), None)

    def version_of(self, measures: bytes) -> int | None:
        """Return the version of trusted measures (their hash), if they are trusted."""
        return next(
            (trusted.measures.version for trusted in self.measures if trusted.hash == measures),
            None,
        )

    def transforms_wanted(self, of: TrustedMeasures | None = None) -> list[tuple[bytes, Group]]:
        """Return the missing transforms of the household's own groups, each with its group.

        `of`: only those of this document.
        """
        wanted = []
        for trusted in self.measures if of is None else (of,):
            for entry in self.entries[-2:]:
                for measure in trusted.measures.measures:
                    group = measure.group_of(entry.cell or "-", entry.provider)
                    if group and group.transform and group.transform not in self.transforms:
                        wanted.append((group.transform, group))
        return wanted


def trust_state(
    rows: Sequence[DocumentRow],
    entries: Sequence[SignedEntry],
    confirmed: bytes | None,
    signer: Signer,
    successors: Successors = alone,
) -> TrustState:
    """Return what is trusted of all received documents, if the set `confirmed` is confirmed.

    `successors` are those of the keys that sets of trustees name.
    """
    sets = _chain(rows, confirmed, signer.collectivity, successors)
    measures = []
    for row in rows:
        if row.kind != MEASURES:
            continue
        try:
            document = open_measures(row.data, sets, signer.collectivity, successors)
        except DocumentRefused:
            continue  # its set is not confirmed, or no longer
        trustee_set = next(trusted for trusted in sets if trusted.hash == document.trustees)
        start = max(_start(row, document.effective), trustee_set.start)
        measures.append(TrustedMeasures(row.hash, document, start))
    own = [
        entry
        for signed in entries
        if (entry := own_entry(signed, sets, signer, successors)) is not None
    ]
    transforms = {row.hash: read_transform(row.data) for row in rows if row.kind == TRANSFORM}
    return TrustState(sets, tuple(measures), tuple(own), transforms)


def first_set(data: bytes, collectivity: str) -> tuple[CosignedDocument, TrusteeSet]:
    """Read a proposed first set of trustees.

    Raises:
        DocumentRefused: the set is invalid or another collectivity's; the message states why.
    """
    cosigned = cosigned_from_bytes(data)
    trustees = open_first_set(cosigned)
    if trustees.collectivity != collectivity:
        raise DocumentRefused("This set of trustees is another collectivity's.")
    return cosigned, trustees


def cosigned_from_bytes(data: bytes) -> CosignedDocument:
    """Read a signed document from MessagePack without verifying it. Raises DocumentRefused."""
    try:
        return read_packed(data, CosignedDocument)
    except msgspec.MsgspecError as exc:
        raise DocumentRefused("These bytes are no signed document.") from exc


def open_measures(
    data: bytes, sets: Sequence[TrustedSet], collectivity: str, successors: Successors = alone
) -> Measures:
    """Verify a measures document under the trusted set that it names.

    Raises:
        DocumentRefused: the document is invalid or not trusted; the message states why.
    """
    cosigned = cosigned_from_bytes(data)
    measures = read_cosigned(cosigned, Measures)
    if measures.collectivity != collectivity:
        raise DocumentRefused("These measures are another collectivity's.")
    trustee_set = next((trusted for trusted in sets if trusted.hash == measures.trustees), None)
    if trustee_set is None:
        raise DocumentRefused("These measures name a set of trustees that is not trusted here.")
    check_signed_by_trustees(cosigned, trustee_set.trustees, successors)
    check_measures(measures)
    return measures


def own_entry(
    signed: SignedEntry,
    sets: Sequence[TrustedSet],
    signer: Signer,
    successors: Successors = alone,
) -> RosterEntry | None:
    """Return the roster entry if a trusted set's registrar signed it and it names this chip."""
    own = (signer.household.id, signer.device, signer.key.public_key().public_bytes_raw())
    for trusted in reversed(sets):
        try:
            keys = successors(KeyUse.REGISTRAR, trusted.trustees.registrar_key)
            entry = open_entry(signed, *keys)
        except DocumentRefused:
            continue
        named = (entry.household_key, entry.device, entry.signing_key)
        return entry if named == own else None
    return None


def _chain(
    rows: Sequence[DocumentRow],
    confirmed: bytes | None,
    collectivity: str,
    successors: Successors,
) -> tuple[TrustedSet, ...]:
    by_hash = {row.hash: row for row in rows if row.kind == TRUSTEE_SET}
    row = by_hash.get(confirmed or b"")
    if row is None:
        return ()
    try:
        cosigned, trustees = first_set(row.data, collectivity)
    except DocumentRefused:
        return ()
    chain = [TrustedSet(row.hash, cosigned, trustees, trustees.effective)]
    while (following := _next_set(by_hash, chain[-1], successors)) is not None:
        chain.append(following)
    return tuple(chain)


def _next_set(
    by_hash: dict[bytes, DocumentRow], last: TrustedSet, successors: Successors
) -> TrustedSet | None:
    for row in by_hash.values():
        try:
            cosigned = cosigned_from_bytes(row.data)
            trustees = open_next_set(cosigned, last.cosigned, successors)
        except DocumentRefused:
            continue
        return TrustedSet(row.hash, cosigned, trustees, _start(row, trustees.effective))
    return None


def _start(row: DocumentRow, effective: int) -> int:
    """Return the first day of a document: no sooner than the notice period after its arrival."""
    return effective if row.is_first else max(effective, row.first_seen + NOTICE_DAYS)
