"""Makes a release's environment from locked wheels: no network, no compiler, each file by its hash.

It begins with the release here that has most in common with it: its files are linked instead of
copied, and only wheels that differ are installed. So a release takes the room of what it changes.
"""

import errno
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import structlog

from protocol.errors import ConfigError
from volet.software.manifest import WHEELS, ReleaseFile, SoftwareManifest
from volet.software.places import Places

log = structlog.get_logger()


def build(places: Places, manifest: SoftwareManifest) -> None:
    """Build a received release; a half-built one counts as none and is built anew.

    Raises:
        ConfigError: what is installed is not what the wheels are, or the disk is full; then nothing
            of the release is left but its wheels.
    """
    release = places.release(manifest.version)
    if (release / "complete").exists():
        return
    shutil.rmtree(release / "venv", ignore_errors=True)
    try:
        linked = _make(places, manifest, release / "venv")
        os.sync()
        (release / "complete").touch()
        os.sync()
    except BaseException as exc:
        shutil.rmtree(release, ignore_errors=True)
        if isinstance(exc, OSError):
            raise _cannot(exc.strerror or str(exc), is_full=exc.errno == errno.ENOSPC) from exc
        raise
    places.forget_wheels()
    log.info("release_built", version=manifest.version, linked=linked)


def _make(places: Places, manifest: SoftwareManifest, environment: Path) -> bool:
    """Fill the environment; return whether files of another release are linked in it."""
    like = places.nearest(manifest)
    before = () if like is None else places.manifest(like).under(WHEELS)
    wanted = {file.sha256 for file in manifest.under(WHEELS)}
    kept = {file.sha256 for file in before} & wanted - {manifest.file(manifest.product).sha256}
    if like is None:
        _run(sys.executable, "-m", "venv", "--without-pip", str(environment))
    else:
        old = places.release(like) / "venv"
        shutil.copytree(old, environment, symlinks=True, copy_function=_link)
    with tempfile.TemporaryDirectory(dir=places.root) as folder:
        wheels = Path(folder)
        for file in manifest.under(WHEELS):
            (wheels / file.name).hardlink_to(places.wheels / file.sha256)
        pip = (
            *(
                str(environment / "bin/python"),
                str(wheels / manifest.file(manifest.pip).name / "pip"),
            ),
            *("--quiet", "--disable-pip-version-check"),
        )
        gone = sorted(
            {_project(file) for file in before if file.sha256 not in kept}
            & _installed(environment).keys()
        )
        if gone:
            _run(*pip, "uninstall", "--yes", "--root-user-action=ignore", *gone)
        new = [file.name for file in manifest.under(WHEELS) if file.sha256 not in kept]
        offline = ("--no-index", "--no-deps", "--root-user-action=ignore")
        _run(*pip, "install", *offline, *(str(wheels / name) for name in new))
    _check_installed(environment, manifest)
    return like is not None


def _check_installed(environment: Path, manifest: SoftwareManifest) -> None:
    """Compare what is installed with the wheels that the manifest names."""
    found = _installed(environment)
    wanted = {_project(file): _version(file) for file in manifest.under(WHEELS)}
    if found != wanted:
        differing = sorted(name for name, _ in found.items() ^ wanted.items())
        raise ConfigError(f"The release is not built as its wheels are: {', '.join(differing)}.")


def _installed(environment: Path) -> dict[str, str]:
    """Return the versions of what is installed, by name."""
    found = {}
    for path in environment.glob("lib/python3*/site-packages/*.dist-info"):
        name, _, version = path.name.removesuffix(".dist-info").partition("-")
        found[_plain(name)] = version
    return found


def _project(wheel: ReleaseFile) -> str:
    return _plain(wheel.name.split("-")[0])


def _version(wheel: ReleaseFile) -> str:
    return wheel.name.split("-")[1]


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "_", name).lower()


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
        raise _cannot(what[0], is_full=os.strerror(errno.ENOSPC) in done.stderr)


def _cannot(why: str, *, is_full: bool) -> ConfigError:
    if is_full:
        return ConfigError("The disk is full; the release is not built, and nothing was switched.")
    return ConfigError(f"The release cannot be built: {why}")
