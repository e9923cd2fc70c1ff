"""Removes days that a wrong time closed from the vault, unless they may have left the chip."""

from collections.abc import Callable
from datetime import date, timedelta

from edge.metering.reopening import Undone
from edge.vault.blocks import BlockTable
from edge.vault.rows import FULL_DAY, BlockRow, BlockState, Key
from edge.vault.values import Values
from protocol.calendar import day_number, day_of_number, quarter_hours

# A quarter-hour as (day, j).
Place = tuple[date, int]


class Reopener:
    """Removes blocks and plain values inside the caller's transaction.

    A block that may have left the chip stays, with everything before it, since the cloud accepts
    one value for a coefficient. Only the process that sealed a block knows that it was not sent.
    """

    def __init__(
        self,
        blocks: BlockTable,
        values: Values,
        incarnation: bytes,
        has_left: Callable[[Key], bool],
    ) -> None:
        """Remove what `incarnation` has encrypted, but not what `has_left`."""
        self._blocks = blocks
        self._values = values
        self._incarnation = incarnation
        self._has_left = has_left

    def take_out(self, since: Place) -> Undone:
        """Remove everything from `since` on that has not left, and return what was closed there.

        Values from before `since` in a removed block must be encrypted again, as another
        incarnation.
        """
        blocks = self._blocks.between(since[0], date.max)
        places = [_end(block) for block in blocks if self._may_have_left(block)]
        first = max([since, *places])
        for block in blocks:
            if _end(block) > first:
                self._blocks.delete(Key(block.incarnation, block.sequence))
        for number in self._values.days_from(day_number(first[0])):
            day = day_of_number(number)
            self._values.mark(day, self._blocks.coverage(number), FULL_DAY)
        return self._values.take_out(*first)

    def _may_have_left(self, block: BlockRow) -> bool:
        return (
            block.state is BlockState.STORED
            or block.incarnation != self._incarnation
            or self._has_left(Key(block.incarnation, block.sequence))
        )


def _end(block: BlockRow) -> Place:
    """Return the quarter-hour after a block's last one."""
    if block.j1 >= quarter_hours(block.day):
        return block.day + timedelta(days=1), 0
    return block.day, block.j1
