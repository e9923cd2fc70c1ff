"""Everything that `volet edge doctor` knows to be wrong with a chip, and how it is found."""

import grp
import os
import pwd
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from edge.area.settings import FILE_NAME as AREA_CHOICES
from edge.area.settings import load_choices
from edge.chip.config import EdgeConfig, load_config
from edge.chip.confirming import ORDER as CONFIRMED
from edge.commands.directory import CHIP
from edge.contracts.signed import load_contract
from edge.home.choice import CHOICE as HOME_CHOICE
from edge.home.guard import check_broker
from edge.home.settings import read_password
from edge.identity.enrolment import CERTIFICATE, load_identity
from edge.identity.keys import load_keys
from edge.stage import CONFIG_NAME, DEFAULT_DIRECTORY, IMPORTING, Stage, stage
from edge.status.line import LineFault
from edge.status.presence import StatusFile, is_running
from edge.tic.board.line import boot_changes
from edge.tic.board.machine import HEADER, Machine
from edge.tic.repeater.choice import FILE_NAME as REPEATER
from edge.tic.repeater.choice import load_repeater
from edge.tic.serial_line import is_console
from edge.vault.database import FILE_NAME as VAULT
from edge.vault.kept_curve import FILE_NAME as KEPT_CURVE
from edge.vault.kept_curve import load_kept_curve
from edge.vault.reader import read_vault
from protocol.errors import ConfigError, StoreError
from system.certificates import read_lifetime
from system.files import user_name
from system.findings import Check, Diagnosis, Misconfiguration, Severity
from system.locks import is_held
from system.machine_checks import (
    OF_ANY_PARTY,
    look_at_ends,
    look_at_files,
    look_at_machine,
    look_at_swap,
    look_at_units,
    once_closed,
)
from system.systemd import has_unit

# Of the system whose board is looked at.
ROOT = Path("/")
# In packaging/units; the second answers the page, the third says whether the clock is right.
_UNIT = "volet-edge@.service"
_UNITS = (_UNIT, "volet-edge-page.socket", "volet-edge-clock@.service")
_DEVICES = Path("/sys/dev/char")
_SERIAL0 = "/dev/serial0"

