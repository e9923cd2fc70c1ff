"""The SQLite file: its tables, how it is opened, and how its errors are classified."""

import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlite_utils

from cloud.store.sqlite.catalogue_tables import CATALOGUE_TABLES
from cloud.store.sqlite.provider_tables import PROVIDER_TABLES
from cloud.store.sqlite.receipt_tables import RECEIPT_TABLES
from protocol import versions
from protocol.errors import StoreBusy, StoreError
from system.schema_version import is_usable
from system.sqlite_errors import CAUSED_BY_A_VALUE

APPLICATION_ID = 0x564C5443  # "VLTC"
SCHEMA_VERSION = 13
GENERATION_BYTES = 8
LOCK_WAIT_S = 5.0

# Household keys and incarnations get numbers, because their 16 and 8 bytes would be repeated in
# every index row. `body_offset` is the position of the coefficients in the payload.
_TABLES = """
CREATE TABLE store (generation BLOB NOT NULL) STRICT;
CREATE TABLE household (id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE) STRICT;
CREATE TABLE enrolment (
  device TEXT NOT NULL, household INTEGER NOT NULL REFERENCES household (id),
  signing_key BLOB NOT NULL, since INTEGER NOT NULL, until INTEGER,
  is_revoked INTEGER NOT NULL, PRIMARY KEY (device, household)
) STRICT;
CREATE INDEX enrolment_of_household ON enrolment (household);
CREATE TABLE contract (
  hash BLOB NOT NULL PRIMARY KEY, household INTEGER NOT NULL REFERENCES household (id),
  provider TEXT NOT NULL, provider_key BLOB NOT NULL, offer BLOB NOT NULL, contract BLOB NOT NULL
) STRICT;
CREATE TABLE incarnation (
  id INTEGER PRIMARY KEY, household INTEGER NOT NULL REFERENCES household (id),
  device TEXT NOT NULL, incarnation BLOB NOT NULL, stored_through INTEGER NOT NULL,
  beyond BLOB NOT NULL, months BLOB NOT NULL,
  UNIQUE (household, incarnation), UNIQUE (device, incarnation)
) STRICT;
CREATE TABLE epoch (
  incarnation INTEGER NOT NULL REFERENCES incarnation (id), month INTEGER NOT NULL,
  payload BLOB NOT NULL, PRIMARY KEY (incarnation, month)
) STRICT;
CREATE TABLE block (
  incarnation INTEGER NOT NULL REFERENCES incarnation (id), sequence INTEGER NOT NULL,
  household INTEGER NOT NULL, day INTEGER NOT NULL, j0 INTEGER NOT NULL, j1 INTEGER NOT NULL,
  body_offset INTEGER NOT NULL, payload BLOB NOT NULL, PRIMARY KEY (incarnation, sequence)
) STRICT;
CREATE INDEX block_of_day ON block (household, day, j0, j1);
CREATE INDEX block_by_day ON block (day);
CREATE TABLE request (
  id BLOB NOT NULL PRIMARY KEY, contract BLOB NOT NULL,
  household INTEGER NOT NULL REFERENCES household (id), request BLOB NOT NULL,
  state TEXT NOT NULL, requested_at INTEGER NOT NULL, device TEXT, statement BLOB,
  published_at INTEGER, seen_at INTEGER, detail TEXT NOT NULL
) STRICT;
CREATE INDEX request_by_state ON request (state);
CREATE TABLE dead_letter (
  id INTEGER PRIMARY KEY, at INTEGER NOT NULL, topic TEXT NOT NULL, reason TEXT NOT NULL,
  detail TEXT NOT NULL, size_bytes INTEGER NOT NULL, sha256 BLOB NOT NULL
) STRICT;
CREATE TABLE refusal (reason TEXT NOT NULL PRIMARY KEY, count INTEGER NOT NULL) STRICT;
"""

