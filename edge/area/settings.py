"""The household's choices about the area lane: `area.json` in the chip's directory, mode 0600.

Commands of the area lane write it while the chip runs, and the chip watches it for changes.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import msgspec

from edge.privacy.ledger import Caps
from protocol.errors import ConfigError
from protocol.json_text import read_json
from protocol.socio import Profile
from system.files import read_secret, write_secret
from system.watched import WatchedFile

FILE_NAME = "area.json"

_Rho = Annotated[float, msgspec.Meta(ge=0, le=1_000)]


class AreaConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[area]` of edge.toml.

    Attributes:
        enabled: whether the chip has an area lane at all.
        year_cap_rho: the highest privacy cost of a year, in zCDP.
        month_cap_rho: the same for a month.
        provider: the energy provider with which the household wants to be counted. The chip takes
            no part if the roster names another one. Empty: any provider that the roster names.
    """

    enabled: bool = True
    year_cap_rho: _Rho = Caps().year_rho
    month_cap_rho: _Rho = Caps().month_rho
    provider: Annotated[str, msgspec.Meta(max_length=32)] = ""


class AreaChoices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The household's choices.

    Attributes:
        is_on: whether it takes part, once it has confirmed trustees.
        trustees: hash (hex) of the first set of trustees, confirmed by hand; empty: none yet.
        year_cap_rho: a lower cap than the configuration's.
        profile: who lives here; None: undisclosed.
    """

    is_on: bool = True
    trustees: Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{64})?(?!\n)$")] = ""
    year_cap_rho: _Rho | None = None
    profile: Profile | None = None

    def caps(self, config: AreaConfig) -> Caps:
        """Return the effective caps: the lower of both for the year."""
        year = config.year_cap_rho
        if self.year_cap_rho is not None:
            year = min(year, self.year_cap_rho)
        return Caps(month_rho=config.month_cap_rho, year_rho=year)


def watched_choices(directory: Path) -> WatchedFile[AreaChoices]:
    """Return the choices that the chip in `directory` watches; unreadable ones switch it off."""
    return WatchedFile(
        directory / FILE_NAME, _read, absent=AreaChoices(), unreadable=AreaChoices(is_on=False)
    )


def load_choices(directory: Path) -> AreaChoices:
    """Read the household's choices; without a file, the defaults.

    Raises:
        ConfigError: the file is damaged, or others may read it.
    """
    path = directory / FILE_NAME
    return _read(path) if path.exists() else AreaChoices()


def save_choices(directory: Path, choices: AreaChoices) -> None:
    """Store the household's choices, mode 0600."""
    write_secret(directory / FILE_NAME, msgspec.json.format(msgspec.json.encode(choices)))


def change_choices(directory: Path, change: Callable[[AreaChoices], AreaChoices]) -> None:
    """Apply `change` to the household's choices and store them."""
    save_choices(directory, change(load_choices(directory)))


def _read(path: Path) -> AreaChoices:
    try:
        return read_json(read_secret(path, "choose again."), AreaChoices)
    except msgspec.MsgspecError as exc:
        raise ConfigError(f"{path} is damaged: {exc}; delete it and choose again.") from exc
