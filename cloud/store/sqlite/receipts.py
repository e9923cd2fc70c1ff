"""Receipts in SQLite."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cloud.store import RequestState
from cloud.store.put import Put
from cloud.store.receipts import StoredReceipt, VerifiedReceipt
from cloud.store.sqlite.tables import Tables, instant, seconds
from protocol.errors import Reason
from protocol.ids import DeviceId, HouseholdKeyId

_RECEIPT = """
SELECT r.statement, r.contract, h.key, r.device, r.payload, r.at
FROM receipt r JOIN household h ON h.id = r.household
"""
_PAGE = "r.id > ifnull((SELECT id FROM receipt WHERE statement = ?), 0) ORDER BY r.id LIMIT ?"
_ANSWERABLE = {RequestState.PUBLISHED, RequestState.SEEN}


class SqliteReceipts(Tables):
    """See `ReceiptStore`."""

    def put(self, items: Sequence[VerifiedReceipt], at: datetime) -> tuple[Put | Reason, ...]:
        """See `ReceiptStore.put`."""
        if not items:
            return ()
        with self._writing():
            return tuple(self._put(item, at) for item in items)

    def of_contract(
        self, contract: bytes, after: bytes = b"", limit: int = -1
    ) -> tuple[StoredReceipt, ...]:
        """See `ReceiptStore.of_contract`."""
        rows = self._rows(f"{_RECEIPT} WHERE r.contract = ? AND {_PAGE}", [contract, after, limit])
        return tuple(_receipt(row) for row in rows)

    def signing_keys(self, household_key: HouseholdKeyId) -> dict[DeviceId, bytes]:
        """See `ReceiptStore.signing_keys`."""
        rows = self._rows(
            "SELECT e.device, e.signing_key FROM enrolment e JOIN household h"
            " ON h.id = e.household WHERE h.key = ?",
            [household_key],
        )
        return {DeviceId(device): bytes(key) for device, key in rows}

    def _put(self, item: VerifiedReceipt, at: datetime) -> Put | Reason:
        receipt = item.receipt
        stored = self._row("SELECT payload FROM receipt WHERE statement = ?", [receipt.statement])
        if stored:
            return Put.AGAIN if stored[0] == item.payload else Reason.CONFLICT
        request = self._row(
            "SELECT r.contract, r.household, r.state FROM request r JOIN household h"
            " ON h.id = r.household WHERE r.id = ? AND h.key = ?",
            [receipt.statement, receipt.household_key],
        )
        if request is None or request[2] not in _ANSWERABLE:
            return Reason.BOUNDS
        self._db.execute(
            "INSERT INTO receipt (statement, contract, household, device, payload, at)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            [receipt.statement, request[0], request[1], item.device, item.payload, seconds(at)],
        )
        return Put.STORED


def _receipt(row: tuple[Any, ...]) -> StoredReceipt:
    statement, contract, key, device, payload, at = row
    return StoredReceipt(
        statement, contract, HouseholdKeyId(key), DeviceId(device), payload, instant(at)
    )
