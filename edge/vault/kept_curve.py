"""For how long a chip keeps its household's quarter-hours, as the household chooses."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import msgspec

from protocol.errors import ConfigError
from protocol.json_text import read_json
from system.files import read_secret, write_secret
from system.watched import WatchedFile

FILE_NAME = "curve.json"
LENGTHS_MONTHS = tuple(range(1, 13))
# A bill of two months may be requested a month later, and its curve is counted again here.
MONTHS_DEFAULT = 3
_MONTH_DAYS, _MARGIN_DAYS = 31, 7


class KeptCurve(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The household's choice.

    Attributes:
        months: how many months of quarter-hours are kept, in the clear.
    """

    months: Annotated[int, msgspec.Meta(ge=LENGTHS_MONTHS[0], le=LENGTHS_MONTHS[-1])] = (
        MONTHS_DEFAULT
    )

    @property
    def span(self) -> timedelta:
        """How many days before the last closed one have their quarter-hours: months and a week."""
        return timedelta(days=_MONTH_DAYS * self.months + _MARGIN_DAYS)


# What is deleted by mistake is gone.
UNREADABLE = KeptCurve(LENGTHS_MONTHS[-1])


def watched_kept_curve(directory: Path) -> WatchedFile[KeptCurve]:
    """Return the choice that the chip in `directory` watches; an unreadable one deletes least."""
    return WatchedFile(directory / FILE_NAME, _read, absent=KeptCurve(), unreadable=UNREADABLE)


def load_kept_curve(directory: Path) -> KeptCurve:
    """Read the choice; without a file, the default.

    Raises:
        ConfigError: the file is damaged, or others may read it.
    """
    path = directory / FILE_NAME
    return _read(path) if path.exists() else KeptCurve()


def save_kept_curve(directory: Path, kept: KeptCurve) -> None:
    """Store the choice, mode 0600."""
    write_secret(directory / FILE_NAME, msgspec.json.format(msgspec.json.encode(kept)))


def _read(path: Path) -> KeptCurve:
    try:
        return read_json(read_secret(path, "choose again."), KeptCurve)
    except msgspec.MsgspecError as exc:
        raise ConfigError(f"{path} is damaged: {exc}; delete it and choose again.") from exc
