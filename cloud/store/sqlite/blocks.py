"""Epoch headers, blocks and dead letters in SQLite."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

from cloud.store import (
    BatchOutcome,
    BlockItem,
    DeadLetter,
    EpochItem,
    Holdings,
    IngestBatch,
    StoredBlock,
    StoredEpoch,
    dead_letter,
)
from cloud.store.sqlite import ranges
from cloud.store.sqlite.batch import BatchWriter
from cloud.store.sqlite.tables import Tables, instant, seconds
from protocol.calendar import day_number, day_of_number, month_of
from protocol.errors import Reason
from protocol.ids import DeviceId, HouseholdKeyId, Incarnation
from protocol.messages import COEFFICIENT_BYTES, IncarnationState
from protocol.packed import read_packed

# Flooding the cloud with refused messages raises counters but does not fill the disk.
DEAD_LETTERS_KEPT = 10_000
TEXT_MAX = 200

_BLOCKS_FROM = """
SELECT i.device, i.incarnation, b.sequence, b.day, b.j0, b.j1, b.body_offset, b.payload
FROM incarnation i JOIN block b ON b.incarnation = i.id
WHERE i.household = (SELECT id FROM household WHERE key = ?) AND i.incarnation = ?
  AND b.sequence >= ? ORDER BY b.sequence LIMIT ?
"""
_BLOCKS_OF_DAYS = """
SELECT i.device, i.incarnation, b.sequence, b.day, b.j0, b.j1, b.body_offset, b.payload
FROM block b JOIN incarnation i ON i.id = b.incarnation
WHERE b.household = (SELECT id FROM household WHERE key = ?) AND b.day >= ? AND b.day < ?
ORDER BY b.day, b.j0
"""
# A new incarnation has a header as soon as it has a row.
_FORGET = """
DELETE FROM incarnation WHERE NOT EXISTS (SELECT 1 FROM epoch WHERE incarnation = incarnation.id)
  AND NOT EXISTS (SELECT 1 FROM block WHERE incarnation = incarnation.id)
