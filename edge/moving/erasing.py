"""Destroys a household's keys and vault, so that another household can use the chip.

Each file is overwritten, synced and unlinked. On an SD card or SSD overwriting guarantees nothing:
the controller writes elsewhere and keeps the old cells until it needs them. The household key is
gone from every file, but whoever reads raw flash cells may find it until they are reused.

A running chip has keys and vault open, so it does not erase its own household: the panel leaves an
order, the program ends, and the next one carries it out before it opens anything.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import structlog

from edge.contracts.enrolling import draw_keys
from edge.contracts.former import FOLDER
from edge.contracts.requests import FOLDER as REQUESTS
from edge.identity.enrolment import AUTHORITY, CERTIFICATE
from edge.identity.keys import METER_SALT, check_keys_are_files
from edge.identity.platform_keys import FORK, KEY_LIST
from edge.moving.bundle import is_bundle
from edge.moving.departure import note_erasure
from edge.moving.transfer import departure_of
from edge.mqtt.sent import FOLDER as SENT
from edge.stage import ENROLMENT, HOUSEHOLD_KEY, PAGE_DIRECTORY
from edge.vault.database import FILE_NAME
from edge.vault.keyring import LEFT_BEHIND, PATTERN
from edge.vault.lock import hold_vault
from protocol.errors import CipherError, ConfigError, DocumentRefused, VoletError
from protocol.ids import HouseholdKeyId
from protocol.keys import HouseholdSecret
from system.backup.listing import RESTORING, STAGING, TRYING
from system.files import destroy, read_secret
from system.watched import OrderFile

# Removed first: they mark the chip as enrolled, so an interrupted erasure can continue.
_ENROLMENT = (ENROLMENT, CERTIFICATE)
# Every file of the household has one of these suffixes; what is the collectivity's stays.
_SUFFIXES = (".json", ".pem", ".word", ".password")
_KEPT = (AUTHORITY, KEY_LIST, FORK)

log = structlog.get_logger()


class EraseOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The order of a household that has left: to erase it, and no other."""

    household: HouseholdKeyId


ORDER = OrderFile("erase.json", EraseOrder, "hold the button again, or type `volet edge erase`.")


def check_has_left(directory: Path) -> None:
    """Check that the household has left for good, and that its keys can be destroyed here.

    Raises:
        ConfigError: its keys come from systemd.
        DocumentRefused: the cloud has not confirmed its departure.
        StoreError: the vault cannot be read.
    """
    check_keys_are_files(directory)
    departure = departure_of(directory)
    if departure is None or not departure.is_told:
        raise DocumentRefused(
            "This household has not left, or the collectivity has not confirmed it yet; type "
            "`volet edge move-out` at the chip first."
        )


def order_erasure(directory: Path, household: HouseholdKeyId) -> None:
    """Order the next start of the chip in `directory` to erase `household`, which has left.

    Raises:
        VoletError: as `check_has_left`, or the order cannot be written.
    """
    check_has_left(directory)
    ORDER.leave(directory, EraseOrder(household))


def carry_out_erasure(directory: Path, before: Callable[[], None] = lambda: None) -> bool:
    """Erase the household that has ordered it, or go on where that was cut short.

    `before` is as in `erase`. Call it before anything of the chip is open. An order that is not of the household that is here,
    or of one that has not left, is withdrawn. Returns whether a household was erased.

    Raises:
        ConfigError: a file cannot be removed, or another process runs this chip.
    """
    try:
        order = ORDER.read(directory)
    except ConfigError as exc:
        log.warning("erasure_order_refused", why=str(exc))
        return False
    if order is None:
        return False
    if (why := _why_not(directory, order)) is not None:
        log.warning("erasure_order_refused", why=why)
        ORDER.withdraw(directory)
        return False
    count = erase(directory, before)
    log.info("household_erased", files=count)
    return True


def _why_not(directory: Path, order: EraseOrder) -> str | None:
    """Return why an order is not carried out; None if it is.

    The enrolment is destroyed first. Without it the erasure has begun, and the vault, which knows
    of the departure, may be gone.
    """
    is_whole, household = (directory / ENROLMENT).exists(), _household_in(directory)
    if household != order.household and (is_whole or household is not None):
        return "It is of another household."
    try:
        if is_whole:
            check_has_left(directory)
    except VoletError as exc:
        return str(exc)
    return None


def _household_in(directory: Path) -> HouseholdKeyId | None:
    """Return the household whose key is here; None if it is gone or half overwritten."""
    with suppress(ConfigError, CipherError):
        return HouseholdSecret.from_bytes(read_secret(directory / "keys" / HOUSEHOLD_KEY, "")).id
    return None


def erase(directory: Path, before: Callable[[], None] = lambda: None) -> int:
    """Destroy all files of the household and draw new keys; return the number of destroyed files.

    `before` is called first, once it is certain that they are destroyed: what is the household's
    elsewhere can be taken back by its files alone.

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
        before()
        for path in _households_files(directory):
            destroy(path)
            count += 1
    note_erasure(directory)
    draw_keys(directory)
    ORDER.withdraw(directory)  # last: until then the order is what continues after an interruption
    return count


def _households_files(directory: Path) -> Iterator[Path]:
    """Yield files in an order such that no interruption leaves a vault without its own key."""
    for name in _ENROLMENT:
        yield from _existing(directory / name)
    for path in sorted(directory.iterdir()):
        # An interrupted write leaves `.NAME.xxxx` beside the file (system/files.py).
        name = path.name[1:].rpartition(".")[0] if path.name.startswith(".") else path.name
        is_households = name.endswith(_SUFFIXES) and name not in (*_KEPT, *_ENROLMENT)
        if path.name != ORDER.name and path.is_file() and is_households and not is_bundle(path):
            yield path
    # A killed restore, backup or rehearsal leaves copies in a folder of its own.
    folders = (FOLDER, REQUESTS, SENT, PAGE_DIRECTORY)  # of the page also who was let in
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
