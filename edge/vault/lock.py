"""Keeps a vault to one process at a time."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.vault.database import FILE_NAME
from protocol.errors import ConfigError
from system.locks import take_lock


def is_in_use(directory: Path) -> bool:
    """Return whether a chip uses the vault in `directory`. Raises ConfigError if not known."""
    lock = take_lock(_path(directory), is_made=True)
    if lock is None:
        return True
    os.close(lock)
    return False


@contextmanager
def hold_vault(directory: Path) -> Iterator[None]:
    """Keep chips from using the vault in `directory`. Raises ConfigError if one does."""
    lock = lock_vault(directory)
    try:
        yield
    finally:
        os.close(lock)


def lock_vault(directory: Path) -> int:
    """Return a descriptor that locks the vault. Raises ConfigError if another process has it."""
    lock = take_lock(_path(directory), is_made=True)
    if lock is None:
        raise ConfigError(f"{directory} is in use by another chip process; stop that one first.")
    return lock


def _path(directory: Path) -> Path:
    return directory / f"{FILE_NAME}.lock"
