"""When the household last took its bundle along, as `volet edge export` notes it."""

from contextlib import suppress
from datetime import datetime
from pathlib import Path

import msgspec

from protocol.calendar import Instant
from protocol.errors import ConfigError
from system.watched import OrderFile


class Exported(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The last bundle; `has_vault`: with the readings and the ledger, not the keys alone."""

    at: Instant
    has_vault: bool


NOTE = OrderFile("exported.json", Exported, "export again.")


def note_export(directory: Path, at: datetime, *, has_vault: bool) -> None:
    """Note an export of the chip in `directory`; the bundle counts, also where no note can be left."""
    with suppress(ConfigError, OSError):
        NOTE.leave(directory, Exported(at, has_vault))


def last_export(directory: Path) -> Exported | None:
    """Return the last export, None if there is none, or no note that can be read."""
    with suppress(ConfigError, OSError):
        return NOTE.read(directory)
    return None
