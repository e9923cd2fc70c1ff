"""What a party's directory holds: one list, from which backup, restore and the docs are made."""

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


class Fate(StrEnum):
    """What a backup does with a file."""

    KEPT = "kept"
    DATABASE = "database"
    LEFT_OUT = "left_out"


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file of the directory, or some of a kind.

    Attributes:
        pattern: its name there, with `*` for any part of a name and `/**` for all below a folder.
        origin: who writes it, and what for; Markdown.
        fate: what a backup does with it.
        private: empty, or "yes" and why: then its mode is 0600.
        why: why it is left out.
    """

    pattern: str
    origin: str
    fate: Fate = Fate.KEPT
    private: str = ""
    why: str = ""

    def holds(self, name: str) -> bool:
        """Say whether a file's name, relative to the directory, is of this kind."""
        wanted, found = self.pattern.split("/"), name.split("/")
        if wanted[-1] == "**" and len(found) >= len(wanted):
            wanted, found = wanted[:-1], found[: len(wanted) - 1]
        return len(wanted) == len(found) and all(map(fnmatchcase, found, wanted))


# What writes and backups that were cut short leave beside files (system/files.py).
CUT_SHORT = tuple(
    ListedFile(pattern, "a write that was cut short", Fate.LEFT_OUT, why="nothing reads it")
    for pattern in (
        f".*.{'[0-9a-f]' * 16}",
        f"*/.*.{'[0-9a-f]' * 16}",
        f"*/*/.*.{'[0-9a-f]' * 16}",
        f"{STAGING}*/**",
        f"{RESTORING}*/**",
    )
)


def beside_database(name: str) -> ListedFile:
    """Return what SQLite keeps beside a database."""
    return ListedFile(
        f"{name}-*",
        "SQLite, while the database is open",
        Fate.LEFT_OUT,
        "yes",
        f"what it holds is in the copy of `{name}`",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Who has a directory.

    Attributes:
        name: of its group of commands, "cloud roster"; stands in the backup's header.
        title: what people call it, such as "a chip".
        whose: the same, of its directory: "The chip's".
        directory: where it lies by default.
        files: all that may be there.
        last: the file that says that the directory is complete; it is put back last.
        check: reads what the directory holds, and says who it is; raises VoletError.
        next_step: gives what comes after a restore; `{directory}` stands for where.
        words: gives what the commands say, in whose language it is.
        locate: where a file is read from, if not from its place in the directory.
        option: what the commands call the directory.
        needed: databases without which a backup is refused, unless it is of keys alone.
        settle: done with what was restored, before it is in place in a directory; gives a sentence
            or nothing.
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

    @property
    def file_name(self) -> str:
        """What its backups are called, before their time."""
        return f"volet-{self.name.replace(' ', '-')}"

    def listed(self, name: str) -> ListedFile | None:
        """Return what a file is, None for one that the list does not know."""
        if not name.isprintable():  # not to be written into a backup, nor to a terminal
            return None
        return next((each for each in (*self.files, *CUT_SHORT) if each.holds(name)), None)


@dataclass(frozen=True, slots=True)
class Survey:
    """What a directory holds, by names relative to it; `unknown` is in no list."""

    kept: tuple[str, ...]
    databases: tuple[str, ...]
    left_out: tuple[str, ...]
    unknown: tuple[str, ...]


def survey(party: Party, directory: Path) -> Survey:
    """Sort the files of a directory by what a backup does with them.

    Raises:
        ConfigError: it cannot be read, or holds something else where a file is expected.
    """
    found: dict[Fate | None, list[str]] = {fate: [] for fate in (*Fate, None)}
    for name in sorted({*_names(directory), *_elsewhere(party, directory)}):
        listed = party.listed(name)
        if listed and listed.fate is not Fate.LEFT_OUT:
            _check_regular(party.locate(directory, name))
        found[listed.fate if listed else None].append(name)
    return Survey(
        tuple(found[Fate.KEPT]),
        tuple(found[Fate.DATABASE]),
        tuple(found[Fate.LEFT_OUT]),
        tuple(map(printable, found[None])),
    )


def printable(name: str) -> str:
    """Return a name as it can be shown: whoever made the file may have put anything into it."""
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
    """Name what systemd, say, keeps elsewhere."""
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
