"""Writes files completely or not at all, and secrets that nobody else may read.

A file is written beside its path, synced, then moved there in one step. A secret has mode 0600 from
its creation on.
"""

import errno
import os
import pwd
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from protocol.errors import ConfigError
from system.shell import quoted

SECRET_MODE = 0o600
PUBLIC_MODE = 0o644
PRIVATE_DIR_MODE = 0o700

_CHUNK_BYTES = 1 << 20
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
# Errors of file systems without hard links, such as a USB stick's.
_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


def make_private_dir(path: Path) -> None:
    """Create a directory, mode 0700, and its parents; an existing one is left unchanged.

    Raises:
        ConfigError: it cannot be created.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=PRIVATE_DIR_MODE, exist_ok=True)
    except PermissionError as exc:
        raise ConfigError(
            f"{path} cannot be made, since {path.parent} is another user's; run this as that user, "
            f'or make it yours first: `sudo install -d -m 0700 -o "$USER" {quoted(path)}`.'
        ) from exc
    except OSError as exc:
        raise _cannot_write(path, exc) from exc


def write_secret(path: Path, data: bytes) -> None:
    """Write a secret to `path`, mode 0600, replacing any file there.

    Raises:
        ConfigError: it cannot be written; an existing file is unchanged.
    """
    _write(path, data, SECRET_MODE)


def write_public(path: Path, data: bytes) -> None:
    """Write a document to `path`, readable for all, replacing any file there.

    Raises:
        ConfigError: it cannot be written; an existing file is unchanged.
    """
    _write(path, data, PUBLIC_MODE)


def put_public(path: Path, data: bytes) -> bool:
    """Write a document as `write_public` does; return whether it differs from what was there.

    Raises:
        ConfigError: it cannot be written; an existing file is unchanged.
    """
    is_there = path.is_file() and path.read_bytes() == data
    write_public(path, data)
    return not is_there


class FileSet:
    """Files that change together: each is written beside its place, and all are put there at the end."""

    def __init__(self) -> None:
        # What is to be put at each path, in this order; None removes what is there.
        self._changes: list[tuple[Path, Path | None]] = []

    def write_secret(self, path: Path, data: bytes) -> None:
        """Write a secret, mode 0600, for `path`. Raises ConfigError if it cannot be written."""
        self._changes.append((path, _write_beside(path, data, SECRET_MODE)))

    def write_public(self, path: Path, data: bytes) -> None:
        """Write a document for `path`. Raises ConfigError if it cannot be written."""
        self._changes.append((path, _write_beside(path, data, PUBLIC_MODE)))

    def remove(self, path: Path) -> None:
        """Remove what is at `path`, if anything is."""
        self._changes.append((path, None))

    def put(self) -> None:
        """Put all in place. Raises ConfigError if one cannot be."""
        for path, beside in self._changes:
            try:
                if beside is None:
                    path.unlink(missing_ok=True)
                else:
                    beside.replace(path)
            except OSError as exc:
                raise _cannot_write(path, exc) from exc
            sync_dir(path.parent)

    def discard(self) -> None:
        """Remove what has not been put in place."""
        for _, beside in self._changes:
            if beside is not None:
                beside.unlink(missing_ok=True)


@contextmanager
def changed_together() -> Iterator[FileSet]:
    """Yield a set of files to write; they are put in place, in this order, when the block succeeds.

    A full disk is met before anything has changed. A power cut may come between two of them.

    Raises:
        ConfigError: one of them cannot be put in place.
    """
    files = FileSet()
    try:
        yield files
        files.put()
    finally:
        files.discard()


def draw_secret(path: Path, data: bytes) -> bool:
    """Write a newly drawn secret to `path` unless a file exists there; returns whether it did.

    Raises:
        ConfigError: it cannot be written.
    """
    if path.exists():
        return False
    beside = _write_beside(path, data, SECRET_MODE)
    try:
        _put_new(beside, path)
    except FileExistsError:
        return False
    except OSError as exc:
        raise _cannot_write(path, exc) from exc
    finally:
        beside.unlink(missing_ok=True)
    sync_dir(path.parent)
    return True


def check_is_new(path: Path) -> None:
    """Refuse a path that exists.

    Raises:
        ConfigError: it exists.
    """
    if path.exists():
        raise _taken(path)


def write_new_secret(path: Path, data: bytes) -> None:
    """Write a secret to the new file `path`, mode 0600.

    Raises:
        ConfigError: the file exists, or cannot be written; then nothing of it remains.
    """
    with new_secret(path) as file:
        file.write(data)


@contextmanager
def new_secret(path: Path) -> Iterator[BinaryIO]:
    """Yield a file to write and read, mode 0600; it appears at `path` when the block succeeds.

    Raises:
        ConfigError: the file exists, or cannot be written; then nothing of it remains.
    """
    check_is_new(path)
    beside = _beside(path)
    try:
        fd = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, SECRET_MODE)
        with os.fdopen(fd, "w+b") as file:
            yield file
            file.flush()
            os.fsync(fd)
        _put_new(beside, path)
        sync_dir(path.parent)
    except FileExistsError as exc:
        raise _taken(path) from exc
    except OSError as exc:
        raise _cannot_write(path, exc) from exc
    finally:
        beside.unlink(missing_ok=True)


def read_secret(path: Path, next_step: str) -> bytes:
    """Read a secret that only its owner may read.

    `next_step` ends the error's text if the file is missing.

    Raises:
        ConfigError: it is missing, not readable, or open to others.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if mode & _OTHERS:
                raise ConfigError(
                    f"{path} is open to other users (mode {mode & 0o777:04o}); "
                    f"close it with `chmod 600 {quoted(path)}` and think of who may have read it."
                )
            return file.read()
    except OSError as exc:
        raise _cannot_read(path, exc, next_step) from exc


