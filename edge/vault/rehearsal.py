"""Opens a copy of the vault as a chip that starts would, to see whether this program can use it.

The copy lies in a folder of its own in the chip's directory (mode 0700), so that plain readings
reach no other disk, and is overwritten at the end. What a kill leaves is removed at the next call,
and by an erasure.
"""

import os
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from edge.vault.database import FILE_NAME, open_database
from edge.vault.reader import VaultReader
from edge.vault.rows import VaultFigures
from protocol.errors import StoreError
from system.backup.listing import TRYING
from system.backup.staging import clear_left, staging
from system.files import SECRET_MODE, destroy
from system.read_only import open_at_rest, open_read_only

_DAYS_READ = 3


def rehearse(directory: Path) -> VaultFigures | None:
    """Open a copy of the vault in `directory`; return what it holds, None if there is no vault.

    Raises:
        StoreError: the program cannot use it, or would lose something of it.
        ConfigError: the copy cannot be made.
    """
    clear_left(directory, TRYING)
    path = directory / FILE_NAME
    if not path.exists():
        return None
    with staging(directory, TRYING) as folder:
        copy = folder / FILE_NAME
        try:
            _copy(path, copy)
            return _opened(copy)
        finally:
            for part in folder.iterdir():
                destroy(part)


def _copy(path: Path, copy: Path) -> None:
    os.close(os.open(copy, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, SECRET_MODE))
    try:
        with closing(open_read_only(path)) as vault, closing(sqlite3.connect(copy)) as image:
            vault.backup(image)
    except sqlite3.Error as exc:
        raise StoreError(f"{path} cannot be copied: {exc}.") from exc


def _opened(copy: Path) -> VaultFigures | None:
    """Open the copy, read it as a chip does, and compare it with what it was before."""
    before = _rows(copy)
    database = open_database(copy)
    try:
        vault = VaultReader(database)
        figures = vault.figures()
        vault.values.state()
        vault.values.notices()
        vault.statements()
        if (last := figures.last_day_closed) is not None:
            vault.day_rows(last - timedelta(days=_DAYS_READ), last + timedelta(days=1))
    except (sqlite3.Error, LookupError, ValueError, TypeError) as exc:
        raise StoreError(f"The vault cannot be read: {type(exc).__name__}, {exc}.") from exc
    finally:
        database.close()
    after = _rows(copy)
    lost = sorted(name for name, count in before.items() if after.get(name, -1) < count)
    if lost:
        raise StoreError(f"Rows of the vault would be lost: {', '.join(lost)}.")
    return figures if before else None


def _rows(copy: Path) -> dict[str, int]:
    """Return the number of rows of each table."""
    try:
        with closing(open_at_rest(copy)) as connection:
            names = connection.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table'"
            ).fetchall()
            return {
                name: int(connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0])  # noqa: S608 - a name of the schema
                for (name,) in names
            }
    except sqlite3.Error as exc:
        raise StoreError(f"The vault is damaged: {exc}.") from exc
