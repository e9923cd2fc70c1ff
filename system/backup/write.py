"""Writes a backup: reads a consistent state of the files, copies databases, and reads all back."""

import io
import os
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO

import msgspec

from protocol.backup import (
    MANIFEST_LENGTH_BYTES,
    BackupEntry,
    Header,
    Lock,
    Manifest,
    now_s,
    read_head,
    stream_key,
    write_head,
)
from protocol.chunks import seal_chunks, sealed_size
from protocol.errors import ConfigError, StoreError
from system.backup.database import copy_database
from system.backup.listing import STAGING, Party, Survey, survey
from system.backup.staging import clear_left, staging
from system.backup.stream import digest_of, parts_of, unpack
from system.files import new_secret

TRIES = 5


@dataclass(frozen=True, slots=True)
class Written:
    """A written backup; `unknown` are files of the directory that are in no list."""

    file: Path
    size_bytes: int
    owner: str
    files: tuple[BackupEntry, ...]
    unknown: tuple[str, ...]


def write_backup(
    party: Party,
    directory: Path,
    out: Path,
    locked: tuple[bytes, Lock],
    *,
    keys_only: bool = False,
) -> Written:
    """Write a backup of `directory` to the new file `out`, and read it back.

    `locked` is the lock's secret and the lock. With `keys_only` databases are left out. Programs
    may run meanwhile.

    Raises:
        ConfigError: the directory lacks something, such as a needed database, or the file cannot be
            written.
        StoreError: a database cannot be read, or the file does not read back as written.
    """
    with suppress(OSError):  # a card that has become read-only cannot be cleared
        clear_left(directory, STAGING)
    with ExitStack() as stack:
        contents: dict[str, BinaryIO] = {}
        # Databases first: programs write a certificate or a key before the row that needs it.
        for name in () if keys_only else _databases(party, directory):
            copy = copy_database(
                directory / name, lambda: stack.enter_context(staging(directory, STAGING))
            )
            contents[name] = stack.enter_context(copy)
        contained, kept, owner = _read_together(party, directory)
        contents |= {name: io.BytesIO(data) for name, data in kept.items()}
        entries = tuple(
            BackupEntry(name, *digest_of(content)) for name, content in contents.items()
        )
        manifest = Manifest(owner, version("volet"), entries)
        _write(out, party.name, locked, manifest, list(contents.values()))
    return Written(out, out.stat().st_size, owner, entries, contained.unknown)


def _databases(party: Party, directory: Path) -> tuple[str, ...]:
    """Return the names of the databases, which must include all that this party needs."""
    there = survey(party, directory).databases
    for name in party.needed:
        if name not in there:
            raise ConfigError(
                f"{directory / name} is missing, so that a backup would not hold it; put it back "
                f"with `volet {party.name} restore --database-only`, or back up the rest with "
                "--keys-only."
            )
    return there


def _read_together(party: Party, directory: Path) -> tuple[Survey, dict[str, bytes], str]:
    """Read and check the files, again if one changed meanwhile."""
    for _ in range(TRIES):
        contained = survey(party, directory)
        paths = {name: party.locate(directory, name) for name in contained.kept}
        try:
            before = _marks(paths.values())
            owner = party.check(directory)
            kept = {name: path.read_bytes() for name, path in paths.items()}
            if _marks(paths.values()) == before and survey(party, directory).kept == contained.kept:
                return contained, kept, owner
        except FileNotFoundError:
            continue  # gone meanwhile
        except OSError as exc:
            raise ConfigError(
                f"{exc.filename or directory} cannot be read: {exc.strerror}."
            ) from exc
    raise ConfigError(f"Files in {directory} keep changing; run this when no other command does.")


def _marks(paths: Iterable[Path]) -> list[tuple[int, int, int]]:
    stats = [path.stat() for path in paths]
    return [(stat.st_ino, stat.st_mtime_ns, stat.st_size) for stat in stats]


def _write(
    out: Path,
    party: str,
    locked: tuple[bytes, Lock],
    manifest: Manifest,
    contents: Sequence[BinaryIO],
) -> None:
    secret, lock = locked
    encoded = msgspec.msgpack.encode(manifest)
    plain_bytes = (
        MANIFEST_LENGTH_BYTES + len(encoded) + sum(entry.size_bytes for entry in manifest.files)
    )
    head = write_head(Header(party, now_s(), lock, sealed_size(plain_bytes)))
    with new_secret(out) as file:
        file.write(head)
        for chunk in seal_chunks(stream_key(secret, head), parts_of(encoded, contents)):
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
        # Read from the disk, not from memory.
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        _read_back(file, secret, manifest, out)


def _read_back(file: BinaryIO, secret: bytes, manifest: Manifest, out: Path) -> None:
    file.seek(0)
    otherwise = StoreError(
        f"What was written to {out} reads back otherwise; it was removed. Write to another disk."
    )
    try:
        written = unpack(file, read_head(file.read, str(out)), secret, str(out))
    except ConfigError as exc:
        raise otherwise from exc
    if written != manifest:
        raise otherwise
