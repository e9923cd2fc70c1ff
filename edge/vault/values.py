"""Plain values: quarter-hours, closed days, notices, and metering's state."""

from datetime import UTC, date, datetime, timedelta

import msgspec
from sqlite_utils import Database

from edge.metering.events import DayClosed, Notice, NoticeKind, QuarterHourClosed
from edge.metering.reopening import Undone
from edge.metering.restore import RestorePoint
from edge.metering.state import MeterState
from edge.vault.rows import KeptQuarterHours, QuarterHour
from protocol.calendar import day_number, day_of_number, quarter_hours
from protocol.packed import read_packed

_state_encoder = msgspec.msgpack.Encoder()
HALF_A_DAY = 48


class Values:
    """Reads and writes rows inside the caller's transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save_state(self, state: MeterState) -> None:
        """Store metering's state and delete its restore point."""
        self._database.execute(
            "INSERT OR REPLACE INTO meter (id, state, restore_point) VALUES (1, ?, NULL)",
            (_state_encoder.encode(state),),
        )

    def save_restore_point(self, point: RestorePoint | None) -> None:
        """Store metering's restore point and delete its state."""
        encoded = None if point is None else _state_encoder.encode(point)
        self._database.execute(
            "INSERT OR REPLACE INTO meter (id, state, restore_point) VALUES (1, NULL, ?)",
            (encoded,),
        )

    def state(self) -> MeterState | None:
        """Return metering's state, None if there is none."""
        row = self._database.execute("SELECT state FROM meter WHERE id = 1").fetchone()
        return None if row is None or row[0] is None else read_packed(row[0], MeterState)

    def restore_point(self) -> RestorePoint | None:
        """Return metering's restore point, None if metering need not be restored."""
        row = self._database.execute("SELECT restore_point FROM meter WHERE id = 1").fetchone()
        return None if row is None or row[0] is None else read_packed(row[0], RestorePoint)

    def put_interval(self, event: QuarterHourClosed, *, is_encrypted: bool) -> None:
        """Store a quarter-hour; an encrypted one never changes."""
        self._database.execute(
            "INSERT INTO intervals (day, j, energy_wh, is_estimated, is_encrypted) "
            "VALUES (?, ?, ?, ?, ?) ON CONFLICT (day, j) DO UPDATE SET "
            "energy_wh = excluded.energy_wh, is_estimated = excluded.is_estimated, "
            "is_encrypted = excluded.is_encrypted WHERE is_encrypted = 0",
            (
                day_number(event.day),
                event.j,
                event.energy_wh,
                int(event.is_estimated),
                int(is_encrypted),
            ),
        )

    def has_interval(self, day: date, j: int) -> bool:
        """Return whether a quarter-hour's value is known."""
        row = self._database.execute(
            "SELECT 1 FROM intervals WHERE day = ? AND j = ?", (day_number(day), j)
        ).fetchone()
        return row is not None

    def metered_days(self, start: date, end: date) -> int:
        """Return on how many days of [start, end) most quarter-hours were read, not estimated."""
        (count,) = self._database.execute(
            "SELECT count(*) FROM (SELECT 1 FROM intervals WHERE day >= ? AND day < ? "
            "AND is_estimated = 0 GROUP BY day HAVING count(*) >= ?)",
            (day_number(start), day_number(end), HALF_A_DAY),
        ).fetchone()
        return int(count)

    def put_day(self, closed: DayClosed, fingerprint: int, *, is_encrypted: bool) -> None:
        """Store a closed day; an encrypted one never changes."""
        self._database.execute(
            "INSERT INTO days (day, closed, fingerprint, is_encrypted) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (day) DO UPDATE SET closed = excluded.closed, "
            "fingerprint = excluded.fingerprint, is_encrypted = excluded.is_encrypted "
            "WHERE is_encrypted = 0",
            (
                day_number(closed.day),
                _state_encoder.encode(closed),
                fingerprint,
                int(is_encrypted),
            ),
        )

    def put_notice(self, notice: Notice) -> None:
        """Store a notice for the household."""
        self._database.execute(
            "INSERT INTO notices (at_s, kind, detail) VALUES (?, ?, ?)",
            (int(notice.at.timestamp()), notice.kind, notice.detail),
        )

    def pending_intervals(self, day: date) -> list[QuarterHour]:
        """Return the day's quarter-hours that wait for encryption."""
        rows = self._database.execute(
            "SELECT j, energy_wh, is_estimated FROM intervals "
            "WHERE is_encrypted = 0 AND day = ? ORDER BY j",
            (day_number(day),),
        ).fetchall()
        return [QuarterHour(day, j, energy_wh, bool(guess)) for j, energy_wh, guess in rows]

    def pending_day(self, day: date) -> tuple[DayClosed, int] | None:
        """Return the day with its fingerprint if it is closed and waits for encryption."""
        row = self._database.execute(
            "SELECT closed, fingerprint FROM days WHERE is_encrypted = 0 AND day = ?",
            (day_number(day),),
        ).fetchone()
        return None if row is None else (read_packed(row[0], DayClosed), row[1])

    def pending_days(self) -> list[date]:
        """Return the days with anything that waits for encryption, in order."""
        rows = self._database.execute(
            "SELECT day FROM intervals WHERE is_encrypted = 0 "
            "UNION SELECT day FROM days WHERE is_encrypted = 0 ORDER BY day"
        ).fetchall()
        return [day_of_number(row[0]) for row in rows]

    def days_from(self, day: int) -> list[int]:
        """Return the numbers of the days with any value, from `day` (a number) on."""
        rows = self._database.execute(
            "SELECT day FROM intervals WHERE day >= ? UNION SELECT day FROM days WHERE day >= ?",
            (day, day),
        ).fetchall()
        return [row[0] for row in rows]

    def drop_pending(self) -> None:
        """Delete what waits for encryption, since it was metered from an outdated state."""
        self._database.execute("DELETE FROM intervals WHERE is_encrypted = 0")
        self._database.execute("DELETE FROM days WHERE is_encrypted = 0")

    def take_out(self, day: date, j: int) -> Undone:
        """Delete and return what is closed from quarter-hour `j` of `day` on."""
        number = day_number(day)
        is_later = "day > ? OR (day = ? AND j >= ?)"
        rows = self._database.execute(
            f"SELECT day, j, energy_wh, is_estimated FROM intervals WHERE {is_later} "  # noqa: S608 - fixed text
            "ORDER BY day, j",
            (number, number, j),
        ).fetchall()
        days = [closed for closed, _ in self.days(day, date.max)]
        self._database.execute(
            f"DELETE FROM intervals WHERE {is_later}",  # noqa: S608 - fixed text
            (number, number, j),
        )
        self._database.execute("DELETE FROM days WHERE day >= ?", (number,))
        quarter_hours_closed = [
            QuarterHourClosed(day_of_number(number), j, energy_wh, bool(is_estimated))
            for number, j, energy_wh, is_estimated in rows
        ]
        return Undone((day, j), tuple(quarter_hours_closed), tuple(days))

    def mark(self, day: date, covered: int, full: int) -> None:
        """Mark a day's values as encrypted if blocks cover their coefficients.

        `covered` and `full` (all coefficients) are bitmaps.
        """
        number = day_number(day)
        rows = self._database.execute("SELECT j FROM intervals WHERE day = ?", (number,)).fetchall()
        self._database.conn.executemany(
            "UPDATE intervals SET is_encrypted = ? WHERE day = ? AND j = ?",
            [(covered >> j & 1, number, j) for (j,) in rows],
        )
        self._database.execute(
            "UPDATE days SET is_encrypted = ? WHERE day = ?", (int(covered == full), number)
        )

    def last_encrypted(self) -> tuple[date, int] | None:
        """Return the last quarter-hour that is encrypted."""
        row = self._database.execute(
            "SELECT day, j FROM intervals WHERE is_encrypted = 1 ORDER BY day DESC, j DESC LIMIT 1"
        ).fetchone()
        return None if row is None else (day_of_number(row[0]), row[1])

    def last_closed(self) -> int | None:
        """Return the number of the last closed day, None if there is none."""
        row = self._database.execute("SELECT max(day) FROM days").fetchone()
        return None if row is None else row[0]

    def find_restore_point(self) -> RestorePoint | None:
        """Return the end of the unbroken account: the last closed day and what directly follows."""
        row = self._database.execute(
            "SELECT closed, fingerprint FROM days ORDER BY day DESC LIMIT 1"
        ).fetchone()
        if row is None:
            return None
        closed = read_packed(row[0], DayClosed)
        day, j = closed.day, quarter_hours(closed.day) - 1
        placed_wh = 0
        for interval in self.intervals(day, day + timedelta(days=2)):
            if interval.day == closed.day:
                continue
            if interval.j != (0 if day == closed.day else j + 1):
                break
            day, j = interval.day, interval.j
            placed_wh += interval.energy_wh
        return RestorePoint(
            day=day,
            j=j,
            drawn_index_wh=(closed.drawn_index_wh + placed_wh) % 1_000_000_000,
            register_index_kwh=closed.register_index_kwh,
            injected_index_wh=closed.injected_index_wh,
            fingerprint=row[1],
            placed_wh=placed_wh,
            mode=closed.mode,
        )

    def name_meter(self, fingerprint: int, serial: str, calendar: str) -> None:
        """Set serial and calendar in rebuilt days of the meter with that fingerprint."""
        rows = self._database.execute(
            "SELECT closed FROM days WHERE fingerprint = ?", (fingerprint,)
        ).fetchall()
        for (encoded,) in rows:
            closed = read_packed(encoded, DayClosed)
            if not closed.meter_serial:
                named = msgspec.structs.replace(closed, meter_serial=serial, calendar=calendar)
                self._database.execute(
                    "UPDATE days SET closed = ? WHERE day = ?",
                    (_state_encoder.encode(named), day_number(closed.day)),
                )

    def intervals(self, start: date, end: date) -> list[QuarterHour]:
        """Return the quarter-hours of days [start, end), in order."""
        rows = self._database.execute(
            "SELECT day, j, energy_wh, is_estimated FROM intervals "
            "WHERE day >= ? AND day < ? ORDER BY day, j",
            (day_number(start), day_number(end)),
        ).fetchall()
        return [
            QuarterHour(day_of_number(day), j, energy_wh, bool(is_estimated))
            for day, j, energy_wh, is_estimated in rows
        ]

    def kept_quarter_hours(self) -> KeptQuarterHours | None:
        """Return the extent of the quarter-hours that are kept; None if there is none."""
        row = self._database.execute(
            "SELECT a.day, a.j, z.day, z.j, count(*), sum(intervals.is_estimated) FROM intervals, "
            "(SELECT day, j FROM intervals ORDER BY day, j LIMIT 1) a, "
            "(SELECT day, j FROM intervals ORDER BY day DESC, j DESC LIMIT 1) z"
        ).fetchone()
        first, first_j, last, last_j, known, estimated = row
        if not known:
            return None
        ends = (day_of_number(first), first_j), (day_of_number(last), last_j)
        return KeptQuarterHours(*ends, known, estimated)

    def days(self, start: date, end: date) -> list[tuple[DayClosed, bool]]:
        """Return the closed days of [start, end) and whether each is encrypted, in order."""
        rows = self._database.execute(
            "SELECT closed, is_encrypted FROM days WHERE day >= ? AND day < ? ORDER BY day",
            (day_number(start), day_number(end)),
        ).fetchall()
        return [(read_packed(closed, DayClosed), bool(done)) for closed, done in rows]

    def fingerprinted_days(self) -> list[tuple[DayClosed, int]]:
        """Return all closed days, each with its fingerprint of meter and calendar, in order."""
        rows = self._database.execute(
            "SELECT closed, fingerprint FROM days ORDER BY day"
        ).fetchall()
        return [(read_packed(closed, DayClosed), fingerprint) for closed, fingerprint in rows]

    def notices(self) -> list[Notice]:
        """Return all notices, oldest first."""
        rows = self._database.table("notices").rows_where(order_by="id")
        return [
            Notice(NoticeKind(row["kind"]), datetime.fromtimestamp(row["at_s"], UTC), row["detail"])
            for row in rows
        ]

    def prune(self, intervals_before: int, days_before: int, notices_before_s: int) -> None:
        """Delete old values, but nothing that waits for encryption."""
        self._database.execute(
            "DELETE FROM intervals WHERE day < ? AND is_encrypted = 1", (intervals_before,)
        )
        self._database.execute(
            "DELETE FROM days WHERE day < ? AND is_encrypted = 1", (days_before,)
        )
        self._database.execute("DELETE FROM notices WHERE at_s < ?", (notices_before_s,))
