"""Restores a backup, completely or not at all, after checking all of it."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from protocol.backup import BackupEntry, Header, Lock, Manifest, read_head
from protocol.errors import ConfigError, VoletError
from system.backup.database import check_database
from system.backup.listing import CHECKING, RESTORING, Fate, Party, printable
from system.backup.staging import clear_left, staging
from system.backup.stream import unpack
from system.files import PRIVATE_DIR_MODE, PUBLIC_MODE, SECRET_MODE, make_private_dir
from system.read_only import MEMORY

_NEWER = (
    "{path} holds {name}, which this Volet does not know; install the newer Volet that wrote it."
)


@dataclass(frozen=True, slots=True)
class RestoredBackup:
    """The restored files and their time; `message` is what `Party.settle` returned."""

    owner: str
    made_at: datetime
    files: tuple[BackupEntry, ...]
    message: str = ""


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was opened and read to its end, so everything in it is genuine and complete."""

    path: Path
    party: Party
    head: tuple[Header, bytes]
    secret: bytes
    manifest: Manifest

    @property
    def made_at(self) -> datetime:
        """When it was made."""
        return datetime.fromtimestamp(self.head[0].made_at_s, UTC)


def open_backup(party: Party, path: Path, unlock: Callable[[Lock, str], bytes]) -> Backup:
    """Open a backup and check every byte of it; `unlock` returns the lock's secret.

    Raises:
        ConfigError: it is missing, not a backup, another party's, from a newer Volet, cut short or
            altered, or does not open.
    """
    with _opened(path) as file:
        head = read_head(file.read, str(path))
        header = head[0]
        if header.party != party.name:
            raise ConfigError(
                f"{path} is a backup of `volet {header.party}`, not of {party.title}; restore it "
                f"with `volet {header.party} restore`."
            )
        size_bytes = os.fstat(file.fileno()).st_size - len(head[1])
        if size_bytes != header.size_bytes:
            raise ConfigError(
                f"{path} is cut short or has grown ({size_bytes} of {header.size_bytes} bytes "
                "follow its header); copy it again from where it was written."
            )
        secret = unlock(header.lock, str(path))
        manifest = unpack(file, head, secret, str(path))
    for entry in manifest.files:
        listed = party.listed(entry.name)
        if listed is None or listed.fate is Fate.LEFT_OUT or ".." in entry.name.split("/"):
            raise ConfigError(_NEWER.format(path=path, name=printable(entry.name)))
    return Backup(path, party, head, secret, manifest)


def restore(backup: Backup, directory: Path, *, database_only: bool = False) -> RestoredBackup:
    """Restore a backup into `directory`, which is empty or missing; all of it or nothing.

    With `database_only` only the databases are restored, into a directory that has lost only them.

    Raises:
        ConfigError: the directory is not empty, or cannot be written.
        StoreError: a database in the backup is damaged.
        VoletError: the contents cannot be used.
    """
    party = backup.party
    wanted = [
        entry
        for entry in backup.manifest.files
        if not database_only or _fate(party, entry) is Fate.DATABASE
    ]
    if database_only:
        _check_lost(backup, directory, wanted)
    with _directory(directory, is_there=database_only):
        _check_space(directory, wanted)
        with staging(directory, RESTORING) as folder:
            _extract_and_check(backup, wanted, folder)
            if not database_only:
                party.check(folder)
            message = party.settle(folder, directory if database_only else folder)
            _place(party, folder, directory)
    return RestoredBackup(backup.manifest.owner, backup.made_at, tuple(wanted), message)


def rehearse(backup: Backup) -> str | None:
    """Restore a backup into memory, destroy what was restored, and return what `settle` says.

    Memory, since whoever checks a backup has not decided to put its keys on this machine's disk.
    Returns None, and does nothing, if there is no room for it there.

    Raises:
        StoreError: a database in the backup is damaged.
        VoletError: the contents cannot be used.
    """
    entries = backup.manifest.files
    if not os.access(MEMORY, os.W_OK) or _lacks_room(MEMORY, entries):
        return None
    clear_left(MEMORY, CHECKING)
    with staging(MEMORY, CHECKING) as folder:
        _extract_and_check(backup, entries, folder)
        backup.party.check(folder)
        return backup.party.settle(folder, folder)


def _extract_and_check(backup: Backup, wanted: Sequence[BackupEntry], folder: Path) -> None:
    _extract(backup, wanted, folder)
    for entry in wanted:
        if _fate(backup.party, entry) is Fate.DATABASE:
            check_database(folder / entry.name)


def _fate(party: Party, entry: BackupEntry) -> Fate | None:
    listed = party.listed(entry.name)
    return listed.fate if listed else None


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with path.open("rb") as file:
            yield file
    except FileNotFoundError as exc:
        raise ConfigError(f"{path} is missing; name the file that `backup` wrote.") from exc
    except OSError as exc:
        raise ConfigError(f"{path} cannot be read: {exc.strerror}.") from exc


