"""An `AreaStore` in memory, with the behaviour that the interface promises."""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from cloud.store.area import (
    ContributionItem,
    ContributionRow,
    Figure,
    FigureKey,
    FigureStage,
    LettersItem,
)
from cloud.store.put import Put
from protocol.area_messages import SeedLetters
from protocol.errors import Reason, StoreError
from protocol.governance import CosignedDocument
from protocol.roster import SignedEntry

_ORDER = (FigureStage.FIXED, FigureStage.CHECKED, FigureStage.RELEASED, FigureStage.DISCARDED)
_ENDED = {FigureStage.RELEASED, FigureStage.DISCARDED}


class FakeAreaStore:
    def __init__(self):
        self._items: dict[tuple[bytes, int, bytes], ContributionItem] = {}
        self._letters: dict[bytes, tuple[SeedLetters, bytes]] = {}
        self._documents: dict[bytes, CosignedDocument] = {}
        self._blobs: dict[bytes, bytes] = {}
        self._roster: list[SignedEntry] = []
        self._figures: dict[FigureKey, Figure] = {}

    def put_contributions(self, items: Sequence[ContributionItem], at: datetime):
        del at
        return tuple(self._put(item) for item in items)

    def _put(self, item: ContributionItem) -> Put | Reason:
        one = item.contribution
        key = (one.household_key, one.day, one.measures)
        if key in self._items:
            return Put.AGAIN if self._items[key].payload == item.payload else Reason.CONFLICT
        keys = [FigureKey(one.measures, p.measure, p.group, one.day) for p in one.parts]
        if fixed := [self._figures[key] for key in keys if key in self._figures]:
            for figure in fixed:
                self._figures[figure.key] = replace(figure, late=figure.late + 1)
            return Reason.LATE
        self._items[key] = item
        return Put.STORED

    def rows(self, key: FigureKey) -> tuple[ContributionRow, ...]:
        rows = []
        for item in self._items.values():
            one = item.contribution
            if (one.measures, one.day) != (key.measures, key.day):
                continue
            rows += [
                ContributionRow(
                    one.household_key,
                    item.device,
                    one.entry,
                    one.nonce,
                    one.generation,
                    part.words,
                )
                for part in one.parts
                if (part.measure, part.group) == (key.measure, key.group)
            ]
        return tuple(sorted(rows, key=lambda row: row.entry))

    def days(self, measures: bytes) -> tuple[int, ...]:
        return tuple(sorted({day for _, day, document in self._items if document == measures}))

    def put_letters(self, items: Sequence[LettersItem]) -> tuple[Put | Reason, ...]:
        return tuple(self._put_letters(item) for item in items)

    def _put_letters(self, item: LettersItem) -> Put | Reason:
        known = self._letters.get(item.letters.household_key)
        if known and known[0].generation >= item.letters.generation:
            return Put.AGAIN if known[1] == item.payload else Reason.CONFLICT
        self._letters[item.letters.household_key] = (item.letters, item.payload)
        return Put.STORED

    def put_cosigned(self, cosigned: CosignedDocument) -> None:
        known = self._documents.get(cosigned.hash, cosigned)
        new = [signature for signature in cosigned.signatures if signature not in known.signatures]
        self._documents[cosigned.hash] = CosignedDocument(
            known.kind, known.body, (*known.signatures, *new)
        )

    def cosigned(self, document_hash: bytes) -> CosignedDocument | None:
        return self._documents.get(document_hash)

    def cosigned_documents(self, kind: str) -> tuple[CosignedDocument, ...]:
        return tuple(document for document in self._documents.values() if document.kind == kind)

    def put_blob(self, data: bytes) -> bytes:
        blob_hash = hashlib.sha256(data).digest()
        self._blobs[blob_hash] = data
        return blob_hash

    def blob(self, blob_hash: bytes) -> bytes | None:
        return self._blobs.get(blob_hash)

    def append_roster(self, entries: Sequence[SignedEntry]) -> None:
        self._roster += entries

    def roster(self, first: int = 0) -> tuple[SignedEntry, ...]:
        return tuple(self._roster[first:])

    def put_figure(self, figure: Figure) -> None:
        known = self._figures.get(figure.key)
        if known and (
            (known.stage in _ENDED and known.stage is not figure.stage)
            or _ORDER.index(figure.stage) < _ORDER.index(known.stage)
        ):
            raise StoreError("a figure's stage never goes back")
        self._figures[figure.key] = replace(figure, late=known.late if known else 0)

    def figure(self, key: FigureKey) -> Figure | None:
        return self._figures.get(key)

    def figures(
        self, measure: str, group: str, start: int, end: int, stage: FigureStage | None = None
    ) -> tuple[Figure, ...]:
        figures = [
            figure
            for key, figure in self._figures.items()
            if (key.measure, key.group) == (measure, group)
            and start <= key.day < end
            and stage in (None, figure.stage)
        ]
        return tuple(sorted(figures, key=lambda figure: (figure.key.day, figure.key)))

    def unfinished(self) -> tuple[Figure, ...]:
        return tuple(figure for figure in self._figures.values() if figure.stage not in _ENDED)

    def expire_rows(self, released_before: datetime, limit: int = 10_000) -> int:
        gone = []
        for key, item in self._items.items():
            one = item.contribution
            figures = [
                self._figures.get(FigureKey(one.measures, p.measure, p.group, one.day))
                for p in one.parts
            ]
            if all(f and f.stage in _ENDED and f.at < released_before for f in figures):
                gone.append(key)
        for key in gone[:limit]:
            del self._items[key]
        return len(gone[:limit])
