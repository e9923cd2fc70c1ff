"""One batch in one SQLite transaction: what is stored, what stands already, what conflicts."""

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

# An honest chip sends in order, a window at a time; more gaps than this would not fit an ack.
GAPS_MAX = 512
# An honest process lives for years at most, a household sees some thousand of them; a certified
# chip that makes up more fills no disk and no ack.
MONTHS_MAX = 512
INCARNATIONS_MAX = 16_384


@dataclass(slots=True)
class _Incarnation:
    """One row of `incarnation` while a batch is under way."""

    id: int
    household: int
    device: DeviceId
    stored_through: int
    beyond: ranges.Ranges
    months: tuple[int, ...]
    is_changed: bool = False


class BatchWriter:
    """Puts the items of one batch; lives as long as its transaction."""

    def __init__(self, database: sqlite_utils.Database) -> None:
        # The cursor spares each of some thousand statements the scan for implicit transactions.
        self._cursor = database.conn.cursor()
        self._known: dict[tuple[bytes, bytes], _Incarnation] = {}

    def put(self, epochs: list[EpochItem], blocks: list[BlockItem]) -> BatchOutcome:
        """Put headers, then blocks, then what they change of the incarnations."""
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
        held = self._incarnation(epoch.household_key, epoch.incarnation)
        if held is None:
            if self._is_full(epoch.household_key):
                return Reason.BOUNDS
            held = self._new_incarnation(item)
        if held is None or held.device != item.device:
            return Reason.CONFLICT
        if epoch.month in held.months:
            stored = self._cursor.execute(
                "SELECT payload FROM epoch WHERE incarnation = ? AND month = ?",
                (held.id, epoch.month),
            ).fetchone()
            return _same(stored, item.payload)
        if len(held.months) >= MONTHS_MAX:
            return Reason.BOUNDS
        self._cursor.execute(
            "INSERT INTO epoch VALUES (?, ?, ?)", (held.id, epoch.month, item.payload)
        )
        held.months = tuple(sorted((*held.months, epoch.month)))
        held.is_changed = True
        return Put.STORED

    def _put_block(self, item: BlockItem) -> Put | Reason:
        block = item.block
        held = self._incarnation(block.household_key, block.incarnation)
        if held is None:
            return Reason.NO_EPOCH
        if held.device != item.device:
            return Reason.CONFLICT
        if ranges.contains(held.stored_through, held.beyond, block.sequence):
            stored = self._cursor.execute(
                "SELECT payload FROM block WHERE incarnation = ? AND sequence = ?",
                (held.id, block.sequence),
            ).fetchone()
            return _same(stored, item.payload)
        through, beyond = ranges.add(held.stored_through, held.beyond, block.sequence)
        refused = self._refusal(held, block, gaps=len(beyond))
        if refused is None:
            self._insert(held, item)
            held.stored_through, held.beyond, held.is_changed = through, beyond, True
        return refused or Put.STORED

    def _refusal(self, held: _Incarnation, block: Block, *, gaps: int) -> Reason | None:
        """Say why a block of a new sequence cannot be stored."""
        if _month(block.day) not in held.months:
            return Reason.NO_EPOCH
        if self._is_taken(held.household, block):
            return Reason.CONFLICT
        return Reason.BOUNDS if gaps > GAPS_MAX else None

    def _insert(self, held: _Incarnation, item: BlockItem) -> None:
        block = item.block
        # A later slice of the payload gives the coefficients without decoding it once more.
        offset = item.payload.index(block.coefficients)
        self._cursor.execute(
            "INSERT INTO block VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                held.id,
                block.sequence,
                held.household,
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
        name = (household_key, incarnation)
        if known := self._known.get(name):
            return known
        row = self._cursor.execute(
            "SELECT i.id, i.household, i.device, i.stored_through, i.beyond, i.months"
            " FROM incarnation i JOIN household h ON h.id = i.household"
            " WHERE h.key = ? AND i.incarnation = ?",
            name,
        ).fetchone()
        if row is None:
            return None
        identity, household, device, through, beyond, months = row
        known = self._known[name] = _Incarnation(
            identity,
            household,
            DeviceId(device),
            through,
            msgspec.msgpack.decode(beyond, type=ranges.Ranges),
            msgspec.msgpack.decode(months, type=tuple[int, ...]),
        )
        return known

    def _new_incarnation(self, item: EpochItem) -> _Incarnation | None:
        """Open an incarnation; None: the device has used it under another household key."""
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
    """Compare with what stands; what retention has deleted cannot be compared any more."""
    return Put.AGAIN if stored is None or stored[0] == payload else Reason.CONFLICT


@lru_cache(maxsize=1024)
def _month(day: int) -> int:
    return day_number(month_of(day_of_number(day)))
