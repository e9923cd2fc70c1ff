"""Private messages of providers, stored sealed; they are opened when the household reads them."""

from datetime import datetime

from sqlite_utils import Database

# As many as statements; the cloud cannot forge one.
KEPT = 240


class LetterTable:
    """Reads and writes rows inside the caller's transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, letter_id: bytes, received_at: datetime, letter: bytes) -> None:
        """Store a letter; storing it again changes nothing."""
        self._database.execute(
            "INSERT OR IGNORE INTO letters (id, received_at_s, letter) VALUES (?, ?, ?)",
            (letter_id, int(received_at.timestamp()), letter),
        )
        self._database.execute(
            "DELETE FROM letters WHERE id IN "
            "(SELECT id FROM letters ORDER BY received_at_s DESC, id LIMIT -1 OFFSET ?)",
            (KEPT,),
        )

    def all(self) -> list[bytes]:
        """Return all letters, newest first."""
        rows = self._database.execute("SELECT letter FROM letters ORDER BY received_at_s DESC, id")
        return [bytes(row[0]) for row in rows]
