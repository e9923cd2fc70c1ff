"""A trustee's database: one SQLite file, mode 0600, in WAL mode with synchronous=FULL.

A write is on disk before anything is sent about it. Triggers make the logs append-only.
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import sqlite_utils

from protocol.errors import StoreBusy, StoreError
from system.read_only import open_as_it_is
from system.schema_version import is_usable
from system.sqlite_errors import CAUSED_BY_A_VALUE

APPLICATION_ID = 0x564C5454  # "VLTT"
SCHEMA_VERSION = 5
LOCK_WAIT_S = 5.0
FILE_NAME = "trustee.db"

_TABLES = """
CREATE TABLE fact (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
CREATE TABLE document (
  id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, kind TEXT NOT NULL, charter BLOB NOT NULL,
  standing TEXT NOT NULL, seen INTEGER NOT NULL
) STRICT;
CREATE TABLE roster (
  number INTEGER PRIMARY KEY, body BLOB NOT NULL, signature BLOB NOT NULL, seen INTEGER
) STRICT;
CREATE TABLE seed (
  household BLOB NOT NULL, generation INTEGER NOT NULL, trustees BLOB NOT NULL,
  digest BLOB NOT NULL, seeds BLOB NOT NULL, month INTEGER NOT NULL, seen BLOB NOT NULL,
  stored_on INTEGER NOT NULL, PRIMARY KEY (household, generation)
) STRICT;
CREATE TABLE sealing_key (month INTEGER PRIMARY KEY, key BLOB NOT NULL) STRICT;
CREATE TABLE entry (
  trustee TEXT NOT NULL, number INTEGER NOT NULL, hash BLOB NOT NULL, body BLOB NOT NULL,
  signature BLOB NOT NULL, request BLOB NOT NULL, ask TEXT NOT NULL, day INTEGER NOT NULL,
  measure TEXT NOT NULL, figure TEXT NOT NULL, measures BLOB NOT NULL, PRIMARY KEY (trustee, number)
) STRICT;
CREATE INDEX entry_of_figure ON entry (day, measure, figure);
CREATE INDEX entry_of_request ON entry (request);
CREATE TABLE request (id BLOB PRIMARY KEY, request BLOB NOT NULL, answer BLOB) STRICT;
CREATE TABLE alarm (
  id INTEGER PRIMARY KEY, offence TEXT NOT NULL, offender TEXT NOT NULL, measure TEXT NOT NULL,
  figure TEXT NOT NULL, day INTEGER NOT NULL, proof BLOB NOT NULL,
  UNIQUE (offence, offender, measure, figure, day)
) STRICT;
CREATE TABLE asked_set (
  day INTEGER NOT NULL, measure TEXT NOT NULL, figure TEXT NOT NULL, measures BLOB NOT NULL,
  request BLOB NOT NULL, signed BLOB NOT NULL,
  PRIMARY KEY (day, measure, figure, measures, request)
) STRICT;
CREATE TABLE counter (name TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT;
CREATE TRIGGER entry_is_kept BEFORE DELETE ON entry
  BEGIN SELECT raise(ABORT, 'the log is append-only'); END;
CREATE TRIGGER entry_is_fixed BEFORE UPDATE ON entry
  BEGIN SELECT raise(ABORT, 'the log is append-only'); END;
"""


class TrusteeDatabase:
    """The file and its transactions."""

    def __init__(self, database: sqlite_utils.Database, path: Path) -> None:
        """Use `open` or `in_memory`."""
        self._db = database
        self._path = path

    @classmethod
    def open(cls, directory: Path) -> Self:
        """Open or create `trustee.db` in a trustee's directory.

        Raises:
            StoreError: the file is damaged, of another version, or no trustee's.
        """
        path = directory / FILE_NAME
        with _translated_errors(path):
            if not path.exists():
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
            return cls._of(sqlite3.connect(path, **_OPTIONS), path)

    @classmethod
    def open_to_look(cls, directory: Path) -> Self:
        """Open the database of a trustee without changing anything.

        Raises:
            StoreError: the file is damaged.
        """
        path = directory / FILE_NAME
        with _translated_errors(path):
            return cls(sqlite_utils.Database(open_as_it_is(path)), path)

    @classmethod
    def in_memory(cls) -> Self:
        """Create a database in memory, for simulations."""
        return cls._of(sqlite3.connect(":memory:", **_OPTIONS), Path(":memory:"))

    @classmethod
    def _of(cls, connection: sqlite3.Connection, path: Path) -> Self:
        try:
            _prepare(connection, path)
        except BaseException:
            connection.close()
            raise
        return cls(sqlite_utils.Database(connection), path)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Run the block in one transaction, which is on disk when the block ends."""
        with _translated_errors(self._path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def truncate_wal(self) -> bool:
        """Empty the write-ahead log, so that overwritten bytes are gone; False if a reader is in.

        It does not wait for the reader, so call it again later.
        """
        self._rows("PRAGMA busy_timeout = 0")
        (row,) = self._rows("PRAGMA wal_checkpoint(TRUNCATE)")
        self._rows(f"PRAGMA busy_timeout = {int(LOCK_WAIT_S * 1_000)}")
        return not row[0]

    def _rows(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with _translated_errors(self._path):
            return self._db.execute(sql, parameters).fetchall()


_OPTIONS: dict[str, Any] = {
    "isolation_level": None,
    "check_same_thread": False,
    "timeout": LOCK_WAIT_S,
}


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA secure_delete = ON")
    version = _pragma(connection, "user_version")
    if version == 0:
        connection.executescript(
            f"BEGIN IMMEDIATE; {_TABLES} PRAGMA application_id = {APPLICATION_ID};"
            f"PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
        )
        return
    if _pragma(connection, "application_id") != APPLICATION_ID:
        raise StoreError(f"{path} is no trustee's database; name another file.")
    if version < SCHEMA_VERSION or not is_usable(version, SCHEMA_VERSION):
        raise StoreError(
            f"{path} is of version {version}, this Volet reads {SCHEMA_VERSION}; install the Volet "
            "that wrote it."
        )
    if connection.execute("PRAGMA quick_check").fetchone()[0] != "ok":
        raise StoreError(f"{path} is damaged; put a copy back, the other trustees fill the gap.")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


@contextmanager
def _translated_errors(path: Path) -> Iterator[None]:
    """Raise SQLite's errors as StoreBusy, where a retry helps, or StoreError."""
    try:
        yield
    except CAUSED_BY_A_VALUE:
        raise
    except sqlite3.OperationalError as exc:
        if exc.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL}:
            raise StoreBusy(f"{path} cannot be written just now: {exc}.") from exc
        raise StoreError(f"{path}: {exc}.") from exc
    except sqlite3.DatabaseError as exc:
        raise StoreError(f"{path} is damaged: {exc}.") from exc
