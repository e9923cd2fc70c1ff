"""What the cloud keeps for the area lane: the interface and the values that cross it.

`AreaStore` is reached as `Store.area` and lives in the same store and thread.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import msgspec

from cloud.store.put import Put
from protocol.area_messages import Contribution, SeedLetters
from protocol.errors import Reason
from protocol.governance import CosignedDocument
from protocol.ids import DeviceId
from protocol.roster import SignedEntry


class ContributionItem(msgspec.Struct, frozen=True):
    """A verified contribution on its way into the store."""

    device: DeviceId
    contribution: Contribution
    payload: bytes


class LettersItem(msgspec.Struct, frozen=True):
    """Verified seed letters on their way into the store."""

    device: DeviceId
    letters: SeedLetters
    payload: bytes


class ContributionRow(msgspec.Struct, frozen=True):
    """One household's contribution to one measure and day; `words` with the check slot."""

    household_key: bytes
    device: DeviceId
    entry: int
    nonce: bytes
    generation: int
    words: bytes


class FigureStage(StrEnum):
    """How far a figure (measure, group, day) has come.

    fixed: no contribution is taken any more, the check slots are being opened.
    checked: the set is final, its sum is being opened.
    released: the figure is there. discarded: it never will be, `detail` says why.
    """

    FIXED = "fixed"
    CHECKED = "checked"
    RELEASED = "released"
    DISCARDED = "discarded"


class FigureKey(msgspec.Struct, frozen=True, order=True):
    """One figure: a measure of a group on a day (a number), under a document (its hash)."""

    measures: bytes
    measure: str
    group: str
    day: int


class Figure(msgspec.Struct, frozen=True):
    """A figure and what became of it.

    `requests` are the encoded SetRequests asked for, check first; `left_out` are (entry, reason);
    `opened` are the slots as opened, int64 little-endian; `release` the published JSON. `late` counts
    contributions that came after the set was fixed; the store counts them, `put_figure` does not.
    """

    key: FigureKey
    stage: FigureStage
    at: datetime
    requests: tuple[bytes, ...] = ()
    left_out: tuple[tuple[int, Reason], ...] = ()
    opened: bytes = b""
    release: bytes = b""
    detail: str = ""
    late: int = 0


class AreaStore(Protocol):
    """The record of the area lane. Raises as `Store` does."""

    def put_contributions(
        self, items: Sequence[ContributionItem], at: datetime
    ) -> tuple[Put | Reason, ...]:
        """Keep contributions in one durable transaction.

        One household, day and measures document has one contribution: the same bytes again are
        `again`, others are `conflict`. `late` where any figure it counts in is fixed already,
        which these figures count.
        """

    def rows(self, key: FigureKey) -> tuple[ContributionRow, ...]:
        """Return what there is of a figure, by roster entry, until it expires."""

    def days(self, measures: bytes) -> tuple[int, ...]:
        """Return the days of which there are contributions under a document, rising."""

    def put_letters(self, device: DeviceId, letters: SeedLetters, payload: bytes) -> Put | Reason:
        """Keep a household's latest seed letters; `conflict` for a generation that does not rise."""

    def put_all_letters(self, items: Sequence[LettersItem]) -> tuple[Put | Reason, ...]:
        """Keep the letters of many households in one transaction, as `put_letters` does."""

    def generations(self, household_keys: Collection[bytes]) -> dict[bytes, int]:
        """Return the generation of each household's seeds; who has sent none is not in it."""

    def put_cosigned(self, cosigned: CosignedDocument) -> None:
        """Keep a signed document; signatures that are new are added."""

    def cosigned(self, document_hash: bytes) -> CosignedDocument | None:
        """Return the document whose body has this hash."""

    def cosigned_documents(self, kind: str) -> tuple[CosignedDocument, ...]:
        """Return all documents of a kind, in the order they came."""

    def cosigned_hashes(self, kind: str) -> tuple[bytes, ...]:
        """Return the hashes of all documents of a kind, in the order they came."""

    def put_blob(self, data: bytes) -> bytes:
        """Keep a transform or model; returns its SHA-256."""

    def blob(self, blob_hash: bytes) -> bytes | None:
        """Return what has this hash."""

    def append_roster(self, entries: Sequence[SignedEntry]) -> None:
        """Add checked entries at the roster's end; StoreError where it has grown meanwhile."""

    def roster(self, first: int = 0, limit: int = -1) -> tuple[SignedEntry, ...]:
        """Return the roster's entries from number `first` on; at most `limit` if not negative."""

    def put_figure(self, figure: Figure) -> None:
        """Keep a figure as it stands now; a stage never goes back (StoreError)."""

    def figure(self, key: FigureKey) -> Figure | None:
        """Return a figure."""

    def figures(
        self, measure: str, group: str, start: int, end: int, stage: FigureStage | None = None
    ) -> tuple[Figure, ...]:
        """Return the figures of days [start, end), by day."""

    def unfinished(self) -> tuple[Figure, ...]:
        """Return the figures that are fixed or checked."""

    def expire_rows(self, released_before: datetime, limit: int = 10_000) -> int:
        """Delete at most `limit` contributions of which all figures ended before an instant."""
