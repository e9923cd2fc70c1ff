"""Everything that `volet trustee doctor` knows to be wrong with a trustee, and how it is found."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from protocol.errors import ConfigError, StoreError, VoletError
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
from system.mqtt.identity import CERTIFICATE
from system.systemd import has_unit
from trustee.database import FILE_NAME, SCHEMA_VERSION
from trustee.directory import (
    CONFIG_NAME,
    DEFAULT_DIRECTORY,
    lifetimes,
    link_settings,
    load_config,
    load_identity,
    load_roots,
)
from trustee.documents import WAITING, TrustedDocuments
from trustee.files import TRUSTEE
from trustee.log import TrusteeLog

_UNIT = "volet-trustee.service"

SETTINGS = Misconfiguration(
    "settings_unreadable",
    Severity.ERROR,
    "The trustee's settings cannot be used: {why}",
    "nano {path}",
)
KEYS = Misconfiguration(
    "keys_unusable",
    Severity.ERROR,
    "The trustee's key cannot be used: {why}",
    "volet trustee restore --dir {directory} BACKUP",
)
NOT_CERTIFIED = Misconfiguration(
    "not_certified",
    Severity.WARNING,
    "The collectivity has not certified this trustee's key, for which tls.csr asks, or its answer is not "
    "installed.",
    "volet trustee install --dir {directory} CERTIFICATE --ca CA",
)
CERTIFICATE_UNUSABLE = Misconfiguration(
    "certificate_unusable",
    Severity.ERROR,
    "The broker will not know this trustee: {why}",
    "volet trustee install --dir {directory} CERTIFICATE --ca CA",
)
CERTIFICATE_ENDED = Misconfiguration(
    "certificate_ended",
    Severity.ERROR,
    "The certificate {certificate} has ended on {end}; the collectivity issues the next one.",
    "volet trustee install --dir {directory} CERTIFICATE --ca CA",
)
CERTIFICATE_ENDS = Misconfiguration(
    "certificate_ends",
    Severity.WARNING,
    "The certificate {certificate} ends on {end}; the collectivity issues the next one.",
    "volet trustee install --dir {directory} CERTIFICATE --ca CA",
)
NEVER_RAN = Misconfiguration(
    "never_ran",
    Severity.WARNING,
    "This trustee has never run, so nobody can count on it.",
    "volet trustee run --dir {directory}",
)
LOG_UNUSABLE = Misconfiguration(
    "log_unusable",
    Severity.ERROR,
    "The trustee's database cannot be used: {why}",
    "volet trustee restore --dir {directory} --database-only BACKUP",
)
SET_UNCONFIRMED = Misconfiguration(
    "set_unconfirmed",
    Severity.ERROR,
    "The first set of trustees waits for a person, and nothing is answered until then: compare its "
    "fingerprint, {fingerprint}, with what the others have.",
    "volet trustee confirm --dir {directory} {fingerprint}",
)
ALARM = Misconfiguration(
    "alarm",
    Severity.ERROR,
    "It is proved that {offender} did what nobody may: {offence}; show the proof to the other trustees.",
    "volet trustee status --dir {directory} --json",
)
KNOWN = (
    *OF_ANY_PARTY,
    *(SETTINGS, KEYS, NOT_CERTIFIED, CERTIFICATE_UNUSABLE, CERTIFICATE_ENDED, CERTIFICATE_ENDS),
    *(NEVER_RAN, LOG_UNUSABLE, SET_UNCONFIRMED, ALARM),
)


def _of_files(directory: Path) -> Iterator[Diagnosis]:
    yield from look_at_files(TRUSTEE, directory)


_of_secrets = once_closed(_of_files)


@_of_secrets
def _of_identity(directory: Path) -> Iterator[Diagnosis]:
    """Look at settings, key and certificate, the first that fails."""
    kind = SETTINGS
    try:
        load_config(directory)
        kind = KEYS
        load_identity(directory)
        if not (directory / CERTIFICATE).exists():
            yield NOT_CERTIFIED.found(directory=directory)
            return
        kind = CERTIFICATE_UNUSABLE
        load_roots(directory)
        link_settings(directory)
        certificates = lifetimes(directory)
    except ConfigError as exc:
        yield kind.found(directory=directory, path=directory / CONFIG_NAME, why=exc)
        return
    now = datetime.now(UTC)
    ended, ends = CERTIFICATE_ENDED, CERTIFICATE_ENDS
    yield from look_at_ends(certificates, now, ended, ends, directory=directory)


def _of_log(directory: Path) -> Iterator[Diagnosis]:
    path = directory / FILE_NAME
    if not path.exists():
        yield NEVER_RAN.found(directory=directory)
        return
    unusable = list(look_at_database(path, SCHEMA_VERSION, LOG_UNUSABLE, directory=directory))
    yield from unusable
    if unusable:
        return
    try:
        yield from _said_by_log(directory)
    except StoreError as exc:
        yield LOG_UNUSABLE.found(directory=directory, why=exc)
    except VoletError:  # `_of_identity` says it
        return


def _said_by_log(directory: Path) -> Iterator[Diagnosis]:
    config = load_config(directory)
    with closing(TrusteeLog.open_to_look(directory)) as kept:
        waiting = (kept.fact(WAITING) or b"").decode()
        if waiting and not TrustedDocuments(kept, config.collectivity).trustees:
            yield SET_UNCONFIRMED.found(directory=directory, fingerprint=waiting)
        for alarm in kept.alarms():
            yield ALARM.found(directory=directory, offender=alarm.offender, offence=alarm.offence)


def _of_machine(directory: Path) -> Iterator[Diagnosis]:
    yield from look_at_machine(directory)
    if directory == DEFAULT_DIRECTORY and has_unit(_UNIT):
        yield from look_at_units(("volet.target", _UNIT))
    else:  # the unit keeps its memory from swap
        yield from look_at_swap()


CHECKS: tuple[Check, ...] = (_of_files, _of_identity, _of_log, _of_machine)
