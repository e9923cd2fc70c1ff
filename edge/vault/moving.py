"""The vault's part of moving: the household's departure, and an image for another chip."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
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
# A full disk is an I/O error where SQLite maps a file into memory.
_OF_THE_DISK = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}
_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class Departure(msgspec.Struct, frozen=True):
    """The household has moved out: `last_day` was closed at `at`.

    `is_told`: the cloud has everything and has confirmed the departure.
    """

    last_day: date
    at: datetime
    is_told: bool


class DepartureTable:
    """Reads and writes the only row inside the caller's transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self) -> Departure | None:
        """Return the departure, None if the household has not moved out."""
        row = self._database.execute(
            "SELECT last_day, at_s, is_told FROM departure WHERE id = 1"
        ).fetchone()
        if row is None:
            return None
        return Departure(day_of_number(row[0]), datetime.fromtimestamp(row[1], UTC), bool(row[2]))

    def put(self, departure: Departure) -> None:
        """Store the departure."""
        self._database.execute(
            "INSERT OR REPLACE INTO departure (id, last_day, at_s, is_told) VALUES (1, ?, ?, ?)",
            (
                day_number(departure.last_day),
                int(departure.at.timestamp()),
                int(departure.is_told),
            ),
        )


def take_image(source: Path) -> bytes:
    """Return the present state of a vault as one file's bytes, whether the chip runs or not.

    Raises:
        StoreError: the vault cannot be read.
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


def adopt_image(path: Path, today: date, tokens: Iterable[str]) -> bool:
    """Make the image of another chip's vault, placed at `path`, this chip's own.

    This chip cannot send what the other one signed. Blocks that the cloud has not acknowledged are
    superseded, so that their values are encrypted again unless the cloud proves to hold them.
    Acknowledged blocks stay known as stored. A household that had moved out begins anew on the day
    after its last. Returns whether it had.

    An image that does not reach to the day before `today` was not made for this move. The other
    chip may have continued and given receipts since, so receipts wait for the household's release.
    `tokens` are its earlier release tokens.

    Raises:
        StoreError: the image is damaged, or of another program or a newer version.
    """
    _check_image(path)
    with _prepared(path) as database, database.atomic():
        _take_out_unsent(database)
        presume_contributed(database, today)
        if not _is_fresh(database, today):
            presume(database, today, tokens)
        has_moved_out = _begin_anew(database)
        database.execute("UPDATE area_seeds SET trustees = x'', payload = x''")
        database.execute(
            "UPDATE area_contributions SET state = 3, reason = 'moved', payload = NULL "
            "WHERE state = 0"
        )
    return has_moved_out


def make_without_ledger(path: Path, today: date) -> None:
    """Create an empty vault that counts the area lane's budget of the year as spent.

    Raises:
        StoreError: the disk is full.
    """
    with _prepared(path) as database, database.atomic():
        AreaTables(database).put_spends((Spend(day_number(today), LOST, EVERYTHING_RHO),))


@contextmanager
def _prepared(path: Path) -> Iterator[Database]:
    """Open a vault to be moved; at the end all of it is in its one file."""
    try:
        with closing(open_database(path)) as database:
            yield database
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as exc:
        raise _unusable(exc) from exc


def _check_image(path: Path) -> None:
    """Refuse a damaged image, which must not be moved aside and replaced like the chip's own."""
    try:
        with closing(sqlite3.connect(path)) as connection:
            answer = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as exc:
        raise _unusable(exc) from exc
    if answer != ("ok",):
        raise StoreError("The vault in this bundle is damaged; take another copy.")


def _unusable(exc: sqlite3.Error) -> StoreError:
    """Return what is wrong with an image, or with the disk on which it is prepared."""
    code = getattr(exc, "sqlite_errorcode", 0) & 0xFF
    if code in _OF_THE_DISK:
        return StoreError(f"There is no room for the vault here: {exc}; make room, then try again.")
    if code in _DAMAGE:
        return StoreError(f"The vault in this bundle is damaged: {exc}; take another copy.")
    return StoreError(f"The vault in this bundle cannot be used: {exc}.")


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
