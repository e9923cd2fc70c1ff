"""Stores one batch in one SQLite transaction and detects repeated and conflicting items."""

from dataclasses import dataclass
from functools import lru_cache

import msgspec
import sqlite_utils

from cloud.store import BatchOutcome, BlockItem, EpochItem, Put
from cloud.store.sqlite import ranges
from protocol.calendar import day_number, day_of_number, month_of
from protocol.errors import Reason
from protocol.ids import DeviceId, HouseholdKeyId
from protocol.messages import Block
from protocol.packed import read_packed

# An honest chip sends in order, within a window; more gaps than this would not fit into an ack.
GAPS_MAX = 512
# An honest chip runs for years at most, and an incarnation is forgotten with its last block. So a
# chip may start ten times a day for all of the retention time. The limits keep a certified chip that
# invents more from filling the disk, and the whole ack at 70 kB and 40 ms.
MONTHS_MAX = 512
INCARNATIONS_MAX = 4_096


@dataclass(slots=True)
class _Incarnation:
    """One row of `incarnation` while a batch is being stored."""

    id: int
    household: int
    device: DeviceId
    stored_through: int
    beyond: ranges.Ranges
    months: tuple[int, ...]
    is_changed: bool = False


class BatchWriter:
    """Stores the items of one batch; used only within its transaction."""

    def __init__(self, database: sqlite_utils.Database) -> None:
        # A bare cursor avoids scanning each of thousands of statements for implicit transactions.
        self._cursor = database.conn.cursor()
        self._known: dict[tuple[bytes, bytes], _Incarnation] = {}

    def put(self, epochs: list[EpochItem], blocks: list[BlockItem]) -> BatchOutcome:
        """Store headers, then blocks, then the changed incarnations."""
        outcome = BatchOutcome(
            tuple(self._put_epoch(item) for item in epochs),
            tuple(self._put_block(item) for item in blocks),
        )
        self._cursor.executemany(
            "UPDATE incarnation SET stored_through = ?, beyond = ?, months = ? WHERE id = ?",
            [
                (
                    known.stored_through,
                    msgspec.msgpack.encode(known.beyond),
                    msgspec.msgpack.encode(known.months),
                    known.id,
                )
                for known in self._known.values()
                if known.is_changed
            ],
        )
        return outcome

    def _put_epoch(self, item: EpochItem) -> Put | Reason:
        epoch = item.epoch
        incarnation = self._incarnation(epoch.household_key, epoch.incarnation)
        if incarnation is None:
            if self._is_full(epoch.household_key):
                return Reason.BOUNDS
            incarnation = self._new_incarnation(item)
        if incarnation is None or incarnation.device != item.device:
            return Reason.CONFLICT
        if epoch.month in incarnation.months:
            stored = self._cursor.execute(
                "SELECT payload FROM epoch WHERE incarnation = ? AND month = ?",
                (incarnation.id, epoch.month),
            ).fetchone()
            return _same(stored, item.payload)
        if len(incarnation.months) >= MONTHS_MAX:
            return Reason.BOUNDS
        self._cursor.execute(
            "INSERT INTO epoch (incarnation, month, payload) VALUES (?, ?, ?)",
            (incarnation.id, epoch.month, item.payload),
        )
        incarnation.months = tuple(sorted((*incarnation.months, epoch.month)))
        incarnation.is_changed = True
        return Put.STORED

    def _put_block(self, item: BlockItem) -> Put | Reason:
        block = item.block
        incarnation = self._incarnation(block.household_key, block.incarnation)
        if incarnation is None:
            return Reason.NO_EPOCH
        if incarnation.device != item.device:
            return Reason.CONFLICT
        if ranges.contains(incarnation.stored_through, incarnation.beyond, block.sequence):
            stored = self._cursor.execute(
                "SELECT payload FROM block WHERE incarnation = ? AND sequence = ?",
                (incarnation.id, block.sequence),
            ).fetchone()
            return _same(stored, item.payload)
        through, beyond = ranges.add(incarnation.stored_through, incarnation.beyond, block.sequence)
        refused = self._refusal(incarnation, block, gaps=len(beyond))
        if refused is None:
            self._insert(incarnation, item)
            incarnation.stored_through, incarnation.beyond, incarnation.is_changed = (
                through,
                beyond,
                True,
            )
        return refused or Put.STORED

    def _refusal(self, incarnation: _Incarnation, block: Block, *, gaps: int) -> Reason | None:
        """Return why a block with a new sequence cannot be stored, or None."""
        if _month(block.day) not in incarnation.months:
            return Reason.NO_EPOCH
        if self._is_taken(incarnation.household, block):
            return Reason.CONFLICT
        return Reason.BOUNDS if gaps > GAPS_MAX else None

    def _insert(self, incarnation: _Incarnation, item: BlockItem) -> None:
        block = item.block
        # With the offset, the coefficients can later be sliced without decoding the payload again.
        offset = item.payload.index(block.coefficients)
        self._cursor.execute(
            "INSERT INTO block (incarnation, sequence, household, day, j0, j1, body_offset, payload) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                incarnation.id,
                block.sequence,
                incarnation.household,
                block.day,
                block.j0,
                block.j1,
                offset,
                item.payload,
            ),
        )

    def _is_taken(self, household: int, block: Block) -> bool:
        taken = self._cursor.execute(
            "SELECT 1 FROM block WHERE household = ? AND day = ? AND j0 < ? AND j1 > ? LIMIT 1",
            (household, block.day, block.j1, block.j0),
        ).fetchone()
        return taken is not None

    def _is_full(self, household_key: bytes) -> bool:
        row = self._cursor.execute(
            "SELECT count(*) FROM incarnation"
            " WHERE household = (SELECT id FROM household WHERE key = ?)",
            (household_key,),
        ).fetchone()
        return bool(row[0] >= INCARNATIONS_MAX)

    def _incarnation(self, household_key: bytes, incarnation: bytes) -> _Incarnation | None:
        key = (household_key, incarnation)
        if known := self._known.get(key):
            return known
        row = self._cursor.execute(
            "SELECT i.id, i.household, i.device, i.stored_through, i.beyond, i.months"
            " FROM incarnation i JOIN household h ON h.id = i.household"
            " WHERE h.key = ? AND i.incarnation = ?",
            key,
        ).fetchone()
        if row is None:
            return None
        identity, household, device, through, beyond, months = row
        known = self._known[key] = _Incarnation(
            identity,
            household,
            DeviceId(device),
            through,
            read_packed(beyond, ranges.Ranges),
            read_packed(months, tuple[int, ...]),
        )
        return known

    def _new_incarnation(self, item: EpochItem) -> _Incarnation | None:
        """Add an incarnation; None if the device has used it under another household key."""
        epoch = item.epoch
        self._cursor.execute(
            "INSERT INTO household (key) VALUES (?) ON CONFLICT DO NOTHING", (epoch.household_key,)
        )
        empty = msgspec.msgpack.encode(())
        self._cursor.execute(
            "INSERT INTO incarnation (household, device, incarnation, stored_through, beyond, months)"
            " SELECT id, ?, ?, 0, ?, ? FROM household WHERE key = ? ON CONFLICT DO NOTHING",
            (item.device, epoch.incarnation, empty, empty, HouseholdKeyId(epoch.household_key)),
        )
        return self._incarnation(epoch.household_key, epoch.incarnation)


def _same(stored: tuple[bytes] | None, payload: bytes) -> Put | Reason:
    """Compare with the stored payload; one that retention has deleted counts as equal."""
    return Put.AGAIN if stored is None or stored[0] == payload else Reason.CONFLICT


@lru_cache(maxsize=1024)
def _month(day: int) -> int:
    return day_number(month_of(day_of_number(day)))
