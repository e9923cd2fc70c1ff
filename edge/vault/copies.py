"""Makes a restored copy of a vault safe: it does not know what the chip did since it was taken.

Receipts may have been sent since, and days contributed to the area. The cloud cannot be trusted to
report this: it could hide what it holds, and so get the difference of two overlapping receipts, or
the same day with noise drawn twice.
"""

from collections.abc import Iterable
from datetime import date
from pathlib import Path

from sqlite_utils import Database

from edge.vault.area import AreaTables
from edge.vault.database import open_database
from edge.vault.receipts import Receipts
from edge.vault.values import Values
from protocol.calendar import day_number, legal_day


def put_back(path: Path, today: date, tokens: Iterable[str]) -> int:
    """Make a copy of the chip's own vault, at `path`, safe to continue from; see `presume`.

    Returns the number of days for which a receipt may have been sent.

    Raises:
        StoreError: the copy is of another program or version.
    """
    database = open_database(path)
    try:
        with database.atomic():
            presume(database, today, tokens)
            return sum(not is_certain for is_certain in Receipts(database).covered().values())
    finally:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()


def presume(database: Database, today: date, tokens: Iterable[str]) -> None:
    """Treat every day up to `today` as possibly covered by a receipt, and possibly as contributed.

    `tokens`: the household's earlier release tokens, which release none of this. The caller holds
    the transaction.
    """
    values, receipts = Values(database), Receipts(database)
    for token in tokens:
        receipts.put_release_token(token)
    if (first := _first_day(values)) is not None:
        receipts.presume({*values.days_from(0), *range(first, day_number(today) + 1)})
    presume_contributed(database, today)


def presume_contributed(database: Database, today: date) -> None:
    """Treat days as contributed that were not closed and encrypted when the copy was taken.

    The caller holds the transaction.
    """
    values = Values(database)
    last = values.last_closed()
    first = _first_day(values) if last is None else last + 1
    if first is not None:
        pending = {day_number(day) for day in values.pending_days() if day < today}
        AreaTables(database).presume_spent(pending | set(range(first, day_number(today))))


def reached(database: Database) -> int | None:
    """Return the last day (a number) that the copy knows anything about, None if there is none."""
    values = Values(database)
    known = [*values.days_from(0), *_metered_day(values)]
    return max(known, default=None)


def _first_day(values: Values) -> int | None:
    return min((*values.days_from(0), *_metered_day(values)), default=None)


def _metered_day(values: Values) -> list[int]:
    state = values.state()
    if state is None or state.account is None:
        return []
    return [day_number(legal_day(state.account.last.at))]
