"""The latest state of each chip, in SQLite."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from cloud.store.fleet import DeviceStored, FleetDevice, LastHeard
from cloud.store.put import Count
from cloud.store.sqlite.tables import Tables, instant, seconds
from protocol.calendar import day_number, day_of_number
from protocol.ids import DeviceId

_HEAR = """
INSERT INTO device_word (device, heard_at, state, software, not_after) VALUES (?, ?, ?, ?, ?) ON CONFLICT (device) DO UPDATE SET
  heard_at = ifnull(excluded.heard_at, heard_at), state = ifnull(excluded.state, state),
  software = ifnull(excluded.software, software), not_after = ifnull(excluded.not_after, not_after)
"""
_DEVICES = """
SELECT e.device, e.since, e.is_revoked, w.heard_at, w.state, w.software, w.not_after,
  CASE WHEN e.until IS NULL THEN
    (SELECT max(b.day) FROM block b WHERE b.household = e.household) END, n.sealed
FROM enrolment e LEFT JOIN device_word w ON w.device = e.device
LEFT JOIN device_name n ON n.device = e.device
WHERE e.until IS NULL OR (e.is_revoked = 1 AND e.rowid = (
  SELECT l.rowid FROM enrolment l WHERE l.device = e.device
  ORDER BY l.until IS NULL DESC, l.since DESC, l.rowid DESC LIMIT 1
)) ORDER BY e.device
"""
_LIVING = """
FROM enrolment e LEFT JOIN device_word w ON w.device = e.device
WHERE e.until IS NULL AND e.is_revoked = 0
"""
_STORED = """
SELECT i.device, count(*), sum(length(b.payload)), sum(b.day > ?)
FROM block b JOIN incarnation i ON i.id = b.incarnation GROUP BY i.device ORDER BY i.device
"""
_UNKNOWN = datetime.fromtimestamp(0, UTC)


class SqliteFleet(Tables):
    """`FleetStore` in the embedded store."""

    def put_heard(self, reports: Sequence[LastHeard]) -> None:
        """See `FleetStore.put_heard`."""
        with self._writing():
            for report in reports:
                times = [
                    None if at is None else seconds(at)
                    for at in (report.heard_at, report.not_after)
                ]
                self._db.execute(
                    _HEAR, [report.device, times[0], report.state, report.software, times[1]]
                )

    def name(self, device: DeviceId, sealed_name: bytes | None) -> bool:
        """See `FleetStore.name`."""
        with self._writing():
            row = self._row("SELECT 1 FROM enrolment WHERE device = ? AND until IS NULL", [device])
            if row is None:
                return False
            self._db.execute("DELETE FROM device_name WHERE device = ?", [device])
            if sealed_name is not None:
                self._db.execute(
                    "INSERT INTO device_name (device, sealed) VALUES (?, ?)", [device, sealed_name]
                )
            return True

    def devices(self) -> tuple[FleetDevice, ...]:
        """See `FleetStore.devices`."""
        return tuple(_device(row) for row in self._rows(_DEVICES))

    def stored(self, today: date) -> tuple[DeviceStored, ...]:
        """See `FleetStore.stored`."""
        rows = self._rows(_STORED, [day_number(today)])
        return tuple(DeviceStored(DeviceId(row[0]), *row[1:]) for row in rows)

    def known(self) -> set[DeviceId]:
        """See `FleetStore.known`."""
        return {DeviceId(device) for (device,) in self._rows("SELECT device FROM enrolment")}

    def states(self) -> tuple[Count, ...]:
        """See `FleetStore.states`."""
        sql = f"SELECT ifnull(w.state, ''), count(*) {_LIVING} GROUP BY 1 ORDER BY 1"
        return tuple(Count(*row) for row in self._rows(sql))

    def softwares(self) -> tuple[Count, ...]:
        """See `FleetStore.softwares`."""
        sql = f"SELECT w.software, count(*) {_LIVING} AND w.software != '' GROUP BY 1 ORDER BY 1"
        return tuple(Count(*row) for row in self._rows(sql))


def _device(row: tuple[Any, ...]) -> FleetDevice:
    try:
        return _read(row)
    except (ValueError, OverflowError, OSError):  # raised by `datetime.fromtimestamp`
        return FleetDevice(
            DeviceId(row[0]),
            _UNKNOWN,
            bool(row[2]),
            LastHeard(DeviceId(row[0])),
            None,
            row[8],
            is_damaged=True,
        )


def _read(row: tuple[Any, ...]) -> FleetDevice:
    """Read a row. Raises ValueError, OverflowError or OSError if a time is invalid."""
    device, since, is_revoked, heard_at, state, software, not_after, day, sealed_name = row
    return FleetDevice(
        DeviceId(device),
        instant(since),
        bool(is_revoked),
        LastHeard(
            DeviceId(device),
            None if heard_at is None else instant(heard_at),
            state,
            software,
            None if not_after is None else instant(not_after),
        ),
        None if day is None else day_of_number(day),
        sealed_name,
    )
