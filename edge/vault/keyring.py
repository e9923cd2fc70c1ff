"""The household's keys of each year, each in a file of its own in the chip's `keys/`.

They are drawn when the first value of a year is encrypted, and destroyed when the last block of
that year has left the cloud (protocol/year_keys.py). A year may have several: a chip that was
restored from a copy without them continues under new ones, and the others may come back with a
later copy.
"""

import re
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import structlog

from protocol.errors import CipherError, ConfigError
from protocol.keys import HouseholdSecret
from protocol.messages import Epoch
from protocol.year_keys import YearKeys, last_year_without_keys
from system.files import destroy, draw_secret, make_private_dir, read_secret

PATTERN = "year-*.key"
# An interrupted write leaves `.NAME.xxxx` beside the file (system/files.py).
LEFT_BEHIND = ".year-*.key.*"

_NAME = re.compile(r"year-(\d{4})-[0-9a-f]{16}\.key")

log = structlog.get_logger()


class Keyring:
    """One household's keys of its years; without a `folder` they are in memory only."""

    def __init__(
        self, household: HouseholdSecret, keys: Iterable[YearKeys] = (), folder: Path | None = None
    ) -> None:
        """Use `keys` of `household`; those drawn or destroyed later change `folder` too."""
        self._household = household
        self.folder = folder
        self._keys = {each.id: each for each in keys}

    @classmethod
    def read(cls, household: HouseholdSecret, folder: Path) -> "Keyring":
        """Read the keys in `folder`.

        Raises:
            ConfigError: a file is damaged, another household's, or open to others.
        """
        return cls(household, (_read(path, household) for path in files_in(folder)), folder)

    def of_year(self, year: int) -> YearKeys:
        """Return the keys that encrypt the days of `year`; they are drawn if there are none.

        New keys are on the disk before this returns.

        Raises:
            ConfigError: they cannot be written.
        """
        known = [each for each in self._keys.values() if each.year == year]
        if known:
            return min(known, key=lambda each: each.id)
        drawn = YearKeys.generate(year)
        if self.folder is not None:
            make_private_dir(self.folder)
            draw_secret(self.folder / file_name(drawn), drawn.to_bytes(self._household))
            log.info("year_keys_drawn", year=year)
        self._keys[drawn.id] = drawn
        return drawn

    @property
    def years(self) -> set[int]:
        """The years whose keys are here."""
        return {each.year for each in self._keys.values()}

    def with_id(self, name: bytes) -> YearKeys | None:
        """Return the keys with that id, None if this chip has them no more or never had them."""
        return next((each for each in self._keys.values() if each.id == name), None)

    def maker_of(self, header: Epoch) -> YearKeys | None:
        """Return the keys that an epoch was made with, None if they are not here."""
        return next((each for each in self._keys.values() if each.made(header)), None)

    def destroy_through(self, year: int) -> None:
        """Destroy the keys of `year` and of all years before it.

        Raises:
            ConfigError: a file cannot be destroyed; the keys are not used any more.
        """
        expired = [each for each in self._keys.values() if each.year <= year]
        for each in expired:
            del self._keys[each.id]
        for each in expired:
            if self.folder is not None:
                for left in self.folder.glob(f".{file_name(each)}.*"):
                    destroy(left)
                destroy(self.folder / file_name(each))
                log.info("year_keys_destroyed", year=each.year)


def destroy_expired(folder: Path, today: date) -> None:
    """Destroy the files in a copy of `keys/` whose keys are due for destruction by `today`.

    Raises:
        ConfigError: one cannot be destroyed.
    """
    for path in files_in(folder):
        named = _NAME.fullmatch(path.name)
        if named is not None and int(named[1]) <= last_year_without_keys(today):
            destroy(path)


def files_in(folder: Path) -> list[Path]:
    """Return the files with keys of a year in a chip's `keys/`."""
    return sorted(path for path in folder.glob(PATTERN) if _NAME.fullmatch(path.name))


def file_name(keys: YearKeys) -> str:
    """Return the name of the file with these keys."""
    return f"year-{keys.year}-{keys.id.hex()}.key"


def _read(path: Path, household: HouseholdSecret) -> YearKeys:
    step = "start the command again."
    try:
        return YearKeys.from_bytes(read_secret(path, step), household)
    except CipherError as exc:
        raise ConfigError(
            f"{path}: {exc}; put it back from a copy. Without a copy move it away: the chip then "
            "draws new keys, and bills over days under the old ones cannot be checked any more."
        ) from exc
