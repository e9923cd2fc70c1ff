"""Opens the sums of a quote answer with the chip's own weights and seeds."""

from collections.abc import Sequence
from datetime import date
from enum import StrEnum

import numpy as np

from edge.vault.owners import CoefficientOwners
from edge.vault.rows import BlockRow, BlockState
from edge.vault.sums import KeysGone, SumOpener
from protocol.calendar import day_of_number, days_between, month_of
from protocol.errors import CipherError
from protocol.ids import Incarnation
from protocol.layout import DAY_COEFFICIENTS, MONTH_COEFFICIENTS, coefficient
from protocol.messages import COEFFICIENT_BYTES
from protocol.quotes import BlockRange, Column, MarketDigit, QuoteAnswer, QuotePlan


class QuoteFault(StrEnum):
    """Why an answer cannot be used."""

    SHAPE = "shape"
    BLOCK_UNKNOWN = "block_unknown"
    DAY_TWICE = "day_twice"
    DAY_MISSING = "day_missing"
    CANNOT_OPEN = "cannot_open"
    KEYS_GONE = "keys_gone"
    DIFFERS = "differs"
    EMPTY = "empty"


class QuotesRefused(Exception):
    """An answer contradicts the log, the chip's blocks or its registers."""

    def __init__(self, fault: QuoteFault) -> None:
        super().__init__(fault)
        self.fault = fault


class OpenedSums:
    """The sums of one answer; each is opened on first use."""

    def __init__(
        self,
        plan: QuotePlan,
        answer: QuoteAnswer,
        blocks: Sequence[BlockRow],
        sums: SumOpener,
    ) -> None:
        """Check the answer against the plan and the chip's own `blocks` of the period.

        Raises:
            QuotesRefused: the answer does not fit.
        """
        shape = len(plan.months), len(plan.columns)
        if len(answer.sums) != shape[0] * shape[1] * COEFFICIENT_BYTES:
            raise QuotesRefused(QuoteFault.SHAPE)
        self._plan = plan
        self._sums = np.frombuffer(answer.sums, "<u8").reshape(shape)
        self._opener = sums
        missing = {day_of_number(number) for number in answer.missing}
        self.days = [day for day in days_between(plan.start, plan.end) if day not in missing]
        self._kept = {month: np.zeros(MONTH_COEFFICIENTS, np.bool_) for month in plan.months}
        for day in self.days:
            first = coefficient(day, 0)
            self._kept[month_of(day)][first : first + DAY_COEFFICIENTS] = True
        self._owners = _owners(answer.covers, blocks, plan.months)
        self._opened: dict[tuple[Column, date], int] = {}

    @property
    def opened_columns(self) -> set[Column]:
        """The columns of which some sum has been opened."""
        return {column for column, _ in self._opened}

    def total(self, column: Column) -> int:
        """Return a column's sum over all months: kWh, Wh or Wh × price digit.

        Raises:
            QuotesRefused: the sum does not open, or lacks days that the answer does not name as
                missing.
        """
        return sum(self.month(column, month) for month in self._plan.months)

    def month(self, column: Column, month: date) -> int:
        """Return a column's sum over a month. Raises as `total`."""
        if (column, month) not in self._opened:
            self._opened[column, month] = self._open(column, month)
        return self._opened[column, month]

    def _open(self, column: Column, month: date) -> int:
        weights = np.where(self._kept[month], self._plan.row(column, month), 0).astype(np.int64)
        place = self._plan.months.index(month), self._plan.number(column)
        terms = self._owners.split(month, weights)
        try:
            opened = self._opener.open(month, int(self._sums[place]), terms)
        except KeysGone as exc:
            raise QuotesRefused(QuoteFault.KEYS_GONE) from exc
        except CipherError as exc:
            raise QuotesRefused(QuoteFault.CANNOT_OPEN) from exc
        if opened < 0 and not isinstance(column, MarketDigit):
            raise QuotesRefused(QuoteFault.CANNOT_OPEN)
        return opened


def _owners(
    covers: Sequence[BlockRange], blocks: Sequence[BlockRow], months: Sequence[date]
) -> CoefficientOwners:
    """Return which of the chip's own blocks own the coefficients that an answer sums."""
    ranges = {Incarnation(cover.incarnation): cover.ranges for cover in covers}
    named = [
        block
        for block in blocks
        if block.state is not BlockState.SUPERSEDED
        and any(first <= block.sequence < end for first, end in ranges.get(block.incarnation, ()))
    ]
    are_known = len(named) == sum(end - first for cover in covers for first, end in cover.ranges)
    if not are_known or any(month_of(block.day) not in months for block in named):
        raise QuotesRefused(QuoteFault.BLOCK_UNKNOWN)
    return CoefficientOwners(named, lambda fault: QuotesRefused(QuoteFault(fault)))