# Version 2: area figures. A figure without a stage still accepts contributions. Parts are clustered
# by figure and roster entry, the order in which a release reads them. A digest identifies what was
# signed.
_AREA_TABLES = """
CREATE TABLE area_contribution (
  id INTEGER PRIMARY KEY, household INTEGER NOT NULL REFERENCES household (id),
  device TEXT NOT NULL, day INTEGER NOT NULL, measures BLOB NOT NULL, entry INTEGER NOT NULL,
  generation INTEGER NOT NULL, nonce BLOB NOT NULL, digest BLOB NOT NULL, at INTEGER NOT NULL,
  UNIQUE (household, day, measures)
) STRICT;
CREATE TABLE area_figure (
  id INTEGER PRIMARY KEY, measures BLOB NOT NULL, measure TEXT NOT NULL, code TEXT NOT NULL,
  day INTEGER NOT NULL, stage TEXT, at INTEGER, requests BLOB, left_out BLOB, opened BLOB,
  release BLOB, detail TEXT, UNIQUE (measure, code, day, measures)
) STRICT;
CREATE INDEX area_figure_by_document ON area_figure (measures, day);
CREATE INDEX area_figure_by_stage ON area_figure (stage, at);
CREATE TABLE area_part (
  figure INTEGER NOT NULL REFERENCES area_figure (id), entry INTEGER NOT NULL,
  contribution INTEGER NOT NULL REFERENCES area_contribution (id), words BLOB NOT NULL,
  PRIMARY KEY (figure, entry, contribution)
) STRICT, WITHOUT ROWID;
CREATE INDEX area_part_of_contribution ON area_part (contribution);
CREATE TABLE area_letters (
  household INTEGER NOT NULL PRIMARY KEY REFERENCES household (id), device TEXT NOT NULL,
  generation INTEGER NOT NULL, trustees BLOB NOT NULL, payload BLOB NOT NULL
) STRICT;
CREATE TABLE charter (
  id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, kind TEXT NOT NULL, body BLOB NOT NULL,
  signatures BLOB NOT NULL
) STRICT;
CREATE TABLE blob (hash BLOB NOT NULL PRIMARY KEY, data BLOB NOT NULL) STRICT;
CREATE TABLE roster_entry (
  number INTEGER PRIMARY KEY, body BLOB NOT NULL, signature BLOB NOT NULL
) STRICT;
"""
# Version 3: a provider's acceptance of a contract.
_ACCEPTANCE = "ALTER TABLE contract ADD COLUMN acceptance BLOB;"
# Version 4: people who move. `tag` finds a meter, `sealed` is its number. `clearing` lists retained
# statements that belong to no chip any more. `look_up` is append-only.
_MOVING_TABLES = """
ALTER TABLE household ADD COLUMN identity BLOB;
ALTER TABLE household ADD COLUMN mandated_at INTEGER NOT NULL DEFAULT 0;
CREATE TABLE place (
  id INTEGER PRIMARY KEY, household INTEGER NOT NULL REFERENCES household (id),
  device TEXT NOT NULL, tag BLOB, sealed BLOB, since INTEGER NOT NULL, until INTEGER,
  last_day INTEGER
) STRICT;
CREATE INDEX place_of_household ON place (household);
CREATE INDEX place_of_meter ON place (tag) WHERE tag IS NOT NULL;
INSERT INTO place (household, device, since, until)
  SELECT household, device, since, until FROM enrolment ORDER BY since;
CREATE TABLE termination (
  contract BLOB NOT NULL PRIMARY KEY REFERENCES contract (hash), last_day INTEGER NOT NULL,
  document BLOB NOT NULL, at INTEGER NOT NULL
) STRICT;
CREATE TABLE clearing (
  device TEXT NOT NULL, statement BLOB NOT NULL, PRIMARY KEY (device, statement)
) STRICT;
CREATE TABLE look_up (
  id INTEGER PRIMARY KEY, at INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL,
  why TEXT NOT NULL
) STRICT;
CREATE TRIGGER look_up_stays BEFORE UPDATE ON look_up
  BEGIN SELECT RAISE(ABORT, 'the audit table is append-only'); END;
CREATE TRIGGER look_up_remains BEFORE DELETE ON look_up
  BEGIN SELECT RAISE(ABORT, 'the audit table is append-only'); END;
"""
# Version 8: counts contributions that came after their figure was fixed.
_LATE = "ALTER TABLE area_figure ADD COLUMN late INTEGER NOT NULL DEFAULT 0;"
# Version 9: the latest status of each chip, and the encrypted name of its place.
_FLEET_TABLES = """
CREATE TABLE device_word (
  device TEXT NOT NULL PRIMARY KEY, heard_at INTEGER, state TEXT, software TEXT,
  not_after INTEGER
) STRICT;
CREATE TABLE device_name (device TEXT NOT NULL PRIMARY KEY, sealed BLOB NOT NULL) STRICT;
"""
# Version 10: whether two trustees gave each mask of a figure.
_WITNESSED = "ALTER TABLE area_figure ADD COLUMN is_witnessed INTEGER NOT NULL DEFAULT 0;"
# Version 11: the names that offers bear. An older row keeps its word, which no offer bears.
_TITLES = """
ALTER TABLE provider ADD COLUMN title TEXT NOT NULL DEFAULT '';
ALTER TABLE provider ADD COLUMN look TEXT NOT NULL DEFAULT '';
UPDATE provider SET title = name, look = name;
CREATE UNIQUE INDEX provider_by_look ON provider (look);
"""
# Version 12: what a contract was asked for in a day.
_BY_CONTRACT = """
CREATE INDEX request_of_contract ON request (contract, requested_at);
CREATE INDEX letter_of_contract ON letter (contract, at);
"""
# Version 13: the version of the wire in use, and the newest that each chip reads.
_VERSIONS = """
ALTER TABLE store ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE enrolment ADD COLUMN reads INTEGER NOT NULL DEFAULT 1;
"""
# The statements that upgrade a store of version n to version n + 1.
_UPGRADES = {
    1: _AREA_TABLES,
    2: _ACCEPTANCE,
    3: _MOVING_TABLES,
    4: PROVIDER_TABLES,
    5: CATALOGUE_TABLES,
    6: RECEIPT_TABLES,
    7: _LATE,
    8: _FLEET_TABLES,
    9: _WITNESSED,
    10: _TITLES,
    11: _BY_CONTRACT,
    12: _VERSIONS,
}

