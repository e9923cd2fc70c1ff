"""Epochs: pads in memory only, headers on disk.

An incarnation is this process or a part of its life. Its pads disappear with the object, so that a
restored image or a restarted process can never use one again.
"""

from datetime import date

import msgspec
from sqlite_utils import Database

from edge.metering.events import Notice, NoticeKind
from edge.vault.rows import EpochRow, Key
from edge.vault.signer import Signer
from edge.vault.values import Values
from protocol.calendar import day_number, day_of_number, day_start
from protocol.errors import ConfigError, StoreError
from protocol.household import EpochPad
from protocol.ids import Incarnation, new_incarnation
from protocol.messages import Epoch
from protocol.topics import Kind
from protocol.year_keys import YearKeys

NO_KEYS = b""
# December has as many, so days of another year are never counted in.
MONTH_DAYS_MAX = 31


def read_epoch(database: Database, incarnation: Incarnation, month: date) -> EpochRow:
    """Return an epoch's seed and the id of its keys. Raises StoreError if it is not known."""
    row = database.execute(
        "SELECT e.seed, k.keys FROM epochs e LEFT JOIN epoch_keys k "
        "ON k.incarnation = e.incarnation AND k.month = e.month "
        "WHERE e.incarnation = ? AND e.month = ?",
        (incarnation, day_number(month)),
    ).fetchone()
    if row is None:
        raise StoreError(f"The vault holds no epoch of that incarnation for {month:%Y-%m}.")
    return EpochRow(bytes(row[0]), bytes(row[1] or NO_KEYS))


class LiveEpoch(msgspec.Struct, frozen=True):
    """The pad of a month, and the keys of its year."""

    pad: EpochPad
    keys: YearKeys


