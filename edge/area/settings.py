"""The household's choices about the area lane: `area.json` in the chip's directory, mode 0600.

Commands of the area lane write it while the chip runs, and the chip watches it for changes.
"""

from pathlib import Path
from typing import Annotated

import msgspec

from edge.privacy.ledger import Caps
from protocol.errors import DocumentRefused
from protocol.socio import Profile
from system.watched import ChoiceFile

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


# Nothing leaves for the area by choices that cannot be read.
_FILE = ChoiceFile(FILE_NAME, AreaChoices(), unreadable=AreaChoices(is_on=False))
watched_choices, load_choices = _FILE.watched, _FILE.load
save_choices, change_choices = _FILE.save, _FILE.change
UNREADABLE = _FILE.unreadable


def check_cap(config: AreaConfig, rho: float) -> None:
    """Check that a year can be capped so.

    Raises:
        DocumentRefused: the configuration allows less.
    """
    if rho > config.year_cap_rho:
        raise DocumentRefused(
            f"A cap can be lowered only; at most {config.year_cap_rho:g} is configured."
        )


def cap_year(directory: Path, config: AreaConfig, rho: float) -> None:
    """Store a lower cap of what a year may cost.

    Raises:
        DocumentRefused: the configuration allows less.
    """
    check_cap(config, rho)
    change_choices(directory, year_cap_rho=rho)
