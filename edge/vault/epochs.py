"""Epochs: pads in memory only, headers on disk.

An incarnation is this process or a part of its life. Its pads disappear with the object, so that a
restored image or a restarted process can never use one again.
"""

from datetime import date

from sqlite_utils import Database

from edge.vault.rows import Key
from edge.vault.signer import Signer
from protocol.calendar import day_number
from protocol.errors import StoreError
from protocol.household import EpochPad
from protocol.ids import Incarnation, new_incarnation
from protocol.messages import Epoch as EpochHeader
from protocol.topics import Kind


def read_seed(database: Database, incarnation: Incarnation, month: date) -> bytes:
    """Return the seed (64 bytes) of an epoch. Raises StoreError if it is not known."""
    row = database.execute(
        "SELECT seed FROM epochs WHERE incarnation = ? AND month = ?",
        (incarnation, day_number(month)),
    ).fetchone()
    if row is None:
        raise StoreError(f"The vault holds no epoch of that incarnation for {month:%Y-%m}.")
    return bytes(row[0])


class Epochs:
    """The live pads of the current incarnation, and the headers of all incarnations."""

    def __init__(self, database: Database, signer: Signer) -> None:
        """Draw an incarnation."""
        self._database = database
        self._signer = signer
        self._live: dict[date, EpochPad] = {}
        self.incarnation: Incarnation = new_incarnation()

    def rotate(self) -> None:
        """Drop all pads and draw another incarnation."""
        self._live.clear()
        self.incarnation = new_incarnation()

    def live(self, month: date) -> tuple[EpochPad, Key | None]:
        """Return the pad of `month`, and the key of its header if this call made it.

        Call it within the transaction that stores the header.
        """
        if month in self._live:
            return self._live[month], None
        household = self._signer.household
        epoch = household.seal.new_epoch(month, self.incarnation)
        number = day_number(month)
        mac = household.epoch_mac(number, self.incarnation, epoch.seed)
        header = EpochHeader(household.id, number, self.incarnation, epoch.seed, mac)
        payload = self._signer.seal(Kind.EPOCH, header)
        self._insert(header, payload, is_stored=False)
        self._live[month] = epoch
        return epoch, Key(self.incarnation, 0, number)

    def adopt(self, header: EpochHeader, payload: bytes) -> None:
        """Store a header that the cloud returned."""
        self._insert(header, payload, is_stored=True)

    def seeds(self, incarnation: bytes) -> list[tuple[int, bytes]]:
        """Return (month as a day number, seed) of an incarnation's epochs."""
        rows = self._database.execute(
            "SELECT month, seed FROM epochs WHERE incarnation = ?", (incarnation,)
        )
        return [(month, bytes(seed)) for month, seed in rows]

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

    def _insert(self, header: EpochHeader, payload: bytes, *, is_stored: bool) -> None:
        self._database.execute(
            "INSERT OR REPLACE INTO epochs (incarnation, month, seed, payload, is_stored) "
            "VALUES (?, ?, ?, ?, ?)",
            (header.incarnation, header.month, header.seed, payload, int(is_stored)),
        )