SETTINGS = Misconfiguration(
    "settings_unreadable",
    Severity.ERROR,
    "The chip's settings cannot be used: {why}",
    "nano {path}",
)
PANEL = Misconfiguration(
    "panel_wrong", Severity.WARNING, "The panel does not work: {why}", "nano {path}"
)
HOME = Misconfiguration(
    "home_broker_wrong",
    Severity.WARNING,
    "The smart home is told nothing: {why}",
    "nano {path}",
)
CHOICES = Misconfiguration(
    "choices_unreadable",
    Severity.ERROR,
    "What the household chose cannot be read, so it does not count: {why}",
    "rm {path}",
)
IMPORT = Misconfiguration(
    "import_interrupted",
    Severity.ERROR,
    "The import of a household was interrupted; run it again.",
    "volet edge import --dir {directory} BUNDLE",
)
KEYS = Misconfiguration(
    "keys_unusable",
    Severity.ERROR,
    "The chip's keys cannot be used: {why}",
    "volet edge restore --dir {directory} BACKUP",
)
NOT_REQUESTED = Misconfiguration(
    "not_requested",
    Severity.WARNING,
    "The chip has not asked to be enrolled, so nothing is metered.",
    "volet edge request --dir {directory}",
)
NOT_ENROLLED = Misconfiguration(
    "not_enrolled",
    Severity.WARNING,
    "The collectivity's answer to this chip's request is not installed, so nothing is metered.",
    "volet edge enrol --dir {directory} ENROLMENT.json",
)
IDENTITY = Misconfiguration(
    "identity_unusable",
    Severity.ERROR,
    "What the collectivity gave this chip cannot be used: {why}",
    "volet edge enrol --dir {directory} ENROLMENT.json",
)
CONTRACT = Misconfiguration(
    "contract_unusable",
    Severity.ERROR,
    "The household's contract cannot be used: {why}",
    "volet edge request --dir {directory} --offer OFFER.json --from DAY",
)
CERTIFICATE_ENDED = Misconfiguration(
    "certificate_ended",
    Severity.ERROR,
    "The chip's certificate has ended on {end}; a connected chip that runs asks for the next one.",
    "volet edge run --dir {directory}",
)
CERTIFICATE_ENDS = Misconfiguration(
    "certificate_ends",
    Severity.WARNING,
    "The chip's certificate ends on {end}, and a connected chip that runs would have renewed it.",
    "volet edge run --dir {directory}",
)
SOURCE_MISSING = Misconfiguration(
    "source_missing",
    Severity.ERROR,
    "The meter's line, {source}, is not there: plug the adapter in, or name another line.",
    "sudo volet edge setup --dir {directory}",
)
SOURCE_CLOSED = Misconfiguration(
    "source_closed",
    Severity.ERROR,
    "The meter's line, {source}, may not be read by {user}, who is not of the group {group}; log in "
    "again afterwards.",
    "sudo usermod --append --groups {group} {user}",
)
SOURCE_NO_LINE = Misconfiguration(
    "source_no_line",
    Severity.ERROR,
    "{source} is no serial line, so no meter is read there.",
    "sudo volet edge setup --dir {directory}",
)
BOARD = Misconfiguration(
    "board_not_set_up",
    Severity.ERROR,
    "{file} keeps this board from reading the meter's line; it takes the change at its next start.",
    "sudo volet edge setup --apply --dir {directory}",
)
SIMULATED = Misconfiguration(
    "real_line_called_simulated",
    Severity.ERROR,
    "A real meter is on the line, and edge.toml calls it simulated, so that days close by whatever a "
    "clock shows.",
    "sed -i /is_simulated/d {path}",
)
MODE = Misconfiguration(
    "line_mode_wrong",
    Severity.ERROR,
    "What the meter sends is not readable in the mode that edge.toml names, {mode}; without it, the "
    "chip finds the mode by itself.",
    "sed -i '/^ *mode *=/d' {path}",
)
VAULT_UNUSABLE = Misconfiguration(
    "vault_unusable",
    Severity.ERROR,
    "The chip's database cannot be used: {why}",
    "volet edge restore --dir {directory} --database-only BACKUP",
)
VAULT_HELD = Misconfiguration(
    "vault_held",
    Severity.ERROR,
    "Another program than the chip that last reported holds {path}, so the chip cannot start.",
    "sudo fuser --kill -TERM {path}",
)
KNOWN = (
    *OF_ANY_PARTY,
    *(SETTINGS, PANEL, HOME, CHOICES, IMPORT, KEYS, NOT_REQUESTED, NOT_ENROLLED),
    *(IDENTITY, CONTRACT, CERTIFICATE_ENDED, CERTIFICATE_ENDS, SOURCE_MISSING, SOURCE_CLOSED),
    *(SOURCE_NO_LINE, BOARD, SIMULATED, MODE, VAULT_UNUSABLE, VAULT_HELD),
)


def _of_files(directory: Path) -> Iterator[Diagnosis]:
    yield from look_at_files(CHIP, directory)


_of_secrets = once_closed(_of_files)


@_of_secrets
def _of_settings(directory: Path) -> Iterator[Diagnosis]:
    path = directory / CONFIG_NAME
    try:
        config = load_config(directory)
    except ConfigError as exc:
        yield SETTINGS.found(path=path, why=exc)
        return
    try:
        if config.panel is not None:
            config.panel.check()
    except ConfigError as exc:
        yield PANEL.found(path=path, why=exc)
    try:
        if config.home is not None and stage(directory) is Stage.ENROLLED:
            check_broker(config.home, load_identity(directory))
            read_password(directory)
    except ConfigError as exc:
        yield HOME.found(path=path, why=exc)


@_of_secrets
def _of_choices(directory: Path) -> Iterator[Diagnosis]:
    readers: dict[str, Callable[[Path], object]] = {
        AREA_CHOICES: load_choices,
        KEPT_CURVE: load_kept_curve,
        REPEATER: load_repeater,
        HOME_CHOICE.name: HOME_CHOICE.read,
        CONFIRMED.name: CONFIRMED.read,
    }
    for name, read in readers.items():
        try:
            read(directory)
        except ConfigError as exc:
            yield CHOICES.found(path=directory / name, why=exc)


@_of_secrets
def _of_identity(directory: Path) -> Iterator[Diagnosis]:
    """Look at keys, enrolment and contract, the first that fails."""
    if (directory / IMPORTING).exists():
        yield IMPORT.found(directory=directory)
    kind = KEYS
    try:
        load_keys(directory)
        now = stage(directory)
        if now is not Stage.ENROLLED:
            yield (NOT_ENROLLED if now is Stage.REQUESTED else NOT_REQUESTED).found(
                directory=directory
            )
            return
        kind = IDENTITY
        load_identity(directory).tls_context()
        kind = CONTRACT
        load_contract(directory)
    except ConfigError as exc:
        yield kind.found(directory=directory, why=exc)


