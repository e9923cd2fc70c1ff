"""The vault's copy of the transparency log, evidence that contradicts it, and quotes."""

from datetime import UTC, date, datetime
from enum import StrEnum

import msgspec
from sqlite_utils import Database

from protocol.calendar import day_number, day_of_number

# The first evidence against the log is kept; more of the same proves nothing new.
ALARMS_KEPT = 16
QUOTES_KEPT = 12


class AlarmKind(StrEnum):
    """How a received log contradicts the copy: it has other entries, or fewer."""

    FORKED = "forked"
    SHRUNK = "shrunk"


class LogAlarm(msgspec.Struct, frozen=True):
    """A signed page that contradicts the copy; together with the stored page it is the proof."""

    at: datetime
    kind: AlarmKind
    entry: int
    payload: bytes


class QuoteRow(msgspec.Struct, frozen=True):
    """A request for quotes on the household's behalf, and the answer's bytes once complete."""

    id: bytes
    asked_at: datetime
    start: date
    end: date
    head: bytes
    answer: bytes | None


class CatalogueTables:
    """Reads and writes rows inside the caller's transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put_page(self, number: int, payload: bytes) -> None:
        """Store the latest signed page of this number."""
        self._database.execute(
            "INSERT OR REPLACE INTO catalogue_pages (number, payload) VALUES (?, ?)",
            (number, payload),
        )

    def pages(self) -> list[bytes]:
        """Return the signed pages in order."""
        rows = self._database.execute(
            "SELECT payload FROM catalogue_pages ORDER BY number"
        ).fetchall()
        return [bytes(payload) for (payload,) in rows]

    def put_document(self, document: bytes, payload: bytes) -> None:
        """Store a listed document by its hash."""
        self._database.execute(
            "INSERT OR IGNORE INTO catalogue_documents (hash, payload) VALUES (?, ?)",
            (document, payload),
        )

    def document(self, document: bytes) -> bytes | None:
        """Return a document by its hash."""
        row = self._database.execute(
            "SELECT payload FROM catalogue_documents WHERE hash = ?", (document,)
        ).fetchone()
        return None if row is None else bytes(row[0])

    def drop_document(self, document: bytes) -> None:
        """Forget the bytes of a document, not its place in the list."""
        self._database.execute("DELETE FROM catalogue_documents WHERE hash = ?", (document,))

    def document_sizes(self) -> dict[bytes, int]:
        """Return the size of each document by its hash."""
        rows = self._database.execute("SELECT hash, length(payload) FROM catalogue_documents")
        return {bytes(name): size for name, size in rows.fetchall()}

    def put_listed(self, number: int, listed: bytes) -> None:
        """Store what the rules need of the document of an entry; empty if it was refused."""
        self._database.execute(
            "INSERT OR REPLACE INTO catalogue_listed (number, listed) VALUES (?, ?)",
            (number, listed),
        )

    def listed(self) -> list[bytes]:
        """Return what the rules need of each document, by entry."""
        rows = self._database.execute("SELECT listed FROM catalogue_listed ORDER BY number")
        return [bytes(listed) for (listed,) in rows.fetchall()]

    def forget(self) -> None:
        """Empty the copy, which was of another collectivity's list."""
        self._database.execute("DELETE FROM catalogue_pages")
        self._database.execute("DELETE FROM catalogue_documents")
        self._database.execute("DELETE FROM catalogue_listed")

    def put_alarm(self, alarm: LogAlarm) -> bool:
        """Store a contradiction unless it is known or there are too many; return if it was stored."""
        kept = self.alarms()
        if len(kept) >= ALARMS_KEPT or any(known.payload == alarm.payload for known in kept):
            return False
        self._database.execute(
            "INSERT INTO catalogue_alarms (id, at_s, kind, entry, payload) VALUES (?, ?, ?, ?, ?)",
            (len(kept), int(alarm.at.timestamp()), alarm.kind, alarm.entry, alarm.payload),
        )
        return True

    def alarms(self) -> list[LogAlarm]:
        """Return the contradictions of the copy, oldest first."""
        rows = self._database.execute(
            "SELECT at_s, kind, entry, payload FROM catalogue_alarms ORDER BY id"
        ).fetchall()
        return [
            LogAlarm(datetime.fromtimestamp(at_s, UTC), AlarmKind(kind), entry, bytes(payload))
            for at_s, kind, entry, payload in rows
        ]

    def put_quote(self, row: QuoteRow) -> None:
        """Store a request or its answer, and delete the oldest ones."""
        self._database.execute(
            "INSERT OR REPLACE INTO quotes (id, asked_at_s, start, end, head, answer) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (
                row.id,
                int(row.asked_at.timestamp()),
                day_number(row.start),
                day_number(row.end),
                row.head,
                row.answer,
            ),
        )
        self._database.execute(
            "DELETE FROM quotes WHERE id IN "
            "(SELECT id FROM quotes ORDER BY asked_at_s DESC LIMIT -1 OFFSET ?)",
            (QUOTES_KEPT,),
        )

    def quotes(self) -> list[QuoteRow]:
        """Return all requests, the latest first."""
        rows = self._database.execute(
            "SELECT id, asked_at_s, start, end, head, answer FROM quotes ORDER BY asked_at_s DESC"
        ).fetchall()
        return [
            QuoteRow(
                bytes(name),
                datetime.fromtimestamp(at_s, UTC),
                day_of_number(start),
                day_of_number(end),
                bytes(head),
                None if answer is None else bytes(answer),
            )
            for name, at_s, start, end, head, answer in rows
        ]
