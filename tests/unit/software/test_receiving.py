"""An archive is taken only if every byte is what the release's maker signed."""

import hashlib
import io
import platform
import sys
import tarfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol.errors import ConfigError, DocumentRefused
from volet.software import receiving
from volet.software.manifest import ReleaseFile, SoftwareManifest, read_manifest, sign
from volet.software.places import VersionsSeen

KEY = Ed25519PrivateKey.generate()
FILES = {
    "lock.txt": b"volet==0.2.0",
    "units/volet-edge@.service": b"[Unit]",
    "wheels/volet-0.2.0-py3-none-any.whl": b"volet" * 100,
    "wheels/pip-26.3-py3-none-any.whl": b"pip" * 100,
    "wheels/numpy-2.4.6-cp311.whl": b"numpy" * 1_000,
}


@dataclass
class Archive:
    """An archive to be, which a test may spoil before it is written."""

    version: str = "0.2.0"
    files: dict[str, bytes] = field(default_factory=lambda: dict(FILES))
    signer: Ed25519PrivateKey = KEY
    changes: dict = field(default_factory=dict)

    def manifest(self) -> SoftwareManifest:
        manifest = SoftwareManifest(
            what="volet software release",
            version=self.version,
            revision="0" * 40,
            created_at=datetime(2026, 11, 30, tzinfo=UTC),
            extra="edge",
            architecture=platform.machine(),
            python=f"3.{sys.version_info.minor}",
            rolls_back_to="0.1.0",
            product="wheels/volet-0.2.0-py3-none-any.whl",
            pip="wheels/pip-26.3-py3-none-any.whl",
            files=tuple(
                ReleaseFile(path, hashlib.sha256(data).hexdigest(), len(data))
                for path, data in FILES.items()
            ),
        )
        return msgspec.structs.replace(manifest, **self.changes)

    def write(self, to: Path) -> Path:
        data, signature = sign(self.manifest(), self.signer)
        members = {"manifest.json": data, "manifest.sig": signature, **self.files}
        with tarfile.open(to, "w") as tar:
            for path, content in members.items():
                info = tarfile.TarInfo(path)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
        return to


def everything(places):
    return {
        str(path.relative_to(places.root)): path.read_bytes()
        for path in places.root.rglob("*")
        if path.is_file()
    }


def refused(places, archive, tmp_path, match):
    before = everything(places)
    for take in (receiving.verify, receiving.receive):
        with pytest.raises((DocumentRefused, ConfigError), match=match):
            take(places, archive.write(tmp_path / "release.tar"))
    assert everything(places) == before


def test_what_is_signed_is_put_in_its_places(places, tmp_path):
    manifest = receiving.receive(places, Archive().write(tmp_path / "release.tar"))
    release = places.release("0.2.0")
    for path, data in FILES.items():
        file = manifest.file(path)
        to = places.wheels / file.sha256 if path.startswith("wheels/") else release / path
        assert to.read_bytes() == data
    assert not (release / "complete").exists()


def test_an_upgrade_may_leave_out_wheels_that_are_here(places, tmp_path):
    receiving.receive(places, Archive().write(tmp_path / "first.tar"))
    upgrade = Archive(version="0.3.0", files={"lock.txt": FILES["lock.txt"], **_units()})
    receiving.receive(places, upgrade.write(tmp_path / "second.tar"))
    assert (places.release("0.3.0") / "manifest.json").exists()


def _units():
    return {path: data for path, data in FILES.items() if path.startswith("units/")}


def test_any_changed_or_missing_file_is_refused(places, tmp_path):
    for path, data in FILES.items():
        for spoilt in (data[:-1], data + b"x", b"X" + data[1:], b""):
            refused(places, Archive(files=FILES | {path: spoilt}), tmp_path, "not what")
        lacking = {name: each for name, each in FILES.items() if name != path}
        refused(places, Archive(files=lacking), tmp_path, "has no")


def test_another_makers_release_is_refused(places, tmp_path):
    other = Archive(signer=Ed25519PrivateKey.generate())
    refused(places, other, tmp_path, "not signed")


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"architecture": "aarch64" if platform.machine() == "x86_64" else "x86_64"}, "is for"),
        ({"python": "3.11" if sys.version_info.minor != 11 else "3.12"}, "is for"),
        ({"product": "wheels/other.whl"}, "names no"),
        ({"version": "0.2"}, "cannot be read"),
        (
            {"files": (*Archive().manifest().files, ReleaseFile("../x", "0" * 64, 1))},
            "cannot be read",
        ),
        (
            {"files": (*Archive().manifest().files, ReleaseFile("/x", "0" * 64, 1))},
            "cannot be read",
        ),
    ],
)
def test_what_does_not_belong_here_is_refused(places, tmp_path, changes, match):
    refused(places, Archive(changes=changes), tmp_path, match)


def test_an_older_release_than_the_highest_is_refused(places, tmp_path):
    places.keep_state(VersionsSeen(highest="0.10.0"))
    refused(places, Archive(), tmp_path, "older than 0.10.0")


def test_a_full_disk_is_refused_before_anything_is_written(places, tmp_path, monkeypatch):
    full = SimpleNamespace(free=1 << 20)
    monkeypatch.setattr(receiving.shutil, "disk_usage", lambda _: full)
    refused(places, Archive(), tmp_path, "MB free")


def test_a_member_that_is_no_file_is_refused(places, tmp_path):
    path = Archive(files={}).write(tmp_path / "release.tar")
    with tarfile.open(path, "a") as tar:
        for name in FILES:
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
            tar.addfile(link)
    with pytest.raises(DocumentRefused, match="no file"):
        receiving.receive(places, path)


def test_any_changed_byte_of_a_manifest_is_refused():
    data, signature = sign(Archive().manifest(), KEY)
    for place in range(0, len(data), 7):
        changed = bytearray(data)
        changed[place] ^= 1
        with pytest.raises(DocumentRefused):
            read_manifest(bytes(changed), signature, KEY.public_key())
