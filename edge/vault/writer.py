"""Encrypts values into the open block, each coefficient of a day once over all blocks."""

from collections.abc import Sequence
from datetime import date

import structlog

from edge.metering.events import DayClosed
from edge.vault.blocks import BlockTable
from edge.vault.closing import closing_values
from edge.vault.commitments import day_commitment
from edge.vault.epochs import Epochs
from edge.vault.rows import BlockState, Key, missing_runs, span_bits
from edge.vault.signer import Signer
from protocol.calendar import day_number, month_of
from protocol.layout import QUARTER_HOURS_MAX
from protocol.messages import COEFFICIENT_BYTES, Block
from protocol.topics import Kind

log = structlog.get_logger()


class _OpenBlock:
    """The block that is still growing."""

    __slots__ = ("coefficients", "commitment", "day", "is_dirty", "j0", "sequence")

    def __init__(self, sequence: int, day: date, j0: int) -> None:
        self.sequence = sequence
        self.day = day
        self.j0 = j0
        self.coefficients = bytearray()
        self.commitment = b""
        self.is_dirty = False

    @property
    def j1(self) -> int:
        return self.j0 + len(self.coefficients) // COEFFICIENT_BYTES


class BlockWriter:
    """Adds values to blocks of the current incarnation inside the caller's transaction.

    If that transaction fails, memory is ahead of the disk, and the object must not be used again.

    Attributes:
        made: keys of headers and sealed blocks made since the caller last emptied it.
    """

    def __init__(
        self, blocks: BlockTable, epochs: Epochs, signer: Signer, *, is_quarter_hourly: bool
    ) -> None:
        """Write for `signer`; `is_quarter_hourly`: a block is sealed as soon as it has a value."""
        self.made: list[Key] = []
        self._blocks = blocks
        self._epochs = epochs
        self._signer = signer
        self._is_quarter_hourly = is_quarter_hourly
        self._sequence = 0
        self._open: _OpenBlock | None = None
        self._covered: dict[date, int] = {}

    def is_covered(self, day: date, j: int) -> bool:
        """Return whether a block already carries coefficient `j` of `day`."""
        return bool(self._coverage(day) >> j & 1)

    def put_values(self, day: date, j: int, values: Sequence[int]) -> None:
        """Encrypt the values of coefficients `j`, `j` + 1, … of `day`; none may be covered."""
        self._append(day, j, values)
        if self._is_quarter_hourly:
            self._seal_open()

    def close_day(self, closed: DayClosed, fingerprint: int) -> None:
        """Encrypt `closed`, and zeros for absent quarter-hours; seal the day's blocks.

        The block with the closing coefficients also carries the commitment to the day.
        """
        runs = missing_runs(self._coverage(closed.day))
        values = [0] * QUARTER_HOURS_MAX + closing_values(closed, fingerprint)
        block = self._open
        if block is not None and block.day == closed.day:
            runs.sort(key=lambda run: run[0] != block.j1)
        for j0, j1 in runs:
            closing = self._append(closed.day, j0, values[j0:j1])
            if j1 > QUARTER_HOURS_MAX:
                epoch, _ = self._epochs.live(month_of(closed.day))
                closing.commitment = day_commitment(epoch.keys, closed)
            self._seal_open()
        self._seal_open()

    def save(self) -> None:
        """Write the open block if it has grown."""
        block = self._open
        if block is not None and block.is_dirty:
            self._blocks.save_open(self._body(block))
            block.is_dirty = False

    def make_header(self, month: date) -> None:
        """Make the epoch of `month` if there is none yet, before there is a value.

        Another year's keys wait for a value of that year, since the host's clock may be wrong.
        """
        years = self._signer.keyring.years
        if years and month.year not in years:
            return
        _, made = self._epochs.live(month)
        if made is not None:
            self.made.append(made)

    def rotate(self) -> None:
        """Continue as another incarnation; the open block stays as it was last saved."""
        self._open = None
        self._sequence = 0
        self._covered.clear()
        self._epochs.rotate()

    def seal_left_open(self) -> None:
        """Seal the blocks that other incarnations left open, without changes."""
        for body in self._blocks.open_ones(self._signer.household.id):
            if body.incarnation != self._epochs.incarnation:
                self._seal(body)

    def _append(self, day: date, j: int, values: Sequence[int]) -> _OpenBlock:
        block = self._open
        if block is None or block.day != day or block.j1 != j:
            self._seal_open()
            self._sequence += 1
            block = self._open = _OpenBlock(self._sequence, day, j)
        epoch, made = self._epochs.live(month_of(day))
        if made is not None:
            self.made.append(made)
        covered = self._coverage(day)
        for number, value in enumerate(values, j):
            coefficient = epoch.pad.encrypt(day, number, value)
            block.coefficients += coefficient.to_bytes(COEFFICIENT_BYTES, "little")
        block.is_dirty = True
        self._covered[day] = covered | span_bits(j, j + len(values))
        return block

    def _seal_open(self) -> None:
        if self._open is not None:
            self._seal(self._body(self._open))
            self._open = None

    def _seal(self, body: Block) -> None:
        self._blocks.put(body, self._signer.seal(Kind.BLOCK, body), BlockState.SEALED)
        self.made.append(Key(body.incarnation, body.sequence))

    def _body(self, block: _OpenBlock) -> Block:
        return Block(
            self._signer.household.id,
            day_number(block.day),
            self._epochs.incarnation,
            block.sequence,
            block.j0,
            bytes(block.coefficients),
            block.commitment,
        )

    def _coverage(self, day: date) -> int:
        if day not in self._covered:
            if len(self._covered) > 1:
                self._covered.pop(min(self._covered))
            self._covered[day] = self._blocks.coverage(day_number(day))
        return self._covered[day]
