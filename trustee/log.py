"""What a trustee's database holds: seeds, documents, roster, the logs of answers, and alarms."""

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from protocol.convictions import Offence
from protocol.errors import StoreError
from protocol.packed import read_packed
from protocol.trustee_messages import (
    FIRST_PREVIOUS,
    Ask,
    Holding,
    LogEntry,
    RequestSummary,
    SignedLogEntry,
    SignedSummary,
)
from trustee.database import TrusteeDatabase

_HORIZON = "horizon"
_INSERT_NEW = (
    "INSERT OR IGNORE INTO document (hash, kind, charter, standing, seen) VALUES (?, ?, ?, ?, ?)"
)
_REPLACE = _INSERT_NEW.replace("IGNORE", "REPLACE")
_PUT_FACT = "INSERT OR REPLACE INTO fact (name, value) VALUES (?, ?)"
_DELETE_SUPERSEDED = (
    "DELETE FROM seed WHERE EXISTS (SELECT 1 FROM seed AS newer WHERE newer.stored_on < ? "
    "AND newer.household = seed.household AND newer.generation > seed.generation "
    "AND newer.trustees = seed.trustees) RETURNING household, generation"
)
# Two signed sets of a figure prove the collectivity's offence; more prove nothing else.
_SETS_KEPT = 2


