"""Takes the software off a machine: units, programs, what the installer and the board's set-up changed.

The chip's directory stays, or is destroyed. What the installer has changed beside its own files it
has noted in `installed`, a line each: `group dialout pi`, `user volet-page`, `package
libpango-1.0-0`.
"""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click
from click.core import ParameterSource

from edge.stage import CONFIG_NAME
from edge.tic.board.applying import BACKUP_SUFFIX, take_back
from protocol.errors import ConfigError, VoletError
from system.files import destroy
from volet.software.options import chip_option, root_option
from volet.software.places import Places

WORD = "erase"
UNITS = "etc/systemd/system"
_PROGRAM = "usr/local/bin/volet"
# Keys of the household that systemd gives the chip: docs/how-to/keys-at-boot.md
_CREDENTIALS = "etc/volet/*.cred"
# Where the units that fetch releases keep them, and when the timer ran last.
FETCHED = Path("/var/cache/volet-update")
_FETCHED = ("var/cache/volet-update", "var/cache/private/volet-update")
_STAMP = "var/lib/systemd/timers/stamp-volet-update.timer"
# Certificate and visitors of the household's page, as its unit has them (edge/stage.py).
_PAGE = "var/lib/volet-page"
# What a chip's directory has before its keys are drawn.
_SET_UP = {CONFIG_NAME, CONFIG_NAME + BACKUP_SUFFIX, "household.sock", "vault.db.lock"}

Run = Callable[..., str]


@dataclass(frozen=True, slots=True)
class Removed:
    """What a removal has left, for a person to look at.

    Attributes:
        board: files of the board that somebody changed since the set-up; they stay as they are.
        packages: packages of the system that the installer brought.
    """

    board: tuple[Path, ...]
    packages: tuple[str, ...]


class Removal:
    """Removes one machine's software.

    Args:
        places: where releases lie.
        directory: the chip's.
        machine: the root of the system.
        run: runs a program and returns what it prints.
    """

    def __init__(
        self, places: Places, directory: Path, machine: Path = Path("/"), run: Run | None = None
    ) -> None:
        self._places = places
        self._directory = directory
        self._machine = machine
        self._run = run or run_program

    def remove(self, *, is_erased: bool) -> Removed:
        """Remove everything; an interrupted removal goes on with the next call.

        Raises:
            ConfigError: a release is on trial, the chip still runs outside of its unit, or there is
                something else where the releases are said to lie.
        """
        self._places.check_is_nothing_else()
        if self._places.trial() is not None:
            raise ConfigError("A release is on trial; `volet software status` shows it.")
        units = self._machine / UNITS
        ours = [link for link in sorted(units.glob("*")) if self._is_ours(link)]
        instances = [name for link in ours for name in self._instances(link.name)]
        if instances:
            # Before the files go: a timer that has lost its unit counts as failed.
            self._run("systemctl", "stop", *instances)
            self._run("systemctl", "disable", *instances)
        if is_erased:
            self._erase()
        _destroy(self._machine / _PAGE)
        for link in ours:
            for folder in _dropins(units, link.name):
                shutil.rmtree(folder)
            link.unlink(missing_ok=True)  # `disable` has removed those that it knows
        if ours:
            self._run("systemctl", "daemon-reload")
            self._run("systemctl", "reset-failed")
        forget_fetched(self._machine)
        _, left = take_back(self._machine)
        packages = self._undo_installer()
        if self._is_ours(self._machine / _PROGRAM):
            (self._machine / _PROGRAM).unlink()
        shutil.rmtree(self._places.root)  # the last, since this program lies in it
        return Removed(left, packages)

    def _is_ours(self, link: Path) -> bool:
        return link.is_symlink() and link.readlink().is_relative_to(self._places.root)

    def _instances(self, name: str) -> Iterator[str]:
        """Yield the units of a file: itself, or those that are enabled or run of a template."""
        stem, at, kind = name.partition("@")
        if not at:
            yield name
            return
        enabled = {path.name for path in (self._machine / UNITS).glob(f"*.wants/{stem}@?*{kind}")}
        listed = self._run(
            "systemctl", "list-units", "--all", "--plain", "--no-legend", f"{stem}@*{kind}"
        )
        yield from sorted(enabled | {line.split()[0] for line in listed.splitlines() if line})

    def _erase(self) -> None:
        # Only here, since the first release is installed without the packages that this needs.
        from edge.vault.lock import hold_vault  # noqa: PLC0415

        if self._directory.is_dir():
            with hold_vault(self._directory):
                _destroy_files(self._directory)
            shutil.rmtree(self._directory)
        for credential in sorted(self._machine.glob(_CREDENTIALS)):
            destroy(credential)
            if not any(credential.parent.iterdir()):
                credential.parent.rmdir()

    def _undo_installer(self) -> tuple[str, ...]:
        """Take back what the installer has noted; return the packages, which stay."""
        note = self._places.root / "installed"
        packages = []
        for line in note.read_text("utf-8").splitlines() if note.exists() else []:
            match line.split():
                case ["group", group, user]:
                    self._run("gpasswd", "--delete", user, group)
                case ["user", user]:
                    self._run("userdel", user)
                case ["package", package]:
                    packages.append(package)
        return tuple(packages)