def _of_certificate(directory: Path) -> Iterator[Diagnosis]:
    with suppress(ConfigError):  # `_of_identity` says it
        lifetime = read_lifetime("chip", directory / CERTIFICATE)
        ended, ends = CERTIFICATE_ENDED, CERTIFICATE_ENDS
        yield from look_at_ends([lifetime], datetime.now(UTC), ended, ends, directory=directory)


def _of_line(directory: Path) -> Iterator[Diagnosis]:
    try:
        config = load_config(directory)
    except ConfigError:  # `_of_settings` says it
        return
    if config.is_recording:
        return
    path = directory / CONFIG_NAME
    if config.is_real_line_called_simulated:
        yield SIMULATED.found(path=path)
    presence = StatusFile(directory).read().presence
    is_garbled = presence is not None and presence.line.fault is LineFault.GARBLED
    if is_garbled and config.mode != "auto":
        yield MODE.found(path=path, mode=config.mode)
    yield from _board(config, directory)
    yield from _source(Path(config.source), directory)


def _board(config: EdgeConfig, directory: Path) -> Iterator[Diagnosis]:
    machine = Machine.look(ROOT)
    if machine.board is None or config.source not in {HEADER, _SERIAL0}:
        return
    with suppress(ConfigError):  # `setup` says what it does not know
        for change in boot_changes(machine, machine.board):
            yield BOARD.found(file=change.path, directory=directory)


def _source(source: Path, directory: Path) -> Iterator[Diagnosis]:
    try:
        status = source.stat()
    except OSError:
        yield SOURCE_MISSING.found(source=source, directory=directory)
        return
    if not _may_be_line(status) or is_console(source):
        yield SOURCE_NO_LINE.found(source=source, directory=directory)
        return
    owner = directory.stat().st_uid
    is_of_unit = directory == DEFAULT_DIRECTORY and has_unit(_UNIT)  # it has the group
    if not is_of_unit and not _may_read(owner, status):
        user = user_name(owner).lstrip("#")
        yield SOURCE_CLOSED.found(source=source, user=user, group=_group_name(status.st_gid))


def _may_be_line(status: os.stat_result) -> bool:
    """Return whether a file is a device that the kernel does not know to be something else."""
    if not stat.S_ISCHR(status.st_mode):
        return False
    number = f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}"
    kind = _DEVICES / number / "subsystem"
    return not kind.exists() or kind.resolve().name == "tty"  # it does not list pseudo-terminals


def _may_read(user: int, status: os.stat_result) -> bool:
    """Return whether a user may read and write a device by owner, group or for everybody."""
    if user in {0, status.st_uid}:
        return True
    try:
        account = pwd.getpwuid(user)
    except KeyError:
        return True  # not known here
    is_of_group = status.st_gid in os.getgrouplist(account.pw_name, account.pw_gid)
    wanted = stat.S_IRGRP | stat.S_IWGRP if is_of_group else stat.S_IROTH | stat.S_IWOTH
    return status.st_mode & wanted == wanted


def _group_name(group: int) -> str:
    try:
        return grp.getgrgid(group).gr_name
    except KeyError:  # a group of another machine
        return str(group)


def _of_vault(directory: Path) -> Iterator[Diagnosis]:
    path = directory / VAULT
    presence = StatusFile(directory).read().presence
    lock = path.with_name(f"{path.name}.lock")
    if is_held(lock) and (presence is None or not is_running(presence)):
        yield VAULT_HELD.found(path=lock)
        return
    if not (path.exists() and lock.exists()):
        return  # the chip has not run yet, and SQLite would leave files there
    try:
        with read_vault(directory) as vault:
            vault.figures()
    except (ConfigError, StoreError) as exc:
        yield VAULT_UNUSABLE.found(directory=directory, why=exc)


def _of_machine(directory: Path) -> Iterator[Diagnosis]:
    yield from look_at_machine(directory)
    if directory == DEFAULT_DIRECTORY and has_unit(_UNIT):
        yield from look_at_units(_UNITS, instance=user_name(directory.stat().st_uid))
    else:  # the unit keeps its memory from swap
        yield from look_at_swap()


CHECKS: tuple[Check, ...] = (
    *(_of_files, _of_settings, _of_choices, _of_identity, _of_certificate, _of_line, _of_vault),
    _of_machine,
)
