"""Exports a household from one chip, and imports it into another.

An import ends by moving the vault to its place. Until then the vault is `vault.db.importing`, no
request can be made, and the import can be run again.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import msgspec

from edge.area.settings import FILE_NAME as AREA_CHOICES
from edge.bills.release_token import read_release_tokens
from edge.contracts.enrolling import draw_keys
from edge.contracts.former import FormerContract, end_all, read_former, write_former
from edge.contracts.signed import CONTRACT, OFFER, read_agreement
from edge.identity.enrolment import FORMER, load_former, load_identity
from edge.identity.keys import METER_SALT, SALT_BYTES, check_keys_are_files, load_keys
from edge.moving.bundle import Bundle
from edge.stage import ENROLMENT, HOUSEHOLD_KEY, IMPORTING, next_step
from edge.tic.repeater.choice import FILE_NAME as REPEATER
from edge.vault.database import FILE_NAME
from edge.vault.kept_curve import FILE_NAME as KEPT_CURVE
from edge.vault.keyring import file_name, files_in
from edge.vault.moving import Departure, adopt_image, make_without_ledger, take_image
from edge.vault.reader import read_vault
from edge.vault.signer import FormerDevice
from protocol.errors import CipherError, ConfigError, StoreError
from protocol.ids import HouseholdKeyId
from protocol.keys import HouseholdSecret
from protocol.year_keys import YearKeys, last_year_without_keys
from system.files import changed_together, destroy, write_secret
from system.shell import quoted

# The household's documents in a chip's directory, which it takes along.
DOCUMENTS = (AREA_CHOICES, KEPT_CURVE, OFFER, CONTRACT)


@dataclass(frozen=True, slots=True)
class ImportResult:
    """The result of an import."""

    household_key: HouseholdKeyId
    has_ledger: bool
    has_moved_out: bool


def pack(directory: Path, *, keys_only: bool = False) -> Bundle:
    """Collect everything that the household in `directory` takes along; the chip may be running.

    Raises:
        ConfigError: the chip is not enrolled, or a file is missing.
        StoreError: the vault cannot be read.
    """
    identity, keys = load_identity(directory), load_keys(directory)
    own = FormerDevice(identity.collectivity, identity.device, keys.signing_public)
    former = tuple(device for device in load_former(directory) if device != own)
    departure = departure_of(directory)
    documents = {
        name: (directory / name).read_bytes()
        for name in DOCUMENTS
        if (directory / name).exists() and not (departure and name in (OFFER, CONTRACT))
    }
    contracts = read_former(directory)
    if departure is not None:
        contracts = end_all(contracts, departure.last_day)
        if (signed := read_agreement(directory)) is not None:
            last_day = departure.last_day.isoformat()
            contracts.append(FormerContract(signed.offer, signed.contract, last_day))
    vault = None if keys_only else take_image(_existing(directory / FILE_NAME))
    return Bundle(
        keys.household.to_bytes(),
        tuple(path.read_bytes() for path in files_in(directory / "keys")),
        keys.meter_salt,
        (*former, own),
        documents,
        tuple(contracts),
        vault,
    )


def take_in(directory: Path, bundle: Bundle, today: date) -> ImportResult:
    """Import the bundle's household into the chip in `directory`, which keeps its own keys.

    Without a ledger in the bundle, the area lane's budget of the year counts as spent. Keys of
    years that are due for destruction by `today` are left out.

    Raises:
        ConfigError: another household uses the chip, or a file cannot be written.
        StoreError: the bundle's vault is damaged or of a newer program; nothing was changed.
    """
    household = _household_of(bundle)
    years = _keys_of_years(bundle, household, today)
    draw_keys(directory)
    _check_free(directory, household)
    importing, keys = directory / IMPORTING, directory / "keys"
    tokens = read_release_tokens(directory)
    with changed_together() as files:
        files.remove(directory / REPEATER)
        files.write_secret(keys / HOUSEHOLD_KEY, household.to_bytes())
        for year in years:
            files.write_secret(keys / file_name(year), year.to_bytes(household))
        files.write_secret(keys / METER_SALT, bundle.meter_salt)
        files.write_secret(directory / FORMER, msgspec.json.encode(bundle.devices))
        write_former(directory, bundle.contracts, files)
        for name, data in bundle.documents.items():
            files.write_secret(directory / name, data)
        # Before any of them is put in place: it says that an import is under way.
        has_moved_out = _prepare_vault(importing, bundle, today, tokens)
    for suffix in ("-wal", "-shm"):
        (directory / f"{FILE_NAME}{suffix}").unlink(missing_ok=True)
    importing.replace(directory / FILE_NAME)
    return ImportResult(household.id, bundle.vault is not None, has_moved_out)


def departure_of(directory: Path) -> Departure | None:
    """Return the household's departure; None if it has not left, or there is no vault yet.

    Raises:
        StoreError: the vault cannot be read.
    """
    if not (directory / FILE_NAME).exists():
        return None
    with read_vault(directory) as vault:
        return vault.departures.get()


def left_to_send(directory: Path) -> int | None:
    """Return how many messages the cloud has not acknowledged; None if there is no vault yet.

    Raises:
        StoreError: the vault cannot be read.
    """
    if not (directory / FILE_NAME).exists():
        return None
    with read_vault(directory) as vault:
        return vault.outbox_depth()


def _household_of(bundle: Bundle) -> HouseholdSecret:
    try:
        household = HouseholdSecret.from_bytes(bundle.household)
    except CipherError as exc:
        raise ConfigError(f"The bundle's household key cannot be used: {exc}.") from exc
    if len(bundle.meter_salt) != SALT_BYTES or set(bundle.documents) - set(DOCUMENTS):
        raise ConfigError("The bundle holds what this Volet does not know; install a newer Volet.")
    return household


def _keys_of_years(bundle: Bundle, household: HouseholdSecret, today: date) -> list[YearKeys]:
    try:
        years = [YearKeys.from_bytes(data, household) for data in bundle.years]
    except CipherError as exc:
        raise ConfigError(f"The bundle's keys of a year cannot be used: {exc}.") from exc
    return [keys for keys in years if keys.year > last_year_without_keys(today)]


def _check_free(directory: Path, household: HouseholdSecret) -> None:
    """Check that no other household uses the chip; clear what an interrupted import has left."""
    check_keys_are_files(directory)
    if (directory / ENROLMENT).exists():
        raise ConfigError(
            f"{directory} is an enrolled household's chip; "
            f"`volet edge erase --dir {quoted(directory)}` makes room, for good."
        )
    if load_keys(directory).household.id == household.id:
        return
    if (directory / FILE_NAME).exists():
        raise ConfigError(
            f"{directory / FILE_NAME} is another household's; "
            f"`volet edge erase --dir {quoted(directory)}` makes room, for good."
        )
    for path in files_in(directory / "keys"):  # of another import that was cut short
        destroy(path)


def _prepare_vault(importing: Path, bundle: Bundle, today: date, tokens: Sequence[str]) -> bool:
    """Make the vault at `importing`; return whether its household had moved out."""
    has_moved_out = False
    remove_vault(importing)
    try:
        if bundle.vault is None:
            make_without_ledger(importing, today)
        else:
            write_secret(importing, bundle.vault)
            has_moved_out = adopt_image(importing, today, tokens)
    except (ConfigError, StoreError):
        remove_vault(importing)
        raise
    for suffix in ("-wal", "-shm"):
        importing.with_name(f"{importing.name}{suffix}").unlink(missing_ok=True)
    fd = os.open(importing, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
    return has_moved_out


def remove_vault(path: Path) -> None:
    """Remove a vault's file and the files that SQLite keeps beside it."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(f"{path.name}{suffix}").unlink(missing_ok=True)


def _existing(path: Path) -> Path:
    if not path.exists():
        raise ConfigError(f"{path} is not there yet; {next_step(path.parent)}")
    return path
