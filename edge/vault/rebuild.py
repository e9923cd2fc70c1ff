"""Rebuilds values, days and metering's restore point from blocks that the cloud returned."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise

import msgspec
import structlog

from edge.metering.events import Notice, NoticeKind, QuarterHourClosed
from edge.vault.blocks import BlockTable
from edge.vault.closing import read_closing
from edge.vault.epochs import Epochs
from edge.vault.gaps import ONE_DAY, account_of_gap
from edge.vault.rows import FULL_DAY, BlockState
from edge.vault.values import Values
from protocol.calendar import day_of_number, quarter_hours
from protocol.layout import DAY_COEFFICIENTS, QUARTER_HOURS_MAX
from protocol.messages import Block, Epoch

log = structlog.get_logger()


class RecoveredHeader(msgspec.Struct, frozen=True):
    """A header of the household, as it was signed; a former chip's has no payload.

    `keys`: the id of the year's keys that it was made with, empty if they are gone.
    """

    header: Epoch
    payload: bytes
    keys: bytes


class RecoveredBlock(msgspec.Struct, frozen=True):
    """A block of the household, as it was signed, and its decrypted values.

    A former chip's block has no payload. `values` is None if the block's keys are gone.
    """

    block: Block
    payload: bytes
    values: tuple[int, ...] | None

    @property
    def day(self) -> date:
        """The legal day of the block."""
        return day_of_number(self.block.day)


def last_quarter_hour(blocks: Sequence[RecoveredBlock]) -> tuple[date, int] | None:
    """Return the last quarter-hour that the blocks carry."""
    ends = [
        (recovered.day, min(recovered.block.j1, quarter_hours(recovered.day)) - 1)
        for recovered in blocks
        if recovered.block.j0 < quarter_hours(recovered.day)
    ]
    return max(ends, default=None)


class Rebuilder:
    """Writes recovered blocks to the tables inside the caller's transaction."""

    def __init__(
        self, blocks: BlockTable, epochs: Epochs, values: Values, curve_kept: timedelta
    ) -> None:
        """Write no quarter-hours of days that are more than `curve_kept` before the newest."""
        self._blocks = blocks
        self._epochs = epochs
        self._values = values
        self._curve_kept = curve_kept

    def restore(
        self,
        headers: Sequence[RecoveredHeader],
        recovered: Sequence[RecoveredBlock],
        at: datetime,
    ) -> bool:
        """Store what the cloud held and the vault lacked; return whether metering must go back.

        The household is told at the time `at`.

        If the blocks reach further than the vault did, or cover values that it had encrypted
        itself, what was metered meanwhile did not start from the last point. It is then dropped
        unless the cloud has it, and metered again from the end of the blocks.

        Blocks whose keys are gone are only remembered: the cloud holds them, and no value is
        encrypted again in their place. What was metered meanwhile is all that is known of them.
        """
        readable = [block for block in recovered if block.values is not None]
        reached = self._values.last_encrypted()
        recovered_to = last_quarter_hour(readable)
        is_behind = recovered_to is not None and (reached is None or recovered_to > reached)
        overtaken = [
            (block.block.day, block.block.j0)
            for block in readable
            if self._blocks.is_contested(block.block.day, block.block.j0, block.block.j1)
        ]
        if overtaken:
            self._take_out(*min(overtaken))
        if is_behind or overtaken:
            self._values.drop_pending()
        for header in headers:
            self._epochs.adopt(header.header, header.payload, header.keys)
        for block in recovered:
            self._blocks.put(block.block, block.payload, BlockState.STORED)
        newest = max((block.day for block in readable), default=date.min)
        for block in readable:
            self._put_values(block, with_intervals=block.day >= newest - self._curve_kept)
        for number in {block.block.day for block in recovered}:
            self._mark(number)
        self._fill_gaps()
        self._tell(recovered, at)
        if is_behind or overtaken:
            self._values.save_restore_point(self._values.find_restore_point())
            return True
        return False

    def _tell(self, recovered: Sequence[RecoveredBlock], at: datetime) -> None:
        if any(block.values is not None for block in recovered):
            self._values.put_notice(Notice(NoticeKind.VAULT_REBUILT, at))
        if lost := sorted(block.day for block in recovered if block.values is None):
            notice = Notice(NoticeKind.KEYS_LOST, at, f"{lost[0]} {lost[-1]}")
            self._values.put_notice(notice)

    def _fill_gaps(self) -> None:
        """Account for days that no block closes although later days are closed.

        Metering continues after them and never returns to them. Without an account the cloud would
        never get them, and every bill would lack what they counted.
        """
        rows = self._values.fingerprinted_days()
        for (before, fingerprint), (after, other) in pairwise(rows):
            if (after.day - before.day).days < 2 or fingerprint != other:  # noqa: PLR2004 - no gap
                continue
            known = self._values.intervals(before.day + ONE_DAY, after.day + ONE_DAY)
            curve = {(interval.day, interval.j): interval.energy_wh for interval in known}
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
        """Supersede what was encrypted from coefficient `j0` of `day` on and not acknowledged."""
        self._blocks.supersede_from(day, j0)
        for number in self._values.days_from(day):
            self._mark(number)

    def _mark(self, number: int) -> None:
        self._values.mark(day_of_number(number), self._blocks.coverage(number), FULL_DAY)

    def _put_values(self, recovered: RecoveredBlock, *, with_intervals: bool) -> None:
        block, day, values = recovered.block, recovered.day, recovered.values
        if values is None:
            return
        if with_intervals:
            for j in range(block.j0, min(block.j1, quarter_hours(day))):
                event = QuarterHourClosed(day, j, values[j - block.j0])
                self._values.put_interval(event, is_encrypted=True)
        if block.j0 <= QUARTER_HOURS_MAX and block.j1 == DAY_COEFFICIENTS:
            closed, fingerprint = read_closing(day, values[QUARTER_HOURS_MAX - block.j0 :])
            self._values.put_day(closed, fingerprint, is_encrypted=True)
