"""The table of blocks: what was encrypted, how far it has come, what the cloud holds of it."""

from datetime import date
from itertools import chain, islice

from sqlite_utils import Database

from edge.vault.rows import BlockRow, BlockState, Key, span_bits
from protocol.calendar import day_number, day_of_number
from protocol.ids import Incarnation
from protocol.messages import Block, IncarnationState

_ROW = "incarnation, sequence, day, j0, j1, state"


class BlockTable:
    """Reads and writes rows; the caller holds the transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save_open(self, block: Block) -> None:
        """Write the open block with the coefficients it has by now."""
        self._database.execute(
            "INSERT INTO blocks (incarnation, sequence, day, j0, j1, state, coefficients) "
            "VALUES (?, ?, ?, ?, ?, 0, ?) ON CONFLICT (incarnation, sequence) "
            "DO UPDATE SET j1 = excluded.j1, coefficients = excluded.coefficients",
            (
                block.incarnation,
                block.sequence,
                block.day,
                block.j0,
                block.j1,
                block.coefficients,
            ),
        )

    def put(self, block: Block, payload: bytes, state: BlockState) -> None:
        """Write a signed block in place of whatever had its key; no payload: never to be sent."""
        self._database.execute(
            "INSERT OR REPLACE INTO blocks "
            "(incarnation, sequence, day, j0, j1, state, coefficients, payload) "
            "VALUES (?, ?, ?, ?, ?, ?, NULL, ?)",
            (
                block.incarnation,
                block.sequence,
                block.day,
                block.j0,
                block.j1,
                int(state),
                payload or None,
            ),
        )

    def open_ones(self, household_key: bytes) -> list[Block]:
        """Return the blocks that are open, as bodies that can be signed."""
        rows = self._database.execute(
            "SELECT day, incarnation, sequence, j0, coefficients FROM blocks WHERE state = 0"
        ).fetchall()
        return [
            Block(household_key, day, bytes(incarnation), sequence, j0, bytes(coefficients))
            for day, incarnation, sequence, j0, coefficients in rows
        ]

    def coverage(self, day: int) -> int:
        """Return which coefficients of the day (its number) are in blocks, as a bitmap."""
        covered = 0
        for j0, j1 in self._database.execute(
            "SELECT j0, j1 FROM blocks WHERE day = ? AND state != 3", (day,)
        ):
            covered |= span_bits(j0, j1)
        return covered

    def between(self, start: date, end: date) -> list[BlockRow]:
        """Return the blocks of days [start, end) that count, in the order of the day."""
        rows = self._database.execute(
            f"SELECT {_ROW} FROM blocks "  # noqa: S608 - fixed columns
            "WHERE day >= ? AND day < ? AND state != 3 ORDER BY day, j0",
            (day_number(start), day_number(end)),
        )
        return [
            BlockRow(
                Incarnation(bytes(incarnation)),
                sequence,
                day_of_number(day),
                j0,
                j1,
                BlockState(state),
            )
            for incarnation, sequence, day, j0, j1, state in rows
        ]

    def unsent(self, limit: int) -> list[Key]:
        """Return sealed blocks that the cloud has not acknowledged, oldest day first."""
        rows = self._database.execute(
            "SELECT incarnation, sequence FROM blocks WHERE state = 1 ORDER BY day, j0 LIMIT ?",
            (limit,),
        )
        return [Key(bytes(incarnation), sequence) for incarnation, sequence in rows]

    def payload(self, key: Key) -> bytes | None:
        """Return the signed block that `key` names, None if it is not to be sent (any more)."""
        row = self._database.execute(
            "SELECT payload FROM blocks WHERE incarnation = ? AND sequence = ?",
            (key.incarnation, key.sequence),
        ).fetchone()
        return None if row is None or row[0] is None else bytes(row[0])

    def reconcile(self, state: IncarnationState) -> bool:
        """Take note of which blocks of an incarnation the cloud holds; say whether that is news."""
        news = []
        for sequence, current in self._database.execute(
            "SELECT sequence, state FROM blocks "
            "WHERE incarnation = ? AND state IN (1, 2) AND payload IS NOT NULL",
            (state.incarnation,),
        ).fetchall():
            wanted = BlockState.STORED if holds(state, sequence) else BlockState.SEALED
            if current != wanted:
                news.append((int(wanted), state.incarnation, sequence))
        self._database.conn.executemany(
            "UPDATE blocks SET state = ? WHERE incarnation = ? AND sequence = ?", news
        )
        return bool(news)

    def missing_here(self, state: IncarnationState, limit: int) -> list[int]:
        """Return the sequences that the cloud holds of an incarnation and the vault does not.

        At most `limit`: a state is the cloud's word, and may name billions. An open block counts
        as missing: what the cloud holds under its number is later.
        """
        here = {
            row[0]
            for row in self._database.execute(
                "SELECT sequence FROM blocks WHERE incarnation = ? AND state IN (1, 2)",
                (state.incarnation,),
            )
        }
        spans = ((1, state.stored_through + 1), *state.beyond)
        held = chain.from_iterable(range(first, end) for first, end in spans)
        return list(islice((sequence for sequence in held if sequence not in here), limit))

    def supersede(self, key: Key) -> None:
        """Take a block out: the cloud holds other coefficients in its place.

        One that is open has not been sent, and stays whatever the cloud says of it.
        """
        self._database.execute(
            "UPDATE blocks SET state = 3 WHERE incarnation = ? AND sequence = ? AND state != 0",
            (key.incarnation, key.sequence),
        )

    def delete(self, key: Key) -> None:
        """Forget a block that has never been sent, and is not to be."""
        self._database.execute(
            "DELETE FROM blocks WHERE incarnation = ? AND sequence = ?",
            (key.incarnation, key.sequence),
        )

    def is_contested(self, day: int, j0: int, j1: int) -> bool:
        """Say whether a block that was not stored has any of coefficients [j0, j1) of the day."""
        row = self._database.execute(
            "SELECT 1 FROM blocks WHERE day = ? AND j0 < ? AND j1 > ? AND state != 2 LIMIT 1",
            (day, j1, j0),
        ).fetchone()
        return row is not None

    def supersede_from(self, day: int, j0: int) -> None:
        """Take out what was not acknowledged and reaches beyond coefficient `j0` of the day."""
        self._database.execute(
            "UPDATE blocks SET state = 3 "
            "WHERE state IN (0, 1) AND (day > ? OR (day = ? AND j1 > ?))",
            (day, day, j0),
        )

    def incarnations(self) -> set[bytes]:
        """Return all incarnations that have a block."""
        rows = self._database.execute("SELECT DISTINCT incarnation FROM blocks")
        return {bytes(row[0]) for row in rows}

    def prune(self, payloads_before: int, rows_before: int) -> None:
        """Drop what the cloud has acknowledged: payloads first, later that they ever were."""
        self._database.execute(
            "UPDATE blocks SET payload = NULL WHERE day < ? AND state = 2 AND payload IS NOT NULL",
            (payloads_before,),
        )
        self._database.execute(
            "DELETE FROM blocks WHERE day < ? AND state IN (2, 3)", (rows_before,)
        )


def holds(state: IncarnationState, sequence: int) -> bool:
    """Say whether the cloud holds the block of that number."""
    return 0 < sequence <= state.stored_through or any(
        first <= sequence < end for first, end in state.beyond
    )