class Epochs:
    """The live pads of the current incarnation, and the headers of all incarnations."""

    def __init__(self, database: Database, signer: Signer) -> None:
        """Draw an incarnation."""
        self._database = database
        self._signer = signer
        self._live: dict[date, LiveEpoch] = {}
        self.incarnation: Incarnation = new_incarnation()

    def rotate(self) -> None:
        """Drop all pads and draw another incarnation."""
        self._live.clear()
        self.incarnation = new_incarnation()

    def live(self, month: date) -> tuple[LiveEpoch, Key | None]:
        """Return the epoch of `month`, and the key of its header if this call made it.

        Call it within the transaction that stores the header.
        """
        if month in self._live:
            return self._live[month], None
        keys = self._keys_of(month.year)
        pad = keys.seal.new_epoch(month, self.incarnation)
        household, number = self._signer.household.id, day_number(month)
        mac = keys.epoch_mac(household, number, self.incarnation, pad.seed)
        header = Epoch(household, number, self.incarnation, pad.seed, mac)
        payload = self._signer.seal(Kind.EPOCH, header)
        self._insert(header, payload, keys.id, is_stored=False)
        self._live[month] = LiveEpoch(pad, keys)
        return self._live[month], Key(self.incarnation, 0, number)

    def _keys_of(self, year: int) -> YearKeys:
        """Return the keys of a year; a new year's are told to the household.

        Raises:
            StoreError: new keys cannot be written.
        """
        keyring = self._signer.keyring
        if keyring.years and year > max(keyring.years):
            notice = Notice(NoticeKind.KEYS_DRAWN, day_start(date(year, 1, 1)), str(year))
            Values(self._database).put_notice(notice)
        try:
            return keyring.of_year(year)
        except ConfigError as exc:
            raise StoreError(str(exc)) from exc

    def adopt(self, header: Epoch, payload: bytes, keys: bytes) -> None:
        """Store a header that the cloud returned, with the id of its keys, or `NO_KEYS`."""
        self._insert(header, payload, keys, is_stored=True)

    def match_keys(self) -> list[tuple[bytes, date]]:
        """Find epochs whose keys were not here and are now; return (incarnation, month) of each.

        A former chip's headers are not kept here, so theirs are not found.
        """
        rows = self._database.execute(
            "SELECT e.incarnation, e.payload FROM epochs e JOIN epoch_keys k "
            "ON k.incarnation = e.incarnation AND k.month = e.month "
            "WHERE k.keys = ? AND e.payload != x''",
            (NO_KEYS,),
        ).fetchall()
        found = []
        for incarnation, payload in rows:
            header = self._signer.open_own(Kind.EPOCH, bytes(payload), Epoch)
            if (keys := self._signer.keyring.maker_of(header)) is not None:
                self._insert(header, bytes(payload), keys.id, is_stored=True)
                found.append((bytes(incarnation), day_of_number(header.month)))
        return found

    def days_under(self, keys: bytes) -> tuple[date, date] | None:
        """Return the first and last day with a block under the keys with this id."""
        first, last = self._database.execute(
            "SELECT min(b.day), max(b.day) FROM blocks b JOIN epoch_keys k "
            "ON k.incarnation = b.incarnation AND b.day >= k.month AND b.day < k.month + ? "
            "WHERE k.keys = ? AND b.state != 3",
            (MONTH_DAYS_MAX, keys),
        ).fetchone()
        return None if first is None else (day_of_number(first), day_of_number(last))

    def key_ids(self) -> set[bytes]:
        """Return the ids of all keys that epochs here were made with."""
        rows = self._database.execute(
            "SELECT DISTINCT keys FROM epoch_keys WHERE keys != ?", (NO_KEYS,)
        )
        return {bytes(row[0]) for row in rows}

    def of_incarnation(self, incarnation: Incarnation) -> dict[int, EpochRow]:
        """Return the epochs of an incarnation by month (a day number)."""
        rows = self._database.execute(
            "SELECT month FROM epochs WHERE incarnation = ?", (incarnation,)
        ).fetchall()
        return {
            month: read_epoch(self._database, incarnation, day_of_number(month))
            for (month,) in rows
        }

    def payload(self, key: Key) -> bytes | None:
        """Return the signed header with this key, None if there is none."""
        row = self._database.execute(
            "SELECT payload FROM epochs WHERE incarnation = ? AND month = ?",
            (key.incarnation, key.month),
        ).fetchone()
        return None if row is None else bytes(row[0])

    def unsent(self, limit: int) -> list[Key]:
        """Return headers that the cloud has not acknowledged, at most `limit`."""
        rows = self._database.execute(
            "SELECT incarnation, month FROM epochs WHERE is_stored = 0 "
            "ORDER BY month, incarnation LIMIT ?",
            (limit,),
        )
        return [Key(bytes(incarnation), 0, month) for incarnation, month in rows]

    def reconcile(self, incarnation: bytes, months: tuple[int, ...]) -> bool:
        """Record which headers of `incarnation` the cloud holds; return whether that is new.

        Headers of a former chip have no payload here and cannot be sent again.
        """
        changes = [
            (int(month in months), incarnation, month)
            for month, is_stored in self._database.execute(
                "SELECT month, is_stored FROM epochs WHERE incarnation = ? AND payload != x''",
                (incarnation,),
            ).fetchall()
            if bool(is_stored) is not (month in months)
        ]
        self._database.conn.executemany(
            "UPDATE epochs SET is_stored = ? WHERE incarnation = ? AND month = ?", changes
        )
        return bool(changes)

    def incarnations(self) -> set[bytes]:
        """Return all incarnations that have a header."""
        rows = self._database.execute("SELECT DISTINCT incarnation FROM epochs")
        return {bytes(row[0]) for row in rows}

    def prune(self, before: int) -> None:
        """Delete acknowledged headers of months before the day number `before`."""
        self._database.execute("DELETE FROM epochs WHERE month < ? AND is_stored = 1", (before,))
        self._database.execute(
            "DELETE FROM epoch_keys WHERE month < ? AND NOT EXISTS (SELECT 1 FROM epochs e "
            "WHERE e.incarnation = epoch_keys.incarnation AND e.month = epoch_keys.month)",
            (before,),
        )

    def _insert(self, header: Epoch, payload: bytes, keys: bytes, *, is_stored: bool) -> None:
        self._database.execute(
            "INSERT OR REPLACE INTO epochs (incarnation, month, seed, payload, is_stored) "
            "VALUES (?, ?, ?, ?, ?)",
            (header.incarnation, header.month, header.seed, payload, int(is_stored)),
        )
        self._database.execute(
            "INSERT OR REPLACE INTO epoch_keys (incarnation, month, keys) VALUES (?, ?, ?)",
            (header.incarnation, header.month, keys),
        )
