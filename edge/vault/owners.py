"""Which incarnation encrypted each coefficient of a sum, according to the blocks that it holds.

A sum is opened with the seeds of the incarnations that encrypted its parts.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from enum import StrEnum
from typing import Protocol

import numpy as np
import numpy.typing as npt

from protocol.calendar import month_of
from protocol.household import Weights
from protocol.ids import Incarnation
from protocol.layout import MONTH_COEFFICIENTS, coefficient

_NOBODY = -1


class OwnerFault(StrEnum):
    """Why blocks do not make a sum."""

    DAY_TWICE = "day_twice"
    DAY_MISSING = "day_missing"


class DayRange(Protocol):
    """A block of the household: the coefficients [j0, j1) of a day."""

    @property
    def incarnation(self) -> Incarnation:
        """The incarnation that encrypted the block."""

    @property
    def day(self) -> date:
        """The legal day."""

    @property
    def j0(self) -> int:
        """The first coefficient."""

    @property
    def j1(self) -> int:
        """The coefficient after the last."""


class CoefficientOwners:
    """The incarnation whose value a sum holds, for each coefficient of each month."""

    def __init__(
        self, blocks: Iterable[DayRange], refuse: Callable[[OwnerFault], Exception]
    ) -> None:
        """Arrange the blocks of a sum; `refuse` makes the exception to raise if they do not fit.

        Raises:
            Exception: the one that `refuse` makes for a coefficient in two blocks.
        """
        self._refuse = refuse
        self._incarnations: list[Incarnation] = []
        self._months: dict[date, npt.NDArray[np.int64]] = {}
        for block in blocks:
            if block.incarnation not in self._incarnations:
                self._incarnations.append(block.incarnation)
            month = month_of(block.day)
            if month not in self._months:
                self._months[month] = np.full(MONTH_COEFFICIENTS, _NOBODY, np.int64)
            first = coefficient(block.day, block.j0)
            part = self._months[month][first : first + block.j1 - block.j0]
            if (part != _NOBODY).any():
                raise refuse(OwnerFault.DAY_TWICE)
            part[:] = self._incarnations.index(block.incarnation)

    def split(self, month: date, weights: Weights) -> Iterator[tuple[Incarnation, Weights]]:
        """Split weights (int64[3968]) by the incarnation that owns their coefficients.

        Raises:
            Exception: the one that `refuse` makes for a weight on a coefficient in no block.
        """
        used = weights != 0
        owner = self._months.get(month)
        if owner is None:
            owner = np.full(MONTH_COEFFICIENTS, _NOBODY, np.int64)
        if (owner[used] == _NOBODY).any():
            raise self._refuse(OwnerFault.DAY_MISSING)
        for number in np.unique(owner[used]).tolist():
            yield self._incarnations[number], np.where(owner == number, weights, 0)
