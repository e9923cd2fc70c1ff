"""What the parts of the SQLite store share: one database, guarded reads and writes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlite_utils

from cloud.store.sqlite import schema
from protocol.ids import HouseholdKeyId


class Tables:
    """A part of the store; each part is a set of tables of one database."""

    def __init__(self, database: sqlite_utils.Database, path: Path) -> None:
        self._db = database
        self._path = path

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with schema.told_apart(self._path), schema.transaction(self._db):
            yield

    def _rows(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with schema.told_apart(self._path):
            return self._db.execute(sql, parameters).fetchall()

    def _row(self, sql: str, parameters: Sequence[object] = ()) -> tuple[Any, ...] | None:
        rows = self._rows(sql, parameters)
        return rows[0] if rows else None

    def _household(self, key: HouseholdKeyId) -> int:
        """Return the number of a household key, given on first use; inside a transaction."""
        self._db.execute("INSERT INTO household (key) VALUES (?) ON CONFLICT DO NOTHING", [key])
        found = self._row("SELECT id FROM household WHERE key = ?", [key])
        return int(found[0]) if found else 0


def placeholders(count: int) -> str:
    """Return `count` question marks for an IN clause."""
    return ", ".join("?" * count)


def seconds(at: datetime) -> int:
    """Return an aware instant as the store keeps it."""
    return int(at.timestamp())


def instant(at_s: int) -> datetime:
    """Return what `seconds` gave."""
    return datetime.fromtimestamp(at_s, UTC)
