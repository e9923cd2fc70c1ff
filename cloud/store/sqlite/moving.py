"""People who move: places, terminations and the registry's audit, in SQLite."""

from datetime import date, datetime
from typing import Any

from cloud.store import Put
from cloud.store.moving import LookUp, SealedMeter, StoredIdentity, SupplyPoint
from cloud.store.sqlite.tables import Tables, instant, seconds
from protocol.calendar import day_number, day_of_number
from protocol.ids import DeviceId, HouseholdKeyId

_PLACE = """
SELECT h.key, p.device, p.tag, p.sealed, p.since, p.until, p.last_day
FROM place p JOIN household h ON h.id = p.household
"""
# Clears what was published for a household that now uses another chip, or on a chip that now
# belongs to another household. Statements and provider messages have ids of one kind.
_CLEAR = """
INSERT OR IGNORE INTO clearing (device, statement) SELECT device, id FROM request
WHERE device IS NOT NULL AND ((household = ? AND device != ?) OR (device = ? AND household != ?))
"""
_CLEAR_LETTERS = """
INSERT OR IGNORE INTO clearing (device, statement)
SELECT e.device, l.id FROM letter l JOIN enrolment e ON e.household = l.household
WHERE l.state = 'published'
  AND ((e.household = ? AND e.device != ?) OR (e.device = ? AND e.household != ?))
"""
_PUBLISH_ANEW = """
UPDATE request SET state = 'pending', device = NULL, statement = NULL, published_at = NULL
WHERE state = 'published' AND ((household = ? AND device != ?) OR (device = ? AND household != ?))
"""
_LETTERS_ANEW = """
UPDATE letter SET state = 'pending' WHERE state = 'published' AND household IN (
  SELECT e.household FROM enrolment e
  WHERE (e.household = ? AND e.device != ?) OR (e.device = ? AND e.household != ?)
)
"""


