"""The table of blocks: what was encrypted, and how much of it the cloud holds."""

from datetime import date
from itertools import chain, islice

from sqlite_utils import Database

from edge.vault.rows import BlockRow, BlockState, Key, span_bits
from protocol.calendar import day_number, day_of_number
from protocol.ids import Incarnation
from protocol.messages import Block, IncarnationState

_ROW = "incarnation, sequence, day, j0, j1, state"


class BlockTable:
    """Reads and writes rows inside the caller's transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save_open(self, block: Block) -> None:
        """Write the open block with the coefficients that it has so far."""
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
        """Write a signed block, replacing any with its key; one without payload is never sent."""
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
        """Return the open blocks as bodies that can be signed."""
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
        """Return the blocks of days [start, end) that are not superseded, in order."""
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

    def last_stored_day(self) -> date | None:
        """Return the last day of which the cloud has acknowledged a block."""
        (day,) = self._database.execute("SELECT max(day) FROM blocks WHERE state = 2").fetchone()
        return None if day is None else day_of_number(day)

    def unsent(self, limit: int) -> list[Key]:
        """Return sealed blocks that the cloud has not acknowledged, oldest day first."""
        rows = self._database.execute(
            "SELECT incarnation, sequence FROM blocks WHERE state = 1 ORDER BY day, j0 LIMIT ?",
            (limit,),
        )
        return [Key(bytes(incarnation), sequence) for incarnation, sequence in rows]

    def payload(self, key: Key) -> bytes | None:
        """Return the signed block with this key, None if it is not to be sent."""
        row = self._database.execute(
            "SELECT payload FROM blocks WHERE incarnation = ? AND sequence = ?",
            (key.incarnation, key.sequence),
        ).fetchone()
        return None if row is None or row[0] is None else bytes(row[0])

    def reconcile(self, state: IncarnationState) -> bool:
        """Record which blocks of an incarnation the cloud holds; return whether that is new."""
        changes = []
        for sequence, current in self._database.execute(
            "SELECT sequence, state FROM blocks "
            "WHERE incarnation = ? AND state IN (1, 2) AND payload IS NOT NULL",
            (state.incarnation,),
        ).fetchall():
            wanted = BlockState.STORED if holds(state, sequence) else BlockState.SEALED
            if current != wanted:
                changes.append((int(wanted), state.incarnation, sequence))
        self._database.conn.executemany(
            "UPDATE blocks SET state = ? WHERE incarnation = ? AND sequence = ?", changes
        )
        return bool(changes)

    def missing_here(self, state: IncarnationState, limit: int) -> list[int]:
        """Return the sequences that the cloud holds of an incarnation and the vault lacks.

        At most `limit` are returned, since the cloud's state may name billions. An open block
        counts as missing, because the cloud's block of that number is later.
        """
        here = {
            row[0]
            for row in self._database.execute(
                "SELECT sequence FROM blocks WHERE incarnation = ? AND state IN (1, 2)",
                (state.incarnation,),
            )
        }
        spans = ((1, state.stored_through + 1), *state.beyond)
        stored = chain.from_iterable(range(first, end) for first, end in spans)
        return list(islice((sequence for sequence in stored if sequence not in here), limit))

    def supersede(self, key: Key) -> None:
        """Mark a block as superseded: the cloud holds other coefficients in its place.

        An open block has not been sent, so it stays in any case.
        """
        self._database.execute(
            "UPDATE blocks SET state = 3 WHERE incarnation = ? AND sequence = ? AND state != 0",
            (key.incarnation, key.sequence),
        )

    def delete(self, key: Key) -> None:
        """Delete a block that has not been sent and never will be."""
        self._database.execute(
            "DELETE FROM blocks WHERE incarnation = ? AND sequence = ?",
            (key.incarnation, key.sequence),
        )

    def forget(self, incarnation: bytes, day: int) -> bool:
        """Delete an incarnation's acknowledged blocks of a day (its number); False if none."""
        found = self._database.execute(
            "DELETE FROM blocks WHERE incarnation = ? AND day = ? AND state = 2 RETURNING 1",
            (incarnation, day),
        ).fetchall()
        return bool(found)

    def is_contested(self, day: int, j0: int, j1: int) -> bool:
        """Return whether a block that is not stored has any of coefficients [j0, j1) of the day."""
        row = self._database.execute(
            "SELECT 1 FROM blocks WHERE day = ? AND j0 < ? AND j1 > ? AND state != 2 LIMIT 1",
            (day, j1, j0),
        ).fetchone()
        return row is not None

    def supersede_from(self, day: int, j0: int) -> None:
        """Supersede unacknowledged blocks that reach beyond coefficient `j0` of the day."""
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
        """Delete what the cloud has acknowledged: payloads first, whole rows later."""
        self._database.execute(
            "UPDATE blocks SET payload = NULL WHERE day < ? AND state = 2 AND payload IS NOT NULL",
            (payloads_before,),
        )
        self._database.execute(
            "DELETE FROM blocks WHERE day < ? AND state IN (2, 3)", (rows_before,)
        )


def holds(state: IncarnationState, sequence: int) -> bool:
    """Return whether the cloud holds the block of that number."""
    return 0 < sequence <= state.stored_through or any(
        first <= sequence < end for first, end in state.beyond
    )
