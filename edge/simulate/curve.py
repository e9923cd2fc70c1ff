"""A load curve: mean power over equal steps, in whole watts."""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Mean power over consecutive steps.

    Attributes:
        start_s: the beginning of the first step, in Unix seconds.
        step_s: length of a step in seconds; divides an hour.
        power_w: int64[steps], mean power of each step, never negative.
    """

    start_s: int
    step_s: int
    power_w: NDArray[np.int64]

    @property
    def start(self) -> datetime:
        """The instant at which the first step begins."""
        return datetime.fromtimestamp(self.start_s, UTC)

    @property
    def end(self) -> datetime:
        """The instant at which the last step ends."""
        return datetime.fromtimestamp(self.start_s + self.step_s * len(self.power_w), UTC)

    @property
    def edges_s(self) -> NDArray[np.int64]:
        """The beginnings of all steps and the end of the last, int64[steps + 1] in Unix seconds."""
        count = len(self.power_w) + 1
        return self.start_s + self.step_s * np.arange(count, dtype=np.int64)
