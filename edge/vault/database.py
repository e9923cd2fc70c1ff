"""The vault's file: its schema, its durability, and the handling of a damaged file.

WAL with synchronous=FULL: a commit that has returned survives a power cut. Deleted plain values
are overwritten (secure_delete).
"""

import os
import sqlite3
from pathlib import Path

import structlog
from sqlite_utils import Database

from edge.stage import next_step
from protocol.errors import ConfigError, StoreError
from system.read_only import open_read_only
from system.schema_version import is_usable

FILE_NAME = "vault.db"
APPLICATION_ID = 0x564F4C45  # "VOLE"
SCHEMA_VERSION = 10
BUSY_MS = 5_000

log = structlog.get_logger()

# Each table as sqlite-utils creates it: columns, primary key, columns that may be null.
_Table = tuple[str, dict[str, type], tuple[str, ...], frozenset[str]]
_TABLES: tuple[_Table, ...] = (
    (
        "meter",
        {"id": int, "state": bytes, "restore_point": bytes},
        ("id",),
        frozenset(("state", "restore_point")),
    ),
    (
        "intervals",
        {"day": int, "j": int, "energy_wh": int, "is_estimated": int, "is_encrypted": int},
        ("day", "j"),
        frozenset(),
    ),
    (
        "days",
        {"day": int, "closed": bytes, "fingerprint": int, "is_encrypted": int},
        ("day",),
        frozenset(),
    ),
    (
        "epochs",
        {"incarnation": bytes, "month": int, "seed": bytes, "payload": bytes, "is_stored": int},
        ("incarnation", "month"),
        frozenset(),
    ),
    (
        "blocks",
        {
            "incarnation": bytes,
            "sequence": int,
            "day": int,
            "j0": int,
            "j1": int,
            "state": int,
            "coefficients": bytes,
            "payload": bytes,
        },
        ("incarnation", "sequence"),
        frozenset(("coefficients", "payload")),
    ),
    (
        "notices",
        {"id": int, "at_s": int, "kind": str, "detail": str},
        ("id",),
        frozenset(),
    ),
    (
        "statements",
        {"id": bytes, "received_at_s": int, "payload": bytes, "verdict": str},
        ("id",),
        frozenset(("verdict",)),
    ),
)
# Since version 2: the area lane.
_AREA_TABLES: tuple[_Table, ...] = (
    (
        "area_ledger",
        {"day": int, "measure": str, "rho": float, "is_profile": int},
        ("day", "measure"),
        frozenset(),
    ),
    (
        "area_contributions",
        {"day": int, "state": int, "deadline_s": int, "reason": str, "payload": bytes},
        ("day",),
        frozenset(("payload",)),
    ),
    (
        "area_seeds",
        {"generation": int, "trustees": bytes, "seeds": bytes, "payload": bytes},
        ("generation",),
        frozenset(),
    ),
    (
        "area_documents",
        {"hash": bytes, "kind": str, "data": bytes, "first_seen": int, "is_first": int},
        ("hash",),
        frozenset(),
    ),
    (
        "area_entries",
        {"number": int, "body": bytes, "signature": bytes},
        ("number",),
        frozenset(),
    ),
)
# Since version 3: one row once the household has moved out.
_MOVING_TABLES: tuple[_Table, ...] = (
    (
        "departure",
        {"id": int, "last_day": int, "at_s": int, "is_told": int},
        ("id",),
        frozenset(),
    ),
)
# Since version 4: the copy of the transparency log, and quotes.
_CATALOGUE_TABLES: tuple[_Table, ...] = (
    ("catalogue_pages", {"number": int, "payload": bytes}, ("number",), frozenset()),
    ("catalogue_documents", {"hash": bytes, "payload": bytes}, ("hash",), frozenset()),
    (
        "catalogue_alarms",
        {"id": int, "at_s": int, "kind": str, "entry": int, "payload": bytes},
        ("id",),
        frozenset(),
    ),
    (
        "quotes",
        {
            "id": bytes,
            "asked_at_s": int,
            "start": int,
            "end": int,
            "head": bytes,
            "answer": bytes,
        },
        ("id",),
        frozenset(("answer",)),
    ),
)
# Since version 5: receipts, and what blocks them.
_RECEIPT_TABLES: tuple[_Table, ...] = (
    (
        "receipts",
        {"statement": bytes, "contract": bytes, "is_short": int, "state": int, "body": bytes},
        ("statement",),
        frozenset(("body",)),
    ),
    ("receipt_days", {"day": int, "statement": bytes}, ("day",), frozenset()),
    ("receipt_mismatches", {"statement": bytes, "is_held": int}, ("statement",), frozenset()),
    ("receipt_words", {"word": str}, ("word",), frozenset()),
)
# Since version 6: the statements judged correct, whose days no other statement may bill.
_BILLED_TABLES: tuple[_Table, ...] = (
    (
        "settled",
        {"statement": bytes, "request": bytes, "total_cents": int},
        ("statement",),
        frozenset(),
    ),
)
# Since version 7: private messages from providers, sealed.
_LETTER_TABLES: tuple[_Table, ...] = (
    (
        "letters",
        {"id": bytes, "received_at_s": int, "letter": bytes},
        ("id",),
        frozenset(),
    ),
)
# Since version 8: when a receipt leaves.
_MOMENT_TABLES: tuple[_Table, ...] = (
    ("receipt_moments", {"statement": bytes, "leaves_at_s": int}, ("statement",), frozenset()),
)
# Since version 9: what the rules need of each document of the list; `listed` is empty if refused.
_LISTED_TABLES: tuple[_Table, ...] = (
    ("catalogue_listed", {"number": int, "listed": bytes}, ("number",), frozenset()),
)
# Since version 10: the keys of a year that each epoch was made with (protocol/year_keys.py).
_YEAR_TABLES: tuple[_Table, ...] = (
    (
        "epoch_keys",
        {"incarnation": bytes, "month": int, "keys": bytes},
        ("incarnation", "month"),
        frozenset(),
    ),
)
# The tables that upgrade a file of version n to version n + 1.
_UPGRADES = {
    1: _AREA_TABLES,
    2: _MOVING_TABLES,
    3: _CATALOGUE_TABLES,
    4: _RECEIPT_TABLES,
    5: _BILLED_TABLES,
    6: _LETTER_TABLES,
    7: _MOMENT_TABLES,
    8: _LISTED_TABLES,
    9: _YEAR_TABLES,
}
_INDEXES = (
    "CREATE INDEX blocks_by_day ON blocks (day)",
    "CREATE INDEX blocks_to_send ON blocks (day) WHERE state = 1",
    "CREATE INDEX blocks_open ON blocks (day) WHERE state = 0",
    "CREATE INDEX intervals_to_encrypt ON intervals (day, j) WHERE is_encrypted = 0",
    "CREATE INDEX days_to_encrypt ON days (day) WHERE is_encrypted = 0",
    "CREATE INDEX epochs_to_send ON epochs (month) WHERE is_stored = 0",
)


