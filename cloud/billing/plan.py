"""The weights of a statement's lines as one small matrix per month, shared by many households."""

from collections.abc import Mapping, Sequence
from datetime import date

import msgspec
import numpy as np
import numpy.typing as npt

from protocol.calendar import day_number
from protocol.household import Coefficients, Q, Weights
from protocol.messages import LineSums, MonthSums
from protocol.statement import Component

VALUES_A_MONTH = 3  # quantity and two digits of the price
_HALF_BITS = 30
_MASK = np.uint64((1 << _HALF_BITS) - 1)
_SHIFT = np.uint64(_HALF_BITS)


class _Month(msgspec.Struct, frozen=True):
    """`matrix` (int16[rows, n], below 2^10) weighs the coefficients at `columns` of a month."""

    columns: npt.NDArray[np.intp]
    matrix: npt.NDArray[np.int16]

    def sums(self, coefficients: Coefficients) -> list[int]:
        """Return Σ w_k·c_k mod q for each row; see `protocol.household.weighted_sum`."""
        used = coefficients[self.columns]
        matrix = self.matrix.astype(np.int64)
        low = matrix @ (used & _MASK).astype(np.int64)
        high = matrix @ (used >> _SHIFT).astype(np.int64)
        return [
            (below + (above << _HALF_BITS)) % Q
            for below, above in zip(low.tolist(), high.tolist(), strict=True)
        ]


class WeightPlan:
    """The lines of a statement and their weights by month."""

    def __init__(self, parts: Sequence[Component]) -> None:
        """Compute the weights of a request's components.

        Raises:
            ScheduleMissing: no document gives the class or price of a quarter-hour.
        """
        self.parts = tuple(parts)
        self._months_of = tuple(tuple(part.months()) for part in parts)
        self.schedules = tuple(sorted({name for part in parts for name in part.schedule_hashes()}))
        rows: dict[date, list[Weights]] = {}
        for part in parts:
            for month in part.months():
                weights = part.weights(month)
                rows.setdefault(month, []).extend((weights.quantity, *weights.amount))
        self._months = {month: _month(weights) for month, weights in rows.items()}

    @property
    def values(self) -> int:
        """The number of encrypted values, 8 bytes each, in a statement."""
        return sum(VALUES_A_MONTH * len(months) for months in self._months_of)

    def lines(self, months: Mapping[date, Coefficients]) -> tuple[LineSums, ...]:
        """Sum one household's coefficients (uint64[3968] per month) for every line."""
        sums = {month: iter(matrix.sums(months[month])) for month, matrix in self._months.items()}
        return tuple(
            LineSums(
                part.tariff,
                part.number,
                tuple(
                    MonthSums(
                        day_number(month), next(sums[month]), (next(sums[month]), next(sums[month]))
                    )
                    for month in part_months
                ),
            )
            for part, part_months in zip(self.parts, self._months_of, strict=True)
        )


def _month(rows: Sequence[Weights]) -> _Month:
    matrix = np.stack(rows)
    columns = np.flatnonzero(matrix.any(axis=0))
    return _Month(columns, matrix[:, columns].astype(np.int16))
