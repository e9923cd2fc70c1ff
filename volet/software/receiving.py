"""Takes a release's archive apart, once all of it is as the signed manifest says.

An archive is a tar with `manifest.json`, `manifest.sig` and the files that the manifest names. It
may leave out wheels that are here already: an upgrade with an unchanged lock sends one wheel.
"""

import errno
import hashlib
import os
import platform
import shutil
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol

from protocol.errors import ConfigError, DocumentRefused
from volet.software.manifest import (
    LOCK,
    MANIFEST,
    SIGNATURE,
    SIZE_MAX_BYTES,
    UNITS,
    WHEELS,
    ReleaseFile,
    SoftwareManifest,
)
from volet.software.manifest import read_manifest as read_signed
from volet.software.places import Places

# What an environment takes on the disk beside its wheels, times their size, and to spare.
ON_DISK_TIMES, SPARE_BYTES = 6, 200 << 20
_CHUNK_BYTES = 1 << 20


class Readable(Protocol):
    """What bytes come from."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, b"" at the end."""


def verify(places: Places, archive: Path) -> SoftwareManifest:
    """Return the manifest of an archive that may be installed here; changes nothing.

    Raises:
        DocumentRefused: it is not signed by the key of this machine, not for such a machine, older
            than what was here, or a file of it is missing or another one.
        ConfigError: it cannot be read, or the disk is too full.
    """
    with _opened(archive) as tar:
        manifest = _manifest(places, tar)
        check_fits(places, manifest)
        for file in manifest.files:
            if not is_here(places, file):
                with _member(tar, file.path) as source:
                    _check(source, file, None)
    return manifest


def receive(places: Places, archive: Path) -> SoftwareManifest:
    """Put a verified archive's wheels and files in their places.

    Raises what `verify` raises; then nothing of the release is here but whole wheels.
    """
    manifest = verify(places, archive)
    release = places.release(manifest.version)
    if is_built(places, manifest):
        return manifest
    places.forget_half_built()
    try:
        _take(archive, manifest, release, places)
    except OSError as exc:
        shutil.rmtree(release, ignore_errors=True)
        if exc.errno == errno.ENOSPC:
            raise ConfigError(f"The disk of {places.root} is full; nothing was taken.") from exc
        raise
    return manifest


def is_built(places: Places, manifest: SoftwareManifest) -> bool:
    """Return whether a release is here as a whole.

    Raises:
        DocumentRefused: another one of its version is.
    """
    if manifest.version not in places.complete():
        return False
    if places.manifest(manifest.version) != manifest:
        raise DocumentRefused(f"Another release {manifest.version} is here.")
    return True


def _take(archive: Path, manifest: SoftwareManifest, release: Path, places: Places) -> None:
    places.wheels.mkdir(parents=True, exist_ok=True)
    with _opened(archive) as tar:
        for file in manifest.under(WHEELS):
            if not is_here(places, file):
                _put(tar, file, places.wheels / file.sha256)
        (release / UNITS).mkdir(parents=True, exist_ok=True)
        for file in (*manifest.under(UNITS), manifest.file(LOCK)):
            _put(tar, file, release / file.path)
        for name in (MANIFEST, SIGNATURE):
            with _member(tar, name) as source:
                (release / name).write_bytes(source.read(SIZE_MAX_BYTES))


def _manifest(places: Places, tar: tarfile.TarFile) -> SoftwareManifest:
    with _member(tar, MANIFEST) as data, _member(tar, SIGNATURE) as signature:
        return read_signed(data.read(SIZE_MAX_BYTES), signature.read(SIZE_MAX_BYTES), places.key())


def check_fits(places: Places, manifest: SoftwareManifest) -> None:
    """Check that a release is for this machine, not an older one, and has room here.

    Raises:
        DocumentRefused: it is not for such a machine, or older than what was here.
        ConfigError: the disk is too full.
    """
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    if manifest.architecture != platform.machine() or manifest.python != own:
        raise DocumentRefused(
            f"The release is for {manifest.architecture} with Python {manifest.python}; this is "
            f"{platform.machine()} with Python {own}."
        )
    places.state().check_is_no_older(manifest.version)
    like = places.nearest(manifest)
    installed = () if like is None else places.manifest(like).under(WHEELS)
    known = {file.sha256 for file in installed}
    needed = SPARE_BYTES
    for file in manifest.under(WHEELS):
        needed += 0 if is_here(places, file) else file.size
        needed += 0 if file.sha256 in known else file.size * (ON_DISK_TIMES - 1)
    free = shutil.disk_usage(places.root).free
    if free < needed:
        raise ConfigError(
            f"{places.root} has {free >> 20} MB free, and the release needs {needed >> 20} MB."
        )


def is_here(places: Places, file: ReleaseFile) -> bool:
    """Return whether a wheel is here; it was hashed before it got its name."""
    return file.path.startswith(WHEELS) and (places.wheels / file.sha256).exists()


def _put(tar: tarfile.TarFile, file: ReleaseFile, to: Path) -> None:
    with _member(tar, file.path) as source:
        put(source, file, to)


def put(source: Readable, file: ReleaseFile, to: Path) -> None:
    """Write a file of a release to `to`, once all of it is as the manifest says.

    Raises:
        DocumentRefused: it is another one.
        OSError: it cannot be read or written; nothing is at `to`.
    """
    beside = to.with_name(f".{to.name}")
    try:
        with beside.open("wb") as target:
            _check(source, file, target)
            target.flush()
            os.fsync(target.fileno())
        beside.replace(to)
    finally:
        beside.unlink(missing_ok=True)


def _check(source: Readable, file: ReleaseFile, target: IO[bytes] | None) -> None:
    """Read a file, compare it with what the manifest says of it, and write it to `target`."""
    digest, left = hashlib.sha256(), file.size
    while chunk := source.read(min(_CHUNK_BYTES, left + 1)):
        left -= len(chunk)
        if left < 0:
            break
        digest.update(chunk)
        if target is not None:
            target.write(chunk)
    if left or digest.hexdigest() != file.sha256:
        raise DocumentRefused(f"{file.path} is not what the release's maker signed.")


@contextmanager
def _opened(archive: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(archive, "r:") as tar:
            yield tar
    except tarfile.TarError as exc:
        raise DocumentRefused(f"{archive} is no archive of a release: {exc}.") from exc


def _member(tar: tarfile.TarFile, path: str) -> IO[bytes]:
    """Return a regular file of the archive by its name; nothing else of it is ever looked at."""
    try:
        member = tar.getmember(path)
    except KeyError as exc:
        raise DocumentRefused(
            f"The archive has no {path}, and it is not here from an earlier release either."
        ) from exc
    source = tar.extractfile(member) if member.isreg() else None
    if source is None:
        raise DocumentRefused(f"{path} in the archive is no file.")
    return source
