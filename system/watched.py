"""Files of the household's in a chip's directory that its commands write while the chip runs."""

from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

import structlog

from protocol.errors import ConfigError

T = TypeVar("T")

log = structlog.get_logger()


class WatchedFile(Generic[T]):
    """A file's value, read again when the file has changed.

    A chip must not stop metering because of one of them: a file that cannot be read is told once in
    the log, and counts as what is safe.
    """

    def __init__(self, path: Path, read: Callable[[Path], T], *, absent: T, unreadable: T) -> None:
        """Watch `path`; `read` raises ConfigError where it cannot be read."""
        self._path = path
        self._read = read
        self._absent = absent
        self._unreadable = unreadable
        self._mark: tuple[int, int, int, int] | None = None
        self._value = absent

    def __call__(self) -> T:
        """Return what stands in the file now."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            self._mark, self._value = None, self._absent
            return self._value
        mark = (found.st_ino, found.st_mtime_ns, found.st_size, found.st_mode)
        if mark != self._mark:
            self._mark, self._value = mark, self._read_now()
        return self._value

    def _read_now(self) -> T:
        try:
            return self._read(self._path)
        except ConfigError as exc:
            log.warning("household_file_unreadable", file=self._path.name, why=str(exc))
            return self._unreadable
