"""Statements as received, with the chip's verdicts."""

from datetime import UTC, datetime

from sqlite_utils import Database

from edge.vault.rows import StatementRow

# Twenty years of bills. The cloud can make up more, but refused statements are deleted first, and
# only statements that the provider requested are not refused.
KEPT = 240


class Statements:
    """Reads and writes rows inside the caller's transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(
        self, statement_id: bytes, received_at: datetime, payload: bytes, verdict: str | None
    ) -> None:
        """Store a statement; storing it again updates the verdict and keeps the first arrival."""
        self._database.execute(
            "INSERT INTO statements (id, received_at_s, payload, verdict) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET payload = excluded.payload, "
            "verdict = coalesce(excluded.verdict, verdict)",
            (statement_id, int(received_at.timestamp()), payload, verdict),
        )
        self._database.execute(
            "DELETE FROM statements WHERE verdict IS NOT NULL AND id != ? AND id IN ("
            'SELECT id FROM statements ORDER BY verdict LIKE \'%"verdict":"refused"%\', '
            "received_at_s DESC LIMIT -1 OFFSET ?)",
            (statement_id, KEPT),
        )

    def all(self) -> list[StatementRow]:
        """Return all statements in the order in which they were received."""
        rows = self._database.table("statements").rows_where(order_by="received_at_s, rowid")
        return [
            StatementRow(
                row["id"],
                datetime.fromtimestamp(row["received_at_s"], UTC),
                row["payload"],
                row["verdict"],
            )
            for row in rows
        ]
