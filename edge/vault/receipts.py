"""The vault's part of receipts: what has been signed off, for which days, and what did not agree.

A day stands here at most once: a second receipt for it is an error of SQLite.
"""

from collections.abc import Collection, Iterable
from enum import IntEnum

import msgspec
from sqlite_utils import Database

# Stands for the statement where it is not known whether a receipt covers the day.
UNKNOWN = b""


class ReceiptState(IntEnum):
    """How far a receipt has come; the numbers stand in the database. STORED: the cloud said so."""

    UNSENT = 0
    STORED = 1


class OwnReceiptRow(msgspec.Struct, frozen=True):
    """A receipt for a statement; `is_short`: its contract's one short period.

    `body` is the encoded `protocol.receipt.Receipt`; the chip that sends it signs it, which after
    a move is another one.
    """

    statement: bytes
    contract: bytes
    is_short: bool
    body: bytes


class Receipts:
    """Reads and writes rows; the caller holds the transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, row: OwnReceiptRow, days: Collection[int]) -> None:
        """Keep a receipt and the days (numbers) that it covers."""
        connection = self._database.conn
        connection.execute(
            "INSERT INTO receipts (statement, contract, is_short, state, body) "
            "VALUES (?, ?, ?, 0, ?)",
            (row.statement, row.contract, int(row.is_short), row.body),
        )
        connection.executemany(
            "INSERT INTO receipt_days (day, statement) VALUES (?, ?)",
            [(day, row.statement) for day in days],
        )

    def presume(self, days: Iterable[int]) -> None:
        """Take days as perhaps covered: this vault may not know all that was sent."""
        self._database.conn.executemany(
            "INSERT OR IGNORE INTO receipt_days (day, statement) VALUES (?, ?)",
            [(day, UNKNOWN) for day in days],
        )

    def put_mismatch(self, statement: bytes) -> None:
        """Keep that a statement did not agree; the same one again changes nothing."""
        self._database.execute(
            "INSERT OR IGNORE INTO receipt_mismatches (statement, is_held) VALUES (?, 1)",
            (statement,),
        )

    def release(self, token: str) -> None:
        """Let receipts go again: the household has said so, by this word of its own."""
        self.note_release_token(token)
        self._database.execute("UPDATE receipt_mismatches SET is_held = 0")
        self._database.execute("DELETE FROM receipt_days WHERE statement = ?", (UNKNOWN,))

    def note_release_token(self, token: str) -> None:
        """Take a word of the household's as one that was said before; it releases nothing."""
        self._database.execute("INSERT OR IGNORE INTO receipt_words (word) VALUES (?)", (token,))

    def is_known(self, token: str) -> bool:
        """Say whether the household's word has been taken."""
        row = self._database.execute(
            "SELECT 1 FROM receipt_words WHERE word = ?", (token,)
        ).fetchone()
        return row is not None

    def finish(self, statement: bytes) -> None:
        """Take note that the cloud holds a receipt for a statement."""
        self._database.execute(
            "UPDATE receipts SET state = 1, body = NULL WHERE statement = ?", (statement,)
        )

    def unsent(self) -> list[bytes]:
        """Return the statements whose receipts are still to be sent."""
        rows = self._database.execute("SELECT statement FROM receipts WHERE state = 0")
        return [bytes(row[0]) for row in rows.fetchall()]

    def body(self, statement: bytes) -> bytes | None:
        """Return the receipt for a statement, None if it is not to be sent (any more)."""
        row = self._database.execute(
            "SELECT body FROM receipts WHERE statement = ? AND state = 0", (statement,)
        ).fetchone()
        return None if row is None else bytes(row[0])

    def states(self) -> dict[bytes, ReceiptState]:
        """Return how far each statement's receipt has come."""
        rows = self._database.execute("SELECT statement, state FROM receipts").fetchall()
        return {bytes(statement): ReceiptState(state) for statement, state in rows}

    def covered(self) -> dict[int, bool]:
        """Return the days (numbers) that receipts cover, or (False) may."""
        rows = self._database.execute("SELECT day, statement FROM receipt_days").fetchall()
        return {day: bytes(statement) != UNKNOWN for day, statement in rows}

    def mismatches(self) -> dict[bytes, bool]:
        """Return which statements did not agree, and whether since the household's last word."""
        rows = self._database.execute(
            "SELECT statement, is_held FROM receipt_mismatches"
        ).fetchall()
        return {bytes(statement): bool(is_held) for statement, is_held in rows}

    def short(self) -> set[bytes]:
        """Return the contracts that have had a receipt for a short period."""
        rows = self._database.execute("SELECT contract FROM receipts WHERE is_short = 1")
        return {bytes(row[0]) for row in rows.fetchall()}

    def prune(self, before: int) -> None:
        """Forget days before `before` (a number): the vault has no such days any more."""
        self._database.execute("DELETE FROM receipt_days WHERE day < ?", (before,))