def read_document(path: Path, next_step: str) -> bytes:
    """Read a file that is not secret; `next_step` ends the error's text if it is missing.

    Raises:
        ConfigError: it is missing or not readable.
    """
    try:
        return path.read_bytes()
    except OSError as exc:
        raise _cannot_read(path, exc, next_step) from exc


def destroy(path: Path) -> None:
    """Overwrite a file, sync it and remove it.

    On an SD card or SSD the overwritten cells may keep the old bytes until they are used again.

    Raises:
        ConfigError: it cannot be overwritten or removed.
    """
    try:
        with path.open("r+b") as file:
            left = os.fstat(file.fileno()).st_size
            while left > 0:
                left -= file.write(bytes(min(left, _CHUNK_BYTES)))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
    except OSError as exc:
        raise ConfigError(f"{path} cannot be erased: {exc.strerror}; run this again.") from exc
    sync_dir(path.parent)


def _write(path: Path, data: bytes, mode: int) -> None:
    beside = _write_beside(path, data, mode)
    try:
        beside.replace(path)
    except OSError as exc:
        beside.unlink()
        raise _cannot_write(path, exc) from exc
    sync_dir(path.parent)


def _put_new(beside: Path, path: Path) -> None:
    """Give a file its name unless another file has it. Raises FileExistsError, OSError."""
    try:
        os.link(beside, path)  # unlike a rename, never replaces a file
    except OSError as exc:
        if exc.errno not in _NO_LINKS:
            raise
        if path.exists():
            raise FileExistsError from exc
        beside.rename(path)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}")


def _write_beside(path: Path, data: bytes, mode: int) -> Path:
    beside = _beside(path)
    try:
        fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    except OSError as exc:
        raise _cannot_write(path, exc) from exc
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(fd)
    except OSError as exc:
        beside.unlink()
        raise _cannot_write(path, exc) from exc
    return beside


def sync_dir(path: Path) -> None:
    """Have a directory's entries written to the disk."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _taken(path: Path) -> ConfigError:
    return ConfigError(f"{path} is there already; name another file, nothing is overwritten.")


def _cannot_write(path: Path, exc: OSError) -> ConfigError:
    return ConfigError(f"{path} cannot be written: {exc.strerror}{typed_by(path, exc)}.")


def _cannot_read(path: Path, exc: OSError, next_step: str) -> ConfigError:
    if isinstance(exc, FileNotFoundError | NotADirectoryError):
        return ConfigError(f"{path} is missing; {next_step}")
    return ConfigError(f"{path} cannot be read: {exc.strerror}{typed_by(path, exc)}.")


def typed_by(path: Path, exc: OSError) -> str:
    """Return as whom to type a command for which a path is closed; empty for any other error."""
    if not isinstance(exc, PermissionError):
        return ""
    for each in (path, *path.absolute().parents):
        with suppress(OSError):
            owner = each.lstat().st_uid
            break
    if owner == os.geteuid():
        return ""
    name = user_name(owner)
    return f"; it is {name}'s: type this as {name}"


def user_name(user: int) -> str:
    """Return the name of a user by its number, or the number with a # where it has none here."""
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:  # a user of another machine
        return f"#{user}"


@contextmanager
def opened_directory(path: Path) -> Iterator[str]:
    """Yield a short name of a directory, for sockets: their paths hold 107 bytes at most."""
    opened = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{opened}"
    finally:
        os.close(opened)
