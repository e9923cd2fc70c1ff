"""The values that the vault returns."""

from datetime import date, datetime
from enum import IntEnum

import msgspec

from edge.metering.events import DayClosed
from protocol.ids import Incarnation
from protocol.layout import DAY_COEFFICIENTS

FULL_DAY = (1 << DAY_COEFFICIENTS) - 1


class BlockState(IntEnum):
    """The state of a block; the numbers are stored in the database.

    OPEN: coefficients may still be added. SEALED: signed, still to be sent. STORED: the cloud has
    acknowledged it. SUPERSEDED: the cloud holds other coefficients in its place; never sent.
    """

    OPEN = 0
    SEALED = 1
    STORED = 2
    SUPERSEDED = 3


class Key(msgspec.Struct, frozen=True, order=True):
    """The key of a message in the outbox; sequence 0 is the header of `month` (a day number)."""

    incarnation: bytes
    sequence: int
    month: int = 0

    @property
    def is_header(self) -> bool:
        """True for an epoch header, False for a block."""
        return self.sequence == 0


class EpochRow(msgspec.Struct, frozen=True):
    """An epoch's seed (64 bytes) and the id of the year's keys that it was made with.

    The id is empty if the chip never had those keys.
    """

    seed: bytes
    keys: bytes


class BlockRow(msgspec.Struct, frozen=True):
    """Coefficients [j0, j1) of `day`, the `sequence`-th block of `incarnation`."""

    incarnation: Incarnation
    sequence: int
    day: date
    j0: int
    j1: int
    state: BlockState


class KeptQuarterHours(msgspec.Struct, frozen=True):
    """The first and the last quarter-hour (day, j) that are kept, and how many there are in all."""

    first: tuple[date, int]
    last: tuple[date, int]
    known: int
    estimated: int


class DayRow(msgspec.Struct, frozen=True):
    """A closed day and the blocks that carry it.

    `is_encrypted`: all 128 coefficients are in blocks. If `closed` was rebuilt from the cloud, its
    meter serial and calendar are empty until a frame of the same meter has come.
    """

    closed: DayClosed
    is_encrypted: bool
    blocks: tuple[BlockRow, ...]


class Metered(msgspec.Struct, frozen=True):
    """All closed days in order, each with the fingerprint of its meter and calendar.

    `last_serial` and `last_calendar` are those of the last reading, empty if there is none.
    """

    days: tuple[tuple[DayClosed, int], ...]
    last_serial: str = ""
    last_calendar: str = ""


class QuarterHour(msgspec.Struct, frozen=True):
    """One quarter-hour's plain value, in Wh."""

    day: date
    j: int
    energy_wh: int
    is_estimated: bool


class StatementRow(msgspec.Struct, frozen=True):
    """A statement as received, and the chip's verdict (JSON), None before the chip judged it."""

    id: bytes
    received_at: datetime
    payload: bytes
    verdict: str | None


class VaultFigures(msgspec.Struct, frozen=True):
    """Counts of what the vault holds, for the household only."""

    intervals: int
    intervals_to_encrypt: int
    days: int
    blocks: int
    outbox_depth: int
    incarnations: int
    statements: int
    last_quarter_hour: tuple[date, int] | None
    last_day_closed: date | None


def span_bits(j0: int, j1: int) -> int:
    """Return the coefficients [j0, j1) as a bitmap of 128 bits."""
    return (1 << j1) - (1 << j0)


def missing_runs(covered: int) -> list[tuple[int, int]]:
    """Return the maximal runs [a, b) of a day's coefficients that `covered` (a bitmap) lacks."""
    runs: list[tuple[int, int]] = []
    for j in range(DAY_COEFFICIENTS):
        if covered >> j & 1:
            continue
        if runs and runs[-1][1] == j:
            runs[-1] = (runs[-1][0], j + 1)
        else:
            runs.append((j, j + 1))
    return runs
