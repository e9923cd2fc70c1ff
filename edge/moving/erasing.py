"""Destroys a household's keys and vault, so that another household can use the chip.

Each file is overwritten, synced and unlinked. On an SD card or SSD overwriting guarantees nothing:
the controller writes elsewhere and keeps the old cells until it needs them. The household key is
gone from every file, but whoever reads raw flash cells may find it until they are reused.
"""

from collections.abc import Iterator
from pathlib import Path

from edge.contracts.enrolling import draw_keys
from edge.contracts.former import FOLDER
from edge.contracts.requests import FOLDER as REQUESTS
from edge.identity.enrolment import AUTHORITY, CERTIFICATE
from edge.identity.keys import METER_SALT, check_keys_are_files
from edge.identity.platform_keys import FORK, KEY_LIST
from edge.moving.bundle import is_bundle
from edge.moving.departure import note_erasure
from edge.stage import ENROLMENT, HOUSEHOLD_KEY, PAGE_DIRECTORY
from edge.vault.database import FILE_NAME
from edge.vault.keyring import LEFT_BEHIND, PATTERN
from edge.vault.lock import hold_vault
from protocol.errors import ConfigError
from system.backup.listing import RESTORING, STAGING, TRYING
from system.files import destroy

# Removed first: they mark the chip as enrolled, so an interrupted erasure can continue.
_ENROLMENT = (ENROLMENT, CERTIFICATE)
# Every file of the household has one of these suffixes; what is the collectivity's stays.
_SUFFIXES = (".json", ".pem", ".word")
_KEPT = (AUTHORITY, KEY_LIST, FORK)


def erase(directory: Path) -> int:
    """Destroy all files of the household and draw new keys; return the number of destroyed files.

    The chip's own keys, settings and authority stay, and so do bundles, which are sealed. After an
    interruption, another call continues.

    Raises:
        ConfigError: the chip runs, its keys come from systemd, or a file cannot be removed.
    """
    check_keys_are_files(directory)
    if not (directory / "keys").is_dir():
        raise ConfigError(f"{directory} holds no chip; there is nothing to erase.")
    count = 0
    with hold_vault(directory):
        for path in _households_files(directory):
            destroy(path)
            count += 1
    draw_keys(directory)
    note_erasure(directory)
    return count


def _households_files(directory: Path) -> Iterator[Path]:
    """Yield files in an order such that no interruption leaves a vault without its own key."""
    for name in _ENROLMENT:
        yield from _existing(directory / name)
    for path in sorted(directory.iterdir()):
        # An interrupted write leaves `.NAME.xxxx` beside the file (system/files.py).
        name = path.name[1:].rpartition(".")[0] if path.name.startswith(".") else path.name
        is_households = name.endswith(_SUFFIXES) and name not in (*_KEPT, *_ENROLMENT)
        if path.is_file() and is_households and not is_bundle(path):
            yield path
    # A killed restore, backup or rehearsal leaves copies in a folder of its own.
    folders = (FOLDER, REQUESTS, PAGE_DIRECTORY)  # of the page also who was let in
    kept = [f"{folder}/{name}" for folder in folders for name in ("*", ".*")]
    left = [f"{prefix}*/**/*" for prefix in (RESTORING, STAGING, TRYING)]
    for pattern in (f"{FILE_NAME}*", f".{FILE_NAME}*", *kept, *left):
        for path in sorted(directory.glob(pattern)):
            if path.is_file() and path.name != f"{FILE_NAME}.lock":
                yield path
    for pattern in (LEFT_BEHIND, PATTERN):
        yield from sorted((directory / "keys").glob(pattern))
    for name in (HOUSEHOLD_KEY, METER_SALT):
        yield from sorted((directory / "keys").glob(f".{name}.*"))
        yield from _existing(directory / "keys" / name)


def _existing(path: Path) -> Iterator[Path]:
    if path.exists():
        yield path
