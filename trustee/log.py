"""A trustee's database: seeds, documents, roster, and the log of its answers.

One SQLite file, mode 0600, in WAL mode with synchronous=FULL: a write is on disk before anything is
sent about it. The log is hash-chained, and triggers make it append-only.
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import sqlite_utils

from protocol.errors import StoreBusy, StoreError
from protocol.trustee_messages import FIRST_PREVIOUS, Holding, LogEntry, SignedLogEntry

APPLICATION_ID = 0x564C5454  # "VLTT"
SCHEMA_VERSION = 2
LOCK_WAIT_S = 5.0
FILE_NAME = "trustee.db"
_HORIZON = "horizon"

_TABLES = """
CREATE TABLE fact (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
CREATE TABLE document (
  id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, kind TEXT NOT NULL, charter BLOB NOT NULL
) STRICT;
CREATE TABLE roster (number INTEGER PRIMARY KEY, body BLOB NOT NULL, signature BLOB NOT NULL) STRICT;
CREATE TABLE seed (
  household BLOB NOT NULL, generation INTEGER NOT NULL, trustees BLOB NOT NULL,
  digest BLOB NOT NULL, seeds BLOB NOT NULL, PRIMARY KEY (household, generation)
) STRICT;
CREATE TABLE entry (
  trustee TEXT NOT NULL, number INTEGER NOT NULL, hash BLOB NOT NULL, body BLOB NOT NULL,
  signature BLOB NOT NULL, request BLOB NOT NULL, ask TEXT NOT NULL, measure TEXT NOT NULL,
  figure TEXT NOT NULL, day INTEGER NOT NULL, PRIMARY KEY (trustee, number)
) STRICT;
CREATE INDEX entry_of_figure ON entry (day, measure, figure);
CREATE INDEX entry_of_request ON entry (request);
CREATE TABLE request (id BLOB PRIMARY KEY, request BLOB NOT NULL, answer BLOB) STRICT;
CREATE TABLE alarm (
  id INTEGER PRIMARY KEY, kind TEXT NOT NULL, measure TEXT NOT NULL, figure TEXT NOT NULL,
  day INTEGER NOT NULL, trustees TEXT NOT NULL, UNIQUE (kind, measure, figure, day)
) STRICT;
CREATE TABLE counter (name TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT;
CREATE TRIGGER entry_is_kept BEFORE DELETE ON entry
  BEGIN SELECT raise(ABORT, 'the log is append-only'); END;
CREATE TRIGGER entry_is_fixed BEFORE UPDATE ON entry
  BEGIN SELECT raise(ABORT, 'the log is append-only'); END;
"""
# Version 2 adds the day on which an entry arrived, NULL for entries before the first answer.
_SEEN = "ALTER TABLE roster ADD COLUMN seen INTEGER;"


class StoredSeeds(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A household's seeds of one generation, 32 bytes each, in the order of the seed sets."""

    household_key: bytes
    generation: int
    trustees: bytes
    digest: bytes
    seeds: bytes


class Alarm(msgspec.Struct, frozen=True):
    """Two entries that exclude each other: `kind` names the contradiction, `trustees` whose it is."""

    kind: str
    measure: str
    group: str
    day: int
    trustees: str


class TrusteeLog:
    """The database; only one process writes to it."""

    def __init__(self, database: sqlite_utils.Database, path: Path) -> None:
        """Use `open` or `in_memory`."""
        self._db = database
        self._path = path

    @classmethod
    def open(cls, directory: Path) -> "TrusteeLog":
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
    def in_memory(cls) -> "TrusteeLog":
        """Create a database in memory, for simulations."""
        return cls._of(sqlite3.connect(":memory:", **_OPTIONS), Path(":memory:"))

    @classmethod
    def _of(cls, connection: sqlite3.Connection, path: Path) -> "TrusteeLog":
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

    def fact(self, name: str) -> bytes | None:
        """Return a fact by its name."""
        rows = self._rows("SELECT value FROM fact WHERE name = ?", [name])
        return bytes(rows[0][0]) if rows else None

    def put_fact(self, name: str, value: bytes) -> None:
        """Store a fact, replacing the value it had."""
        with self.writing():
            self._db.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", [name, value])

    def documents(self) -> list[bytes]:
        """Return all signed documents (MessagePack) in the order of their arrival."""
        return [bytes(row[0]) for row in self._rows("SELECT charter FROM document ORDER BY id")]

    def put_document(self, document: bytes, kind: str, cosigned: bytes) -> None:
        """Store a signed document under its hash."""
        with self.writing():
            self._db.execute(
                "INSERT INTO document (hash, kind, charter) VALUES (?, ?, ?)",
                [document, kind, cosigned],
            )

    def roster(self) -> list[tuple[bytes, bytes, int | None]]:
        """Return (body, signature, day of arrival) of all roster entries."""
        return self._rows("SELECT body, signature, seen FROM roster ORDER BY number")

    def append_roster(
        self, first: int, entries: Sequence[tuple[bytes, bytes]], seen: int | None
    ) -> None:
        """Append verified entries, the first with number `first`, that arrived on the day `seen`."""
        with self.writing():
            self._db.conn.executemany(
                "INSERT INTO roster VALUES (?, ?, ?, ?)",
                [(first + index, *entry, seen) for index, entry in enumerate(entries)],
            )

    def seeds(self) -> list[StoredSeeds]:
        """Return all households' seeds of all generations, in ascending order."""
        rows = self._rows(
            "SELECT household, generation, trustees, digest, seeds FROM seed "
            "ORDER BY household, generation"
        )
        return [StoredSeeds(*row) for row in rows]

    def put_seeds(self, seeds: StoredSeeds) -> None:
        """Store a household's seeds of a new generation."""
        with self.writing():
            self._db.execute(
                "INSERT INTO seed VALUES (?, ?, ?, ?, ?)", list(msgspec.structs.astuple(seeds))
            )

    def holding(self, trustee: str) -> Holding:
        """Return the length and head of the stored part of a trustee's log."""
        rows = self._rows(
            "SELECT number, hash FROM entry WHERE trustee = ? ORDER BY number DESC LIMIT 1",
            [trustee],
        )
        return Holding(trustee, rows[0][0] + 1, rows[0][1]) if rows else _nothing_of(trustee)

    def holdings(self) -> list[Holding]:
        """Return the length and head of the stored part of each trustee's log."""
        rows = self._rows("SELECT DISTINCT trustee FROM entry ORDER BY trustee")
        return [self.holding(row[0]) for row in rows]

    def entries(self, trustee: str, first: int = 0) -> list[SignedLogEntry]:
        """Return the stored entries of a trustee's log from number `first` on."""
        rows = self._rows(
            "SELECT body, signature FROM entry WHERE trustee = ? AND number >= ? ORDER BY number",
            [trustee, first],
        )
        return [SignedLogEntry(*row) for row in rows]

    def entry_hash(self, trustee: str, number: int) -> bytes | None:
        """Return the hash of an entry."""
        rows = self._rows(
            "SELECT hash FROM entry WHERE trustee = ? AND number = ?", [trustee, number]
        )
        return bytes(rows[0][0]) if rows else None

    def append(self, entry: LogEntry, signed: SignedLogEntry, request: bytes | None = None) -> None:
        """Append an entry and, for our own log, the encoded request that it is about.

        Raises:
            StoreError: the entry does not follow the last one.
        """
        with self.writing():
            holding = self.holding(entry.trustee)
            if entry.number != holding.length or entry.previous != holding.head:
                raise StoreError(f"Entry {entry.number} of {entry.trustee} does not follow.")
            self._db.execute(
                "INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    *(entry.trustee, entry.number, signed.hash, signed.body, signed.signature),
                    *(entry.request, entry.ask, entry.measure, entry.group, entry.day),
                ],
            )
            if request is not None:
                self._put_request(entry.request, request)

    def put_request(self, request_id: bytes, request: bytes) -> None:
        """Store a request that we answered and another trustee sent back."""
        with self.writing():
            self._put_request(request_id, request)

    def put_answer(self, request_id: bytes, answer: bytes) -> None:
        """Store the answer to a request."""
        with self.writing():
            self._db.execute("UPDATE request SET answer = ? WHERE id = ?", [answer, request_id])

    def answer(self, request_id: bytes) -> bytes | None:
        """Return the answer to a request, or None."""
        rows = self._rows("SELECT answer FROM request WHERE id = ?", [request_id])
        return bytes(rows[0][0]) if rows and rows[0][0] is not None else None

    def request(self, request_id: bytes) -> bytes | None:
        """Return an encoded request, or None."""
        rows = self._rows("SELECT request FROM request WHERE id = ?", [request_id])
        return bytes(rows[0][0]) if rows else None

    def has_entry(self, trustee: str, request_id: bytes) -> bool:
        """Return whether a trustee's log contains this request."""
        return bool(
            self._rows(
                "SELECT 1 FROM entry WHERE trustee = ? AND request = ? LIMIT 1",
                [trustee, request_id],
            )
        )

    def requests_of(self, trustee: str, day: int, measure: str) -> list[tuple[bytes, bytes | None]]:
        """Return (id, request) of what a trustee answered; the request is None if it is missing."""
        return self._rows(
            "SELECT DISTINCT entry.request, request.request FROM entry LEFT JOIN request "
            "ON request.id = entry.request WHERE trustee = ? AND day = ? AND measure = ?",
            [trustee, day, measure],
        )

    def missing(self, trustee: str) -> list[bytes]:
        """Return the ids of the unexpired requests that a trustee answered and that are missing."""
        rows = self._rows(
            "SELECT DISTINCT entry.request FROM entry LEFT JOIN request "
            "ON request.id = entry.request WHERE trustee = ? AND day >= ? AND request.id IS NULL",
            [trustee, self.horizon()],
        )
        return [bytes(row[0]) for row in rows]

    def horizon(self) -> int:
        """Return the number of the first day whose requests and answers are still stored."""
        fact = self.fact(_HORIZON)
        return 0 if fact is None else int.from_bytes(fact, "big")

    def expire(self, horizon: int) -> bool:
        """Delete the requests and answers of days before `horizon`; return whether it has moved.

        The log entries stay.
        """
        if horizon <= self.horizon():
            return False
        with self.writing():
            self._db.execute(
                "INSERT OR REPLACE INTO fact VALUES (?, ?)", [_HORIZON, horizon.to_bytes(8, "big")]
            )
            self._db.execute(
                "DELETE FROM request WHERE id IN (SELECT request FROM entry WHERE day < ?)",
                [horizon],
            )
        return True

    def sums_of(self, day: int, measure: str, group: str) -> list[tuple[str, bytes]]:
        """Return (trustee, request id) of all entries that open a figure's sum."""
        rows = self._rows(
            "SELECT trustee, request FROM entry WHERE day = ? AND measure = ? AND figure = ? "
            "AND ask = 'sum' ORDER BY trustee, number",
            [day, measure, group],
        )
        return [(row[0], bytes(row[1])) for row in rows]

    def raise_alarm(self, alarm: Alarm) -> bool:
        """Store an alarm; return whether it is new."""
        with self.writing():
            cursor = self._db.execute(
                "INSERT INTO alarm (kind, measure, figure, day, trustees) VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT DO NOTHING",
                list(msgspec.structs.astuple(alarm)),
            )
            return cursor.rowcount > 0

    def alarms(self) -> list[Alarm]:
        """Return all alarms, oldest first."""
        rows = self._rows("SELECT kind, measure, figure, day, trustees FROM alarm ORDER BY id")
        return [Alarm(*row) for row in rows]

    def count(self, name: str) -> None:
        """Increase the counter `name` by one."""
        with self.writing():
            self._db.execute(
                "INSERT INTO counter VALUES (?, 1) ON CONFLICT DO UPDATE SET count = count + 1",
                [name],
            )

    def counters(self) -> dict[str, int]:
        """Return all counters by name."""
        return dict(self._rows("SELECT name, count FROM counter ORDER BY name"))

    def _put_request(self, request_id: bytes, request: bytes) -> None:
        self._db.execute(
            "INSERT INTO request (id, request) VALUES (?, ?) ON CONFLICT DO NOTHING",
            [request_id, request],
        )

    def _rows(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with _translated_errors(self._path):
            return self._db.execute(sql, parameters).fetchall()


_OPTIONS: dict[str, Any] = {
    "isolation_level": None,
    "check_same_thread": False,
    "timeout": LOCK_WAIT_S,
}


def _nothing_of(trustee: str) -> Holding:
    return Holding(trustee, 0, FIRST_PREVIOUS)


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA secure_delete = ON")
    version = _pragma(connection, "user_version")
    if version == 0:
        connection.executescript(
            f"BEGIN IMMEDIATE; {_TABLES} {_SEEN} PRAGMA application_id = {APPLICATION_ID};"
            f"PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
        )
        return
    if _pragma(connection, "application_id") == APPLICATION_ID and version == 1:
        connection.executescript(f"BEGIN IMMEDIATE; {_SEEN} PRAGMA user_version = 2; COMMIT;")
        version = 2
    if _pragma(connection, "application_id") != APPLICATION_ID or version != SCHEMA_VERSION:
        raise StoreError(f"{path} is no trustee's database of version {SCHEMA_VERSION}.")
    if connection.execute("PRAGMA quick_check").fetchone()[0] != "ok":
        raise StoreError(f"{path} is damaged; put a copy back, the other trustees fill the gap.")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


@contextmanager
def _translated_errors(path: Path) -> Iterator[None]:
    """Raise SQLite's errors as StoreBusy, where a retry helps, or StoreError."""
    try:
        yield
    except sqlite3.OperationalError as exc:
        if exc.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL}:
            raise StoreBusy(f"{path} cannot be written just now: {exc}.") from exc
        raise StoreError(f"{path}: {exc}.") from exc
    except sqlite3.DatabaseError as exc:
        raise StoreError(f"{path} is damaged: {exc}.") from exc
