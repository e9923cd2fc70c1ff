"""What has come that the household has not looked at yet: bills, letters, a release taken back."""

from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

import msgspec

from edge.status.software import read_software
from edge.vault.reader import VaultReader
from protocol.calendar import Instant
from protocol.errors import ConfigError
from system.watched import OrderFile

# What nobody has looked at for so long, nobody waits for.
NEWS_FOR = timedelta(days=7)


class News(StrEnum):
    """What comes."""

    BILL = "bill"
    LETTER = "letter"
    RELEASE = "release"


class Seen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When the household last looked at each."""

    at: dict[News, Instant]


SEEN = OrderFile("seen.json", Seen, "look at the bills again.")


def news(vault: VaultReader, directory: Path, now: datetime) -> set[News]:
    """Return of what something has come within a week that nobody has looked at since."""
    software = read_software()
    taken_back = None if software is None else software.taken_back
    latest = {
        News.BILL: vault.latest_bill_at(),
        News.LETTER: vault.latest_letter_at(),
        News.RELEASE: None if taken_back is None else taken_back.at,
    }
    seen = _seen(directory)
    return {
        kind
        for kind, at in latest.items()
        if at is not None and at > now - NEWS_FOR and not (kind in seen and seen[kind] >= at)
    }


def look(vault: VaultReader, directory: Path, now: datetime, *kinds: News) -> None:
    """Note that the household has looked at what has come of these kinds; writes if it is new."""
    if news(vault, directory, now) & {*kinds}:
        SEEN.leave(directory, Seen(_seen(directory) | dict.fromkeys(kinds, now)))


def _seen(directory: Path) -> dict[News, datetime]:
    try:
        seen = SEEN.read(directory)
    except ConfigError:  # damaged: a light more is no harm
        return {}
    return {} if seen is None else seen.at
