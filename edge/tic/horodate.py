"""The meter's horodate: `SAAMMJJhhmmss`, S the season.

Enedis-NOI-CPT_54E v3, page 17. H is UTC+1 and E is UTC+2, which distinguishes the hour that occurs
twice in October. Lower case means that the meter's clock is degraded. A space, which only mobile
peak notices carry, leaves the season open. The letter need not agree with the legal time of
mainland France, since overseas networks keep one season all year.
"""

import re
from datetime import datetime, timedelta, timezone

_SHAPE = re.compile(r"[HhEe ]\d{12}", re.ASCII)
_ZONES = {"H": timezone(timedelta(hours=1)), "E": timezone(timedelta(hours=2)), " ": None}
LENGTH = 13


def civil_time(raw: str) -> datetime | None:
    """Return a horodate as an aware datetime; naive if the season is blank, None if not legal."""
    if not _SHAPE.fullmatch(raw):
        return None
    fields = [int(raw[at : at + 2]) for at in range(1, LENGTH, 2)]
    year, month, day, hour, minute, second = fields
    zone = _ZONES[raw[0].upper()]
    try:
        return datetime(2000 + year, month, day, hour, minute, second, tzinfo=zone)
    except ValueError:
        return None


def encode_horodate(at: datetime, *, is_degraded: bool = False) -> str:
    """Return an aware instant whose offset is +01:00 or +02:00 as a horodate.

    Raises ValueError for any other offset.
    """
    letters = {timedelta(hours=1): "H", timedelta(hours=2): "E"}
    season = letters.get(at.utcoffset() or timedelta())
    if season is None:
        raise ValueError(f"{at.isoformat()} is neither at +01:00 nor at +02:00")
    return f"{season.lower() if is_degraded else season}{at:%y%m%d%H%M%S}"
