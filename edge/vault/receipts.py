"""The tables of receipts in the vault: receipts, the days that they cover, and mismatches.

Each day has at most one row: a second receipt for it raises an SQLite error.
"""

from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from enum import IntEnum

import msgspec
from sqlite_utils import Database

# Replaces the statement if it is not known whether a receipt covers the day.
UNKNOWN = b""


class ReceiptState(IntEnum):
    """The state of a receipt; the numbers are stored in the database.

    STORED: the cloud has confirmed it.
    """

    UNSENT = 0
    STORED = 1


class OwnReceiptRow(msgspec.Struct, frozen=True):
    """A receipt for a statement.

    Attributes:
        is_short: it is for its contract's one short period.
        body: the encoded `protocol.receipt.Receipt`. The chip that sends it signs it, which is
            another one after a move.
        leaves_at: when it leaves, to the second.
    """

    statement: bytes
    contract: bytes
    is_short: bool
    body: bytes
    leaves_at: datetime


class Receipts:
    """Reads and writes rows inside the caller's transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, row: OwnReceiptRow, days: Collection[int]) -> None:
        """Store a receipt and the days (numbers) that it covers."""
        connection = self._database.conn
        connection.execute(
            "INSERT INTO receipts (statement, contract, is_short, state, body) "
            "VALUES (?, ?, ?, 0, ?)",
            (row.statement, row.contract, int(row.is_short), row.body),
        )
        connection.execute(
            "INSERT INTO receipt_moments (statement, leaves_at_s) VALUES (?, ?)",
            (row.statement, int(row.leaves_at.timestamp())),
        )
        connection.executemany(
            "INSERT INTO receipt_days (day, statement) VALUES (?, ?)",
            [(day, row.statement) for day in days],
        )

    def presume(self, days: Iterable[int]) -> None:
        """Treat days as possibly covered, since this vault may not know all receipts sent."""
        self._database.conn.executemany(
            "INSERT OR IGNORE INTO receipt_days (day, statement) VALUES (?, ?)",
            [(day, UNKNOWN) for day in days],
        )

    def put_mismatch(self, statement: bytes) -> None:
        """Record that a statement did not match; recording it again changes nothing."""
        self._database.execute(
            "INSERT OR IGNORE INTO receipt_mismatches (statement, is_held) VALUES (?, 1)",
            (statement,),
        )

    def release(self, token: str) -> None:
        """Release receipts with this token of the household."""
        self.put_release_token(token)
        self._database.execute("UPDATE receipt_mismatches SET is_held = 0")
        self._database.execute("DELETE FROM receipt_days WHERE statement = ?", (UNKNOWN,))

    def put_release_token(self, token: str) -> None:
        """Record a release token as used, without releasing anything."""
        self._database.execute("INSERT OR IGNORE INTO receipt_words (word) VALUES (?)", (token,))

    def is_known(self, token: str) -> bool:
        """Return whether the household's release token was used before."""
        row = self._database.execute(
            "SELECT 1 FROM receipt_words WHERE word = ?", (token,)
        ).fetchone()
        return row is not None

    def finish(self, statement: bytes) -> None:
        """Record that the cloud holds the receipt for a statement."""
        self._database.execute(
            "UPDATE receipts SET state = 1, body = NULL WHERE statement = ?", (statement,)
        )
        self._database.execute("DELETE FROM receipt_moments WHERE statement = ?", (statement,))

    def unsent(self) -> dict[bytes, datetime]:
        """Return the statements whose receipts are still to be sent, with when each leaves.

        A receipt that was made before this was stored leaves at once.
        """
        rows = self._database.execute(
            "SELECT r.statement, coalesce(m.leaves_at_s, 0) FROM receipts r "
            "LEFT JOIN receipt_moments m ON m.statement = r.statement WHERE r.state = 0"
        ).fetchall()
        return {bytes(name): datetime.fromtimestamp(at_s, UTC) for name, at_s in rows}

    def body(self, statement: bytes) -> bytes | None:
        """Return the receipt for a statement, None if none is to be sent."""
        row = self._database.execute(
            "SELECT body FROM receipts WHERE statement = ? AND state = 0", (statement,)
        ).fetchone()
        return None if row is None else bytes(row[0])

    def states(self) -> dict[bytes, ReceiptState]:
        """Return the state of each statement's receipt."""
        rows = self._database.execute("SELECT statement, state FROM receipts").fetchall()
        return {bytes(statement): ReceiptState(state) for statement, state in rows}

    def covered(self) -> dict[int, bool]:
        """Return the days (numbers) that receipts cover (True) or may cover (False)."""
        rows = self._database.execute("SELECT day, statement FROM receipt_days").fetchall()
        return {day: bytes(statement) != UNKNOWN for day, statement in rows}

    def mismatches(self) -> dict[bytes, bool]:
        """Return the statements that did not match, True for those since the last release."""
        rows = self._database.execute(
            "SELECT statement, is_held FROM receipt_mismatches"
        ).fetchall()
        return {bytes(statement): bool(is_held) for statement, is_held in rows}

    def short(self) -> set[bytes]:
        """Return the contracts that have had a receipt for a short period."""
        rows = self._database.execute("SELECT contract FROM receipts WHERE is_short = 1")
        return {bytes(row[0]) for row in rows.fetchall()}

    def prune(self, before: int) -> None:
        """Delete days before `before` (a number), which the vault no longer has."""
        self._database.execute("DELETE FROM receipt_days WHERE day < ?", (before,))
