"""The version of the wire in use and those that chips read, in SQLite."""

from cloud.store.put import Count
from cloud.store.sqlite.registry import write_again
from cloud.store.sqlite.tables import Tables
from protocol import versions
from protocol.ids import DeviceId

_READ = "SELECT reads FROM enrolment WHERE device = ? AND until IS NULL"
_COUNTS = """
SELECT iif(w.heard_at IS NULL, '', e.reads), count(*)
FROM enrolment e LEFT JOIN device_word w ON w.device = e.device
WHERE e.until IS NULL AND e.is_revoked = 0 GROUP BY 1 ORDER BY min(e.reads), 1
"""


class SqliteVersions(Tables):
    """`VersionStore` in the embedded store."""

    @property
    def in_use(self) -> int:
        """See `VersionStore.in_use`."""
        return versions.VERSIONS.common_with(self._number("SELECT version FROM store"))

    def use(self, version: int) -> None:
        """See `VersionStore.use`."""
        with self._writing():
            self._db.execute("UPDATE store SET version = max(version, ?)", [version])

    def written_to(self, device: DeviceId) -> int:
        """See `VersionStore.written_to`."""
        return versions.VERSIONS.common_with(min(self.in_use, self._number(_READ, [device])))

    def put_read(self, device: DeviceId, newest: int) -> int:
        """See `VersionStore.put_read`."""
        before = self.written_to(device)
        with self._writing():
            self._db.execute(
                "UPDATE enrolment SET reads = ? WHERE device = ? AND until IS NULL AND reads != ?",
                [newest, device, newest],
            )
            after = self.written_to(device)
            if after != before:
                write_again(self._db, device)
        return after

    def counts(self) -> tuple[Count, ...]:
        """See `VersionStore.counts`."""
        return tuple(Count(str(reads), count) for reads, count in self._rows(_COUNTS))

    def _number(self, sql: str, parameters: tuple[object, ...] | list[object] = ()) -> int:
        row = self._row(sql, parameters)
        return int(row[0]) if row else 0
