"""Takes a release's archive apart, once all of it is as the signed manifest says.

An archive is a tar with `manifest.json`, `manifest.sig` and the files that the manifest names, or a
directory with the same, as `fetch` makes one. It may leave out wheels that are here already: an
upgrade with an unchanged lock sends one wheel.
"""

import errno
import hashlib
import os
import platform
import shutil
import stat
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
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


OpenFile = Callable[[str], AbstractContextManager[Readable]]
SignedBytes = tuple[bytes, bytes]


def verify(places: Places, archive: Path) -> SoftwareManifest:
    """Return the manifest of an archive that may be installed here; changes nothing.

    Raises:
        DocumentRefused: it is not signed by the key of this machine, not for such a machine, older
            than what was here, or a file of it is missing or another one.
        ConfigError: it cannot be read, or the disk is too full.
    """
    with opened(archive) as open_file:
        manifest, _ = _verified(places, open_file)
    return manifest


def receive(places: Places, archive: Path) -> SoftwareManifest:
    """Put a verified archive's wheels and files in their places.

    Raises what `verify` raises; then nothing of the release is here but whole wheels.
    """
    with opened(archive) as open_file:
        manifest, signed = _verified(places, open_file)
        release = places.release(manifest.version)
        if is_built(places, manifest):
            return manifest
        places.forget_half_built()
        try:
            _take(open_file, manifest, signed, release, places)
        except BaseException as exc:
            shutil.rmtree(release, ignore_errors=True)
            if isinstance(exc, OSError) and exc.errno == errno.ENOSPC:
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


def _take(
    open_file: OpenFile,
    manifest: SoftwareManifest,
    signed: SignedBytes,
    release: Path,
    places: Places,
) -> None:
    """Take what is missing. It is compared again: a directory may be another user's to change."""
    places.wheels.mkdir(parents=True, exist_ok=True)
    for file in manifest.under(WHEELS):
        if not is_here(places, file):
            _put(open_file, file, places.wheels / file.sha256)
    (release / UNITS).mkdir(parents=True, exist_ok=True)
    for file in (*manifest.under(UNITS), manifest.file(LOCK)):
        _put(open_file, file, release / file.path)
    for name, data in zip((MANIFEST, SIGNATURE), signed, strict=True):
        (release / name).write_bytes(data)


def _verified(places: Places, open_file: OpenFile) -> tuple[SoftwareManifest, SignedBytes]:
    signed = read_pair(open_file)
    manifest = read_signed(*signed, places.key())
    check_fits(places, manifest)
    for file in manifest.files:
        if not is_here(places, file):
            with open_file(file.path) as source:
                _check(source, file, None)
    return manifest, signed


def read_pair(open_file: OpenFile) -> SignedBytes:
    """Return the bytes of an archive's manifest and of its signature, which nobody has checked."""
    with open_file(MANIFEST) as data, open_file(SIGNATURE) as signature:
        return data.read(SIZE_MAX_BYTES), signature.read(SIZE_MAX_BYTES)


def check_fits(places: Places, manifest: SoftwareManifest, beside_bytes: int = 0) -> None:
    """Check that a release is for this machine, not an older one, and has room here.

    `beside_bytes` is what is written elsewhere on the disk meanwhile.

    Raises:
        DocumentRefused: it is not for such a machine, or older than what was here.
        ConfigError: the disk is too full.
    """
    extra = places.extra()
    if extra is not None and manifest.extra != extra:
        kinds = {"edge": "a chip", "cloud": "a server"}
        raise DocumentRefused(
            f"The release is for {kinds[manifest.extra]}; this machine is {kinds[extra]}."
        )
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
    needed = SPARE_BYTES + beside_bytes
    for file in manifest.under(WHEELS):
        needed += 0 if is_here(places, file) else file.size
        needed += 0 if file.sha256 in known else file.size * (ON_DISK_TIMES - 1)
    free = shutil.disk_usage(places.root).free
    if free < needed:
        raise ConfigError(
            f"{places.root} has {free >> 20} MB free, and the release needs {needed >> 20} MB; make room, "
            "or use a larger card."
        )


def is_here(places: Places, file: ReleaseFile) -> bool:
    """Return whether a wheel is here; it was hashed before it got its name."""
    return file.path.startswith(WHEELS) and (places.wheels / file.sha256).exists()


def _put(open_file: OpenFile, file: ReleaseFile, to: Path) -> None:
    with open_file(file.path) as source:
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
def opened(archive: Path) -> Iterator[OpenFile]:
    """Yield what opens a file of an archive by its path."""
    if archive.is_dir():
        yield partial(_beneath, archive)
        return
    try:
        with tarfile.open(archive, "r:") as tar:
            yield partial(_member, tar)
    except tarfile.TarError as exc:
        raise DocumentRefused(f"{archive} is no archive of a release: {exc}.") from exc


def _member(tar: tarfile.TarFile, path: str) -> IO[bytes]:
    """Return a regular file of the archive by its name; nothing else of it is ever looked at."""
    try:
        member = tar.getmember(path)
    except KeyError as exc:
        raise _lacking(path) from exc
    source = tar.extractfile(member) if member.isreg() else None
    if source is None:
        raise _no_file(path)
    return source


def _beneath(directory: Path, path: str) -> IO[bytes]:
    """Return a regular file of a directory, whose owner may put a link or a pipe in its place."""
    how = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        source = os.fdopen(os.open(directory / path, how), "rb")
    except FileNotFoundError as exc:
        raise _lacking(path) from exc
    except OSError as exc:
        raise _no_file(path) from exc
    if not stat.S_ISREG(os.fstat(source.fileno()).st_mode):
        source.close()
        raise _no_file(path)
    return source


def _lacking(path: str) -> DocumentRefused:
    return DocumentRefused(
        f"The archive has no {path}, and it is not here from an earlier release either."
    )


def _no_file(path: str) -> DocumentRefused:
    return DocumentRefused(f"{path} in the archive is no file.")
