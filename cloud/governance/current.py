"""The area lane's documents and roster as the worker knows them, read from the store when new.

Whoever put them there checked their signatures (`cloud.governance.documents`); they are not checked again.
"""

from datetime import datetime

import msgspec

from cloud.store.area import AreaStore
from protocol.calendar import day_number, legal_day
from protocol.governance import TrusteeSet, read_cosigned
from protocol.measures import Group, Measure, Measures
from protocol.roster import Roster

MEASURES_KIND = Measures.__name__
TRUSTEES_KIND = TrusteeSet.__name__
# So many days a document is still taken after the next one has taken effect.
GRACE_DAYS = 14


class AreaDocuments:
    """What stands in the store; `refresh` reads what others have added to it."""

    def __init__(self, area: AreaStore) -> None:
        self._area = area
        self.trustees: dict[bytes, TrusteeSet] = {}
        self.measures: dict[bytes, Measures] = {}
        self.roster = Roster(b"")
        self._groups: dict[tuple[bytes, str, str, str], Group | None] = {}

    def refresh(self) -> None:
        """Read documents and roster entries that are new."""
        for found in self._area.cosigned_hashes(TRUSTEES_KIND):
            if found not in self.trustees and (cosigned := self._area.cosigned(found)):
                self.trustees[found] = read_cosigned(cosigned, TrusteeSet)
        for found in self._area.cosigned_hashes(MEASURES_KIND):
            if found not in self.measures and (cosigned := self._area.cosigned(found)):
                self.measures[found] = read_cosigned(cosigned, Measures)
        self.roster.load(self._area.roster(len(self.roster)))

    def holding(self, day: int) -> bytes | None:
        """Return the hash of the measures that hold on `day` (a number): the last in effect."""
        in_effect = [found for found, each in self.measures.items() if each.effective <= day]
        return max(in_effect, key=lambda found: self.measures[found].version, default=None)

    def holds(self, document: bytes, day: int) -> bool:
        """Say whether contributions to `day` are taken under a document.

        A chip that learnt of a new document late must still give its notice: the one before is
        taken for two weeks more. Each makes figures of its own.
        """
        measures = self.measures[document]
        later = [
            each.effective for each in self.measures.values() if each.version > measures.version
        ]
        return measures.effective <= day and all(day < start + GRACE_DAYS for start in later)

    def current(self, at: datetime) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
        """Return hashes for a chip's terms: all sets of trustees; measures in effect or to come."""
        today = day_number(legal_day(at))
        trustees = sorted(self.trustees, key=lambda found: self.trustees[found].version)
        now = self.holding(today)
        least = self.measures[now].version if now else 0
        measures = [found for found, each in self.measures.items() if each.version >= least]
        return tuple(trustees), tuple(sorted(measures, key=lambda f: self.measures[f].version))

    def group(self, document: bytes, measure: Measure, cell: str, provider: str) -> Group | None:
        """Return the group of a household in a measure of a document; looked for once only."""
        key = (document, measure.name, cell, provider)
        if key not in self._groups:
            self._groups[key] = measure.group_of(cell, provider)
        return self._groups[key]

    def document_bytes(self, document: bytes) -> bytes | None:
        """Return a signed document as MessagePack, or a transform as it is."""
        cosigned = self._area.cosigned(document)
        return msgspec.msgpack.encode(cosigned) if cosigned else self._area.blob(document)
