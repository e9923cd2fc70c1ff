"""The area lane's tables in the vault: ledger, contributions, seeds, documents, roster entries.

A day's ledger entries and its ciphertext with noise are written in one transaction with the day
itself. A day that has a row in either table never gets noise again.
"""

from enum import IntEnum

import msgspec
from sqlite_utils import Database

from edge.privacy.contribution import Seeds
from edge.privacy.ledger import DAY_RHO_MAX, Ledger, Spend, oldest_needed
from protocol.area_messages import SeenHeads
from protocol.packed import read_packed
from protocol.roster import SignedEntry

# The measure of a day whose cost the vault does not know, as it was fetched back from the cloud.
LOST = "lost"
_KEY_SHARES = "SELECT generation, trustees, seeds, payload FROM area_seeds"


class AreaState(IntEnum):
    """The state of a contribution; the numbers are stored in the database.

    UNSENT: has its noise, is not acknowledged. STORED, REFUSED: as the cloud answered; a stored
    one may still be left out of its figure, and is then REFUSED. MISSED: its deadline passed, and
    it was deleted unsent. Only an UNSENT contribution has its ciphertext.
    """

    UNSENT = 0
    STORED = 1
    REFUSED = 2
    MISSED = 3


class ContributionRow(msgspec.Struct, frozen=True):
    """A signed contribution for `day` (a number), to be stored by `deadline_s` (Unix seconds)."""

    day: int
    deadline_s: int
    payload: bytes
    spends: tuple[Spend, ...]


class DocumentRow(msgspec.Struct, frozen=True):
    """A document as received; `first_seen` is a day number.

    `is_first`: there was no other of its kind when it was received.
    """

    hash: bytes
    kind: str
    data: bytes
    first_seen: int
    is_first: bool


class KeyShares(msgspec.Struct, frozen=True):
    """Seeds and the signed message that carries them to the trustees.

    `sealed_month` is the month (number of its first day) of which the message has the seeds. Once
    that month is closed, `payload` is empty. `seen` is what the message names. `is_cleared`: the
    broker has confirmed that it retains the message no more.
    """

    seeds: Seeds
    payload: bytes
    sealed_month: int
    seen: SeenHeads
    is_cleared: bool = False


class _StoredSeeds(msgspec.Struct, frozen=True, array_like=True):
    """What is stored in one value of `area_seeds`."""

    month: int
    seeds: tuple[bytes, ...]
    sealed_month: int
    seen: SeenHeads
    is_cleared: bool


