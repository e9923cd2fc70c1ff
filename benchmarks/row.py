"""One measured figure, as a row of the table and of the JSON lines."""

from collections.abc import Sequence
from statistics import median
from typing import Literal

import msgspec


class Bound(msgspec.Struct, frozen=True):
    """The bound of a figure that the project promises."""

    side: Literal["below", "at least"]
    value: float


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A figure: the median of `runs` measurements, with the lowest and the highest of them.

    `note` explains what was counted. Figures without spread have `low` = `high`.
    """

    benchmark: str
    name: str
    value: float
    unit: str
    low: float
    high: float
    runs: int = 1
    bound: Bound | None = None
    note: str = ""

    @property
    def is_kept(self) -> bool:
        """Return whether the figure keeps its bound; true if there is none."""
        if self.bound is None:
            return True
        if self.bound.side == "below":
            return self.value < self.bound.value
        return self.value >= self.bound.value


class Rows:
    """Collects the rows of one benchmark."""

    def __init__(self, benchmark: str) -> None:
        self._benchmark = benchmark
        self.rows: list[Row] = []

    def add(
        self,
        name: str,
        values: float | Sequence[float],
        unit: str,
        *,
        bound: Bound | None = None,
        note: str = "",
    ) -> float:
        """Add a figure, or the median of several, and return it."""
        measured = values if isinstance(values, Sequence) else (values,)
        row = Row(
            benchmark=self._benchmark,
            name=name,
            value=float(median(measured)),
            unit=unit,
            low=float(min(measured)),
            high=float(max(measured)),
            runs=len(measured),
            bound=bound,
            note=note,
        )
        self.rows.append(row)
        return row.value
