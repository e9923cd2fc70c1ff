"""Fetches the newest signed release from a server of static files, without a right to change anything.

    ADDRESS/edge-aarch64-python3.11/manifest.json   the newest release for such machines
    ADDRESS/edge-aarch64-python3.11/SHA256.sig      the signature of the manifest with this hash
    ADDRESS/files/SHA256                            what releases consist of

The manifest is verified before anything that it names is fetched. What arrives is laid out as an
archive is, in a directory of its own, and its manifest is put there last. Names that a server gives
are never used: it is asked for hashes.
"""

import hashlib
import os
import platform
import shutil
import sys
from pathlib import Path

import msgspec
import structlog

from protocol.errors import ConfigError, DocumentRefused
from system.files import sync_dir, write_public
from system.locks import take_lock
from volet.software.download import ReleaseServer
from volet.software.manifest import (
    MANIFEST,
    SIGNATURE,
    SIZE_MAX_BYTES,
    UNITS,
    WHEELS,
    ReleaseFile,
    SoftwareManifest,
    order,
    read_manifest,
)
from volet.software.places import Places
from volet.software.receiving import SPARE_BYTES, check_fits, is_here

FILES = "files"
SIGNATURE_BYTES = 64
# Of a release that comes by itself: a machine that fails in each trial must not go on for ever.
TRIES_MAX = 3
_PARTS = "parts"

log = structlog.get_logger()


class Fetched(msgspec.Struct, frozen=True):
    """What a call has found on the server.

    Attributes:
        version: of the newest release there.
        why_not: why it was not fetched, None if all of it is here now.
        got_bytes: what was fetched of it; the rest was here already.
    """

    version: str
    why_not: str | None = None
    got_bytes: int = 0


def kind_of(manifest: SoftwareManifest) -> str:
    """Return the folder of a server for machines such as those that a release is for."""
    return f"{manifest.extra}-{manifest.architecture}-python{manifest.python}"


def own_kind() -> str:
    """Return the folder of a server for this machine."""
    return f"edge-{platform.machine()}-python{sys.version_info.major}.{sys.version_info.minor}"


def why_not(places: Places, version: str) -> str | None:
    """Return why a release is not taken by itself, None if it may be."""
    state, current, pulled = places.state(), places.linked("current"), places.pulled()
    for known in (state.highest, current):
        if known is not None and order(version) <= order(known):
            return f"it is not newer than {known}"
    if version in state.condemned:
        return "it did not do well here"
    if pulled is not None and pulled.version == version and pulled.tries >= TRIES_MAX:
        return f"it was tried {pulled.tries} times"
    return None


def fetch(places: Places, server: ReleaseServer, into: Path) -> Fetched:
    """Fetch what is missing here of the newest release, if it is one to take.

    A call that was cut short is gone on with by the next one.

    Raises:
        TransportError: the server cannot be reached, or is too slow; may be tried again.
        DocumentRefused: what it has is not signed by the key of this machine, or not for it.
        ConfigError: the server has nothing for such a machine, or the disk is too full.
    """
    lock = take_lock(into / ".lock", is_made=True)
    if lock is None:
        raise ConfigError("Another `volet software fetch` is at work; wait for it.")
    try:
        return _fetch(places, server, into)
    finally:
        os.close(lock)


def _fetch(places: Places, server: ReleaseServer, into: Path) -> Fetched:
    kind = own_kind()
    data = server.read(f"{kind}/{MANIFEST}", SIZE_MAX_BYTES)
    signed = f"{kind}/{hashlib.sha256(data).hexdigest()}.sig"
    signature = server.read(signed, SIGNATURE_BYTES)
    manifest = read_manifest(data, signature, places.key())
    why = why_not(places, manifest.version)
    if why is not None:
        _keep_only(into, set())
        log.info("release_passed_by", version=manifest.version, why=why)
        return Fetched(manifest.version, why)
    if not _is(into / MANIFEST, data):
        _keep_only(into, {*(file.path for file in manifest.files), *_parts_of(manifest)})
    wanted = [file for file in manifest.files if not is_here(places, file)]
    missing = [file for file in wanted if not _is_whole(into / file.path, file)]
    left_bytes = sum(file.size - _came(into, file) for file in missing)
    check_fits(places, manifest, left_bytes)
    if shutil.disk_usage(into).free < left_bytes + SPARE_BYTES:
        raise ConfigError(f"The disk of {into} has no room for {left_bytes >> 20} MB.")
    for folder in (UNITS, WHEELS, _PARTS):
        (into / folder).mkdir(exist_ok=True)
    for file in missing:
        _get(server, file, into)
    write_public(into / SIGNATURE, signature)
    write_public(into / MANIFEST, data)  # the last: what lacks it counts as nothing
    _keep_only(into, {MANIFEST, SIGNATURE, *(file.path for file in wanted)})
    log.info("release_fetched", version=manifest.version, got_bytes=left_bytes)
    return Fetched(manifest.version, None, left_bytes)


def _get(server: ReleaseServer, file: ReleaseFile, into: Path) -> None:
    """Fetch a file, and give it its name once all of it is as the manifest says."""
    part = into / _PARTS / file.sha256
    server.continue_file(f"{FILES}/{file.sha256}", part, file.size)
    if not _is_whole(part, file):
        part.unlink()
        raise DocumentRefused(f"{file.path} is not what the release's maker signed.")
    part.replace(into / file.path)
    sync_dir((into / file.path).parent)


def _parts_of(manifest: SoftwareManifest) -> set[str]:
    return {f"{_PARTS}/{file.sha256}" for file in manifest.files}


def _came(into: Path, file: ReleaseFile) -> int:
    part = into / _PARTS / file.sha256
    size = part.stat().st_size if part.exists() else 0
    return size if size < file.size else 0


def _keep_only(into: Path, kept: set[str]) -> None:
    """Remove what is not to be kept; the manifest first, since without it the rest is nothing."""
    for path in (into / MANIFEST, *sorted(into.rglob("*"))):
        is_file = path.is_symlink() or path.is_file()
        if is_file and path.name != ".lock" and str(path.relative_to(into)) not in kept:
            path.unlink()


def _is(path: Path, data: bytes) -> bool:
    return path.exists() and path.read_bytes() == data


def _is_whole(path: Path, file: ReleaseFile) -> bool:
    """Return whether a file is here, and as the manifest says."""
    if not path.exists() or path.stat().st_size != file.size:
        return False
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest() == file.sha256
