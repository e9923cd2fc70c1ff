"""Draws discrete Gaussian noise with OpenDP's exact sampler and the system's randomness."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from protocol.area_cipher import Signed
from protocol.errors import BoundExceeded
from protocol.privacy import SHARE_STD_MIN

Sampler = Callable[[int, float], Signed]


def draw_noise(slots: int, std_units: float) -> Signed:
    """Draw int64[slots] of discrete Gaussian noise with a standard deviation in grid units.

    Raises:
        BoundExceeded: `std_units` is below 4; such shares would not add up to a discrete Gaussian.
    """
    if std_units < SHARE_STD_MIN:
        raise BoundExceeded(f"{std_units:.2f} grid units of noise; at least {SHARE_STD_MIN}")
    return np.array(_sampler(std_units)([0] * slots), np.int64)


@lru_cache(maxsize=64)
def _sampler(std_units: float) -> Callable[[list[int]], list[int]]:
    # Imported late: OpenDP takes megabytes, and a chip whose area lane is off never draws.
    from opendp.domains import atom_domain, vector_domain  # noqa: PLC0415
    from opendp.measurements import make_gaussian  # noqa: PLC0415
    from opendp.metrics import l2_distance  # noqa: PLC0415
    from opendp.mod import enable_features  # noqa: PLC0415

    enable_features("contrib")
    measurement = make_gaussian(
        vector_domain(atom_domain(T="i64")), l2_distance(T="f64"), scale=std_units
    )
    return lambda zeros: list(measurement(zeros))
