"""What has come that the household has not looked at yet: bills and letters."""

from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from edge.vault.reader import VaultReader
from protocol.calendar import Instant
from protocol.errors import ConfigError
from system.watched import OrderFile

# What nobody has looked at for so long, nobody waits for.
NEWS_FOR = timedelta(days=7)


class Seen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When the household last looked."""

    at: Instant


SEEN = OrderFile("seen.json", Seen, "look at the bills again.")


def has_news(vault: VaultReader, directory: Path, now: datetime) -> bool:
    """Return whether a bill or letter came within a week, and nobody has looked since."""
    latest = vault.latest_arrival()
    return latest is not None and latest > now - NEWS_FOR and not _has_looked(directory, latest)


def look(directory: Path, now: datetime) -> None:
    """Note that the household has looked at what has come."""
    SEEN.leave(directory, Seen(now))


def _has_looked(directory: Path, since: datetime) -> bool:
    try:
        seen = SEEN.read(directory)
    except ConfigError:  # damaged: a light more is no harm
        return False
    return seen is not None and seen.at >= since
