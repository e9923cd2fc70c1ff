"""Released curves of a neighbourhood, good and hostile."""

from datetime import date

import msgspec

from protocol.calendar import quarter_hours
from protocol.release import CurveRelease, FigureTerms, encode

CODE = "75101"
HOUSEHOLDS = 250


def curve_release(day: date, /, *, count: int | None = None, **changes) -> CurveRelease:
    """Return a curve of 250 homes: in quarter-hour j each has a mean of 50 + j Wh, give or take 5."""
    slots = range(quarter_hours(day) if count is None else count)
    curve = tuple(float(HOUSEHOLDS * (50 + j)) for j in slots)
    terms = FigureTerms(HOUSEHOLDS, 300, 0.8333, 2.0, 1e-6, 0.7, 200, 0.1, "00", "00", True)
    release = CurveRelease(
        measure="curve",
        code=CODE,
        day=day.isoformat(),
        revision=0,
        unit="Wh",
        quarter_hours=curve,
        band_90=(5.0 * HOUSEHOLDS,) * len(slots),
        raw=curve,
        terms=terms,
        transform="00",
        model="00",
        filtered_days=(),
    )
    return msgspec.structs.replace(release, **changes)


def curve_payload(day: date, /, **changes) -> bytes:
    """Return it as the release worker publishes it."""
    return encode(curve_release(day, **changes))