def open_database(path: Path, *, is_read_only: bool = False) -> Database:
    """Open the vault's database, creating it (mode 0600) if it does not exist.

    A damaged file is moved aside and named in the log, and a new one is created.

    Raises:
        StoreError: the file is of another program or a newer version.
        ConfigError: it cannot be opened, or does not exist and is opened read-only.
    """
    if is_read_only:
        return _open_read_only(path)
    try:
        return _open(path)
    except sqlite3.DatabaseError as exc:
        if isinstance(exc, sqlite3.OperationalError) and not _is_damage(exc):
            raise ConfigError(f"{path} cannot be opened: {exc}.") from exc
        aside = _move_aside(path)
        log.error("vault_damaged", moved_to=str(aside), why=str(exc))  # noqa: TRY400 - handled here
        return _open(path)


def _open(path: Path) -> Database:
    _make_private(path)
    connection = sqlite3.connect(path, isolation_level=None, cached_statements=64)
    try:
        database = Database(connection, strict=True)
        database.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        _check(database, path)
        database.enable_wal()
        database.execute("PRAGMA synchronous = FULL")
        database.execute("PRAGMA secure_delete = ON")
        if not database.table_names():
            _create(database)
        elif _pragma(database, "user_version") < SCHEMA_VERSION:
            _upgrade(database)
    except BaseException:
        connection.close()
        raise
    return database


