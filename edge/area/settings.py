"""What the household decides of the area lane: `area.json` in the chip's directory, mode 0600.

Written by its own commands while the chip runs; the chip looks whether the file has changed.
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
        year_cap_rho: what a year may cost at most, in zCDP.
        month_cap_rho: the same for a month.
        provider: the energy provider with which the household wants to be counted; the chip takes
            no part where the roster says another one. Empty: whatever the roster says.
    """

    enabled: bool = True
    year_cap_rho: _Rho = Caps().year_rho
    month_cap_rho: _Rho = Caps().month_rho
    provider: Annotated[str, msgspec.Meta(max_length=32)] = ""


class AreaChoices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the household has chosen.

    Attributes:
        is_on: whether it takes part, once there are trustees that it has confirmed.
        trustees: hash (hex) of the first set of trustees, confirmed by hand; empty: none yet.
        year_cap_rho: a lower cap than the configuration's.
        profile: who lives here; None: the household does not say.
    """

    is_on: bool = True
    trustees: Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{64})?$")] = ""
    year_cap_rho: _Rho | None = None
    profile: Profile | None = None

    def caps(self, config: AreaConfig) -> Caps:
        """Return the caps that hold: the lower of both."""
        year = config.year_cap_rho
        if self.year_cap_rho is not None:
            year = min(year, self.year_cap_rho)
        return Caps(month_rho=config.month_cap_rho, year_rho=year)


def watched_choices(directory: Path) -> WatchedFile[AreaChoices]:
    """Return what the chip in `directory` follows; choices that cannot be read switch it off."""
    return WatchedFile(
        directory / FILE_NAME, _read, absent=AreaChoices(), unreadable=AreaChoices(is_on=False)
    )


def load_choices(directory: Path) -> AreaChoices:
    """Read what the household has chosen; without a file the defaults.

    Raises:
        ConfigError: it is damaged, or others may read it.
    """
    path = directory / FILE_NAME
    return _read(path) if path.exists() else AreaChoices()


def save_choices(directory: Path, choices: AreaChoices) -> None:
    """Keep what the household has chosen, mode 0600."""
    write_secret(directory / FILE_NAME, msgspec.json.format(msgspec.json.encode(choices)))


def change_choices(directory: Path, change: Callable[[AreaChoices], AreaChoices]) -> None:
    """Save what `change` makes of the household's choices."""
    save_choices(directory, change(load_choices(directory)))


def _read(path: Path) -> AreaChoices:
    try:
        return read_json(read_secret(path, "choose again."), AreaChoices)
    except msgspec.MsgspecError as exc:
        raise ConfigError(f"{path} is damaged: {exc}; delete it and choose again.") from exc
