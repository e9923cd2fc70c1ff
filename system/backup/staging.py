"""A command's temporary folder within a directory, and the removal of those left by killed ones."""

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
    """Create a folder in `directory`, mode 0700, and lock it while it is in use.

    Raises:
        ConfigError: it cannot be created.
    """
    folder = directory / f"{prefix}{secrets.token_hex(8)}"
    try:
        folder.mkdir(mode=PRIVATE_DIR_MODE)
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as exc:
        raise ConfigError(f"{folder} cannot be made: {exc.strerror}.") from exc
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(fd)


def clear_left(directory: Path, prefix: str) -> None:
    """Remove this user's folders whose command no longer runs."""
    for folder in directory.glob(f"{prefix}*"):
        try:
            fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:  # another user's, or gone meanwhile
            continue
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            continue
        finally:
            os.close(fd)
