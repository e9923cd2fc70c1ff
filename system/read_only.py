"""A SQLite database opened to be read, beside the program that writes it or after it has ended.

A database in WAL mode needs files beside it even to be read, which a card that has become
read-only refuses, and which a reader in a writable directory leaves behind. Where nobody has the
database open and all of it lies in its one file, it is read without them.
"""

import fcntl
import os
import sqlite3
from pathlib import Path


def open_read_only(path: Path) -> sqlite3.Connection:
    """Open a database to read it, in autocommit mode.

    A program that keeps `NAME.lock` beside its database while it runs is seen by that.

    Raises:
        sqlite3.Error: it cannot be opened.
    """
    return open_at_rest(path) if _is_at_rest(path) else _connect(path, "mode=ro")


def open_at_rest(path: Path) -> sqlite3.Connection:
    """Open a copy that nobody writes; nothing is written beside it.

    Raises:
        sqlite3.Error: it cannot be opened.
    """
    return _connect(path, "mode=ro&immutable=1")


def _connect(path: Path, how: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?{how}", uri=True, isolation_level=None)


def _is_at_rest(path: Path) -> bool:
    """Say whether the file alone holds the database, and nobody writes it."""
    real = path.resolve()
    if real.with_name(f"{real.name}-wal").exists():
        return False
    try:
        lock = os.open(path.with_name(f"{path.name}.lock"), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # nobody can tell; where nothing can be written, nobody writes
        return not os.access(real.parent, os.W_OK)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(lock)
    return True
