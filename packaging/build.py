#!/usr/bin/env python3
"""Build a signed release for one kind of machine, as an archive.

    ./run release --key release.key                       a chip's, for this machine
    ./run release --key release.key --extra cloud             a server's
    ./run release --key release.key --architecture aarch64 --python 3.11
    ./run release --key release.key --since manifest.json     without the wheels that it names

Wheels are those that packaging/lock names, each by its hash; Volet's own is built of this checkout.
"""

import hashlib
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version as version_of
from pathlib import Path

import click
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
)
from packaging.markers import default_environment
from packaging.requirements import Requirement

from protocol.errors import VoletError
from protocol.json_text import read_json
from system.files import write_new_secret
from system.private_keys import new_ed25519_key, read_ed25519_key
from volet.software.manifest import LOCK, UNITS, WHEELS, ReleaseFile, SoftwareManifest, sign

ROOT = Path(__file__).parents[1]
# glibc 2.28 is that of Debian 10; Debian 12 has 2.36.
PLATFORMS = tuple(f"manylinux_2_{minor}" for minor in (36, 34, 31, 28, 27, 24, 17))
_NOWHERE = ("tests/", "docs/", "benchmarks/", "hardware/", "volet/demo/")
# A chip has nothing of the other parties': an upgrade sends less, and there is less to attack.
LEFT_OUT = {
    "edge": (
        *_NOWHERE,
        *(
            "cloud/",
            "trustee/",
            "provider/",
            "monitor/",
            "volet/area/",
            "volet/price/",
            "volet/provider.py",
        ),
        "volet/software/server_rehearsal.py",
    ),
    "cloud": _NOWHERE,  # the packages that a chip needs beside these are not there
}
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")
# The oldest version that reads what this one writes: raised when a schema loses something.
OLDEST_BACK = "0.1.0"


@click.command(help=__doc__.partition("\n")[0] if __doc__ else None)
@click.option("--key", type=click.Path(path_type=Path), required=True, help="Drawn if not there.")
@click.option("--extra", type=click.Choice(list(LEFT_OUT)), default="edge", show_default=True)
@click.option("--architecture", default=platform.machine(), show_default=True)
@click.option("--python", "python", default=f"3.{sys.version_info.minor}", show_default=True)
@click.option("--since", type=click.Path(path_type=Path, exists=True), help="A release's manifest.")
@click.option(
    "--version", "version", default=None, help="Instead of pyproject.toml's, to rehearse."
)
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "dist", show_default=True)
def build(
    key: Path,
    extra: str,
    architecture: str,
    python: str,
    since: Path | None,
    version: str | None,
    out: Path,
) -> None:
    """Build it."""
    signer = _key(key)
    version = version or version_of("volet")
    known = _wheels_of(since)
    out.mkdir(parents=True, exist_ok=True)
    name = f"volet-{version}-{extra}-{architecture}-python{python}{'-upgrade' if since else ''}.tar"
    with tempfile.TemporaryDirectory() as folder:
        release = Path(folder)
        _gather(release, extra, architecture, python, version)
        manifest = _manifest(release, extra, architecture, python, version)
        data, signature = sign(manifest, signer)
        (release / "manifest.json").write_bytes(data)
        (release / "manifest.sig").write_bytes(signature)
        public = signer.public_key()
        pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (release / "release.pub").write_bytes(pem)
        shutil.copy(ROOT / "packaging/install", release / "install")
        with tarfile.open(out / name, "w") as tar:
            for path in sorted(release.rglob("*")):
                if path.is_file() and path.name not in known:
                    tar.add(path, str(path.relative_to(release)), filter=_anonymous)
    digest = hashlib.sha256((out / name).read_bytes()).hexdigest()
    size_mb = (out / name).stat().st_size / 1e6
    click.echo(f"{out / name}: {size_mb:.1f} MB, SHA-256 {digest}")
    click.echo(f"Signed by the key whose SHA-256 is {fingerprint(pem)}.")


def fingerprint(pem: bytes) -> str:
    """Return what people compare of a public key."""
    return hashlib.sha256(pem).hexdigest()


