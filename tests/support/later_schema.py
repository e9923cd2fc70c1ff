"""Files as a later release leaves them, which only adds: a table, and a column in each other one."""

import sqlite3
from contextlib import closing
from pathlib import Path


def add_later_schema(path: Path) -> None:
    """Add what a later release might, and count its version up."""
    with closing(sqlite3.connect(path)) as database:
        tables = database.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        ).fetchall()
        for (table,) in tables:
            database.execute(f'ALTER TABLE "{table}" ADD COLUMN later TEXT')
            database.execute(f'ALTER TABLE "{table}" ADD COLUMN latest INTEGER NOT NULL DEFAULT 7')
        database.execute("CREATE TABLE later (id INTEGER PRIMARY KEY, value TEXT) STRICT")
        (version,) = database.execute("PRAGMA user_version").fetchone()
        database.execute(f"PRAGMA user_version = {version + 1}")
        database.commit()
