"""Providers' bulk requests in SQLite."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from cloud.store.bulk_requests import (
    BulkFault,
    BulkLine,
    BulkProgress,
    BulkRefused,
    BulkRequest,
    BulkRequestItem,
)
from cloud.store.put import REQUESTS_A_DAY, Put
from cloud.store.sqlite.requests import asked_within_a_day
from cloud.store.sqlite.tables import Tables, instant, seconds

# Items are stored in chunks to bound memory.
CHUNK_ITEMS = 1_000
_PENDING = "pending"

_BATCH = "SELECT id, provider_key, name, digest, at FROM batch"
_PAGE = """
WHERE provider_key = ? AND number > ifnull((SELECT number FROM batch WHERE id = ?), 0)
ORDER BY number LIMIT ?
"""
_INSERT = """
INSERT INTO request (id, contract, household, request, state, requested_at, detail)
SELECT ?, c.hash, c.household, ?, ?, ?, '' FROM contract c
WHERE c.hash = ? AND c.provider_key = ? ON CONFLICT DO NOTHING
"""
_COUNTS = """
SELECT r.state, count(*) FROM batch b JOIN batch_item i ON i.batch = b.number
JOIN request r ON r.id = i.request WHERE b.id = ? GROUP BY r.state
"""
_LINES = """
SELECT i.number, r.id, r.contract, r.state, r.detail
FROM batch b JOIN batch_item i ON i.batch = b.number JOIN request r ON r.id = i.request
WHERE b.id = ? AND i.number > ? AND r.state = ifnull(?, r.state) ORDER BY i.number LIMIT ?
"""


class _ItemRefused(Exception):
    """An item cannot be stored; raising it rolls the transaction back."""


class SqliteBulkRequests(Tables):
    """`BulkRequestStore` in the embedded store."""

    def put_batch(self, batch: BulkRequest, items: Iterable[BulkRequestItem]) -> Put | BulkRefused:
        """See `BulkRequestStore.put_batch`."""
        try:
            with self._writing():
                row = self._row(
                    f"{_BATCH} WHERE provider_key = ? AND name = ?",
                    [batch.provider_key, batch.name],
                )
                if row:
                    is_same = _batch(row).digest == batch.digest
                    return Put.AGAIN if is_same else BulkRefused(0, BulkFault.OTHER_CONTENT)
                self._insert(batch, iter(items))
        except _ItemRefused as exc:
            refused: BulkRefused = exc.args[0]
            return refused
        return Put.STORED

    def progress(self, batch_id: bytes) -> BulkProgress | None:
        """See `BulkRequestStore.progress`."""
        row = self._row(f"{_BATCH} WHERE id = ?", [batch_id])
        if row is None:
            return None
        counts = dict(self._rows(_COUNTS, [batch_id]))
        return BulkProgress(
            _batch(row),
            sum(counts.values()),
            counts.get("pending", 0),
            counts.get("published", 0),
            counts.get("seen", 0),
            counts.get("refused", 0),
        )

    def batches(self, provider_key: bytes, after: bytes, limit: int) -> tuple[BulkRequest, ...]:
        """See `BulkRequestStore.batches`."""
        rows = self._rows(
            f"{_BATCH} {_PAGE}",
            [provider_key, after, limit],
        )
        return tuple(_batch(row) for row in rows)

    def lines(
        self, batch_id: bytes, after: int, limit: int, state: str | None = None
    ) -> tuple[BulkLine, ...]:
        """See `BulkRequestStore.lines`."""
        rows = self._rows(_LINES, [batch_id, after, state, limit])
        return tuple(BulkLine(*row) for row in rows)

    def _insert(self, batch: BulkRequest, items: Iterable[BulkRequestItem]) -> None:
        cursor = self._db.conn.cursor()
        at = seconds(batch.at)
        cursor.execute(
            "INSERT INTO batch (id, provider_key, name, digest, at) VALUES (?, ?, ?, ?, ?)",
            (batch.id, batch.provider_key, batch.name, batch.digest, at),
        )
        number, first = cursor.lastrowid, 1
        items = iter(items)
        while chunk := list(islice(items, CHUNK_ITEMS)):
            cursor.executemany(
                _INSERT,
                [
                    (item.id, item.request, _PENDING, at, item.contract, batch.provider_key)
                    for item in chunk
                ],
            )
            for item_number, item in enumerate(chunk, start=first):
                self._check(cursor, item_number, item, batch.provider_key)
            self._check_quota(chunk, first, batch.at)
            cursor.executemany(
                "INSERT INTO batch_item (batch, number, request) VALUES (?, ?, ?)",
                [
                    (number, item_number, item.id)
                    for item_number, item in enumerate(chunk, start=first)
                ],
            )
            first += len(chunk)

    def _check_quota(self, chunk: Sequence[BulkRequestItem], first: int, at: datetime) -> None:
        """Check what each contract was asked for in a day, this chunk included.

        The first of the items that are too many is named.
        """
        places: dict[bytes, list[int]] = {}
        for number, item in enumerate(chunk, start=first):
            places.setdefault(item.contract, []).append(number)
        for contract, numbers in places.items():
            excess = asked_within_a_day(self._db, contract, at) - REQUESTS_A_DAY
            if excess > 0:
                number = numbers[max(0, len(numbers) - excess)]
                raise _ItemRefused(BulkRefused(number, BulkFault.TOO_MANY))

    def _check(self, cursor: Any, number: int, item: BulkRequestItem, provider_key: bytes) -> None:
        """Check that the request stored under an item's id equals it and is the provider's."""
        row = cursor.execute(
            "SELECT r.request, c.provider_key FROM request r JOIN contract c ON c.hash = r.contract"
            " WHERE r.id = ?",
            (item.id,),
        ).fetchone()
        if row is None:
            raise _ItemRefused(BulkRefused(number, BulkFault.NOT_OWN))
        if row[0] != item.request or row[1] != provider_key:
            raise _ItemRefused(BulkRefused(number, BulkFault.TAKEN))


def _batch(row: tuple[Any, ...]) -> BulkRequest:
    batch_id, provider_key, name, digest, at = row
    return BulkRequest(batch_id, provider_key, name, digest, instant(at))
