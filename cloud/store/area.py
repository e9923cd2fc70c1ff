"""The storage interface for area figures, and its values.

`AreaStore` is available as `Store.area`, in the same store and thread.
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
    """A verified contribution to be stored."""

    device: DeviceId
    contribution: Contribution
    payload: bytes


class LettersItem(msgspec.Struct, frozen=True):
    """Verified seed letters to be stored."""

    device: DeviceId
    letters: SeedLetters
    payload: bytes


class ContributionRow(msgspec.Struct, frozen=True):
    """One household's contribution to one measure and day; `words` includes the check slot."""

    household_key: bytes
    device: DeviceId
    entry: int
    nonce: bytes
    generation: int
    words: bytes


class FigureStage(StrEnum):
    """How far a figure (measure, group, day) has come.

    fixed: contributions are no longer accepted; the check slots are being opened.
    checked: the set is final; its sum is being opened.
    released: the figure is published.
    discarded: it will never be published; `detail` gives the reason.
    """

    FIXED = "fixed"
    CHECKED = "checked"
    RELEASED = "released"
    DISCARDED = "discarded"


class FigureKey(msgspec.Struct, frozen=True, order=True):
    """One figure: a measure of a group on a day (its number), under a document (its hash)."""

    measures: bytes
    measure: str
    group: str
    day: int


class Figure(msgspec.Struct, frozen=True):
    """A figure and its progress.

    `requests` are the encoded SetRequests, the check first. `left_out` holds (entry, reason).
    `opened` holds the opened slots, int64 little-endian; `release` is the published JSON. `late`
    counts contributions that came after the set was fixed; it is maintained by the store and
    ignored by `put_figure`. `is_witnessed`: two trustees gave each mask of the opened sum.
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
    is_witnessed: bool = False


class AreaStore(Protocol):
    """The storage of area figures. It raises the same errors as `Store`."""

    def put_contributions(
        self, items: Sequence[ContributionItem], at: datetime
    ) -> tuple[Put | Reason, ...]:
        """Store contributions in one durable transaction.

        There is one contribution per household, day and measures document: the same bytes again are
        `again`, others are `conflict`. The outcome is `late` if any figure it counts in is already
        fixed; those figures count it as late.
        """

    def rows(self, key: FigureKey) -> tuple[ContributionRow, ...]:
        """Return the contributions to a figure by roster entry, as long as they are kept."""

    def days(self, measures: bytes) -> tuple[int, ...]:
        """Return, in ascending order, the days with contributions under a document."""

    def put_letters(self, items: Sequence[LettersItem]) -> tuple[Put | Reason, ...]:
        """Store households' latest seed letters in one transaction.

        The outcome is `conflict` unless the generation rises.
        """

    def generations(self, household_keys: Collection[bytes]) -> dict[bytes, int]:
        """Return the generation of each household's seeds, omitting those without seeds."""

    def put_cosigned(self, cosigned: CosignedDocument) -> None:
        """Store a signed document; new signatures are added to a stored one."""

    def cosigned(self, document_hash: bytes) -> CosignedDocument | None:
        """Return the document whose body has this hash."""

    def cosigned_documents(self, kind: str) -> tuple[CosignedDocument, ...]:
        """Return all documents of a kind, oldest first."""

    def cosigned_hashes(self, kind: str) -> tuple[bytes, ...]:
        """Return the hashes of all documents of a kind, oldest first."""

    def put_blob(self, data: bytes) -> bytes:
        """Store a transform or model; return its SHA-256."""

    def blob(self, blob_hash: bytes) -> bytes | None:
        """Return the transform or model with this hash."""

    def append_roster(self, entries: Sequence[SignedEntry]) -> None:
        """Append checked entries to the roster; StoreError if it has grown meanwhile."""

    def roster(self, first: int = 0, limit: int = -1) -> tuple[SignedEntry, ...]:
        """Return the roster's entries from number `first` on; at most `limit` if not negative."""

    def put_figure(self, figure: Figure) -> None:
        """Store a figure's current state; StoreError if its stage would go back."""

    def figure(self, key: FigureKey) -> Figure | None:
        """Return a figure."""

    def figures(
        self, measure: str, group: str, start: int, end: int, stage: FigureStage | None = None
    ) -> tuple[Figure, ...]:
        """Return the figures of days [start, end), by day."""

    def unfinished(self) -> tuple[Figure, ...]:
        """Return the figures that are fixed or checked."""

    def expire_rows(self, released_before: datetime, limit: int = 10_000) -> int:
        """Delete at most `limit` contributions whose figures all ended before an instant."""
