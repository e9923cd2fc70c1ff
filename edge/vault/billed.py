"""The statements that the chip has judged correct, one row for each."""

import msgspec
from sqlite_utils import Database


class BilledRow(msgspec.Struct, frozen=True):
    """A statement judged correct: its id, the request's body (MessagePack), the total in cents."""

    statement: bytes
    request: bytes
    total_cents: int


class BilledRows:
    """Reads and writes rows inside the caller's transaction; none of the 12 a year is deleted."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, row: BilledRow) -> None:
        """Store a billed statement; the first row of an id stays."""
        self._database.execute(
            "INSERT INTO settled (statement, request, total_cents) VALUES (?, ?, ?) "
            "ON CONFLICT (statement) DO NOTHING",
            (row.statement, row.request, row.total_cents),
        )

    def all(self) -> list[BilledRow]:
        """Return all rows in the order in which they were billed."""
        rows = self._database.execute(
            "SELECT statement, request, total_cents FROM settled ORDER BY rowid"
        )
        return [BilledRow(*row) for row in rows]
