"""A SQLite database opened to be read, beside the program that writes it or after it has ended.

A database in WAL mode needs files beside it even to be read, which a card that has become
read-only refuses, and which a reader in a writable directory leaves behind. Where nobody has the
database open and all of it lies in its one file, it is read without them. One whose program was
killed has a log beside it; where the log's index is lost and cannot be made, a copy is read.
"""

import fcntl
import os
import shutil
import sqlite3
import tempfile
from pathlib import Path

# Where files are memory: what a household used is not to lie about on another disk.
_MEMORY = Path("/dev/shm")  # noqa: S108 - the folder made there is this user's alone


def open_read_only(path: Path) -> sqlite3.Connection:
    """Open a database to read it, in autocommit mode.

    A program that keeps `NAME.lock` beside its database while it runs is seen by that.

    Raises:
        sqlite3.Error: it cannot be opened.
    """
    if _is_at_rest(path):
        return open_at_rest(path)
    return _open_copy(path) if _lacks_index(path) else _connect(path, "mode=ro")


def open_at_rest(path: Path) -> sqlite3.Connection:
    """Open a copy that nobody writes; nothing is written beside it.

    Raises:
        sqlite3.Error: it cannot be opened.
    """
    return _connect(path, "mode=ro&immutable=1")


def _connect(path: Path, how: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?{how}", uri=True, isolation_level=None)


def _lacks_index(path: Path) -> bool:
    """Say whether a log stands beside the database without its index, and none can be made."""
    real = path.resolve()
    has_log, has_index = (real.with_name(real.name + end).exists() for end in ("-wal", "-shm"))
    return has_log and not has_index and not os.access(real.parent, os.W_OK)


def _open_copy(path: Path) -> sqlite3.Connection:
    """Open a copy of a database and its log that loses its name once it is open.

    Raises:
        sqlite3.Error: it cannot be copied or opened.
    """
    real = path.resolve()
    memory = _MEMORY if os.access(_MEMORY, os.W_OK) else None
    try:
        with tempfile.TemporaryDirectory(dir=memory) as folder:
            for end in ("", "-wal"):
                shutil.copyfile(real.with_name(real.name + end), Path(folder) / f"{real.name}{end}")
            connection = sqlite3.connect(Path(folder) / real.name, isolation_level=None)
            try:
                connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
                connection.execute("PRAGMA query_only = ON")
            except sqlite3.Error:
                connection.close()
                raise
            return connection
    except OSError as exc:
        raise sqlite3.OperationalError(
            f"its log can only be read from a copy, which cannot be made: {exc.strerror}"
        ) from exc


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
