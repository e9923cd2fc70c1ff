"""Has a release that is here rehearse its work, before anything is switched to it."""

import os
import pwd
import subprocess
from pathlib import Path

from protocol.errors import DocumentRefused
from volet.software.places import Places

_NOBODY = "nobody"
_LIMIT_S = 300.0
# What a server's programs have; each belongs to its party's user.
_OF_SERVERS = (Path("/var/lib/volet-cloud"), Path("/var/lib/volet-trustee"))


def check_release(places: Places, version: str, directory: Path) -> None:
    """Have a release rehearse with what is here, as the user to whom that belongs.

    A chip's does so with a copy of the vault in `directory`, a server's with each directory there.

    Raises:
        ConfigError: the release is not here as a whole.
        DocumentRefused: it cannot do its work, or cannot read what is here.
    """
    if places.manifest(version).extra == "edge":
        _rehearse(places, version, directory)
        return
    for each in _OF_SERVERS:
        if each.is_dir():
            _rehearse(places, version, each, "--server")


def _rehearse(places: Places, version: str, directory: Path, *how: str) -> None:
    command = (str(places.program(version)), "software", "rehearse", *how, "--dir", str(directory))
    user, group = _owner(directory)
    is_other = user != os.geteuid()
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=_LIMIT_S,
            cwd="/",
            user=user if is_other else None,
            group=group if is_other else None,
            extra_groups=() if is_other else None,
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise _refused(version, str(exc)) from exc
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
        raise _refused(version, lines[-1].removeprefix("volet: "))


def _owner(directory: Path) -> tuple[int, int]:
    """Return the user and group of the chip's directory, those of nobody if there is no chip."""
    try:
        found = directory.stat()
    except OSError:
        nobody = pwd.getpwnam(_NOBODY)
        return nobody.pw_uid, nobody.pw_gid
    return found.st_uid, found.st_gid


def _refused(version: str, why: str) -> DocumentRefused:
    return DocumentRefused(f"The release {version} is not switched to, it fails its check: {why}")
