"""File locks, which end with the process that holds them."""

import fcntl
import os
from pathlib import Path

from protocol.errors import ConfigError


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