def _open_read_only(path: Path) -> Database:
    missing = ConfigError(f"{path} is not there yet; {next_step(path.parent)}")
    if not path.exists():
        raise missing
    try:
        connection = open_read_only(path)
    except sqlite3.Error as exc:
        raise StoreError(f"{path} cannot be read: {exc}.") from exc
    database = Database(connection, strict=True)
    try:
        database.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        _check_version(database, path)
        if not database.table_names():
            raise missing  # a starting chip creates the file before its tables
        _check_upgraded(database, path)
    except sqlite3.DatabaseError as exc:
        connection.close()
        raise StoreError(f"{path} cannot be read: {exc}; start the chip, it repairs it.") from exc
    except (ConfigError, StoreError):
        connection.close()
        raise
    return database


def _make_private(path: Path) -> None:
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    except OSError as exc:
        raise ConfigError(f"{path} cannot be opened: {exc.strerror}.") from exc


def _check(database: Database, path: Path) -> None:
    """Check that the file is intact and a vault. Raises DatabaseError if it is damaged."""
    answers = [row[0] for row in database.execute("PRAGMA quick_check(1)").fetchall()]
    if answers != ["ok"]:
        raise sqlite3.DatabaseError(answers[0] if answers else "no answer to quick_check")
    _check_version(database, path)


def _check_version(database: Database, path: Path) -> None:
    version = _pragma(database, "user_version")
    application = _pragma(database, "application_id")
    if not version and not application and not database.table_names():
        return
    if application != APPLICATION_ID:
        raise StoreError(f"{path} is not a vault; move it away, a new one is made.")
    if not is_usable(version, SCHEMA_VERSION):
        raise StoreError(
            f"{path} is of version {version}, this program knows {SCHEMA_VERSION}; "
            "install the version that wrote it, or a newer one."
        )


def _check_upgraded(database: Database, path: Path) -> None:
    if _pragma(database, "user_version") < SCHEMA_VERSION:
        raise StoreError(f"{path} is of an older version; start the chip, it upgrades it.")


def _create(database: Database) -> None:
    with database.atomic():
        _make_tables(database, _TABLES)
        for tables in _UPGRADES.values():
            _make_tables(database, tables)
        for statement in _INDEXES:
            database.execute(statement)
        database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _upgrade(database: Database) -> None:
    """Add the tables that an older file lacks, in one transaction."""
    with database.atomic():
        for version in range(_pragma(database, "user_version"), SCHEMA_VERSION):
            _make_tables(database, _UPGRADES[version])
        database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    log.info("vault_upgraded", to_version=SCHEMA_VERSION)


def _make_tables(database: Database, tables: tuple[_Table, ...]) -> None:
    for name, columns, key, nullable in tables:
        database.table(name).create(
            columns,
            pk=key if len(key) > 1 else key[0],
            not_null=set(columns) - nullable,
            strict=True,
        )


def _pragma(database: Database, name: str) -> int:
    return int(database.execute(f"PRAGMA {name}").fetchone()[0])


def _is_damage(exc: sqlite3.OperationalError) -> bool:
    code = getattr(exc, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _move_aside(path: Path) -> Path:
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    path.rename(aside)
    for suffix in ("-wal", "-shm"):
        beside = path.with_name(path.name + suffix)
        if beside.exists():
            beside.rename(aside.with_name(aside.name + suffix))
    return aside
