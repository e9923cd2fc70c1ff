"""How far the setup of a chip's directory has come, and the household's next step."""

import os
from collections.abc import Callable
from enum import Enum, auto
from pathlib import Path

from system.shell import quoted

DEFAULT_DIRECTORY = Path("/var/lib/volet")
# The folder of a page that is started by hand, in the chip's directory.
PAGE_DIRECTORY = "page"
# Of the page that a unit starts, and where the chip's unit opens the door: packaging/units.
PAGE_HOME, DOOR_DIRECTORY = Path("/var/lib/volet-page"), Path("/run/volet-edge")
HOUSEHOLD_KEY = "household.key"
CONFIG_NAME = "edge.toml"
REQUEST, ENROLMENT = "request.json", "enrolment.json"
CREDENTIALS = "CREDENTIALS_DIRECTORY"
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
    ),
    Stage.REQUESTED: lambda path: (
        f"hand {path / REQUEST} to the collectivity, then install its answer with "
        f"`volet edge enrol --dir {quoted(path)} ENROLMENT.json`."
    ),
    Stage.ENROLLED: lambda path: f"start the chip with `volet edge run --dir {quoted(path)}`.",
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


def key_path(directory: Path, name: str) -> Path:
    """Return the path of the key `name`: in systemd's credentials if it is there, else in keys/."""
    credentials = os.environ.get(CREDENTIALS)
    if credentials and (path := Path(credentials) / name).exists():
        return path
    return directory / "keys" / name
