"""Providers' requests and their statements in SQLite."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlite_utils

from cloud.store import (
    PublishedStatement,
    Put,
    RefusedRequest,
    RequestState,
    SeenStatement,
    StatementOrder,
    StoredRequest,
)
from cloud.store.put import A_DAY_S, REQUESTS_A_DAY
from cloud.store.sqlite.tables import Tables, instant, seconds
from protocol.errors import Reason
from protocol.ids import DeviceId, HouseholdKeyId

_REQUEST = """
SELECT r.id, r.contract, h.key, r.request, r.state, r.requested_at, r.device, r.statement,
  r.published_at, r.seen_at, r.detail
FROM request r JOIN household h ON h.id = r.household
"""
# The household may have moved to another chip while its statement was computed. The request then
# stays pending, and the message to the former chip is cleared.
_PUBLISH = """
UPDATE request SET state = ?, device = ?, statement = ?, published_at = ?
WHERE id = ? AND state = ? AND EXISTS (
  SELECT 1 FROM enrolment e
  WHERE e.household = request.household AND e.device = ? AND e.until IS NULL
)
"""
_CLEAR_MISSED = """
INSERT OR IGNORE INTO clearing (device, statement)
SELECT ?, id FROM request WHERE id = ? AND device IS NOT ?
"""
_PAGE = "r.rowid > ifnull((SELECT rowid FROM request WHERE id = ?), 0) ORDER BY r.rowid LIMIT ?"


def asked_within_a_day(database: sqlite_utils.Database, contract: bytes, at: datetime) -> int:
    """Return how many statements of a contract were requested in the day before `at`."""
    row = database.execute(
        "SELECT count(*) FROM request WHERE contract = ? AND requested_at > ?",
        [contract, seconds(at) - A_DAY_S],
    ).fetchone()
    return int(row[0])


class Requests(Tables):
    """Providers' requests and their progress."""

    def put_request(self, order: StatementOrder, at: datetime) -> Put | Reason:
        """See `Store.put_request`."""
        with self._writing():
            stored = self._row("SELECT request FROM request WHERE id = ?", [order.id])
            if stored:
                return Put.AGAIN if stored[0] == order.request else Reason.CONFLICT
            if asked_within_a_day(self._db, order.contract, at) >= REQUESTS_A_DAY:
                return Reason.QUOTA
            self._db.execute(
                "INSERT INTO request (id, contract, household, request, state, requested_at, detail)"
                " VALUES (?, ?, ?, ?, ?, ?, '')",
                [
                    order.id,
                    order.contract,
                    self._household(order.household_key),
                    order.request,
                    RequestState.PENDING,
                    seconds(at),
                ],
            )
            return Put.STORED

    def request(self, request_id: bytes) -> StoredRequest | None:
        """See `Store.request`."""
        row = self._row(f"{_REQUEST} WHERE r.id = ?", [request_id])
        return _request(row) if row else None

    def requests(
        self, state: RequestState | None = None, after: bytes = b"", limit: int = -1
    ) -> tuple[StoredRequest, ...]:
        """See `Store.requests`."""
        page = [after, limit]
        rows = (
            self._rows(f"{_REQUEST} WHERE {_PAGE}", page)
            if state is None
            else self._rows(f"{_REQUEST} WHERE r.state = ? AND {_PAGE}", [state, *page])
        )
        return tuple(_request(row) for row in rows)

    def requests_of(self, contract_hash: bytes) -> tuple[StoredRequest, ...]:
        """See `Store.requests_of`."""
        rows = self._rows(f"{_REQUEST} WHERE r.contract = ? ORDER BY r.rowid", [contract_hash])
        return tuple(_request(row) for row in rows)

    def settle(
        self,
        published: Sequence[PublishedStatement],
        refused: Sequence[RefusedRequest],
        at: datetime,
    ) -> None:
        """See `Store.settle`."""
        with self._writing():
            cursor = self._db.conn.cursor()
            cursor.executemany(
                _PUBLISH,
                [
                    (
                        RequestState.PUBLISHED,
                        statement.device,
                        statement.statement,
                        seconds(at),
                        statement.id,
                        RequestState.PENDING,
                        statement.device,
                    )
                    for statement in published
                ],
            )
            cursor.executemany(
                _CLEAR_MISSED,
                [(statement.device, statement.id, statement.device) for statement in published],
            )
            cursor.executemany(
                "UPDATE request SET state = ?, detail = ? WHERE id = ? AND state = ?",
                [
                    (RequestState.REFUSED, request.detail, request.id, RequestState.PENDING)
                    for request in refused
                ],
            )

    def mark_seen(self, seen: Sequence[SeenStatement], at: datetime) -> tuple[bool, ...]:
        """See `Store.mark_seen`."""
        with self._writing():
            return tuple(self._mark_seen(statement, at) for statement in seen)

    def _mark_seen(self, seen: SeenStatement, at: datetime) -> bool:
        row = self._row(
            "SELECT r.state FROM request r JOIN household h ON h.id = r.household"
            " WHERE r.id = ? AND h.key = ?",
            [seen.id, seen.household_key],
        )
        if row is None or row[0] not in {RequestState.PUBLISHED, RequestState.SEEN}:
            return False
        self._db.execute(
            "UPDATE request SET state = ?, seen_at = ? WHERE id = ? AND state = ?",
            [RequestState.SEEN, seconds(at), seen.id, RequestState.PUBLISHED],
        )
        return True


def _request(row: tuple[Any, ...]) -> StoredRequest:
    identity, contract, key, request, state, requested, device, statement, published, seen, why = (
        row
    )
    return StoredRequest(
        StatementOrder(identity, contract, HouseholdKeyId(key), request),
        RequestState(state),
        instant(requested),
        None if device is None else DeviceId(device),
        statement,
        None if published is None else instant(published),
        None if seen is None else instant(seen),
        why,
    )
