"""Makes a release's environment from locked wheels: no network, no compiler, each file by its hash.

Where the lock is that of a release that is here, its files are linked instead of copied, and only
Volet's own wheel is installed.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import structlog

from protocol.errors import ConfigError
from volet.software.manifest import LOCK, WHEELS, SoftwareManifest
from volet.software.places import Places

log = structlog.get_logger()


def build(places: Places, manifest: SoftwareManifest) -> None:
    """Build a received release; a half-built one counts as none and is built anew.

    Raises:
        ConfigError: what is installed is not what the lock names, or cannot be.
    """
    release = places.release(manifest.version)
    environment = release / "venv"
    (release / "complete").unlink(missing_ok=True)
    shutil.rmtree(environment, ignore_errors=True)
    alike = _alike(places, manifest)
    with tempfile.TemporaryDirectory(dir=places.root) as folder:
        wheels = Path(folder)
        for file in manifest.under(WHEELS):
            (wheels / file.name).hardlink_to(places.wheels / file.sha256)
        install = (str(wheels / manifest.file(manifest.pip).name / "pip"), "install", "--quiet")
        offline = (
            "--no-index",
            "--no-deps",
            "--disable-pip-version-check",
            "--root-user-action=ignore",
        )
        if alike is None:
            _run(sys.executable, "-m", "venv", "--without-pip", str(environment))
            python = str(environment / "bin/python")
            locked = ("--require-hashes", "--only-binary", ":all:", "--find-links", folder)
            _run(python, *install, *offline, *locked, "-r", str(release / LOCK))
        else:
            shutil.copytree(alike / "venv", environment, symlinks=True, copy_function=_link)
        product = wheels / manifest.file(manifest.product).name
        python = str(environment / "bin/python")
        _run(python, *install, *offline, "--force-reinstall", str(product))
    os.sync()
    (release / "complete").touch()
    os.sync()
    log.info("release_built", version=manifest.version, linked=alike is not None)


def _alike(places: Places, manifest: SoftwareManifest) -> Path | None:
    """Return a release with the same lock, if one is here."""
    lock = manifest.file(LOCK).sha256
    for version in reversed(places.complete()):
        other = places.manifest(version)
        if version != manifest.version and other.file(LOCK).sha256 == lock:
            return places.release(version)
    return None


def _link(source: str, target: str) -> None:
    os.link(source, target, follow_symlinks=False)


def _run(*command: str) -> None:
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], "PIP_CONFIG_FILE": os.devnull, "HOME": "/nonexistent"},
    )
    if done.returncode:
        what = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        raise ConfigError(f"The release cannot be built: {what[0]}")
