"""How much of one quarter-hour or hour a receipt tells where market prices weight them.

A receipt tells the sum of a line's prices times the energy of their quarter-hours, to the cent, and
at most how many Wh a line and each class of a calendar count. What a quarter-hour's energy adds to
that sum beside what all others add is the *leverage* of its price, as in linear regression: the
share of its variance that the receipt explains, from 0 (nothing) to 1 (all of it).

The others count for what they hide. Whoever knows how a home usually spends its day knows its
nights, and what each hour adds on average. From a fortnight on, a price counts therefore by its
deviation from the same hour of other days, and only those from 07:00 to 23:00 hide another. A
shorter period has too few days for that: a price counts by its deviation from all of them.

The bounds are above every hour of the French day-ahead market of 2021 to 2025 in each period of at
least three days (docs/decisions/0024-prices-that-stand-out.md has the figures).
"""

from collections.abc import Sequence
from datetime import date

import msgspec
import numpy as np
import numpy.typing as npt

from protocol.calendar import PARIS, quarter_hour_start, quarter_hours
from protocol.schedule import Values

QUARTER_HOUR_SHARE_MAX = 1 / 6
HOUR_SHARE_MAX = 3 / 5
FORTNIGHT_DAYS = 14

_HOUR = 4
_AWAKE = (7, 23)
# A quarter-hour's energy deviates by a kWh, and a line's amount is rounded to a cent, which is 10^6
# times a price unit and a Wh. So a price that lies less than 1.3 €/MWh apart tells nothing.
_ENERGY_DEVIATION_WH = 1_000
_CENT_UNITS_WH = 1_000_000
_ROUNDING = (_CENT_UNITS_WH / _ENERGY_DEVIATION_WH) ** 2 / 12

Floats = npt.NDArray[np.float64]


class StandsOut(msgspec.Struct, frozen=True):
    """The quarter-hour or hour whose price stands out most: its day, number in it, and share."""

    day: date
    quarter_hour: int
    share: float

    @property
    def time(self) -> str:
        """The legal time at which it begins, as `2026-01-05 18:15`."""
        at = quarter_hour_start(self.day, self.quarter_hour).astimezone(PARIS)
        return f"{at:%Y-%m-%d %H:%M}"


def stands_out(prices: Sequence[Values], classes: Values, days: Sequence[date]) -> StandsOut | None:
    """Return the quarter-hour or hour that a bill prices apart, if its share is above a bound.

    Args:
        prices: of each market line, int64[n] in 0.00001 €/kWh, for the quarter-hours of `days`.
        classes: int64[n], what calendar lines tell apart: a receipt may tell each class's energy.
        days: the days of the bill, in order.
    """
    _, classes = np.unique(classes, return_inverse=True)
    is_hiding = np.ones(len(classes), np.bool_)
    if len(days) >= FORTNIGHT_DAYS:
        hours = np.concatenate([np.arange(quarter_hours(day)) // _HOUR for day in days])
        classes = classes * (int(hours.max()) + 1) + hours
        is_hiding = (hours >= _AWAKE[0]) & (hours < _AWAKE[1])
    deviations = np.array([_deviations(line, classes) for line in prices])
    hiding = deviations[:, is_hiding]
    scatter = hiding @ hiding.T + _ROUNDING * np.eye(len(prices))
    for length, bound in ((1, QUARTER_HOUR_SHARE_MAX), (_HOUR, HOUR_SHARE_MAX)):
        shares = _shares(deviations, scatter, length)
        at = int(shares.argmax())
        if shares[at] > bound:
            day, quarter_hour = _place(at, days)
            return StandsOut(day, quarter_hour, float(shares[at]))
    return None


def _deviations(values: Values, groups: Values) -> Floats:
    """Return each value less the mean of its group, float64[n]; groups are numbered from 0."""
    counts = np.maximum(np.bincount(groups), 1)
    means = np.bincount(groups, values) / counts
    deviations: Floats = values - means[groups]
    return deviations


def _shares(deviations: Floats, scatter: Floats, length: int) -> Floats:
    """Return the leverage of each run of `length` quarter-hours, float64[n - length + 1]."""
    sums = np.cumsum(np.pad(deviations, ((0, 0), (1, 0))), axis=1)
    runs = (sums[:, length:] - sums[:, :-length]) / np.sqrt(length)
    shares: Floats = (runs * np.linalg.solve(scatter, runs)).sum(axis=0)
    return shares


def _place(number: int, days: Sequence[date]) -> tuple[date, int]:
    for day in days:
        if number < quarter_hours(day):
            return day, number
        number -= quarter_hours(day)
    raise AssertionError("the number is beyond the days")  # pragma: no cover - callers count them
