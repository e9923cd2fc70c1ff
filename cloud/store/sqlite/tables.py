"""The base of all modules of the SQLite store: one database with guarded reads and writes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlite_utils

from cloud.store.sqlite import schema
from protocol.ids import HouseholdKeyId


class Tables:
    """A part of the store: a set of tables of the one database."""

    def __init__(self, database: sqlite_utils.Database, path: Path) -> None:
        self._db = database
        self._path = path

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with schema.translate_errors(self._path), schema.transaction(self._db):
            yield

    def _rows(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with schema.translate_errors(self._path):
            return self._db.execute(sql, parameters).fetchall()

    def _row(self, sql: str, parameters: Sequence[object] = ()) -> tuple[Any, ...] | None:
        rows = self._rows(sql, parameters)
        return rows[0] if rows else None

    def _household(self, key: HouseholdKeyId) -> int:
        """Return the number of a household key, assigned on first use, in a transaction."""
        self._db.execute("INSERT INTO household (key) VALUES (?) ON CONFLICT DO NOTHING", [key])
        row = self._row("SELECT id FROM household WHERE key = ?", [key])
        return int(row[0]) if row else 0


def placeholders(count: int) -> str:
    """Return `count` question marks for an IN clause."""
    return ", ".join("?" * count)


def seconds(at: datetime) -> int:
    """Return an aware instant as seconds since the Unix epoch, as it is stored."""
    return int(at.timestamp())


def instant(at_s: int) -> datetime:
    """Return the instant of a stored number of seconds."""
    return datetime.fromtimestamp(at_s, UTC)
