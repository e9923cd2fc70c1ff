"""The public, versioned model that filters an area's releases, named by its hash.

In Wh per quarter-hour and home, a day's mean curve of an area is

    profile(day type) + level(t) + weekend(t) on Saturday and Sunday + the day's own deviation,

where level and weekend are random walks with public covariances. The mean code of the homes is
`clip · (curve - profile) + offset(day type)` plus an error caused by clipping.
"""

import hashlib
from dataclasses import dataclass

import msgspec
import numpy as np

from cloud.estimation.linalg import at_least, packed_bytes, unpack
from protocol.errors import DocumentRefused
from protocol.packed import Count, read_packed
from protocol.transform import CLOCK_SLOTS, Curve, Matrix

MODEL_VERSION = 1

# How far an area may deviate from the public homes in level, from day to day and within a day.
_LEVEL_FIRST = 0.25
_LEVEL_STEP = 0.03
_LEVEL_DAY = 0.01
# An area differs from the average as if it had at most this many homes.
_HOMES_DIFFERENT = 50.0
# Days vary as if there were at most this many homes, because all share weather and season.
_HOMES_TOGETHER = 400.0
# The public homes' few weeks show less drift than a whole season.
_DRIFT = 2.0
_WEEKEND_STEP = 0.1
# Minimum variances that keep matrices regular, Wh².
_FLOOR_FIRST, _FLOOR = 1 / 16, 1e-3


class ReleaseModel(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Public constants; symmetric matrices are upper triangles, all float64 little-endian.

    Attributes:
        version: of this format.
        homes: size of the area it was made for.
        public_homes: how many homes it was learnt from.
        rows: slots of the code, K.
        sigma: noise of the sum for which it was made, in clip radii.
        kappa: mean square norm of a code before its clip.
        profiles: float64[2, 96].
        mean: float64[96] of all days.
        between, weekend, drift, daily: see `Variety`.
        clip: float64[K, 96].
        offset: float64[2, K] by day type.
        clip_error: float64[K, K], of one household-day's code.
        band_factor: half-width of the 90 % band in standard deviations of the filter.
    """

    version: Count
    homes: Count
    public_homes: Count
    rows: Count
    sigma: float
    kappa: float
    profiles: bytes
    mean: bytes
    between: bytes
    weekend: bytes
    drift: bytes
    daily: bytes
    clip: bytes
    offset: bytes
    clip_error: bytes
    band_factor: float

    def to_bytes(self) -> bytes:
        """Return the encoded model, of which the hash is computed."""
        return msgspec.msgpack.encode(self)

    @property
    def hash(self) -> bytes:
        """SHA-256 of the bytes, which a transform refers to."""
        return hashlib.sha256(self.to_bytes()).digest()


@dataclass(frozen=True)
class Dynamics:
    """Covariances of an area's mean curve, float64[96, 96] Wh²."""

    level_first: Matrix
    level_step: Matrix
    weekend_first: Matrix
    weekend_step: Matrix
    daily: Matrix


@dataclass(frozen=True)
class Variety:
    """How homes and days differ, as `cloud.estimation.learn` computes; float64[96, 96] Wh².

    Attributes:
        public_homes: how many homes it was learnt from.
        mean: float64[96] Wh, mean curve of all days.
        between: lasting differences between homes.
        weekend: differences between homes in what weekends add.
        drift: step of a random walk in a day.
        daily: a day's own deviation.
    """

    public_homes: int
    mean: Curve
    between: Matrix
    weekend: Matrix
    drift: Matrix
    daily: Matrix

    def dynamics(self, homes: int) -> Dynamics:
        """Return the covariances of the mean of `homes` homes."""
        level = np.outer(self.mean, self.mean)
        first = 1 / homes + 1 / self.public_homes + 1 / _HOMES_DIFFERENT
        step = 1 / homes + 1 / _HOMES_TOGETHER
        return Dynamics(
            level_first=at_least(first * self.between + _LEVEL_FIRST**2 * level, _FLOOR_FIRST),
            level_step=at_least(_DRIFT * step * self.drift + _LEVEL_STEP**2 * level, _FLOOR),
            weekend_first=at_least(first * self.weekend, _FLOOR),
            weekend_step=_WEEKEND_STEP**2 * step * at_least(self.weekend, _FLOOR),
            daily=at_least(step * self.daily + _LEVEL_DAY**2 * level, _FLOOR),
        )


@dataclass(frozen=True)
class Code:
    """The mean curve's code on the chips: code = clip · residual + offset + error.

    Attributes:
        clip: float64[K, 96] per Wh.
        offset: float64[2, K] by day type.
        error: float64[K, K], covariance of one household-day's clip error.
    """

    clip: Matrix
    offset: Matrix
    error: Matrix


@dataclass(frozen=True)
class Constants:
    """A model's arrays, unpacked."""

    profiles: Matrix
    variety: Variety
    code: Code


def unpacked(model: ReleaseModel) -> Constants:
    """Return a model's arrays."""

    def array(data: bytes, rows: int) -> Matrix:
        return np.frombuffer(data, "<f8").astype(np.float64).reshape(rows, -1)

    def square(data: bytes) -> Matrix:
        return unpack(data, CLOCK_SLOTS)

    return Constants(
        profiles=array(model.profiles, 2),
        variety=Variety(
            public_homes=model.public_homes,
            mean=array(model.mean, 1)[0],
            between=square(model.between),
            weekend=square(model.weekend),
            drift=square(model.drift),
            daily=square(model.daily),
        ),
        code=Code(
            clip=array(model.clip, model.rows),
            offset=array(model.offset, 2),
            error=unpack(model.clip_error, model.rows),
        ),
    )


def read_model(data: bytes) -> ReleaseModel:
    """Read a model from its bytes.

    Raises:
        DocumentRefused: it is not a model, is of another version, or its arrays have sizes that do
            not fit or values that are not finite.
    """
    try:
        model = read_packed(data, ReleaseModel)
    except msgspec.MsgspecError as exc:
        raise DocumentRefused("These bytes are no release model.") from exc
    if model.version != MODEL_VERSION:
        raise DocumentRefused(f"This release model is of version {model.version}; update Volet.")
    if min(model.homes, model.public_homes, model.rows) < 1:
        raise DocumentRefused("This release model has a size that is not positive.")
    square, line = packed_bytes(CLOCK_SLOTS), 8 * CLOCK_SLOTS
    expected = {
        "profiles": 2 * line,
        "mean": line,
        "between": square,
        "weekend": square,
        "drift": square,
        "daily": square,
        "clip": model.rows * line,
        "offset": 16 * model.rows,
        "clip_error": packed_bytes(model.rows),
    }
    for name, size in expected.items():
        data = getattr(model, name)
        if len(data) != size or not np.isfinite(np.frombuffer(data, "<f8")).all():
            raise DocumentRefused(f"This release model's {name} are not {size // 8} numbers.")
    return model
