"""A household-day's contribution to a measure: code, clip, grid, share of noise.

The guarantee rests on this order: after `clip_to_grid`, the norm of any code is at most one clip
radius, and the noise is drawn for that radius.
"""

from datetime import date

import numpy as np

from edge.privacy.noise import Sampler, draw_noise
from protocol.area_cipher import CHECK_VALUE, Signed
from protocol.errors import BoundExceeded
from protocol.measures import Group, Measure, Measures
from protocol.transform import Curve, Transform, clip_to_grid, to_clock


def curve_code(transform: Transform, day: date, energies_wh: Curve) -> Curve:
    """Return the code of a legal day's curve, float64[K], in clip radii.

    `energies_wh`: float64[92 | 96 | 100], one for each quarter-hour of the day.
    """
    profile = transform.profile(day)
    return np.asarray(
        transform.matrix_values() @ (to_clock(energies_wh, day, absent=profile) - profile)
    )


def weighted_code(measure: Measure, values: Curve) -> Curve:
    """Return the code of plain slot values, float64[slots], in clip radii."""
    return np.asarray(values * np.array(measure.weights), np.float64)


def noised(
    code: Curve, measures: Measures, share: float, group: Group, sampler: Sampler = draw_noise
) -> Signed:
    """Clip a code, add one household's part of the noise and the check slot; int64[slots + 1].

    `share` is the part of the day's budget that the measure uses. Every call draws new noise: the caller calls once for a household, day and measure.

    Raises:
        BoundExceeded: the code's length is not the group's number of slots, or a value is not
            finite.
    """
    if len(code) != group.slots or not np.isfinite(code).all():
        raise BoundExceeded(f"a code of {group.slots} finite slots for {group.code}")
    clipped = clip_to_grid(code, measures.grid)
    values = clipped + sampler(group.slots, measures.noise_units(share, group))
    return np.append(values, CHECK_VALUE)
