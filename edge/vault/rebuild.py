"""Values, days and metering's place rebuilt from blocks that the cloud gave back."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise

import msgspec
import structlog

from edge.metering.events import QuarterHourClosed
from edge.vault.blocks import BlockTable
from edge.vault.closing import read_closing
from edge.vault.epochs import Epochs
from edge.vault.gaps import ONE_DAY, account_of_gap
from edge.vault.rows import FULL_DAY, BlockState
from edge.vault.values import Values
from protocol.calendar import day_of_number, quarter_hours
from protocol.layout import DAY_COEFFICIENTS, QUARTER_HOURS_MAX
from protocol.messages import Block, Epoch

# A bill of two months may be asked for a month later, and its curve is counted again here.
INTERVALS_KEPT = timedelta(days=100)

log = structlog.get_logger()


class RecoveredHeader(msgspec.Struct, frozen=True):
    """A header of the household's own, as it was signed; a former chip's without payload."""

    header: Epoch
    payload: bytes


class RecoveredBlock(msgspec.Struct, frozen=True):
    """A block of the household's, as it was signed, and the values it opens to.

    A former chip's is without payload.
    """

    block: Block
    payload: bytes
    values: tuple[int, ...]

    @property
    def day(self) -> date:
        """The legal day of the block."""
        return day_of_number(self.block.day)


def last_quarter_hour(blocks: Sequence[RecoveredBlock]) -> tuple[date, int] | None:
    """Return the last quarter-hour that the blocks carry."""
    ends = [
        (each.day, min(each.block.j1, quarter_hours(each.day)) - 1)
        for each in blocks
        if each.block.j0 < quarter_hours(each.day)
    ]
    return max(ends, default=None)


class Rebuilder:
    """Puts recovered blocks into the tables; the caller holds the transaction."""

    def __init__(self, blocks: BlockTable, epochs: Epochs, values: Values) -> None:
        self._blocks = blocks
        self._epochs = epochs
        self._values = values

    def restore(
        self, headers: Sequence[RecoveredHeader], recovered: Sequence[RecoveredBlock]
    ) -> bool:
        """Take in what the cloud held and the vault did not; say whether metering must go back.

        Where the blocks reach further than the vault did, or stand where it had encrypted values of
        its own, what was metered meanwhile started from a place that is not the last one: it is
        dropped, as far as the cloud has not got it, and metered again from the blocks' end.
        """
        reached = self._values.last_encrypted()
        recovered_to = last_quarter_hour(recovered)
        is_behind = recovered_to is not None and (reached is None or recovered_to > reached)
        overtaken = [
            (found.block.day, found.block.j0)
            for found in recovered
            if self._blocks.is_contested(found.block.day, found.block.j0, found.block.j1)
        ]
        if overtaken:
            self._take_out(*min(overtaken))
        if is_behind or overtaken:
            self._values.drop_pending()
        for each in headers:
            self._epochs.adopt(each.header, each.payload)
        for found in recovered:
            self._blocks.put(found.block, found.payload, BlockState.STORED)
        newest = max((found.day for found in recovered), default=date.min)
        for found in recovered:
            self._put_values(found, with_intervals=found.day > newest - INTERVALS_KEPT)
        for number in {found.block.day for found in recovered}:
            self._mark(number)
        self._fill_gaps()
        if is_behind or overtaken:
            self._values.save_restore_point(self._values.find_restore_point())
            return True
        return False

    def _fill_gaps(self) -> None:
        """Account for days that no block closes although later ones are closed.

        Metering goes on behind them and never comes back to them; without an account they would be
        missing in the cloud for ever, and what they counted on every bill.
        """
        rows = self._values.fingerprinted_days()
        for (before, fingerprint), (after, other) in pairwise(rows):
            if (after.day - before.day).days < 2 or fingerprint != other:  # noqa: PLR2004 - no gap
                continue
            known = self._values.intervals(before.day + ONE_DAY, after.day + ONE_DAY)
            curve = {(each.day, each.j): each.energy_wh for each in known}
            gap = account_of_gap(before, after, curve)
            if gap is None:
                log.error("gap_left_open", days=(after.day - before.day).days - 1)
                continue
            for event in gap.quarter_hours:
                self._values.put_interval(event, is_encrypted=False)
            for closed in gap.days:
                self._values.put_day(closed, fingerprint, is_encrypted=False)
            log.warning("gap_accounted_for", days=len(gap.days))

    def _take_out(self, day: int, j0: int) -> None:
        """Take out what was encrypted from coefficient `j0` of `day` on and not acknowledged."""
        self._blocks.supersede_from(day, j0)
        for number in self._values.days_from(day):
            self._mark(number)

    def _mark(self, number: int) -> None:
        self._values.mark(day_of_number(number), self._blocks.coverage(number), FULL_DAY)

    def _put_values(self, found: RecoveredBlock, *, with_intervals: bool) -> None:
        block, day = found.block, found.day
        if with_intervals:
            for j in range(block.j0, min(block.j1, quarter_hours(day))):
                event = QuarterHourClosed(day, j, found.values[j - block.j0])
                self._values.put_interval(event, is_encrypted=True)
        if block.j0 <= QUARTER_HOURS_MAX and block.j1 == DAY_COEFFICIENTS:
            closed, fingerprint = read_closing(day, found.values[QUARTER_HOURS_MAX - block.j0 :])
            self._values.put_day(closed, fingerprint, is_encrypted=True)
