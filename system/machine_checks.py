"""What may be wrong with the machine of any party, and with its directory's files."""

import functools
import shutil
import sqlite3
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

from protocol.errors import ConfigError
from system.backup.listing import Party, survey
from system.certificates import ENDS_SOON, Lifetime
from system.files import user_name
from system.findings import Check, Diagnosis, Misconfiguration, Severity
from system.kernel_clock import is_synchronised
from system.process_status import status_field
from system.read_only import open_as_it_is
from system.schema_version import is_usable
from system.swap import SWAPS, disks_of_swap
from system.systemd import has_unit, show

DISK_FREE_MIN_MB = 300
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_BYTES_A_MB = 1_000_000

DIRECTORY_OPEN = Misconfiguration(
    "directory_open",
    Severity.ERROR,
    "{path} is open to other users (mode {mode}).",
    "chmod 700 {path}",
)
DIRECTORY_UNCLEAR = Misconfiguration(
    "directory_unclear",
    Severity.ERROR,
    "The files of {path} cannot be looked at: {why}",
    "ls -la {path}",
)
FILE_OPEN = Misconfiguration(
    "file_open",
    Severity.ERROR,
    "{path} is secret, and open to other users (mode {mode}); close it, and think of who may have "
    "read it.",
    "chmod 600 {path}",
)
FILE_OF_ANOTHER = Misconfiguration(
    "file_of_another",
    Severity.ERROR,
    "{path} is {other}'s, in a directory of {owner}'s, whose program can then not use it.",
    "sudo chown {owner} {path}",
)
DISK_FULL = Misconfiguration(
    "disk_full",
    Severity.ERROR,
    "The disk of {path} has {free_mb} MB left; without room, nothing more is kept.",
    "sudo journalctl --vacuum-size=50M",
)
SWAP_ON = Misconfiguration(
    "swap_on",
    Severity.WARNING,
    "Memory may be written to {disks}, and with it keys and readings, since this program may not lock "
    "its own.",
    "sudo swapoff --all",
)
CLOCK_UNSYNCHRONISED = Misconfiguration(
    "clock_unsynchronised",
    Severity.WARNING,
    "Nothing keeps this machine's clock right.",
    "sudo timedatectl set-ntp true",
)
UNIT_OFF = Misconfiguration(
    "unit_off",
    Severity.ERROR,
    "{unit} is installed, and does not start with the machine.",
    "sudo systemctl enable --now {unit}",
)
UNIT_FAILED = Misconfiguration(
    "unit_failed",
    Severity.ERROR,
    "{unit} does not run; its journal says why.",
    "sudo systemctl restart {unit}",
)
UNITS_CHANGED = Misconfiguration(
    "units_changed",
    Severity.WARNING,
    "{unit} has changed on the disk, and systemd goes by what it was before.",
    "sudo systemctl daemon-reload",
)
OF_ANY_PARTY = (
    DIRECTORY_OPEN,
    DIRECTORY_UNCLEAR,
    FILE_OPEN,
    FILE_OF_ANOTHER,
    DISK_FULL,
    SWAP_ON,
    CLOCK_UNSYNCHRONISED,
    UNIT_OFF,
    UNIT_FAILED,
    UNITS_CHANGED,
)


def look_at_files(
    party: Party, directory: Path, is_passed: Callable[[str], bool] = lambda _: False
) -> Iterator[Diagnosis]:
    """Look at modes and owners of a directory's files, but those that are passed over by name."""
    try:
        yield from _directory(directory)
        names = survey(party, directory)
    except (ConfigError, OSError) as exc:
        yield DIRECTORY_UNCLEAR.found(path=directory, why=exc)
        return
    owner = directory.stat().st_uid
    for name in (*names.kept, *names.databases, *names.left_out):
        listed, path = party.listed(name), party.locate(directory, name)
        try:
            status = path.lstat()
        except OSError:  # gone meanwhile
            continue
        if is_passed(name) or path.parent not in (directory / name).parents:
            continue
        if listed and listed.private and stat.S_ISREG(status.st_mode) and status.st_mode & _OTHERS:
            yield FILE_OPEN.found(path=path, mode=f"{status.st_mode & 0o777:04o}")
        if status.st_uid != owner:
            yield FILE_OF_ANOTHER.found(
                path=path, other=user_name(status.st_uid), owner=user_name(owner).lstrip("#")
            )


def once_closed(look: Check) -> Callable[[Check], Check]:
    """Run a check that reads secrets once none of the files at which `look` looks is open to others."""

    def decorated(check: Check) -> Check:
        @functools.wraps(check)
        def checked(directory: Path) -> Iterator[Diagnosis]:
            if not any(each.name == FILE_OPEN.name for each in look(directory)):
                yield from check(directory)

        return checked

    return decorated


def look_at_database(
    path: Path, known: int, unusable: Misconfiguration, **values: object
) -> Iterator[Diagnosis]:
    """Look whether a database can be read by a program that knows schema `known`."""
    try:
        with closing(open_as_it_is(path)) as database:
            version: int = database.execute("PRAGMA user_version").fetchone()[0]
    except sqlite3.Error as exc:
        yield unusable.found(why=f"{path} cannot be read: {exc}.", **values)
        return
    if not is_usable(version, known):
        why = f"{path} is of version {version}, this program knows {known}."
        yield unusable.found(why=why, **values)


def _directory(directory: Path) -> Iterator[Diagnosis]:
    mode = directory.stat().st_mode
    if mode & _OTHERS:
        yield DIRECTORY_OPEN.found(path=directory, mode=f"{mode & 0o777:04o}")


def look_at_machine(directory: Path) -> Iterator[Diagnosis]:
    """Look at disk, swap and clock."""
    free_mb = shutil.disk_usage(directory).free // _BYTES_A_MB
    if free_mb < DISK_FREE_MIN_MB:
        yield DISK_FULL.found(path=directory, free_mb=free_mb)
    if not is_synchronised():
        yield CLOCK_UNSYNCHRONISED.found()


def look_at_swap() -> Iterator[Diagnosis]:
    """Look whether memory may be swapped; a unit of ours keeps its own from that."""
    disks = disks_of_swap(SWAPS.read_text("utf-8", "replace"))
    if disks and not int(status_field("VmLck")):
        yield SWAP_ON.found(disks=", ".join(disks))


def look_at_units(units: Iterable[str], *, instance: str = "") -> Iterator[Diagnosis]:
    """Look at those of the units that are installed; `instance` is what stands for a template's @."""
    for name in units:
        if not has_unit(name):
            continue
        unit = name.replace("@.", f"@{instance}.")
        shown = show(unit, "UnitFileState", "ActiveState", "NeedDaemonReload", "Result")
        if shown["NeedDaemonReload"] == "yes":
            yield UNITS_CHANGED.found(unit=unit)
        if shown["UnitFileState"] == "disabled":
            yield UNIT_OFF.found(unit=unit)
        elif shown["ActiveState"] in {"failed", "inactive"}:
            yield UNIT_FAILED.found(unit=unit)


def look_at_ends(
    lifetimes: Iterable[Lifetime],
    now: datetime,
    ended: Misconfiguration,
    ends: Misconfiguration,
    **values: object,
) -> Iterator[Diagnosis]:
    """Look whether certificates have ended, or a sixth of their time is left."""
    for lifetime in lifetimes:
        kind = ended if lifetime.not_after <= now else ends
        if lifetime.is_within(ENDS_SOON, now):
            end = f"{lifetime.not_after:%Y-%m-%d}"
            yield kind.found(certificate=lifetime.name, end=end, **values)
