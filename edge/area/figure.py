"""A neighbourhood's released curve as a chip reads and keeps it.

Nobody signs a released figure, so all of it is checked, and it is kept for nothing but to be shown.
"""

import math
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import msgspec

from protocol.calendar import quarter_hours
from protocol.errors import ConfigError, DocumentRefused, MessageRefused, Reason
from protocol.json_text import read_json
from protocol.layout import QUARTER_HOUR_MAX_WH
from protocol.measures import HOUSEHOLDS_MAX
from protocol.release import FIRST_REVISION, REVISION_MAX, CurveRelease, decode
from protocol.topics import NEIGHBOURHOODS
from system.files import read_secret, write_secret

FILE_NAME = "neighbourhood.json"
# A curve of 100 quarter-hours whose filter went over 120 days has 6 kB.
FIGURE_MAX_BYTES = 16_384
DAYS_KEPT = 31
# The broker retains the last figure, however old; one of more than a year is of no use here.
AGE_MAX = timedelta(days=366)
_UNIT = "Wh"
_DIGITS = 1

_Mean = Annotated[float, msgspec.Meta(ge=-QUARTER_HOUR_MAX_WH, le=QUARTER_HOUR_MAX_WH)]
_Band = Annotated[float, msgspec.Meta(ge=0, le=QUARTER_HOUR_MAX_WH)]


class NeighbourhoodDay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The mean curve of a neighbourhood's households on a day.

    Attributes:
        revision: counts the releases of this figure.
        households: how many are in it.
        mean_wh: their mean energy in each quarter-hour (92, 96 or 100); noise can make it negative.
        band_wh: half-width of the band around it that contains the true mean 90 times in 100.
    """

    day: date
    revision: Annotated[int, msgspec.Meta(ge=FIRST_REVISION, le=REVISION_MAX)]
    households: Annotated[int, msgspec.Meta(ge=1, le=HOUSEHOLDS_MAX)]
    mean_wh: tuple[_Mean, ...]
    band_wh: tuple[_Band, ...]


class KeptFigures(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The latest curves of the group `code`, oldest first."""

    code: Annotated[str, msgspec.Meta(max_length=48)] = ""
    days: Annotated[tuple[NeighbourhoodDay, ...], msgspec.Meta(max_length=DAYS_KEPT)] = ()


def read_figure(payload: bytes, code: str, today: date) -> NeighbourhoodDay:
    """Read a released curve of the group `code`.

    Raises:
        MessageRefused: it is too long, none, another group's, of a day to come or too long ago, or
            no curve of that day in Wh.
    """
    if len(payload) > FIGURE_MAX_BYTES:
        raise MessageRefused(Reason.OVERSIZE, f"a figure of {len(payload)} bytes")
    try:
        release = decode(payload)
        day = date.fromisoformat(release.day)
    except (DocumentRefused, ValueError) as exc:
        raise MessageRefused(Reason.MALFORMED, "no released figure") from exc
    if not isinstance(release, CurveRelease) or release.unit != _UNIT:
        raise MessageRefused(Reason.BOUNDS, f"no curve in {_UNIT}")
    if (release.measure, release.code) != (NEIGHBOURHOODS, code):
        raise MessageRefused(Reason.TOPIC, "another group's figure")
    if not today - AGE_MAX <= day <= today:
        raise MessageRefused(Reason.BOUNDS, "a figure of a day to come, or of long ago")
    households = release.terms.households
    if not 1 <= households <= HOUSEHOLDS_MAX:
        raise MessageRefused(Reason.BOUNDS, "a figure of no number of households")
    mean_wh = _per_household(release.quarter_hours, households)
    band_wh = _per_household(release.band_90, households)
    found = NeighbourhoodDay(day, release.revision, households, mean_wh, band_wh)
    if not _is_whole(found) or min(release.band_90) < 0:
        raise MessageRefused(Reason.BOUNDS, "no curve of that day")
    return found


def load_kept(path: Path) -> KeptFigures:
    """Return the figures in a file; none if it is missing, damaged or open to others."""
    try:
        kept = read_json(read_secret(path, ""), KeptFigures)
    except (ConfigError, msgspec.MsgspecError):
        return KeptFigures()
    return kept if all(_is_whole(each) for each in kept.days) else KeptFigures()


def save_kept(path: Path, kept: KeptFigures) -> None:
    """Replace the figures in a file. Raises ConfigError if it cannot be written."""
    write_secret(path, msgspec.json.encode(kept))


def _is_whole(figure: NeighbourhoodDay) -> bool:
    return len(figure.mean_wh) == len(figure.band_wh) == quarter_hours(figure.day)


def _per_household(values: Sequence[float], households: int) -> tuple[float, ...]:
    means = tuple(value / households for value in values)
    if not all(math.isfinite(mean) and abs(mean) <= QUARTER_HOUR_MAX_WH for mean in means):
        raise MessageRefused(Reason.BOUNDS, "more than a home's meter can count")
    return tuple(round(mean, _DIGITS) for mean in means)