"""


class SqliteBlocks(Tables):
    """Epoch headers, blocks and dead letters."""

    def put_batch(self, batch: IngestBatch) -> BatchOutcome:
        """See `Store.put_batch`."""
        with self._writing():
            outcome = BatchWriter(self._db).put(list(batch.epochs), list(batch.blocks))
            items: tuple[EpochItem | BlockItem, ...] = (*batch.epochs, *batch.blocks)
            results = (*outcome.epochs, *outcome.blocks)
            letters = [
                dead_letter(item.topic, item.payload, result, batch.at)
                for item, result in zip(items, results, strict=True)
                if isinstance(result, Reason)
            ]
            self._bury((*batch.refused, *letters))
        return outcome

    def holdings(self, household_keys: Collection[HouseholdKeyId]) -> tuple[Holdings, ...]:
        """See `Store.holdings`."""
        return tuple(Holdings(key, self._states(key)) for key in household_keys)

    def epochs(
        self, household_key: HouseholdKeyId, incarnation: Incarnation | None = None
    ) -> tuple[StoredEpoch, ...]:
        """See `Store.epochs`."""
        rows = self._rows(
            "SELECT i.device, i.incarnation, e.month, e.payload FROM household h"
            " JOIN incarnation i ON i.household = h.id JOIN epoch e ON e.incarnation = i.id"
            " WHERE h.key = ? AND i.incarnation = ifnull(?, i.incarnation)"
            " ORDER BY e.month, i.incarnation",
            [household_key, incarnation],
        )
        return tuple(
            StoredEpoch(DeviceId(device), Incarnation(name), day_of_number(month), payload)
            for device, name, month, payload in rows
        )

    def blocks(
        self, household_key: HouseholdKeyId, incarnation: Incarnation, sequence: int, count: int
    ) -> tuple[StoredBlock, ...]:
        """See `Store.blocks`."""
        rows = self._rows(_BLOCKS_FROM, [household_key, incarnation, sequence, count])
        return tuple(_block(row) for row in rows)

    def blocks_of_days(
        self, household_key: HouseholdKeyId, start: date, end: date
    ) -> tuple[StoredBlock, ...]:
        """See `Store.blocks_of_days`."""
        days = day_number(start), day_number(end)
        rows = self._rows(_BLOCKS_OF_DAYS, [household_key, *days])
        return tuple(_block(row) for row in rows)

    def dead_letters(self, limit: int = 100) -> tuple[DeadLetter, ...]:
        """See `Store.dead_letters`."""
        rows = self._rows(
            "SELECT topic, reason, detail, size_bytes, sha256, at FROM dead_letter"
            " ORDER BY id DESC LIMIT ?",
            [limit],
        )
        return tuple(
            DeadLetter(topic, Reason(reason), detail, size_bytes, sha256, instant(at))
            for topic, reason, detail, size_bytes, sha256, at in rows
        )

    def metered_days(self, start: date, end: date) -> int:
        """See `Store.metered_days`."""
        count, day = 0, day_number(start)
        while day is not None:  # one look into the index a day, however many blocks it has
            ((day,),) = self._rows(
                "SELECT min(day) FROM block WHERE day >= ? AND day < ?", [day, day_number(end)]
            )
            if day is not None:
                count, day = count + 1, day + 1
        return count

    def expire(self, before: date, limit: int = 10_000) -> int:
        """See `Store.expire`."""
        with self._writing():
            count = self._db.execute(
                "DELETE FROM block WHERE rowid IN (SELECT rowid FROM block WHERE day < ? LIMIT ?)",
                [day_number(before), limit],
            ).rowcount
            if count == 0:
                self._db.execute(
                    "DELETE FROM epoch WHERE month < ?", [day_number(month_of(before))]
                )
                self._db.execute(_FORGET)
        return count

    def _states(self, household_key: HouseholdKeyId) -> tuple[IncarnationState, ...]:
        rows = self._rows(
            "SELECT incarnation, stored_through, beyond, months FROM incarnation"
            " WHERE household = (SELECT id FROM household WHERE key = ?) ORDER BY incarnation",
            [household_key],
        )
        return tuple(
            IncarnationState(
                incarnation,
                through,
                read_packed(beyond, ranges.Ranges),
                read_packed(months, tuple[int, ...]),
            )
            for incarnation, through, beyond, months in rows
        )

    def _bury(self, letters: Sequence[DeadLetter]) -> None:
        """Store dead letters and count them, within a transaction."""
        if not letters:
            return
        cursor = self._db.conn.cursor()
        cursor.executemany(
            "INSERT INTO dead_letter (topic, reason, detail, size_bytes, sha256, at)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            [
                (
                    letter.topic[:TEXT_MAX],
                    letter.reason,
                    letter.detail[:TEXT_MAX],
                    letter.size_bytes,
                    letter.sha256,
                    seconds(letter.at),
                )
                for letter in letters
            ],
        )
        cursor.execute(
            "DELETE FROM dead_letter WHERE id <= (SELECT max(id) FROM dead_letter) - ?",
            (DEAD_LETTERS_KEPT,),
        )
        cursor.executemany(
            "INSERT INTO refusal (reason, count) VALUES (?, ?)"
            " ON CONFLICT (reason) DO UPDATE SET count = count + excluded.count",
            list(Counter(letter.reason for letter in letters).items()),
        )


def _block(row: tuple[Any, ...]) -> StoredBlock:
    device, incarnation, sequence, day, j0, j1, offset, payload = row
    return StoredBlock(
        DeviceId(device),
        Incarnation(incarnation),
        sequence,
        day_of_number(day),
        j0,
        payload[offset : offset + (j1 - j0) * COEFFICIENT_BYTES],
        payload,
    )
