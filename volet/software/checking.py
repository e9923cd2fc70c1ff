"""Has a release that is here rehearse what a chip does, before anything is switched to it."""

import os
import pwd
import subprocess
from pathlib import Path

from protocol.errors import DocumentRefused
from volet.software.places import Places

_NOBODY = "nobody"
_LIMIT_S = 300.0


def check_release(places: Places, version: str, directory: Path) -> None:
    """Have a release rehearse with a copy of the chip's vault, as the chip's own user.

    Raises:
        ConfigError: the release is not here as a whole.
        DocumentRefused: it cannot do what a chip does, or cannot read this chip's vault.
    """
    places.manifest(version)
    command = [str(places.program(version)), "software", "rehearse", "--dir", str(directory)]
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