@contextmanager
def _directory(directory: Path, *, is_there: bool) -> Iterator[None]:
    """Create the directory or use an empty one; a created one is removed if the block fails."""
    was_there = directory.exists()
    make_private_dir(directory)
    try:
        clear_left(directory, RESTORING)
        if not is_there:
            _check_empty(directory)
        if directory.stat().st_mode & 0o777 != PRIVATE_DIR_MODE:
            directory.chmod(PRIVATE_DIR_MODE)
        yield
    except BaseException as exc:
        if not was_there:
            directory.rmdir()
        if isinstance(exc, OSError):
            raise ConfigError(f"{directory} cannot be written: {exc.strerror}.") from exc
        raise


def _check_empty(directory: Path) -> None:
    there = sorted(path.name for path in directory.iterdir())
    if there:
        names = ", ".join(there[:3]) + (", …" if there[3:] else "")
        raise ConfigError(
            f"{directory} is not empty ({names}); name an empty directory, or move it aside."
        )


def _check_lost(backup: Backup, directory: Path, wanted: Sequence[BackupEntry]) -> None:
    if not wanted:
        raise ConfigError(
            f"No database is in {backup.path}: it was made with --keys-only, or there was none."
        )
    try:
        owner = backup.party.check(directory)
    except VoletError as exc:
        raise ConfigError(
            f"{directory} has lost more than its database ({exc}) Restore all of the backup into "
            "an empty directory."
        ) from exc
    if owner != backup.manifest.owner:
        raise ConfigError(
            f"{backup.path} is of {backup.manifest.owner}, {directory} of {owner}; name the right "
            "one of them."
        )
    for entry in wanted:
        for suffix in ("", "-wal", "-shm"):
            path = directory / f"{entry.name}{suffix}"
            if path.exists():
                raise ConfigError(
                    f"{path} is there; stop the program, then move {entry.name}* aside."
                )


def _check_space(directory: Path, wanted: Sequence[BackupEntry]) -> None:
    if _lacks_room(directory, wanted):
        free = shutil.disk_usage(directory).free
        raise ConfigError(
            f"{directory} has room for {free} bytes, the backup holds {_size(wanted)}; make room "
            "first."
        )


def _lacks_room(directory: Path, wanted: Sequence[BackupEntry]) -> bool:
    return _size(wanted) > shutil.disk_usage(directory).free


def _size(wanted: Sequence[BackupEntry]) -> int:
    return sum(entry.size_bytes for entry in wanted)


def _extract(backup: Backup, wanted: Sequence[BackupEntry], folder: Path) -> None:
    """Write the wanted files below `folder`; all are synced when this returns."""
    names = {entry.name for entry in wanted}
    writer = _Writer(backup.party, folder)
    with _opened(backup.path) as file:
        try:
            unpack(
                file,
                backup.head,
                backup.secret,
                str(backup.path),
                lambda entry, part: writer.take(entry, part) if entry.name in names else None,
            )
        finally:
            writer.close()


class _Writer:
    """Writes one file after the other."""

    def __init__(self, party: Party, folder: Path) -> None:
        self._party = party
        self._folder = folder
        self._name = ""
        self._fd = -1

    def take(self, entry: BackupEntry, part: bytes) -> None:
        """Write a part of a file; a new one begins with its first part."""
        try:
            if entry.name != self._name:
                self.close()
                self._begin(entry.name)
            while part:
                part = part[os.write(self._fd, part) :]
        except OSError as exc:
            raise ConfigError(f"{entry.name} cannot be written: {exc.strerror}.") from exc

    def close(self) -> None:
        """Sync and close the last file."""
        if self._fd >= 0:
            os.fsync(self._fd)
            os.close(self._fd)
        self._fd = -1

    def _begin(self, name: str) -> None:
        path = self._folder / name
        for parent in reversed(path.relative_to(self._folder).parents[:-1]):
            (self._folder / parent).mkdir(mode=PRIVATE_DIR_MODE, exist_ok=True)
        listed = self._party.listed(name)
        mode = SECRET_MODE if listed is None or listed.private else PUBLIC_MODE
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        os.fchmod(self._fd, mode)
        self._name = name


def _place(party: Party, folder: Path, directory: Path) -> None:
    """Move the restored files to their places; the file that marks completeness comes last."""
    owner = directory.stat()
    if os.geteuid() == 0 and owner.st_uid:  # restored by root for the program's own user
        for path in folder.rglob("*"):
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
    for path in sorted(folder.iterdir(), key=lambda path: path.name == party.last):
        path.rename(directory / path.name)
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