def _key(path: Path) -> Ed25519PrivateKey:
    if not path.exists():
        try:
            write_new_secret(path, new_ed25519_key())
        except VoletError as exc:
            raise click.ClickException(str(exc)) from exc
        click.echo(f"Drew the release key {path}; keep it offline.")
    try:
        return read_ed25519_key(path.read_bytes(), path)
    except VoletError as exc:
        raise click.ClickException(str(exc)) from exc


def _wheels_of(since: Path | None) -> set[str]:
    """Return the names of wheels that the machine has; each names its version."""
    if since is None:
        return set()
    return {file.name for file in read_json(since.read_bytes(), SoftwareManifest).under(WHEELS)}


def _gather(release: Path, extra: str, architecture: str, python: str, version: str) -> None:
    """Put what a release consists of into a folder."""
    wheels = release / WHEELS
    wheels.mkdir()
    shutil.copytree(ROOT / "packaging/units", release / UNITS)
    shutil.copy(ROOT / "packaging/lock" / f"{extra}.txt", release / LOCK)
    platforms = [f"--platform={each}_{architecture}" for each in PLATFORMS]
    target = (*platforms, "--implementation=cp", f"--python-version={python}")
    with tempfile.TemporaryDirectory() as folder:
        pins = Path(folder) / "pins.txt"
        pins.write_text(pins_for((release / LOCK).read_text(), architecture, python))
        locked = ("--require-hashes", "--only-binary", ":all:", "--no-deps", "-r", str(pins))
        _run(*PIP, "download", *target, *locked, "--dest", str(wheels))
        source = Path(folder) / "volet"
        listed = subprocess.run(
            ("git", "ls-files", "-z"), cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.split("\0")
        for name in filter(None, listed):
            if not name.startswith(LEFT_OUT[extra]):
                (source / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, source / name)
        config = source / "pyproject.toml"
        own = f'version = "{version_of("volet")}"'
        config.write_text(config.read_text().replace(own, f'version = "{version}"', 1))
        _run(*PIP, "wheel", "--no-deps", "--no-build-isolation", "-w", str(wheels), str(source))


def pins_for(lock: str, architecture: str, python: str) -> str:
    """Return what a lock file pins for a kind of machine; pip would choose for the one it runs on."""
    target = default_environment() | {
        "platform_machine": architecture,
        "python_version": python,
        "python_full_version": f"{python}.0",
    }
    kept, is_kept = [], True
    for line in lock.splitlines():
        if line[:1].isalnum():
            pin = Requirement(line.removesuffix("\\"))
            is_kept = pin.marker is None or pin.marker.evaluate(target)
            line = f"{pin.name}{pin.specifier} \\"  # noqa: PLW2901 - without the condition
        if is_kept:
            kept.append(line)
    return "\n".join(kept) + "\n"


def _manifest(
    release: Path, extra: str, architecture: str, python: str, version: str
) -> SoftwareManifest:
    revision = subprocess.run(
        ("git", "rev-parse", "HEAD"), cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    files = tuple(
        ReleaseFile(str(path.relative_to(release)), hashlib.sha256(data).hexdigest(), len(data))
        for path in sorted(release.rglob("*"))
        if path.is_file()
        for data in (path.read_bytes(),)
    )
    product, pip = (
        next(file.path for file in files if file.path.startswith(f"{WHEELS}{name}-"))
        for name in ("volet", "pip")
    )
    return msgspec.convert(
        {
            "what": "volet software release",
            "version": version,
            "revision": revision,
            "created_at": datetime.now(UTC).isoformat(),
            "extra": extra,
            "architecture": architecture,
            "python": python,
            "rolls_back_to": OLDEST_BACK,
            "product": product,
            "pip": pip,
            "files": [msgspec.to_builtins(file) for file in files],
        },
        SoftwareManifest,
    )


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    member.mode = 0o755 if member.name == "install" else 0o644
    return member


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise click.ClickException(done.stderr.strip()[-500:])


if __name__ == "__main__":
    build()
