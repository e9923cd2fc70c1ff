"""Opens the collectivity's store for one command."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cloud.config import load_config
from cloud.store.sqlite.store import SqliteStore


@contextmanager
def open_store(directory: Path) -> Iterator[SqliteStore]:
    """Open the store of the collectivity in `directory`, and close it at the end.

    Raises:
        ConfigError: it is not a collectivity's directory.
        StoreError: the store is missing, damaged or of another version.
    """
    load_config(directory)
    store = SqliteStore.open_existing(directory)
    try:
        yield store
    finally:
        store.close()
