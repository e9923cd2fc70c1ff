"""Takes a release's archive apart, once all of it is as the signed manifest says.

An archive is a tar with `manifest.json`, `manifest.sig` and the files that the manifest names. It
may leave out wheels that are here already: an upgrade with an unchanged lock sends one wheel.
"""

import hashlib
import os
import platform
import shutil
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from protocol.errors import ConfigError, DocumentRefused
from volet.software.manifest import (
    LOCK,
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


def verify(places: Places, archive: Path) -> SoftwareManifest:
    """Return the manifest of an archive that may be installed here; changes nothing.

    Raises:
        DocumentRefused: it is not signed by the key of this machine, not for such a machine, older
            than what was here, or a file of it is missing or another one.
        ConfigError: it cannot be read, or the disk is too full.
    """
    with _opened(archive) as tar:
        manifest = _manifest(places, tar)
        _check_fits(places, manifest)
        for file in manifest.files:
            if not _is_here(places, file):
                with _member(tar, file.path) as source:
                    _check(source, file, None)
    return manifest


def receive(places: Places, archive: Path) -> SoftwareManifest:
    """Put a verified archive's wheels and files in their places; raises what `verify` raises."""
    manifest = verify(places, archive)
    places.wheels.mkdir(parents=True, exist_ok=True)
    release = places.release(manifest.version)
    with _opened(archive) as tar:
        for file in manifest.under(WHEELS):
            if not _is_here(places, file):
                _put(tar, file, places.wheels / file.sha256)
        (release / UNITS).mkdir(parents=True, exist_ok=True)
        for file in (*manifest.under(UNITS), manifest.file(LOCK)):
            _put(tar, file, release / file.path)
        for name in ("manifest.json", "manifest.sig"):
            with _member(tar, name) as source:
                (release / name).write_bytes(source.read(SIZE_MAX_BYTES))
    return manifest


def _manifest(places: Places, tar: tarfile.TarFile) -> SoftwareManifest:
    with _member(tar, "manifest.json") as data, _member(tar, "manifest.sig") as signature:
        return read_signed(data.read(SIZE_MAX_BYTES), signature.read(SIZE_MAX_BYTES), places.key())


def _check_fits(places: Places, manifest: SoftwareManifest) -> None:
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    if manifest.architecture != platform.machine() or manifest.python != own:
        raise DocumentRefused(
            f"The release is for {manifest.architecture} with Python {manifest.python}; this is "
            f"{platform.machine()} with Python {own}."
        )
    places.state().check_is_no_older(manifest.version)
    wheels = sum(file.size for file in manifest.under(WHEELS) if not _is_here(places, file))
    needed = wheels * ON_DISK_TIMES + SPARE_BYTES
    free = shutil.disk_usage(places.root).free
    if free < needed:
        raise ConfigError(
            f"{places.root} has {free >> 20} MB free, and the release needs {needed >> 20} MB."
        )


def _is_here(places: Places, file: ReleaseFile) -> bool:
    """Return whether a wheel is here; it was hashed before it got its name."""
    return file.path.startswith(WHEELS) and (places.wheels / file.sha256).exists()


def _put(tar: tarfile.TarFile, file: ReleaseFile, to: Path) -> None:
    beside = to.with_name(f".{to.name}")
    with _member(tar, file.path) as source, beside.open("wb") as target:
        _check(source, file, target)
        target.flush()
        os.fsync(target.fileno())
    beside.replace(to)


def _check(source: IO[bytes], file: ReleaseFile, target: IO[bytes] | None) -> None:
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
        raise DocumentRefused(f"{file.path} in the archive is not what the release's maker signed.")


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
