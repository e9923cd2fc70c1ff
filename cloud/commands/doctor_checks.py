"""Everything that `volet cloud doctor` knows to be wrong with a collectivity, and how it is found."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cloud.commands.directory import COLLECTIVITY
from cloud.config import CONFIG_NAME, DEFAULT_DIRECTORY, load_config, load_metrics
from cloud.registry.broker import DEFAULT_NAME, behind
from cloud.registry.broker_restart import process_behind
from cloud.registry.key_files import ISSUER, ROOT, ROOT_CERTIFICATE
from cloud.registry.renewal import lifetimes
from cloud.store.sqlite.schema import SCHEMA_VERSION
from cloud.store.sqlite.store import FILE_NAME as STORE
from cloud.store.sqlite.store import has_issued
from protocol.errors import ConfigError, VoletError
from system.findings import Check, Diagnosis, Misconfiguration, Severity
from system.machine_checks import (
    OF_ANY_PARTY,
    look_at_database,
    look_at_ends,
    look_at_files,
    look_at_machine,
    look_at_swap,
    look_at_units,
    once_closed,
)
from system.systemd import has_unit

# Where a broker's directory is that Debian's mosquitto can enter: docs/reference/units.md.
SYSTEM_BROKER = Path("/etc/mosquitto/volet")
# Of volet-cloud-backup.service.
BACKUPS = Path("/var/backups/volet")
BACKUP_OLD_AFTER = timedelta(days=2)
_WORKER, _BACKUP = "volet-worker.service", "volet-cloud-backup.timer"
_UNITS = ("volet.target", _WORKER, _BACKUP)

SETTINGS = Misconfiguration(
    "settings_unreadable",
    Severity.ERROR,
    "The collectivity's settings cannot be used: {why}",
    "nano {path}",
)
DIRECTORY = Misconfiguration(
    "directory_unusable",
    Severity.ERROR,
    "What the collectivity's programs read when they start is not whole: {why}",
    "volet cloud restore --dir {directory} BACKUP",
)
STORE_MISSING = Misconfiguration(
    "store_missing",
    Severity.ERROR,
    "Chips are enrolled, and their store is missing.",
    "volet cloud restore --dir {directory} --database-only BACKUP",
)
STORE_UNUSABLE = Misconfiguration(
    "store_unusable",
    Severity.ERROR,
    "The store cannot be used: {why}",
    "volet cloud restore --dir {directory} --database-only BACKUP",
)
CERTIFICATE_ENDED = Misconfiguration(
    "certificate_ended",
    Severity.ERROR,
    "The certificate {certificate} has ended on {end}.",
    "sudo volet cloud renew --dir {directory}",
)
CERTIFICATE_ENDS = Misconfiguration(
    "certificate_ends",
    Severity.WARNING,
    "The certificate {certificate} ends on {end}, and should have been renewed by now.",
    "sudo volet cloud renew --dir {directory}",
)
AUTHORITY_ENDED = Misconfiguration(
    "authority_ended",
    Severity.ERROR,
    "The authority's {certificate} has ended on {end}, and whatever it signed with it.",
    "volet cloud roll-over {certificate} --dir {directory}",
)
AUTHORITY_ENDS = Misconfiguration(
    "authority_ends",
    Severity.WARNING,
    "The authority's {certificate} ends on {end}; its successor takes time to reach every chip.",
    "volet cloud roll-over {certificate} --dir {directory}",
)
BROKER_MISSING = Misconfiguration(
    "broker_missing",
    Severity.WARNING,
    "There is no broker's directory at {broker}.",
    "volet cloud broker-config --dir {directory} --out {broker}",
)
BROKER_OPEN = Misconfiguration(
    "broker_open",
    Severity.ERROR,
    "{broker}, which has the broker's key, is open to other users.",
    "sudo chmod 700 {broker}",
)
BROKER_BEHIND = Misconfiguration(
    "broker_behind",
    Severity.ERROR,
    "The broker's directory is behind the collectivity's: {files}.",
    "sudo volet cloud broker-config --dir {directory} --out {broker}",
)
BROKER_UNREAD = Misconfiguration(
    "broker_unread",
    Severity.ERROR,
    "The broker that runs has not read all of {broker}; it reads its rules and its certificate at its "
    "start.",
    "sudo systemctl restart {service}",
)
BROKER_UNREAD_BY_HAND = Misconfiguration(
    "broker_unread_by_hand",
    Severity.ERROR,
    "The broker that runs has not read all of {broker}, and no unit runs it: end it, and start it as "
    "before.",
    "kill {process}",
)
BROKER_ELSEWHERE = Misconfiguration("broker_elsewhere", Severity.ERROR, "{why}", "ls -la {broker}")
BACKUP_OLD = Misconfiguration(
    "backup_old",
    Severity.ERROR,
    "The latest backup in {folder} is of {day}.",
    "sudo systemctl start volet-cloud-backup.service",
)
KNOWN = (
    *OF_ANY_PARTY,
    *(SETTINGS, DIRECTORY, STORE_MISSING, STORE_UNUSABLE, CERTIFICATE_ENDED, CERTIFICATE_ENDS),
    *(AUTHORITY_ENDED, AUTHORITY_ENDS, BROKER_MISSING, BROKER_OPEN, BROKER_BEHIND),
    *(BROKER_UNREAD, BROKER_UNREAD_BY_HAND, BROKER_ELSEWHERE, BACKUP_OLD),
)


def _of_files(directory: Path) -> Iterator[Diagnosis]:
    public = {f"{ROOT}/{ROOT_CERTIFICATE}"}
    yield from look_at_files(
        COLLECTIVITY,
        directory,
        lambda name: name in public or name.startswith(f"{DEFAULT_NAME}/"),
    )


_of_secrets = once_closed(_of_files)


@_of_secrets
def _of_directory(directory: Path) -> Iterator[Diagnosis]:
    path = directory / CONFIG_NAME
    try:
        load_config(directory)
        load_metrics(directory)
    except ConfigError as exc:
        yield SETTINGS.found(path=path, why=exc)
        return
    try:
        COLLECTIVITY.check(directory)
        certificates = lifetimes(directory)
    except VoletError as exc:
        yield DIRECTORY.found(directory=directory, why=exc)
        return
    now = datetime.now(UTC)
    for lifetime in certificates:
        is_authority = lifetime.name in {ROOT, ISSUER}
        ended = AUTHORITY_ENDED if is_authority else CERTIFICATE_ENDED
        ends = AUTHORITY_ENDS if is_authority else CERTIFICATE_ENDS
        yield from look_at_ends([lifetime], now, ended, ends, directory=directory)


def _of_store(directory: Path) -> Iterator[Diagnosis]:
    path = directory / STORE
    if path.exists():
        yield from look_at_database(path, SCHEMA_VERSION, STORE_UNUSABLE, directory=directory)
    elif has_issued(directory):
        yield STORE_MISSING.found(directory=directory)


@_of_secrets
def _of_broker(directory: Path) -> Iterator[Diagnosis]:
    beside = directory / DEFAULT_NAME
    broker = SYSTEM_BROKER if SYSTEM_BROKER.exists() and not beside.exists() else beside
    if not broker.exists():
        yield BROKER_MISSING.found(directory=directory, broker=broker)
        return
    if broker.stat().st_mode & 0o077:
        yield BROKER_OPEN.found(broker=broker)
    if not os.access(broker, os.R_OK | os.X_OK):  # another user's: root can look
        return
    try:
        if names := behind(directory, broker):
            yield BROKER_BEHIND.found(
                directory=directory, broker=broker, files=", ".join(sorted(names))
            )
        unread = process_behind(broker)
    except ConfigError as exc:
        yield BROKER_ELSEWHERE.found(broker=broker, why=exc)
        return
    if unread is not None:
        process, service = unread
        kind = BROKER_UNREAD_BY_HAND if service is None else BROKER_UNREAD
        yield kind.found(broker=broker, process=process, service=service)


def _of_backups(directory: Path) -> Iterator[Diagnosis]:
    """Look at the backups that the timer makes."""
    if not os.access(BACKUPS, os.R_OK | os.X_OK) or directory != DEFAULT_DIRECTORY:
        return
    made_at_s = [path.stat().st_mtime for path in BACKUPS.glob(f"{COLLECTIVITY.file_name}-*")]
    if not made_at_s:
        return
    latest = datetime.fromtimestamp(max(made_at_s), UTC)
    if datetime.now(UTC) - latest > BACKUP_OLD_AFTER:
        yield BACKUP_OLD.found(folder=BACKUPS, day=f"{latest:%Y-%m-%d}")


def _of_machine(directory: Path) -> Iterator[Diagnosis]:
    yield from look_at_machine(directory)
    if directory == DEFAULT_DIRECTORY and has_unit(_WORKER):
        yield from look_at_units(_UNITS)
    else:  # the units keep their memory from swap
        yield from look_at_swap()


CHECKS: tuple[Check, ...] = (
    *(_of_files, _of_directory, _of_store, _of_broker, _of_backups, _of_machine),
)
