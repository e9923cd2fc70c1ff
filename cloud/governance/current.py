"""The documents and roster for area figures, as the worker reads them from the store.

Their signatures were checked when they were stored (`cloud.governance.documents`), and are not
checked again.
"""

from datetime import datetime

import msgspec

from cloud.store.area import AreaStore
from protocol.area_messages import Contribution, Terms
from protocol.calendar import day_number, legal_day
from protocol.governance import TrusteeSet, read_cosigned
from protocol.measures import Group, Measure, Measures
from protocol.roster import Roster

MEASURES_KIND = Measures.__name__
TRUSTEES_KIND = TrusteeSet.__name__
# How many days a document is still accepted after the next one takes effect.
GRACE_DAYS = 14


class AreaDocuments:
    """The documents in the store; `refresh` reads what others have added."""

    def __init__(self, area: AreaStore) -> None:
        self._area = area
        self.trustees: dict[bytes, TrusteeSet] = {}
        self.measures: dict[bytes, Measures] = {}
        self.roster = Roster(b"")
        self._groups: dict[tuple[bytes, str, str, str], Group | None] = {}

    def refresh(self) -> None:
        """Read new documents and roster entries."""
        for document_hash in self._area.cosigned_hashes(TRUSTEES_KIND):
            if document_hash not in self.trustees and (
                cosigned := self._area.cosigned(document_hash)
            ):
                self.trustees[document_hash] = read_cosigned(cosigned, TrusteeSet)
        for document_hash in self._area.cosigned_hashes(MEASURES_KIND):
            if document_hash not in self.measures and (
                cosigned := self._area.cosigned(document_hash)
            ):
                self.measures[document_hash] = read_cosigned(cosigned, Measures)
        self.roster.load(self._area.roster(len(self.roster)))

    def measures_on(self, day: int) -> bytes | None:
        """Return the hash of the latest measures that took effect by `day` (a number)."""
        in_effect = [
            document_hash
            for document_hash, measures in self.measures.items()
            if measures.effective <= day
        ]
        return max(
            in_effect, key=lambda document_hash: self.measures[document_hash].version, default=None
        )

    def accepts(self, document: bytes, day: int) -> bool:
        """Return whether contributions to `day` are accepted under a document.

        A chip that learnt of a new document late must still give its notice, so the previous
        document is accepted for two more weeks. Each document has its own figures.
        """
        measures = self.measures[document]
        later = [
            other.effective for other in self.measures.values() if other.version > measures.version
        ]
        return measures.effective <= day < measures.end and all(
            day < start + GRACE_DAYS for start in later
        )

    def current(self, at: datetime) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
        """Return hashes for a chip's terms: all sets of trustees; measures in effect or to come."""
        today = day_number(legal_day(at))
        trustees = sorted(
            self.trustees, key=lambda document_hash: self.trustees[document_hash].version
        )
        now = self.measures_on(today)
        least = self.measures[now].version if now else 0
        measures = [
            document_hash
            for document_hash, document in self.measures.items()
            if document.version >= least
        ]
        return tuple(trustees), tuple(
            sorted(measures, key=lambda document_hash: self.measures[document_hash].version)
        )

    def terms(self, household_key: bytes, at: datetime) -> Terms:
        """Return a household's terms: its latest roster entry, and the documents in force."""
        trustees, measures = self.current(at)
        history = self.roster.history(household_key)
        entry = None
        if history:
            (signed, *_) = self._area.roster(history[-1].number, 1)
            entry = (signed.body, signed.signature)
        return Terms(household_key, entry, trustees, measures)

    def has_newer(self, contribution: Contribution) -> bool:
        """Return whether there are newer measures, or a newer entry, than a contribution names."""
        newest = max(measures.version for measures in self.measures.values())
        if self.measures[contribution.measures].version < newest:
            return True
        return self.roster.history(contribution.household_key)[-1].number > contribution.entry

    def group(self, document: bytes, measure: Measure, cell: str, provider: str) -> Group | None:
        """Return a household's group in a measure of a document, cached."""
        key = (document, measure.name, cell, provider)
        if key not in self._groups:
            self._groups[key] = measure.group_of(cell, provider)
        return self._groups[key]

    def document_bytes(self, document: bytes) -> bytes | None:
        """Return a signed document as MessagePack, or a transform as it is."""
        cosigned = self._area.cosigned(document)
        return msgspec.msgpack.encode(cosigned) if cosigned else self._area.blob(document)
