"""The declared files of a party's directory, from which backup, restore and the docs are made."""

import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path

from protocol.errors import ConfigError
from system.backup.words import ENGLISH, Words

STAGING = ".backup-"
RESTORING = ".restoring-"
TRYING = ".trying-"
CHECKING = "volet-checking-"


class Fate(StrEnum):
    """What a backup does with a file."""

    KEPT = "kept"
    DATABASE = "database"
    LEFT_OUT = "left_out"


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file of the directory, or several of one kind.

    Attributes:
        pattern: its name, with `*` for any part of a name and `/**` for everything below a folder.
        origin: who writes it, and why; Markdown.
        fate: what a backup does with it.
        private: empty, or "yes" and the reason; then its mode is 0600.
        why: why it is left out.
    """

    pattern: str
    origin: str
    fate: Fate = Fate.KEPT
    private: str = ""
    why: str = ""

    def holds(self, name: str) -> bool:
        """Return whether a file's name, relative to the directory, matches the pattern."""
        wanted, actual = self.pattern.split("/"), name.split("/")
        if wanted[-1] == "**" and len(actual) >= len(wanted):
            wanted, actual = wanted[:-1], actual[: len(wanted) - 1]
        return len(wanted) == len(actual) and all(map(fnmatchcase, actual, wanted))


# Files left by interrupted writes, backups and rehearsals (system/files.py).
CUT_SHORT = tuple(
    ListedFile(pattern, "a write that was cut short", Fate.LEFT_OUT, why="nothing reads it")
    for pattern in (
        f".*.{'[0-9a-f]' * 16}",
        f"*/.*.{'[0-9a-f]' * 16}",
        f"*/*/.*.{'[0-9a-f]' * 16}",
        f"{STAGING}*/**",
        f"{RESTORING}*/**",
        f"{TRYING}*/**",
    )
)


def beside_database(name: str) -> ListedFile:
    """Return the files that SQLite keeps beside a database."""
    return ListedFile(
        f"{name}-*",
        "SQLite, while the database is open",
        Fate.LEFT_OUT,
        "yes",
        f"what it holds is in the copy of `{name}`",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """The owner of a directory.

    Attributes:
        name: the name of its group of commands, "cloud roster"; part of the backup's header.
        title: a name for people, such as "a chip".
        whose: the possessive of the title, for its directory: "The chip's".
        directory: the default directory.
        files: all files that may be there.
        last: the file that marks the directory as complete; it is restored last.
        check: reads the directory and returns whose it is; raises VoletError.
        next_step: returns what to do after a restore, with `{directory}` for the path.
        words: returns the messages of the commands, in the user's language.
        locate: returns where a file is read from, if not from its place in the directory.
        option: the name of the commands' option for the directory.
        needed: databases without which a backup is refused, unless it is of keys only.
        settle: called with the restored folder and the directory that it completes, before the files
            are moved there; without such a directory, twice with the folder. Returns sentences, with
            `{directory}` for the directory's path, or "".
        note: returns a sentence to show after a backup with databases, or "".
    """

    name: str
    title: str
    whose: str
    directory: Path
    files: tuple[ListedFile, ...]
    last: str
    check: Callable[[Path], str]
    next_step: Callable[[], str]
    words: Callable[[], Words] = lambda: ENGLISH
    option: str = "dir"
    needed: tuple[str, ...] = ()
    locate: Callable[[Path, str], Path] = lambda directory, name: directory / name
    settle: Callable[[Path, Path], str] = lambda _restored, _directory: ""
    note: Callable[[Path], str] = lambda _: ""

    @property
    def file_name(self) -> str:
        """The beginning of its backups' file names, before the time."""
        return f"volet-{self.name.replace(' ', '-')}"

    def listed(self, name: str) -> ListedFile | None:
        """Return a file's entry in the list, None if there is none."""
        if not name.isprintable():  # neither fit for a backup nor for a terminal
            return None
        return next((listed for listed in (*self.files, *CUT_SHORT) if listed.holds(name)), None)


@dataclass(frozen=True, slots=True)
class Survey:
    """The contents of a directory, by names relative to it; `unknown` files are in no list."""

    kept: tuple[str, ...]
    databases: tuple[str, ...]
    left_out: tuple[str, ...]
    unknown: tuple[str, ...]


def survey(party: Party, directory: Path) -> Survey:
    """Sort the files of a directory by what a backup does with them.

    Raises:
        ConfigError: it cannot be read, or contains something else in place of a file.
    """
    by_fate: dict[Fate | None, list[str]] = {fate: [] for fate in (*Fate, None)}
    for name in sorted({*_names(directory), *_elsewhere(party, directory)}):
        listed = party.listed(name)
        if listed and listed.fate is not Fate.LEFT_OUT:
            _check_regular(party.locate(directory, name))
        by_fate[listed.fate if listed else None].append(name)
    return Survey(
        tuple(by_fate[Fate.KEPT]),
        tuple(by_fate[Fate.DATABASE]),
        tuple(by_fate[Fate.LEFT_OUT]),
        tuple(map(printable, by_fate[None])),
    )


def printable(name: str) -> str:
    """Return a name that is safe to show, since a file's creator may have chosen any characters."""
    return name if name.isprintable() else ascii(name)


def _check_regular(path: Path) -> None:
    try:
        is_regular = stat.S_ISREG(path.stat().st_mode)  # a link to a file is as good as the file
    except FileNotFoundError:
        is_regular = not path.is_symlink()  # gone meanwhile
    except OSError as exc:
        raise ConfigError(f"{path} cannot be read: {exc.strerror}.") from exc
    if not is_regular:
        raise ConfigError(f"{path} is no regular file; move it aside.")


def _elsewhere(party: Party, directory: Path) -> Iterator[str]:
    """Yield the names of files that are kept elsewhere, by systemd for example."""
    for listed in party.files:
        place = party.locate(directory, listed.pattern)
        if place != directory / listed.pattern and place.exists():
            yield listed.pattern


def _names(directory: Path, prefix: str = "") -> Iterator[str]:
    try:
        paths = sorted((directory / prefix).iterdir())
    except OSError as exc:
        raise ConfigError(f"{directory / prefix} cannot be read: {exc.strerror}.") from exc
    for path in paths:
        name = f"{prefix}{path.name}"
        mode = path.lstat().st_mode
        if stat.S_ISDIR(mode):
            yield from _names(directory, f"{name}/")
        else:
            yield name
