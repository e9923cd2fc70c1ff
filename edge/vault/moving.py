"""The vault's part of moving: that the household has left, and an image taken to another chip."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
from sqlite_utils import Database

from edge.metering.state import MeterState
from edge.privacy.ledger import EVERYTHING_RHO, Spend
from edge.vault.area import LOST, AreaTables
from edge.vault.blocks import BlockTable
from edge.vault.copies import presume, presume_contributed, reached
from edge.vault.database import open_database
from edge.vault.rows import FULL_DAY
from edge.vault.values import Values
from protocol.calendar import day_number, day_of_number
from protocol.errors import StoreError
from system.read_only import open_read_only

ONE_DAY = 1


class Departure(msgspec.Struct, frozen=True):
    """The household has moved out: `last_day` was closed at `at`.

    `is_told`: the cloud has everything, and has said that it knows.
    """

    last_day: date
    at: datetime
    is_told: bool


class DepartureTable:
    """Reads and writes the one row; the caller holds the transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self) -> Departure | None:
        """Return the departure, None while the household lives here."""
        row = self._database.execute(
            "SELECT last_day, at_s, is_told FROM departure WHERE id = 1"
        ).fetchone()
        if row is None:
            return None
        return Departure(day_of_number(row[0]), datetime.fromtimestamp(row[1], UTC), bool(row[2]))

    def put(self, departure: Departure) -> None:
        """Keep that the household has left, or that this was told."""
        self._database.execute(
            "INSERT OR REPLACE INTO departure (id, last_day, at_s, is_told) VALUES (1, ?, ?, ?)",
            (
                day_number(departure.last_day),
                int(departure.at.timestamp()),
                int(departure.is_told),
            ),
        )


def take_image(source: Path) -> bytes:
    """Return a vault as one file's bytes, as it stands at this moment, whether the chip runs or not.

    Raises:
        StoreError: it cannot be read.
    """
    try:
        with (
            closing(open_read_only(source)) as connection,
            closing(sqlite3.connect(":memory:")) as image,
        ):
            connection.backup(image)
            return image.serialize()
    except sqlite3.Error as exc:
        raise StoreError(f"{source} cannot be read: {exc}; start the chip, it repairs it.") from exc


def make_at_home(path: Path, today: date, words: Iterable[str]) -> bool:
    """Make the image of another chip's vault, put at `path`, fit to go on from here.

    What the other chip signed is not this one's to send: blocks that the cloud has not acknowledged
    are taken out, so that their values are encrypted again unless the cloud proves to hold them;
    of acknowledged ones it stays known that they are there. A household that had moved out begins
    anew on the day after its last. Says whether it had.

    An image that does not reach to the day before `today` was not made for this move: the other
    chip may have gone on and given receipts since, so that they wait for the household's word
    (`words`: those that it said before).

    Raises:
        StoreError: the image is damaged, of another program or a newer version.
    """
    _check_image(path)
    database = open_database(path)
    try:
        with database.atomic():
            _take_out_unsent(database)
            presume_contributed(database, today)
            if not _is_fresh(database, today):
                presume(database, today, words)
            has_moved_out = _begin_anew(database)
            database.execute("UPDATE area_seeds SET trustees = x'', payload = x''")
            database.execute(
                "UPDATE area_contributions SET state = 3, reason = 'moved', payload = NULL "
                "WHERE state = 0"
            )
    except sqlite3.Error as exc:
        raise StoreError(f"The vault in this bundle cannot be used: {exc}.") from exc
    finally:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()
    return has_moved_out


def make_without_ledger(path: Path, today: date) -> None:
    """Make a vault that knows nothing, and so takes the year's budget of the area lane as spent."""
    database = open_database(path)
    try:
        with database.atomic():
            AreaTables(database).put_spends((Spend(day_number(today), LOST, EVERYTHING_RHO),))
    finally:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()


def _check_image(path: Path) -> None:
    """A damaged image must not be moved aside and replaced, as the chip's own would be."""
    try:
        with closing(sqlite3.connect(path)) as connection:
            found = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as exc:
        raise StoreError(f"The vault in this bundle is damaged: {exc}; take another copy.") from exc
    if found != ("ok",):
        raise StoreError("The vault in this bundle is damaged; take another copy.")


def _take_out_unsent(database: Database) -> None:
    blocks, values = BlockTable(database), Values(database)
    touched = database.execute("SELECT DISTINCT day FROM blocks WHERE state IN (0, 1)").fetchall()
    database.execute("UPDATE blocks SET state = 3, payload = NULL WHERE state IN (0, 1)")
    database.execute("UPDATE blocks SET payload = NULL WHERE state = 2")
    for (day,) in touched:
        values.mark(day_of_number(day), blocks.coverage(day), FULL_DAY)
    database.execute("DELETE FROM epochs WHERE is_stored = 0")
    database.execute("UPDATE epochs SET payload = x''")


def _is_fresh(database: Database, today: date) -> bool:
    departure, last = DepartureTable(database).get(), reached(database)
    if departure is not None:
        last = day_number(departure.last_day)
    return last is None or last >= day_number(today) - ONE_DAY


def _begin_anew(database: Database) -> bool:
    departure = DepartureTable(database).get()
    if departure is None:
        return False
    first_day = day_of_number(day_number(departure.last_day) + ONE_DAY)
    Values(database).save_state(MeterState(first_day=first_day))
    database.execute("DELETE FROM departure")
    return True
