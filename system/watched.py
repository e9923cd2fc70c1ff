"""Files in a chip's directory that the household's commands write while the chip runs."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import msgspec
import structlog

from protocol.errors import ConfigError
from protocol.json_text import read_json
from system.files import read_secret, write_secret
from system.locks import changing

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)

log = structlog.get_logger()


class WatchedFile(Generic[T]):
    """A file's value, read again when the file has changed.

    Such a file must not stop metering: one that cannot be read is logged once and has a safe value.
    """

    def __init__(self, path: Path, read: Callable[[Path], T], *, absent: T, unreadable: T) -> None:
        """Watch `path`; `read` raises ConfigError if it cannot be read."""
        self._path = path
        self._read = read
        self._absent = absent
        self._unreadable = unreadable
        self._mark: tuple[int, int, int, int] | None = None
        self._value = absent

    def __call__(self) -> T:
        """Return the current value."""
        try:
            status = self._path.stat()
        except FileNotFoundError:
            self._mark, self._value = None, self._absent
            return self._value
        mark = (status.st_ino, status.st_mtime_ns, status.st_size, status.st_mode)
        if mark != self._mark:
            self._mark, self._value = mark, self._read_now()
        return self._value

    def _read_now(self) -> T:
        try:
            return self._read(self._path)
        except ConfigError as exc:
            log.warning("household_file_unreadable", file=self._path.name, why=str(exc))
            return self._unreadable


@dataclass(frozen=True, slots=True)
class OrderFile(Generic[S]):
    """A household's order to the running chip: one JSON document (0600) in its directory.

    Attributes:
        name: the file's name.
        kind: the type of the document.
        next_step: what to do about a damaged file, as a sentence.
    """

    name: str
    kind: type[S]
    next_step: str

    def leave(self, directory: Path, order: S) -> None:
        """Write an order to the chip in `directory`."""
        write_secret(directory / self.name, msgspec.json.encode(order))

    def is_in(self, directory: Path) -> bool:
        """Return whether there is an order, even a damaged one."""
        return (directory / self.name).exists()

    def read(self, directory: Path) -> S | None:
        """Return the order in `directory`, None if there is none.

        Raises:
            ConfigError: it is damaged, or open to others.
        """
        return self._read(directory / self.name) if self.is_in(directory) else None

    def withdraw(self, directory: Path) -> bool:
        """Remove the order; returns whether there was one."""
        is_there = self.is_in(directory)
        (directory / self.name).unlink(missing_ok=True)
        return is_there

    def watched(self, directory: Path) -> WatchedFile[S | None]:
        """Return a reader of the latest order; it returns None for a missing or damaged one."""
        return WatchedFile[S | None](
            directory / self.name, self._read, absent=None, unreadable=None
        )

    def _read(self, path: Path) -> S:
        return _document(path, self.kind, self.next_step, self.next_step)


@dataclass(frozen=True, slots=True)
class ChoiceFile(Generic[S]):
    """A household's choices: one JSON document (0600) in its directory, which the chip watches.

    Attributes:
        name: the file's name.
        absent: the choices without a file.
        unreadable: what the running chip goes by while the file cannot be read.
    """

    name: str
    absent: S
    unreadable: S

    def load(self, directory: Path) -> S:
        """Read the choices.

        Raises:
            ConfigError: the file is damaged, or others may read it.
        """
        path = directory / self.name
        return self._read(path) if path.exists() else self.absent

    def save(self, directory: Path, choices: S) -> None:
        """Store the choices."""
        write_secret(directory / self.name, msgspec.json.format(msgspec.json.encode(choices)))

    def change(self, directory: Path, **changed: object) -> None:
        """Store the choices with the fields `changed`; those changed meanwhile elsewhere stay so.

        Raises:
            ConfigError: as `load`, or another program holds the directory.
        """
        with changing(directory / self.name):
            self.save(directory, msgspec.structs.replace(self.load(directory), **changed))

    def watched(self, directory: Path) -> WatchedFile[S]:
        """Return a reader of the latest choices."""
        return WatchedFile(
            directory / self.name, self._read, absent=self.absent, unreadable=self.unreadable
        )

    def _read(self, path: Path) -> S:
        return _document(path, type(self.absent), "choose again.", "delete it and choose again.")


def _document(path: Path, kind: type[S], unread: str, damaged: str) -> S:
    """Read a document; `unread` and `damaged` are what to do about one that cannot be read."""
    try:
        return read_json(read_secret(path, unread), kind)
    except msgspec.MsgspecError as exc:
        raise ConfigError(f"{path} is damaged: {exc}; {damaged}") from exc