class AreaTables:
    """Reads and writes rows inside the caller's transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # Ledger and contributions.

    def is_spent(self, day: int) -> bool:
        """Return whether a day (a number) got noise, or may have got it."""
        row = self._database.execute(
            "SELECT 1 FROM area_ledger WHERE day = ? "
            "UNION ALL SELECT 1 FROM area_contributions WHERE day = ? LIMIT 1",
            (day, day),
        ).fetchone()
        return row is not None

    def spends(self, since: int) -> list[Spend]:
        """Return the ledger's entries for days from `since` (a number) on, ordered by day."""
        rows = self._database.execute(
            "SELECT day, measure, rho, is_profile FROM area_ledger "
            "WHERE day >= ? ORDER BY day, measure",
            (since,),
        ).fetchall()
        return [Spend(day, measure, rho, bool(flag)) for day, measure, rho, flag in rows]

    def ledger(self, day: int) -> Ledger:
        """Return the account with all that still counts on `day` (a number)."""
        return Ledger(self.spends(oldest_needed(day)))

    def put_contribution(self, row: ContributionRow) -> None:
        """Store a day's ciphertext and its cost. A second one for a day raises an SQLite error."""
        self.put_spends(row.spends)
        self._database.execute(
            "INSERT INTO area_contributions (day, state, deadline_s, reason, payload) "
            "VALUES (?, ?, ?, '', ?)",
            (row.day, int(AreaState.UNSENT), row.deadline_s, row.payload),
        )

    def presume_spent(self, days: set[int]) -> None:
        """Charge days (numbers) that may have been contributed before the vault was lost."""
        for day in sorted(days):
            if not self.is_spent(day):
                self.put_spends((Spend(day, LOST, DAY_RHO_MAX),))

    def unsent(self) -> list[tuple[int, int]]:
        """Return (day, deadline in Unix seconds) of unsent contributions, oldest first."""
        rows = self._database.execute(
            "SELECT day, deadline_s FROM area_contributions WHERE state = 0 ORDER BY day"
        ).fetchall()
        return [(day, deadline_s) for day, deadline_s in rows]

    def payload(self, day: int) -> bytes | None:
        """Return the signed contribution of a day, None if none is to be sent."""
        row = self._database.execute(
            "SELECT payload FROM area_contributions WHERE day = ? AND state = 0", (day,)
        ).fetchone()
        return None if row is None or row[0] is None else bytes(row[0])

    def finish(self, day: int, state: AreaState, reason: str = "") -> None:
        """Record the outcome of an unsent contribution and delete its ciphertext."""
        self._database.execute(
            "UPDATE area_contributions SET state = ?, reason = ?, payload = NULL "
            "WHERE day = ? AND state = 0",
            (int(state), reason, day),
        )

    def leave_out(self, day: int, reason: str) -> bool:
        """Record that a stored contribution was left out of its figure; return if that is new."""
        cursor = self._database.execute(
            "UPDATE area_contributions SET state = ?, reason = ? WHERE day = ? AND state = ?",
            (int(AreaState.REFUSED), reason, day, int(AreaState.STORED)),
        )
        return cursor.rowcount > 0

    def states(self, since: int) -> list[tuple[int, AreaState, str]]:
        """Return (day, state, reason) of contributions from `since` (a number) on."""
        rows = self._database.execute(
            "SELECT day, state, reason FROM area_contributions WHERE day >= ? ORDER BY day",
            (since,),
        ).fetchall()
        return [(day, AreaState(state), reason) for day, state, reason in rows]

    def prune(self, before: int) -> None:
        """Delete entries and finished contributions that no cap needs any more."""
        self._database.execute("DELETE FROM area_ledger WHERE day < ?", (before,))
        self._database.execute(
            "DELETE FROM area_contributions WHERE day < ? AND state != 0", (before,)
        )

    # Seeds.

    def put_key_shares(self, shares: KeyShares) -> None:
        """Store newly drawn seeds with the message that carries them, and delete those before."""
        seeds = shares.seeds
        self._database.execute(
            "INSERT INTO area_seeds (generation, trustees, seeds, payload) VALUES (?, ?, ?, ?)",
            (
                seeds.generation,
                seeds.trustees,
                _encoded(shares),
                shares.payload,
            ),
        )
        self._database.execute(
            "DELETE FROM area_seeds WHERE trustees IN (?, x'') AND generation < ?",
            (seeds.trustees, seeds.generation),
        )

    def forget_seeds(self, month: int) -> bool:
        """Replace all seeds of months before `month` by those of `month`; return if there were any.

        The replaced bytes are overwritten in the file; `Vault.truncate_wal` removes them from the
        log beside it.
        """
        old = [shares for shares in self.all_key_shares() if shares.seeds.month < month]
        for shares in old:
            self._replace(msgspec.structs.replace(shares, seeds=shares.seeds.later(month)))
        return bool(old)

    def forget_letters(self, month: int) -> bool:
        """Delete messages with seeds of months before `month`; return if there were any.

        The bytes go as those of `forget_seeds` do.
        """
        old = [
            shares
            for shares in self.all_key_shares()
            if shares.payload and shares.sealed_month < month
        ]
        for shares in old:
            self._replace(msgspec.structs.replace(shares, payload=b""))
        return bool(old)

    def mark_cleared(self) -> None:
        """Record that the broker retains no message with seeds any more."""
        for shares in self.all_key_shares():
            if not shares.payload:
                self._replace(msgspec.structs.replace(shares, is_cleared=True))

    def key_shares(self, trustees: bytes | None = None) -> KeyShares | None:
        """Return the latest seeds for one set of trustees (its hash), or for any."""
        row = self._database.execute(
            f"{_KEY_SHARES} WHERE ? IS NULL OR trustees = ? ORDER BY generation DESC LIMIT 1",
            (trustees, trustees),
        ).fetchone()
        return None if row is None else _key_shares(row)

    def all_key_shares(self) -> list[KeyShares]:
        """Return the latest seeds for each set of trustees."""
        return [_key_shares(row) for row in self._database.execute(_KEY_SHARES).fetchall()]

    def _replace(self, shares: KeyShares) -> None:
        self._database.execute(
            "UPDATE area_seeds SET seeds = ?, payload = ? WHERE generation = ?",
            (_encoded(shares), shares.payload, shares.seeds.generation),
        )

    # Documents and the roster's entries.

    def put_document(self, document: bytes, kind: str, data: bytes, first_seen: int) -> None:
        """Store a document by its hash; a known one keeps the day on which it was first seen."""
        self._database.execute(
            "INSERT OR IGNORE INTO area_documents (hash, kind, data, first_seen, is_first) "
            "VALUES (?, ?, ?, ?, NOT EXISTS (SELECT 1 FROM area_documents WHERE kind = ?))",
            (document, kind, data, first_seen, kind),
        )

    def documents(self) -> list[DocumentRow]:
        """Return all documents in the order in which they were received."""
        rows = self._database.execute(
            "SELECT hash, kind, data, first_seen, is_first FROM area_documents ORDER BY rowid"
        ).fetchall()
        return [
            DocumentRow(bytes(name), kind, bytes(data), seen, bool(is_first))
            for name, kind, data, seen, is_first in rows
        ]

    def put_entry(self, number: int, signed: SignedEntry) -> None:
        """Store a roster entry of the household, by its number."""
        self._database.execute(
            "INSERT OR REPLACE INTO area_entries (number, body, signature) VALUES (?, ?, ?)",
            (number, signed.body, signed.signature),
        )

    def entries(self) -> list[SignedEntry]:
        """Return the household's roster entries in ascending order of their numbers."""
        rows = self._database.execute(
            "SELECT body, signature FROM area_entries ORDER BY number"
        ).fetchall()
        return [SignedEntry(bytes(body), bytes(signature)) for body, signature in rows]

    def put_spends(self, spends: tuple[Spend, ...]) -> None:
        """Charge the ledger. A second entry for a day and measure raises an SQLite error."""
        self._database.conn.executemany(
            "INSERT INTO area_ledger (day, measure, rho, is_profile) VALUES (?, ?, ?, ?)",
            [(spend.day, spend.measure, spend.rho, int(spend.is_profile)) for spend in spends],
        )


def _encoded(shares: KeyShares) -> bytes:
    seeds = shares.seeds
    return msgspec.msgpack.encode(
        _StoredSeeds(seeds.month, seeds.seeds, shares.sealed_month, shares.seen, shares.is_cleared)
    )


def _key_shares(row: tuple[int, bytes, bytes, bytes]) -> KeyShares:
    generation, trustees, encoded, payload = row
    stored = read_packed(encoded, _StoredSeeds)
    return KeyShares(
        Seeds(generation, bytes(trustees), stored.seeds, stored.month),
        bytes(payload),
        stored.sealed_month,
        stored.seen,
        stored.is_cleared,
    )