class Moving(Tables):
    """Where households lived, and when contracts ended."""

    def identity(self, household_key: HouseholdKeyId) -> StoredIdentity | None:
        """See `MovingStore.identity`."""
        row = self._row(
            "SELECT identity, mandated_at FROM household WHERE key = ? AND identity IS NOT NULL",
            [household_key],
        )
        return None if row is None else StoredIdentity(row[0], row[1])

    def put_identity(self, household_key: HouseholdKeyId, identity: StoredIdentity) -> None:
        """See `MovingStore.put_identity`."""
        with self._writing():
            self._db.execute(
                "UPDATE household SET identity = ?, mandated_at = ? WHERE id = ?",
                [identity.identity, identity.mandated_at, self._household(household_key)],
            )

    def put_place(self, place: SupplyPoint, *, is_again: bool = False) -> None:
        """See `MovingStore.put_place`."""
        with self._writing():
            household = self._household(place.household_key)
            if self._goes_on(household, place, is_again=is_again):
                return
            self._end(household, place)
            tag, sealed = (place.meter.tag, place.meter.sealed) if place.meter else (None, None)
            self._db.execute(
                "INSERT INTO place (household, device, tag, sealed, since) VALUES (?, ?, ?, ?, ?)",
                [household, place.device, tag, sealed, seconds(place.since)],
            )

    def places(self, tag: bytes | None = None) -> tuple[SupplyPoint, ...]:
        """See `MovingStore.places`."""
        rows = self._rows(f"{_PLACE} WHERE ? IS NULL OR p.tag = ? ORDER BY p.id", [tag, tag])
        return tuple(_place(row) for row in rows)

    def leave(self, household_key: HouseholdKeyId, device: DeviceId, last_day: date) -> None:
        """See `MovingStore.leave`."""
        with self._writing():
            self._db.execute(
                "UPDATE place SET last_day = ? WHERE household = ? AND device = ?"
                " AND until IS NULL",
                [day_number(last_day), self._household(household_key), device],
            )

    def end_place(self, household_key: HouseholdKeyId, device: DeviceId, at: datetime) -> bool:
        """See `MovingStore.end_place`."""
        with self._writing():
            cursor = self._db.execute(
                "UPDATE place SET until = ? WHERE household = ? AND device = ? AND until IS NULL",
                [seconds(at), self._household(household_key), device],
            )
            return cursor.rowcount > 0

    def last_day_of(self, household_key: HouseholdKeyId) -> date | None:
        """See `MovingStore.last_day_of`."""
        row = self._row(
            "SELECT p.last_day FROM place p JOIN household h ON h.id = p.household"
            " WHERE h.key = ? AND p.until IS NULL",
            [household_key],
        )
        return None if row is None or row[0] is None else day_of_number(row[0])

    def put_termination(
        self, contract: bytes, last_day: date, document: bytes, at: datetime
    ) -> Put:
        """See `MovingStore.put_termination`."""
        with self._writing():
            row = self._row("SELECT last_day FROM termination WHERE contract = ?", [contract])
            if row is not None and row[0] <= day_number(last_day):
                return Put.AGAIN
            self._db.execute(
                "INSERT OR REPLACE INTO termination (contract, last_day, document, at) VALUES (?, ?, ?, ?)",
                [contract, day_number(last_day), document, seconds(at)],
            )
            return Put.STORED

    def last_block_day(self, household_key: HouseholdKeyId) -> date | None:
        """See `MovingStore.last_block_day`."""
        row = self._row(
            "SELECT max(b.day) FROM block b JOIN household h ON h.id = b.household WHERE h.key = ?",
            [household_key],
        )
        return None if row is None or row[0] is None else day_of_number(row[0])

    def clearings(self) -> tuple[tuple[DeviceId, bytes], ...]:
        """See `MovingStore.clearings`."""
        rows = self._rows("SELECT device, statement FROM clearing ORDER BY device, statement")
        return tuple((DeviceId(device), statement) for device, statement in rows)

    def cleared(self, clearings: tuple[tuple[DeviceId, bytes], ...]) -> None:
        """See `MovingStore.cleared`."""
        with self._writing():
            for clearing in clearings:
                self._db.execute(
                    "DELETE FROM clearing WHERE device = ? AND statement = ?", list(clearing)
                )

    def put_look_up(self, look_up: LookUp) -> None:
        """See `MovingStore.put_look_up`."""
        with self._writing():
            self._db.execute(
                "INSERT INTO look_up (at, who, what, why) VALUES (?, ?, ?, ?)",
                [seconds(look_up.at), look_up.who, look_up.what, look_up.why],
            )

    def look_ups(self) -> tuple[LookUp, ...]:
        """See `MovingStore.look_ups`."""
        rows = self._rows("SELECT at, who, what, why FROM look_up ORDER BY id")
        return tuple(LookUp(instant(at), who, what, why) for at, who, what, why in rows)

    def _goes_on(self, household: int, place: SupplyPoint, *, is_again: bool) -> bool:
        """Return whether this place is already open; a missing meter is filled in."""
        row = self._row(
            "SELECT id, tag FROM place WHERE household = ? AND device = ? AND until IS NULL"
            " AND (? OR last_day IS NULL)",
            [household, place.device, is_again],
        )
        if row is None or (place.meter and row[1] not in (None, place.meter.tag)):
            return False
        if place.meter and row[1] is None:
            self._db.execute(
                "UPDATE place SET tag = ?, sealed = ? WHERE id = ?",
                [place.meter.tag, place.meter.sealed, row[0]],
            )
        return True

    def _end(self, household: int, place: SupplyPoint) -> None:
        """End open places of the household, the chip and the meter."""
        at = seconds(place.since)
        tag = place.meter.tag if place.meter else None
        self._db.execute(
            "UPDATE place SET until = ? WHERE until IS NULL"
            " AND (household = ? OR device = ? OR (? IS NOT NULL AND tag = ?))",
            [at, household, place.device, tag, tag],
        )
        # A household has one chip, and a chip one household.
        self._db.execute(
            "UPDATE enrolment SET until = ? WHERE until IS NULL AND household = ? AND device != ?",
            [at, household, place.device],
        )
        pair = [household, place.device, place.device, household]
        for statement in (_CLEAR, _CLEAR_LETTERS, _PUBLISH_ANEW, _LETTERS_ANEW):
            self._db.execute(statement, pair)


def _place(row: tuple[Any, ...]) -> SupplyPoint:
    key, device, tag, sealed, since, until, last_day = row
    return SupplyPoint(
        HouseholdKeyId(key),
        DeviceId(device),
        None if tag is None else SealedMeter(tag, sealed),
        instant(since),
        None if until is None else instant(until),
        None if last_day is None else day_of_number(last_day),
    )
