"""The transparency log in SQLite."""

from cloud.store.sqlite.tables import Tables
from protocol.catalogue import Entry
from protocol.contract import Signed
from protocol.errors import StoreError


class SqliteCatalogue(Tables):
    """`CatalogueStore` in the embedded store."""

    def append(self, entry: Entry, signed: Signed) -> None:
        """See `CatalogueStore.append`."""
        with self._writing():
            if self.length() != entry.number:
                raise StoreError(
                    "Somebody else has added to the transparency log meanwhile; do the same again."
                )
            self._db.execute(
                "INSERT INTO listed (number, listed_on, kind, hash, head, body, signature) VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    entry.number,
                    entry.listed_on,
                    entry.kind,
                    entry.hash,
                    entry.head,
                    signed.body,
                    signed.signature,
                ],
            )

    def length(self) -> int:
        """See `CatalogueStore.length`."""
        row = self._row("SELECT count(*) FROM listed")
        return int(row[0]) if row else 0

    def entries(self, first: int = 0, limit: int = -1) -> tuple[Entry, ...]:
        """See `CatalogueStore.entries`."""
        rows = self._rows(
            "SELECT number, listed_on, kind, hash, head FROM listed WHERE number >= ?"
            " ORDER BY number LIMIT ?",
            [first, limit],
        )
        return tuple(Entry(*row) for row in rows)

    def document(self, document: bytes) -> Signed | None:
        """See `CatalogueStore.document`."""
        row = self._row("SELECT kind, body, signature FROM listed WHERE hash = ?", [document])
        return None if row is None else Signed(*row)
