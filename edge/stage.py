"""How far the setup of a chip's directory has come, and the household's next step."""

import os
from collections.abc import Callable
from enum import Enum, auto
from pathlib import Path

from system.shell import quoted
from system.systemd import has_unit

DEFAULT_DIRECTORY = Path("/var/lib/volet")
# The folder of a page that is started by hand, in the chip's directory.
PAGE_DIRECTORY = "page"
# Of the page that a unit starts, and where the chip's unit opens the door: packaging/units.
PAGE_HOME, DOOR_DIRECTORY = Path("/var/lib/volet-page"), Path("/run/volet-edge")
HOUSEHOLD_KEY = "household.key"
CONFIG_NAME = "edge.toml"
REQUEST, ENROLMENT = "request.json", "enrolment.json"
CREDENTIALS = "CREDENTIALS_DIRECTORY"
# In packaging/units.
_CHIP_UNIT, _PAGE_UNIT = "volet-edge@.service", "volet-edge-page.socket"
_START = 'sudo systemctl enable --now "volet-edge@$USER"'
# Exists while an import is under way; see edge/moving/transfer.py.
IMPORTING = "vault.db.importing"


class Stage(Enum):
    """The last setup step that a directory has completed."""

    EMPTY = auto()
    KEYS_DRAWN = auto()
    REQUESTED = auto()
    ENROLLED = auto()


_NEXT: dict[Stage, Callable[[Path], str]] = {
    # If another directory was meant, new keys would make a second chip.
    Stage.EMPTY: lambda path: (
        "there is no chip in this directory: is it the right one (`--dir`)? For a new chip, draw its "
        f"keys with `volet edge init --dir {quoted(path)}`."
    ),
    Stage.KEYS_DRAWN: lambda path: (
        "enrol this chip first, on its page while its program runs, or with "
        f"`volet edge request --dir {quoted(path)}`."
        if (page := page_step(path)) is None
        else f"enrol this chip first: {page}"
    ),
    Stage.REQUESTED: lambda path: (
        f"hand {path / REQUEST} to the collectivity, then install its answer with "
        f"`volet edge enrol --dir {quoted(path)} ENROLMENT.json`."
    ),
    Stage.ENROLLED: lambda path: f"start the chip with `{start_command(path)}`.",
}


def stage(directory: Path) -> Stage:
    """Return how far the setup of the chip in `directory` has come."""
    if (directory / ENROLMENT).exists():
        return Stage.ENROLLED
    if not key_path(directory, HOUSEHOLD_KEY).exists():
        return Stage.EMPTY
    return Stage.REQUESTED if (directory / REQUEST).exists() else Stage.KEYS_DRAWN


def next_step(directory: Path) -> str:
    """Return the household's next step with the chip in `directory`, as a sentence."""
    return _NEXT[stage(directory)](directory)


def start_command(directory: Path) -> str:
    """Return what is typed to start the chip in `directory`: its unit, or the program alone."""
    if directory == DEFAULT_DIRECTORY and has_unit(_CHIP_UNIT):
        return _START
    return f"volet edge run --dir {quoted(directory)}"


def page_step(directory: Path) -> str | None:
    """Return how a new chip gets to its page, as a sentence; None where no unit serves a page."""
    if directory != DEFAULT_DIRECTORY or not has_unit(_PAGE_UNIT):
        return None
    return (
        f"start it and its page with `{_START} {_PAGE_UNIT}`, then type `volet edge page --pair`; the "
        "page leads through the rest."
    )


def key_path(directory: Path, name: str) -> Path:
    """Return the path of the key `name`: in systemd's credentials if it is there, else in keys/."""
    credentials = os.environ.get(CREDENTIALS)
    if credentials and (path := Path(credentials) / name).exists():
        return path
    return directory / "keys" / name
