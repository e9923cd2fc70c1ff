"""A neighbourhood's released curve in its usual size."""

import numpy as np

from benchmarks.household import DAYS
from protocol.calendar import quarter_hours
from protocol.release import CurveRelease, FigureTerms, encode

_HOMES, _FILTERED = 500, 60


def released_curve() -> bytes:
    """Return the curve of a neighbourhood of 500 homes, filtered with sixty earlier days."""
    rng = np.random.default_rng(1)
    count = quarter_hours(DAYS[0])
    curve, band, raw = (
        tuple(np.round(rng.uniform(least, most, count), 3).tolist())
        for least, most in ((30_000, 90_000), (1_000, 2_000), (20_000, 100_000))
    )
    digest = "0" * 64
    terms = FigureTerms(_HOMES, 520, 0.961538, 2.0, 1e-6, 0.7, 400, 0.1, digest, digest, True)
    return encode(
        CurveRelease(
            measure="curve",
            code="751114101",
            day=str(DAYS[0]),
            revision=0,
            unit="Wh",
            quarter_hours=curve,
            band_90=band,
            raw=raw,
            terms=terms,
            transform=digest,
            model=digest,
            filtered_days=(str(DAYS[0]),) * _FILTERED,
        )
    )