class StoredSeeds(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A household's seeds of one generation, 32 bytes each, in the order of the seed sets.

    They are those of `month` (the number of its first day). `seen` is the encoded `SeenHeads` that
    the chip signed with them.
    """

    household_key: bytes
    generation: int
    trustees: bytes
    digest: bytes
    seeds: bytes
    month: int
    seen: bytes


class Standing(StrEnum):
    """What a document is to this trustee.

    trusted: verified, with enough signatures. signed: this trustee signed it, and it has not come
    with the others' signatures yet. fork: it follows the same document as a trusted one, kept as
    proof against those who signed both.
    """

    TRUSTED = "trusted"
    SIGNED = "signed"
    FORK = "fork"


class StoredDocument(msgspec.Struct, frozen=True, array_like=True):
    """A signed document: hash, kind, MessagePack, and the day (a number) on which it was seen."""

    hash: bytes
    kind: str
    data: bytes
    standing: str
    seen: int


class Alarm(msgspec.Struct, frozen=True):
    """An offence that "collectivity" or a trustee committed; `proof` is an encoded `Proof`."""

    offence: Offence
    offender: str
    measure: str
    group: str
    day: int
    proof: bytes


class TrusteeLog(TrusteeDatabase):
    """What a trustee's database holds; only one process writes to it."""

    def fact(self, name: str) -> bytes | None:
        """Return a fact by its name."""
        rows = self._rows("SELECT value FROM fact WHERE name = ?", [name])
        return bytes(rows[0][0]) if rows else None

    def put_fact(self, name: str, value: bytes) -> None:
        """Store a fact, replacing the value it had."""
        with self.writing():
            self._db.execute(_PUT_FACT, [name, value])

    def documents(self, standing: Standing = Standing.TRUSTED) -> list[StoredDocument]:
        """Return the documents of a standing in the order in which they got it."""
        rows = self._rows(
            "SELECT hash, kind, charter, standing, seen FROM document WHERE standing = ? "
            "ORDER BY id",
            [standing],
        )
        return [StoredDocument(*row) for row in rows]

    def put_document(self, document: StoredDocument) -> None:
        """Store a signed document; one that is there gets the new standing.

        One that this trustee only signs keeps the standing and the day that it has: it may have
        come with all signatures while the operator read it.
        """
        is_signed_only = document.standing == Standing.SIGNED
        with self.writing():
            self._db.execute(
                _INSERT_NEW if is_signed_only else _REPLACE, list(msgspec.structs.astuple(document))
            )

    def roster(self) -> list[tuple[bytes, bytes, int | None]]:
        """Return (body, signature, day of arrival) of all roster entries."""
        return self._rows("SELECT body, signature, seen FROM roster ORDER BY number")

    def append_roster(
        self, first: int, entries: Sequence[tuple[bytes, bytes]], seen: int | None
    ) -> None:
        """Append verified entries, the first with number `first`, that arrived on the day `seen`."""
        with self.writing():
            self._db.conn.executemany(
                "INSERT INTO roster (number, body, signature, seen) VALUES (?, ?, ?, ?)",
                [(first + index, *entry, seen) for index, entry in enumerate(entries)],
            )

    def roster_had_arrived_by(self, day: int) -> None:
        """Date entries that arrived after `day` (a number) to it."""
        with self.writing():
            self._db.execute("UPDATE roster SET seen = ? WHERE seen > ?", [day, day])

    def seeds(self) -> list[StoredSeeds]:
        """Return all households' seeds of all generations, in ascending order."""
        rows = self._rows(
            "SELECT household, generation, trustees, digest, seeds, month, seen FROM seed "
            "ORDER BY household, generation"
        )
        return [StoredSeeds(*row) for row in rows]

    def count_seeds(self, household_key: bytes, since: int) -> int:
        """Return how many generations of a household's seeds were stored after the day `since`."""
        rows = self._rows(
            "SELECT count(*) FROM seed WHERE household = ? AND stored_on > ?",
            [household_key, since],
        )
        return int(rows[0][0])

    def put_seeds(self, seeds: StoredSeeds, today: int) -> None:
        """Store a household's seeds of a new generation."""
        with self.writing():
            self._db.execute(
                "INSERT INTO seed (household, generation, trustees, digest, seeds, month, seen, "
                "stored_on) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [*msgspec.structs.astuple(seeds), today],
            )

    def close_months(
        self, month: int, later: Sequence[StoredSeeds], superseded_on: int
    ) -> list[tuple[bytes, int]]:
        """Delete the sealing keys of months before `month`, and overwrite seeds by the later ones.

        Also delete the seeds for the same trustees that newer ones, stored before the day
        `superseded_on`, replaced; return their (household key, generation).
        """
        with self.writing():
            self._db.execute("DELETE FROM sealing_key WHERE month < ?", [month])
            superseded = self._db.execute(_DELETE_SUPERSEDED, [superseded_on]).fetchall()
            self._db.conn.executemany(
                "UPDATE seed SET seeds = ?, month = ? WHERE household = ? AND generation = ?",
                [(each.seeds, each.month, each.household_key, each.generation) for each in later],
            )
        return superseded

    def sealing_keys(self) -> dict[int, bytes]:
        """Return the private sealing keys by month (the number of its first day), in order."""
        return dict(self._rows("SELECT month, key FROM sealing_key ORDER BY month"))

    def put_sealing_key(self, month: int, key: bytes) -> None:
        """Store the private sealing key of a month that has none."""
        with self.writing():
            self._db.execute("INSERT INTO sealing_key (month, key) VALUES (?, ?)", [month, key])

    def holding(self, trustee: str) -> Holding:
        """Return the length and head of the stored part of a trustee's log."""
        rows = self._rows(
            "SELECT number, hash FROM entry WHERE trustee = ? ORDER BY number DESC LIMIT 1",
            [trustee],
        )
        return Holding(trustee, rows[0][0] + 1, rows[0][1]) if rows else _nothing_of(trustee)

    def holdings(self) -> list[Holding]:
        """Return the length and head of the stored part of each trustee's log."""
        rows = self._rows("SELECT DISTINCT trustee FROM entry ORDER BY trustee")
        return [self.holding(row[0]) for row in rows]

    def entries(self, trustee: str, first: int = 0) -> list[SignedLogEntry]:
        """Return the stored entries of a trustee's log from number `first` on."""
        rows = self._rows(
            "SELECT body, signature FROM entry WHERE trustee = ? AND number >= ? ORDER BY number",
            [trustee, first],
        )
        return [SignedLogEntry(*row) for row in rows]

    def entry(self, trustee: str, number: int) -> SignedLogEntry | None:
        """Return an entry of a trustee's log by its number."""
        rows = self._rows(
            "SELECT body, signature FROM entry WHERE trustee = ? AND number = ?", [trustee, number]
        )
        return SignedLogEntry(*rows[0]) if rows else None

    def append(self, entry: LogEntry, signed: SignedLogEntry, request: bytes | None = None) -> None:
        """Append an entry and, for our own log, the encoded request that it is about.

        Raises:
            StoreError: the entry does not follow the last one.
        """
        summary = entry.summary
        with self.writing():
            holding = self.holding(entry.trustee)
            if entry.number != holding.length or entry.previous != holding.head:
                raise StoreError(f"Entry {entry.number} of {entry.trustee} does not follow.")
            self._db.execute(
                "INSERT INTO entry (trustee, number, hash, body, signature, request, ask, day, "
                "measure, figure, measures) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    *(entry.trustee, entry.number, signed.hash, signed.body, signed.signature),
                    *(summary.request, summary.ask, *_figure(summary)),
                ],
            )
            if request is not None:
                self._put_request(summary.request, request)

    def put_request(self, request_id: bytes, request: bytes) -> None:
        """Store a request that we answered and another trustee sent back."""
        with self.writing():
            self._put_request(request_id, request)

    def put_answer(self, request_id: bytes, answer: bytes) -> None:
        """Store the answer to a request."""
        with self.writing():
            self._db.execute("UPDATE request SET answer = ? WHERE id = ?", [answer, request_id])

    def answer(self, request_id: bytes) -> bytes | None:
        """Return the answer to a request, or None."""
        rows = self._rows("SELECT answer FROM request WHERE id = ?", [request_id])
        return bytes(rows[0][0]) if rows and rows[0][0] is not None else None

    def request(self, request_id: bytes) -> bytes | None:
        """Return an encoded request, or None."""
        rows = self._rows("SELECT request FROM request WHERE id = ?", [request_id])
        return bytes(rows[0][0]) if rows else None

    def entry_about(self, trustee: str, request_id: bytes) -> SignedLogEntry | None:
        """Return the entry of a trustee's log about this request, or None."""
        rows = self._rows(
            "SELECT body, signature FROM entry WHERE trustee = ? AND request = ? LIMIT 1",
            [trustee, request_id],
        )
        return SignedLogEntry(*rows[0]) if rows else None

    def authors_of(self, request_id: bytes) -> set[str]:
        """Return the names of the trustees whose stored logs contain this request."""
        rows = self._rows("SELECT DISTINCT trustee FROM entry WHERE request = ?", [request_id])
        return {row[0] for row in rows}

    def requests_of(self, trustee: str, day: int, measure: str) -> list[tuple[bytes, bytes | None]]:
        """Return (id, request) of what a trustee answered; the request is None if it is missing."""
        return self._rows(
            "SELECT DISTINCT entry.request, request.request FROM entry LEFT JOIN request "
            "ON request.id = entry.request WHERE trustee = ? AND day = ? AND measure = ?",
            [trustee, day, measure],
        )

    def missing(self, trustee: str) -> list[bytes]:
        """Return the ids of the unexpired requests that a trustee answered and that are missing."""
        rows = self._rows(
            "SELECT DISTINCT entry.request FROM entry LEFT JOIN request "
            "ON request.id = entry.request WHERE trustee = ? AND day >= ? AND request.id IS NULL",
            [trustee, self.horizon()],
        )
        return [bytes(row[0]) for row in rows]

    def horizon(self) -> int:
        """Return the number of the first day whose requests and answers are still stored."""
        fact = self.fact(_HORIZON)
        return 0 if fact is None else int.from_bytes(fact, "big")

    def last_answered(self, trustee: str) -> int | None:
        """Return the newest day (a number) that a trustee's log has answered; None without any."""
        rows = self._rows("SELECT max(day) FROM entry WHERE trustee = ?", [trustee])
        return None if rows[0][0] is None else int(rows[0][0])

    def expire(self, trustee: str, horizon: int) -> bool:
        """Delete the requests and answers of days before `horizon`; return whether it has moved.

        The log entries stay. The horizon stops after the newest day that our own log, that of
        `trustee`, has answered: there is nothing to delete beyond it, and a day before the horizon
        is never answered, so a clock that is ahead for a moment must not move it into the future.
        """
        last = self.last_answered(trustee)
        horizon = 0 if last is None else min(horizon, last + 1)
        if horizon <= self.horizon():
            return False
        with self.writing():
            self._db.execute(_PUT_FACT, [_HORIZON, horizon.to_bytes(8, "big")])
            self._db.execute(
                "DELETE FROM request WHERE id IN (SELECT request FROM entry WHERE day < ?)",
                [horizon],
            )
        return True

    def sum_of(self, trustee: str, summary: RequestSummary) -> SignedLogEntry | None:
        """Return a trustee's entry about the sum of another set of the same figure, or None."""
        rows = self._rows(
            "SELECT body, signature FROM entry WHERE day = ? AND measure = ? AND figure = ? "
            "AND measures = ? AND ask = ? AND trustee = ? AND request <> ? ORDER BY number LIMIT 1",
            [*_figure(summary), Ask.SUM, trustee, summary.request],
        )
        return SignedLogEntry(*rows[0]) if rows else None

    def put_asked_set(self, signed: SignedSummary) -> None:
        """Store a signed set of a figure, unless two others are stored."""
        summary = signed.summary
        if len(self.asked_sets(summary)) < _SETS_KEPT:
            with self.writing():
                self._db.execute(
                    "INSERT INTO asked_set (day, measure, figure, measures, request, signed) "
                    "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    [*_figure(summary), summary.request, msgspec.msgpack.encode(signed)],
                )

    def asked_sets(self, summary: RequestSummary) -> list[SignedSummary]:
        """Return the signed sets of the figure that a summary is about; more than one is an offence."""
        rows = self._rows(
            "SELECT signed FROM asked_set WHERE day = ? AND measure = ? AND figure = ? "
            "AND measures = ? ORDER BY rowid",
            _figure(summary),
        )
        return [read_packed(row[0], SignedSummary) for row in rows]

    def raise_alarm(self, alarm: Alarm) -> bool:
        """Store an alarm; return whether it is new."""
        with self.writing():
            cursor = self._db.execute(
                "INSERT INTO alarm (offence, offender, measure, figure, day, proof) "
                "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                list(msgspec.structs.astuple(alarm)),
            )
            return cursor.rowcount > 0

    def alarms(self) -> list[Alarm]:
        """Return all alarms, oldest first."""
        rows = self._rows(
            "SELECT offence, offender, measure, figure, day, proof FROM alarm ORDER BY id"
        )
        return [Alarm(Offence(row[0]), *row[1:]) for row in rows]

    def count(self, name: str) -> None:
        """Increase the counter `name` by one."""
        with self.writing():
            self._db.execute(
                "INSERT INTO counter (name, count) VALUES (?, 1) "
                "ON CONFLICT DO UPDATE SET count = count + 1",
                [name],
            )

    def counters(self) -> dict[str, int]:
        """Return all counters by name."""
        return dict(self._rows("SELECT name, count FROM counter ORDER BY name"))

    def _put_request(self, request_id: bytes, request: bytes) -> None:
        self._db.execute(
            "INSERT INTO request (id, request) VALUES (?, ?) ON CONFLICT DO NOTHING",
            [request_id, request],
        )


def _figure(summary: RequestSummary) -> list[object]:
    """Return a figure's columns, in their order in the tables."""
    return [summary.day, summary.measure, summary.group, summary.measures]


def _nothing_of(trustee: str) -> Holding:
    return Holding(trustee, 0, FIRST_PREVIOUS)
