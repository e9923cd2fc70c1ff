"""File locks, which end with the process that holds them."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from protocol.errors import ConfigError

# A change takes milliseconds; whoever holds a directory for half a second has been stopped.
_LOOKS_MAX, _LOOKS_EVERY_S = 50, 0.01


@contextmanager
def changing(path: Path) -> Iterator[None]:
    """Change a file by what it held before, while no other program or thread changes one beside it.

    Raises:
        ConfigError: another one holds the directory for too long.
    """
    for _ in range(_LOOKS_MAX):
        if (lock := take_lock(path.parent)) is not None:
            break
        time.sleep(_LOOKS_EVERY_S)
    else:
        raise ConfigError(f"{path} is held by another program; try again.")
    try:
        yield
    finally:
        os.close(lock)


def take_lock(path: Path, *, is_made: bool = False) -> int | None:
    """Lock a file; returns its descriptor, to be closed, or None while another process holds it.

    With `is_made`, a missing file is created with mode 0600.

    Raises:
        ConfigError: it cannot be opened or locked, for a reason other than another holder.
    """
    how = os.O_RDWR | os.O_CREAT if is_made else os.O_RDONLY
    try:
        file = os.open(path, how | os.O_CLOEXEC, 0o600)
    except OSError as exc:
        raise ConfigError(f"{path} cannot be opened: {exc.strerror}.") from exc
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    except OSError as exc:
        os.close(file)
        raise ConfigError(f"{path} cannot be locked: {exc.strerror}.") from exc
    return file


def is_held(path: Path) -> bool:
    """Return whether another process holds the lock of a file; False where that cannot be known."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(file)
    return False
