"""Opens SQLite databases for reading, while the program that writes them runs or after it ended.

Even for reading, a database in WAL mode needs files beside it. A card that has become read-only
refuses them, and a reader in a writable directory leaves them behind. If nobody has the database
open and its one file is complete, it is read without them. If its program was killed, a log remains
beside it; if the log's index is lost and cannot be created, a copy is read.
"""

import fcntl
import os
import shutil
import sqlite3
import tempfile
from pathlib import Path

# A file system in memory, so that a household's data does not end up on another disk.
MEMORY = Path("/dev/shm")  # noqa: S108 - the folder made there is this user's alone


def open_read_only(path: Path) -> sqlite3.Connection:
    """Open a database for reading, in autocommit mode.

    A running program is recognised by the lock that it holds on `NAME.lock` beside its database.

    Raises:
        sqlite3.Error: it cannot be opened.
    """
    if _is_at_rest(path):
        return open_at_rest(path)
    return _open_copy(path) if _lacks_index(path) else _connect(path, "mode=ro")


def open_at_rest(path: Path) -> sqlite3.Connection:
    """Open a copy that nobody writes; nothing is created beside it.

    Raises:
        sqlite3.Error: it cannot be opened.
    """
    return _connect(path, "mode=ro&immutable=1")


def open_as_it_is(path: Path) -> sqlite3.Connection:
    """Open a database for reading, without its lock: nothing is created beside one that nobody uses.

    Raises:
        sqlite3.Error: it cannot be opened.
    """
    is_used = path.with_name(f"{path.name}-wal").exists()
    return open_read_only(path) if is_used else open_at_rest(path)


def _connect(path: Path, how: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?{how}", uri=True, isolation_level=None)


def _lacks_index(path: Path) -> bool:
    """Return whether the database has a log without an index, and none can be created."""
    real = path.resolve()
    has_log, has_index = (real.with_name(real.name + end).exists() for end in ("-wal", "-shm"))
    return has_log and not has_index and not os.access(real.parent, os.W_OK)


def _open_copy(path: Path) -> sqlite3.Connection:
    """Open a copy of a database and its log, and remove the copy's name once it is open.

    Raises:
        sqlite3.Error: it cannot be copied or opened.
    """
    real = path.resolve()
    memory = MEMORY if os.access(MEMORY, os.W_OK) else None
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
    """Return whether the file alone contains the database, and nobody writes it."""
    real = path.resolve()
    if real.with_name(f"{real.name}-wal").exists():
        return False
    try:
        lock = os.open(path.with_name(f"{path.name}.lock"), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # unknown; but in a read-only directory nobody writes
        return not os.access(real.parent, os.W_OK)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(lock)
    return True
