"""Lays a release's archive out as files of a web server, from which machines fetch it."""

import hashlib
import os
from pathlib import Path

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from protocol.errors import ConfigError, DocumentRefused
from system.files import write_public
from volet.software.fetching import FILES, kind_of
from volet.software.manifest import MANIFEST, SoftwareManifest, read_manifest
from volet.software.receiving import opened, put, read_pair

PUBLIC_KEY = "release.pub"
_KEY_MAX_BYTES = 1 << 10


def lay_out(archive: Path, directory: Path) -> tuple[SoftwareManifest, str]:
    """Add a release to a server's folder; return its manifest and the SHA-256 of its maker's key.

    Its manifest takes the place of the one before at the end, so that whoever fetches meanwhile gets
    one or the other. Files that are there already are left as they are.

    Raises:
        DocumentRefused: the archive is not what its maker signed, or lacks files that are not there.
        ConfigError: the folder cannot be written.
    """
    with opened(archive) as open_file:
        with open_file(PUBLIC_KEY) as source:
            pem = source.read(_KEY_MAX_BYTES)
        signed = read_pair(open_file)
        manifest = read_manifest(*signed, _key(pem))
        kind, files = directory / kind_of(manifest), directory / FILES
        try:
            for folder in (kind, files):
                folder.mkdir(parents=True, exist_ok=True)
            for file in manifest.files:
                if not (files / file.sha256).exists():
                    with open_file(file.path) as content:
                        put(content, file, files / file.sha256)
        except OSError as exc:
            raise ConfigError(f"{directory} cannot be written: {exc.strerror}.") from exc
    data, signature = signed
    write_public(kind / f"{hashlib.sha256(data).hexdigest()}.sig", signature)
    write_public(kind / MANIFEST, data)
    return manifest, hashlib.sha256(pem).hexdigest()


def _key(pem: bytes) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(pem)
    except ValueError as exc:
        raise DocumentRefused("The maker's key in the archive is none.") from exc
    if not isinstance(key, Ed25519PublicKey):
        raise DocumentRefused("The maker's key in the archive is no Ed25519 key.")
    return key


@click.command()
@click.argument("archive", type=click.Path(path_type=Path, exists=True))
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="The folder that the web server serves.",
)
def publish(archive: Path, out: Path) -> None:
    """Lay an archive out as static files, from which machines that follow the address fetch it."""
    os.umask(0o022)  # the web server is another user
    manifest, key = lay_out(archive, out)
    click.echo(
        f"{out} has release {manifest.version} for {kind_of(manifest)}, signed by the key whose "
        f"SHA-256 is {key}."
    )