_MAY_PASS = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_NOMEM,
}


@contextmanager
def translate_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors about the file into `StoreBusy` (retry) or `StoreError` (act)."""
    try:
        yield
    except CAUSED_BY_A_VALUE:
        raise
    except sqlite3.Error as exc:
        # The low byte is the error code; the higher bytes only add detail.
        if (getattr(exc, "sqlite_errorcode", None) or 0) & 0xFF in _MAY_PASS:
            raise StoreBusy(
                f"{path}: cannot be written now ({exc}); free the disk or wait."
            ) from exc
        raise StoreError(_damaged(path, str(exc))) from exc


def open_database(path: Path, *, is_checked: bool) -> sqlite_utils.Database:
    """Open the store's file, or create it (0600); with `is_checked`, check all of it for damage.

    Raises:
        StoreError: the file is damaged, of another version, or not a store of Volet's cloud.
        StoreBusy: the file is locked.
    """
    if not path.parent.is_dir():
        raise StoreError(f"{path.parent}: no such directory; `volet cloud init` makes it.")
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    with translate_errors(path):
        connection = sqlite3.connect(path, timeout=LOCK_WAIT_S)
        database = sqlite_utils.Database(connection)
        try:
            _prepare(database, path, is_checked=is_checked)
        except BaseException:
            database.close()
            raise
    return database


@contextmanager
def transaction(database: sqlite_utils.Database) -> Iterator[None]:
    """Write in one durable transaction, or not at all.

    It takes the write lock at once, because a reader's snapshot cannot become a writer's later.
    A nested transaction is a part of the outer one that can be rolled back by itself.
    """
    if database.conn.in_transaction:
        with database.atomic():
            yield
        return
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.commit()
    except BaseException:
        database.rollback()
        raise


def _prepare(database: sqlite_utils.Database, path: Path, *, is_checked: bool) -> None:
    # Even the first write must be durable, and a file that is not ours must never be written.
    database.execute("PRAGMA synchronous = FULL")
    _check_owner(database, path)
    if is_checked:
        verdict = database.execute("PRAGMA quick_check(1)").fetchone()[0]
        if verdict != "ok":
            raise StoreError(_damaged(path, verdict.splitlines()[-1]))
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA foreign_keys = ON")
    database.execute("PRAGMA cache_size = -65536")
    with transaction(database):
        if _pragma(database, "user_version") == 0:
            _create(database)
        _upgrade(database)
    version = _pragma(database, "user_version")
    if not is_usable(version, SCHEMA_VERSION):
        raise StoreError(
            f"{path}: the store is of version {version}, this Volet reads {SCHEMA_VERSION}; "
            "install the Volet that wrote it."
        )
    _check_in_use(database, path)


def _check_in_use(database: sqlite_utils.Database, path: Path) -> None:
    """Refuse a store whose messages may be of a version of the wire that is not read."""
    in_use = int(database.execute("SELECT version FROM store").fetchone()[0])
    if in_use > versions.VERSIONS.newest:
        raise StoreError(
            f"{path}: version {in_use} of the wire is in use here, this Volet reads up to "
            f"{versions.VERSIONS.newest}; install a newer Volet."
        )


def _check_owner(database: sqlite_utils.Database, path: Path) -> None:
    owner = _pragma(database, "application_id")
    is_empty = owner == 0 and not database.table_names()
    if owner != APPLICATION_ID and not is_empty:
        raise StoreError(f"{path}: this is no store of Volet's cloud; name another file.")


def _create(database: sqlite_utils.Database) -> None:
    # executescript in an open transaction stays inside it (sqlite-utils splits the statements).
    database.executescript(_TABLES)
    database.execute(
        "INSERT INTO store (generation) VALUES (?)", [secrets.token_bytes(GENERATION_BYTES)]
    )
    database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    database.execute("PRAGMA user_version = 1")


def _upgrade(database: sqlite_utils.Database) -> None:
    """Upgrade the tables to the current version within the open transaction."""
    while tables := _UPGRADES.get(_pragma(database, "user_version")):
        version = _pragma(database, "user_version")
        database.executescript(tables)
        database.execute(f"PRAGMA user_version = {version + 1}")


def _pragma(database: sqlite_utils.Database, name: str) -> int:
    return int(database.execute(f"PRAGMA {name}").fetchone()[0])


def _damaged(path: Path, what: str) -> str:
    return (
        f"{path}: the store is damaged ({what}); stop the worker, move the file aside and put the "
        "last backup in its place: the chips send again what it lacks."
    )
