"""Copies databases while their program runs, with SQLite's own backup, and checks the copies."""

import io
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

from protocol.errors import StoreError
from system.read_only import open_at_rest, open_read_only

# A larger database is copied beside the original. A chip's vault and a trustee's seeds are smaller;
# copies of these must never reach a disk.
IN_MEMORY_MAX_BYTES = 64 << 20


def copy_database(source: Path, folder: Callable[[], Path]) -> BinaryIO:
    """Copy a database's state at one instant; a large one goes into a file without a name.

    `folder` returns the directory for that, on a disk with enough room.

    Raises:
        StoreError: it cannot be read, or is damaged.
    """
    try:
        with closing(open_read_only(source)) as connection:
            pages, page_bytes = (
                int(connection.execute(f"PRAGMA {name}").fetchone()[0])
                for name in ("page_count", "page_size")
            )
            if pages * page_bytes <= IN_MEMORY_MAX_BYTES:
                with closing(sqlite3.connect(":memory:")) as image:
                    connection.backup(image)
                    _check(image, source)
                    return io.BytesIO(image.serialize())
            return _copy_to_file(connection, source, folder())
    except sqlite3.Error as exc:
        raise StoreError(
            f"{source} cannot be copied: {exc}; --keys-only leaves the database out."
        ) from exc


def check_database(path: Path) -> None:
    """Check that a copy is intact; nothing is created beside it.

    Raises:
        StoreError: it is damaged.
    """
    try:
        with closing(open_at_rest(path)) as connection:
            _check(connection, path)
    except sqlite3.Error as exc:
        raise StoreError(f"{path} is damaged: {exc}; take another backup.") from exc


def _copy_to_file(connection: sqlite3.Connection, source: Path, folder: Path) -> BinaryIO:
    with tempfile.TemporaryDirectory(dir=folder) as name:
        copy = Path(name) / source.name
        with closing(sqlite3.connect(copy)) as image:
            connection.backup(image)
            _check(image, source)
        return copy.open("rb")


def _check(connection: sqlite3.Connection, path: Path) -> None:
    result = connection.execute("PRAGMA quick_check(1)").fetchone()
    if result != ("ok",):
        raise StoreError(f"{path} is damaged ({result[0]}); --keys-only leaves the database out.")
