"""What a release consists of: a manifest, signed by whoever builds releases.

The release key is not the collectivity's: the city that runs the broker must not be able to change
what a chip does. A signature covers the manifest's bytes; everything else is named by its hash.
"""

import re
from typing import Annotated, Literal

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from protocol.calendar import Instant
from protocol.errors import DocumentRefused
from protocol.json_text import read_json

SIZE_MAX_BYTES = 1 << 20
WHEELS, UNITS, LOCK = "wheels/", "units/", "lock.txt"
MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"

_VERSION = r"(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})"
# No path leaves the archive: one folder at most, and no name that begins with a dot.
_PATH = r"^([a-z]+/)?[A-Za-z0-9_@][A-Za-z0-9_.+@!-]*(?!\n)$"
Version = Annotated[str, msgspec.Meta(pattern=rf"^{_VERSION}(?!\n)$")]
Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}(?!\n)$")]


class ReleaseFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of a release: `path` in the archive, `size` in bytes."""

    path: Annotated[str, msgspec.Meta(pattern=_PATH, max_length=200)]
    sha256: Sha256
    size: Annotated[int, msgspec.Meta(ge=0, le=1 << 40)]

    @property
    def name(self) -> str:
        """Its name without the folder."""
        return self.path.rpartition("/")[2]


class SoftwareManifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A release for one kind of machine.

    Attributes:
        version: three numbers.
        revision: the commit that it was built from.
        created_at: when it was built.
        extra: which of the product's programs it holds: the chip's, or all others for a server.
        architecture, python: what its wheels are for, as `uname -m` and `3.11` have it.
        rolls_back_to: the oldest version that reads what this one has written.
        product, pip: the paths of the wheels of Volet and of what installs them.
        files: everything that the release consists of.
    """

    what: Literal["volet software release"]
    version: Version
    revision: str
    created_at: Instant
    extra: Literal["edge", "cloud"]
    architecture: Literal["x86_64", "aarch64"]
    python: Literal["3.11", "3.12", "3.13"]
    rolls_back_to: Version
    product: str
    pip: str
    files: tuple[ReleaseFile, ...]

    def under(self, folder: str) -> tuple[ReleaseFile, ...]:
        """Return the files in a folder of the release."""
        return tuple(file for file in self.files if file.path.startswith(folder))

    def file(self, path: str) -> ReleaseFile:
        """Return a file; raises DocumentRefused if the release has none of that path."""
        for file in self.files:
            if file.path == path:
                return file
        raise DocumentRefused(f"The release {self.version} names no {path}.")


def is_version(text: str) -> bool:
    """Return whether a text is a version, and so no path."""
    return re.fullmatch(_VERSION, text) is not None


def order(version: str) -> tuple[int, ...]:
    """Return what versions are compared by."""
    return tuple(int(number) for number in version.split("."))


def sign(manifest: SoftwareManifest, key: Ed25519PrivateKey) -> tuple[bytes, bytes]:
    """Return a manifest's bytes, and their signature."""
    data = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
    return data, key.sign(data)


def read_manifest(data: bytes, signature: bytes, key: Ed25519PublicKey) -> SoftwareManifest:
    """Return a manifest that the release key has signed.

    Raises:
        DocumentRefused: it has another signature, or is none.
    """
    try:
        key.verify(signature, data)
    except InvalidSignature as exc:
        raise DocumentRefused(
            "The release is not signed by the key that this machine trusts."
        ) from exc
    try:
        manifest = read_json(data, SoftwareManifest)
    except msgspec.MsgspecError as exc:
        raise DocumentRefused(f"The release's manifest cannot be read: {exc}.") from exc
    for path in (manifest.product, manifest.pip, LOCK):
        manifest.file(path)
    return manifest