def _is_unused(directory: Path) -> bool:
    """Return whether a directory that nobody has named is that of a chip without keys."""
    source = click.get_current_context().get_parameter_source("directory")
    if source is ParameterSource.COMMANDLINE:
        return False
    return not directory.exists() or {path.name for path in directory.iterdir()} <= _SET_UP


def _destroy(directory: Path) -> None:
    """Destroy a directory with all files in it, if it is there."""
    if directory.is_dir() and not directory.is_symlink():
        _destroy_files(directory)
        shutil.rmtree(directory)


def _destroy_files(directory: Path) -> None:
    for path in sorted(directory.rglob("*")):
        if path.is_file() and not path.is_symlink():
            destroy(path)


def forget_fetched(machine: Path) -> None:
    """Remove what was fetched of releases by the units for that, which do not run."""
    for name in _FETCHED:
        path = machine / name
        if path.is_symlink():
            path.unlink()
        elif path.exists():
            shutil.rmtree(path)
    (machine / _STAMP).unlink(missing_ok=True)


def run_program(*command: str) -> str:
    """Run a program; return what it prints, whether it fails or not."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout


def _dropins(units: Path, name: str) -> Iterator[Path]:
    stem, at, kind = name.partition("@")
    pattern = f"{stem}@*{kind}.d" if at else f"{name}.d"
    yield from sorted(units.glob(pattern))


@click.command()
@click.option("--keep", "is_kept", is_flag=True, help="Keep the chip's directory, without asking.")
@click.option("--erase", "word", help=f"Destroy it without asking; the value is `{WORD}`.")
@root_option
@chip_option
def remove(root: Path, directory: Path, word: str | None, *, is_kept: bool) -> None:
    """Take Volet off this machine: units, programs, and the changes of its set-up.

    Asks whether the chip's directory is kept or destroyed, with the household's keys, readings and
    contracts.
    """
    if is_kept and word is not None:
        raise click.UsageError("Give either --keep or --erase, not both.")
    Places(root).check_is_ours()
    holds_chip = (directory / "keys").is_dir()
    is_unused = not holds_chip and _is_unused(directory)
    if not is_kept and not holds_chip and not is_unused and (word is None or directory.exists()):
        raise ConfigError(
            f"{directory} holds no chip; name the chip's directory with --dir, or leave every "
            "directory alone with --keep."
        )
    if not is_kept and not is_unused and word is None:
        click.echo(
            f"{directory} holds the household's keys, readings and contracts. To go on elsewhere, "
            "end this with Ctrl-C and write a bundle first: `volet edge export --out FILE`."
        )
        word = click.prompt(
            f"Type `{WORD}` to destroy it, or press Enter to keep it", "", show_default=False
        )
    if word and word != WORD:
        raise VoletError(f"The word is `{WORD}`; nothing was changed.")
    is_erased = word == WORD and not is_unused
    removed = Removal(Places(root), directory).remove(is_erased=is_erased)
    if is_unused and not is_kept:
        shutil.rmtree(directory, ignore_errors=True)
    click.echo(f"Volet is removed{f'; {directory} is kept' if directory.exists() else ''}.")
    for path in removed.board:
        click.echo(f"{path} was changed since Volet set it up, and stays as it is.")
    if removed.packages:
        click.echo(
            f"Packages that were installed for it: {' '.join(removed.packages)}; "
            "`sudo apt-get purge` and their names take them away."
        )
