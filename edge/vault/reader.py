"""Reads a vault, also while the chip runs: for bills, status and the household."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sqlite_utils import Database

from edge.vault.area import AreaTables
from edge.vault.billed import BilledRow, BilledRows
from edge.vault.blocks import BlockTable
from edge.vault.catalogue import CatalogueTables
from edge.vault.database import FILE_NAME, open_database
from edge.vault.epochs import read_epoch
from edge.vault.letters import LetterTable
from edge.vault.moving import DepartureTable
from edge.vault.receipts import Receipts
from edge.vault.rows import BlockRow, DayRow, EpochRow, Metered, StatementRow, VaultFigures
from edge.vault.statements import Statements
from edge.vault.values import Values
from protocol.calendar import day_of_number, quarter_hours
from protocol.ids import Incarnation


class VaultReader:
    """Reads a vault's tables; every call sees what was committed before it."""

    def __init__(self, database: Database) -> None:
        """Read an open database."""
        self._database = database
        self.values = Values(database)
        self.blocks = BlockTable(database)
        self._statements = Statements(database)
        self._billed = BilledRows(database)
        self.area = AreaTables(database)
        self.departures = DepartureTable(database)
        self.receipts = Receipts(database)
        self.catalogue = CatalogueTables(database)
        self.letters = LetterTable(database)

    def day_rows(self, start: date, end: date) -> list[DayRow]:
        """Return the closed days of [start, end) with the blocks that carry them, in order."""
        by_day: dict[date, list[BlockRow]] = {}
        for block in self.blocks.between(start, end):
            by_day.setdefault(block.day, []).append(block)
        return [
            DayRow(closed, is_encrypted, tuple(by_day.get(closed.day, ())))
            for closed, is_encrypted in self.values.days(start, end)
        ]

    def metered(self) -> Metered:
        """Return which meters have counted, as far as known."""
        state = self.values.state()
        days = tuple(self.values.fingerprinted_days())
        if state is None or state.account is None:
            return Metered(days)
        last = state.account.last
        return Metered(days, last.serial, last.calendar or "")

    def blocks_between(self, start: date, end: date) -> list[BlockRow]:
        """Return the blocks of days [start, end), in the order of the day."""
        return self.blocks.between(start, end)

    def curve(self, day: date) -> list[int]:
        """Return the energy (Wh) of each quarter-hour of a closed day; [] if it is too long ago."""
        intervals = self.values.intervals(day, day + timedelta(days=1))
        curve = [0] * (quarter_hours(day) if intervals else 0)
        for interval in intervals:
            curve[interval.j] = interval.energy_wh
        return curve

    def epoch(self, incarnation: Incarnation, month: date) -> EpochRow:
        """Return an epoch's seed and the id of its keys. Raises StoreError if it is not known."""
        return read_epoch(self._database, incarnation, month)

    def statements(self) -> list[StatementRow]:
        """Return all statements, oldest first."""
        return self._statements.all()

    def billed(self) -> list[BilledRow]:
        """Return the billed statements in the order in which they were billed."""
        return self._billed.all()

    def latest_bill_at(self) -> datetime | None:
        """Return when the last judged statement arrived, None if none has."""
        return self._latest("SELECT max(received_at_s) FROM statements WHERE verdict IS NOT NULL")

    def latest_letter_at(self) -> datetime | None:
        """Return when the last letter arrived, None if none has."""
        return self._latest("SELECT max(received_at_s) FROM letters")

    def outbox_depth(self) -> int:
        """Return the number of messages that the cloud has not acknowledged."""
        blocks = self._database.table("blocks").count_where("state = 1")
        headers = self._database.table("epochs").count_where("is_stored = 0")
        return blocks + headers

    def figures(self) -> VaultFigures:
        """Return the counts of what the vault holds."""
        database = self._database
        last = database.execute(
            "SELECT day, j FROM intervals ORDER BY day DESC, j DESC LIMIT 1"
        ).fetchone()
        closed = database.execute("SELECT max(day) FROM days").fetchone()[0]
        return VaultFigures(
            intervals=database.table("intervals").count,
            intervals_to_encrypt=database.table("intervals").count_where("is_encrypted = 0"),
            days=database.table("days").count,
            blocks=database.table("blocks").count_where("state != 3"),
            outbox_depth=self.outbox_depth(),
            incarnations=database.execute(
                "SELECT count(DISTINCT incarnation) FROM epochs"
            ).fetchone()[0],
            statements=database.table("statements").count,
            last_quarter_hour=None if last is None else (day_of_number(last[0]), last[1]),
            last_day_closed=None if closed is None else day_of_number(closed),
        )

    def _latest(self, query: str) -> datetime | None:
        (at_s,) = self._database.execute(query).fetchone()
        return None if at_s is None else datetime.fromtimestamp(at_s, UTC)


@contextmanager
def read_vault(directory: Path) -> Iterator[VaultReader]:
    """Read the vault in `directory`, whether the chip runs or not.

    Raises:
        ConfigError: there is no vault yet.
        StoreError: the vault is damaged, or of another program or version.
    """
    database = open_database(directory / FILE_NAME, is_read_only=True)
    try:
        yield VaultReader(database)
    finally:
        database.close()
