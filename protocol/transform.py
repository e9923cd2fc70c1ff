"""A curve's public transform, and the clock day of 96 quarter-hours that is its input.

A day of 92 quarter-hours lacks an hour of the clock, and one of 100 repeats an hour. On the clock
day, a missing hour has the value of the profile, and a repeated hour the mean of its two values. So
every day has 96 values, and sums over households keep their meaning.
"""

from datetime import date

import msgspec
import numpy as np
import numpy.typing as npt

from protocol.area_cipher import Signed
from protocol.calendar import PARIS, quarter_hour_start, quarter_hours
from protocol.errors import CipherError, DocumentRefused
from protocol.messages import Hash
from protocol.packed import Count, read_packed

CLOCK_SLOTS = 96
_SATURDAY = 5

Curve = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float64]


class Transform(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The public parameters that code a curve: code = matrix · (curve - profile), in clip radii.

    Attributes:
        homes: the size of the area for which it was made.
        rows: slots of the code, K.
        matrix: float32[K, 96], little-endian, per Wh.
        profiles: float32[2, 96], Wh a quarter-hour: Monday to Friday, Saturday and Sunday.
        model: hash of the model that filters releases.
    """

    homes: Count
    rows: Count
    matrix: bytes
    profiles: bytes
    model: Hash

    def matrix_values(self) -> Matrix:
        """Return the matrix, float64[K, 96]."""
        return np.frombuffer(self.matrix, "<f4").astype(np.float64).reshape(self.rows, CLOCK_SLOTS)

    def profile(self, day: date) -> Curve:
        """Return the public profile of the day's type, float64[96]."""
        both = np.frombuffer(self.profiles, "<f4").astype(np.float64).reshape(2, CLOCK_SLOTS)
        return np.asarray(both[day_type(day)])


def read_transform(data: bytes) -> Transform:
    """Read a transform from its bytes.

    Raises:
        DocumentRefused: it is not a transform, or its arrays do not have the sizes it states.
    """
    try:
        transform = read_packed(data, Transform)
    except msgspec.MsgspecError as exc:
        raise DocumentRefused("These bytes are no transform.") from exc
    sizes = (len(transform.matrix), len(transform.profiles))
    if sizes != (4 * transform.rows * CLOCK_SLOTS, 8 * CLOCK_SLOTS) or transform.rows < 1:
        raise DocumentRefused("This transform's arrays do not have the sizes that it says.")
    if not (np.isfinite(transform.matrix_values()).all()):
        raise DocumentRefused("This transform holds what is no number.")
    return transform


def cosines() -> Matrix:
    """Return the orthonormal DCT-II, float64[96, 96]; a row is a frequency."""
    frequency, slot = np.mgrid[:CLOCK_SLOTS, :CLOCK_SLOTS]
    matrix = np.cos(np.pi * frequency * (2 * slot + 1) / (2 * CLOCK_SLOTS))
    matrix *= np.sqrt(2 / CLOCK_SLOTS)
    matrix[0] /= np.sqrt(2)
    return np.asarray(matrix)


def day_type(day: date) -> int:
    """Return 0 for Monday to Friday, 1 for Saturday and Sunday."""
    return int(day.weekday() >= _SATURDAY)


def to_clock(energies: Curve, day: date, absent: Curve) -> Curve:
    """Map a legal day's quarter-hours, float64[92 | 96 | 100], to the 96 of the clock day.

    `absent`, float64[96], fills an hour that the clock skipped.
    """
    count = quarter_hours(day)
    if len(energies) != count:
        raise CipherError(f"{day} has {count} quarter-hours, not {len(energies)}")
    places = clock_places(day)
    times = np.bincount(places, minlength=CLOCK_SLOTS)
    totals = np.bincount(places, weights=energies, minlength=CLOCK_SLOTS)
    return np.where(times == 0, absent, totals / np.maximum(times, 1))


def from_clock(curve: Curve, day: date) -> Curve:
    """Return the legal day's quarter-hours of a curve, float64[96], on the clock day."""
    return curve[clock_places(day)]


def clock_places(day: date) -> npt.NDArray[np.int64]:
    """Return for each quarter-hour of a legal day its position in [0, 96) by the clock."""
    local = [quarter_hour_start(day, j).astimezone(PARIS) for j in range(quarter_hours(day))]
    return np.array([at.hour * 4 + at.minute // 15 for at in local], np.int64)


def clip_to_grid(code: Curve, grid: int) -> Signed:
    """Clip a code to norm 1 and round it toward zero on a grid; returns int64[slots].

    The result's norm is at most `grid`, exactly: its largest entries are reduced until it is.
    """
    norm = float(np.linalg.norm(code))
    scaled = np.trunc(code * (grid / max(norm, 1.0))).astype(np.int64)
    while sum(int(value) ** 2 for value in scaled) > grid**2:
        largest = int(np.abs(scaled).argmax())
        scaled[largest] -= np.sign(scaled[largest])
    return scaled
