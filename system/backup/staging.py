"""A folder of a command's own within a directory, gone when it ends; what a kill left is cleared."""

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from protocol.errors import ConfigError
from system.files import PRIVATE_DIR_MODE


@contextmanager
def staging(directory: Path, prefix: str) -> Iterator[Path]:
    """Make a folder in `directory`, mode 0700, held by a lock while it is in use.

    Raises:
        ConfigError: it cannot be made.
    """
    folder = directory / f"{prefix}{secrets.token_hex(8)}"
    try:
        folder.mkdir(mode=PRIVATE_DIR_MODE)
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as exc:
        raise ConfigError(f"{folder} cannot be made: {exc.strerror}.") from exc
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def clear_left(directory: Path, prefix: str) -> None:
    """Remove folders whose command is gone."""
    for folder in directory.glob(f"{prefix}*"):
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            continue
        finally:
            os.close(held)
