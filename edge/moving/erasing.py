"""A household's keys and vault destroyed, so that the chip can be another household's.

Each file is overwritten, synced and unlinked. On an SD card or SSD that is a wish: the controller
writes elsewhere and keeps the old cells until it needs them. What counts is that the household key
is gone from every file; who reads raw flash cells may find it until they are used again.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from edge.contracts.enrolling import draw_keys
from edge.contracts.former import FOLDER
from edge.contracts.requests import FOLDER as REQUESTS
from edge.identity.enrolment import AUTHORITY, CERTIFICATE
from edge.identity.keys import METER_SALT, check_keys_are_files
from edge.moving.bundle import is_bundle
from edge.moving.departure import note_erasure
from edge.stage import ENROLMENT, HOUSEHOLD_KEY
from edge.vault.database import FILE_NAME
from edge.vault.lock import hold_vault
from protocol.errors import ConfigError
from system.backup.listing import RESTORING, STAGING

_CHUNK_BYTES = 1 << 20
# First what says that the chip is enrolled, so that an erasure that was cut short can go on.
_ENROLMENT = (ENROLMENT, CERTIFICATE)
# Whatever a command has left of the household bears one of these; the authority's certificate stays.
_SUFFIXES = (".json", ".pem", ".word")
_KEPT = (AUTHORITY,)


def erase(directory: Path) -> int:
    """Destroy all that is the household's and draw new keys; returns how many files went.

    The chip's own keys, its settings and its authority stay, and bundles, which are sealed. Again
    after an interruption, it goes on where it was.

    Raises:
        ConfigError: the chip runs, its keys come from systemd, or a file cannot be removed.
    """
    check_keys_are_files(directory)
    if not (directory / "keys").is_dir():
        raise ConfigError(f"{directory} holds no chip; there is nothing to erase.")
    count = 0
    with hold_vault(directory):
        for path in _households_files(directory):
            _destroy(path)
            count += 1
    draw_keys(directory)
    note_erasure(directory)
    return count


def _households_files(directory: Path) -> Iterator[Path]:
    """Yield files in an order in which no interruption leaves a vault without its own key."""
    for name in _ENROLMENT:
        yield from _existing(directory / name)
    for path in sorted(directory.iterdir()):
        # A write that was cut short leaves `.NAME.xxxx` beside it (system/files.py).
        name = path.name[1:].rpartition(".")[0] if path.name.startswith(".") else path.name
        is_households = name.endswith(_SUFFIXES) and name not in (*_KEPT, *_ENROLMENT)
        if path.is_file() and is_households and not is_bundle(path):
            yield path
    # A restore or backup that was killed leaves copies in a folder of its own.
    kept = [f"{folder}/{name}" for folder in (FOLDER, REQUESTS) for name in ("*", ".*")]
    left = [f"{prefix}*/**/*" for prefix in (RESTORING, STAGING)]
    for pattern in (f"{FILE_NAME}*", f".{FILE_NAME}*", *kept, *left):
        for path in sorted(directory.glob(pattern)):
            if path.is_file() and path.name != f"{FILE_NAME}.lock":
                yield path
    for name in (HOUSEHOLD_KEY, METER_SALT):
        yield from sorted((directory / "keys").glob(f".{name}.*"))
        yield from _existing(directory / "keys" / name)


def _existing(path: Path) -> Iterator[Path]:
    if path.exists():
        yield path


def _destroy(path: Path) -> None:
    """Overwrite, sync and unlink a file."""
    try:
        with path.open("r+b") as file:
            left = os.fstat(file.fileno()).st_size
            while left > 0:
                left -= file.write(bytes(min(left, _CHUNK_BYTES)))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
    except OSError as exc:
        raise ConfigError(f"{path} cannot be erased: {exc.strerror}; run this again.") from exc
