"""Signed documents, transforms and the roster in SQLite."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import msgspec

from cloud.store.sqlite.tables import Tables
from protocol.errors import StoreError
from protocol.governance import CosignedDocument, Signature
from protocol.packed import read_packed
from protocol.roster import RosterEntry, SignedEntry

_COSIGNED = "SELECT kind, body, signatures FROM charter"


class SqliteDocuments(Tables):
    """Signed documents, transforms and the roster."""

    def put_cosigned(self, cosigned: CosignedDocument) -> None:
        """See `AreaStore.put_cosigned`."""
        with self._writing():
            row = self._row(f"{_COSIGNED} WHERE hash = ?", [cosigned.hash])
            stored = _cosigned(row).signatures if row else ()
            new = tuple(signature for signature in cosigned.signatures if signature not in stored)
            self._db.execute(
                "INSERT INTO charter (hash, kind, body, signatures) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (hash) DO UPDATE SET signatures = excluded.signatures",
                [
                    cosigned.hash,
                    cosigned.kind,
                    cosigned.body,
                    msgspec.msgpack.encode((*stored, *new)),
                ],
            )

    def cosigned(self, document_hash: bytes) -> CosignedDocument | None:
        """See `AreaStore.cosigned`."""
        row = self._row(f"{_COSIGNED} WHERE hash = ?", [document_hash])
        return _cosigned(row) if row else None

    def cosigned_documents(self, kind: str) -> tuple[CosignedDocument, ...]:
        """See `AreaStore.cosigned_documents`."""
        return tuple(
            _cosigned(row) for row in self._rows(f"{_COSIGNED} WHERE kind = ? ORDER BY id", [kind])
        )

    def cosigned_hashes(self, kind: str) -> tuple[bytes, ...]:
        """See `AreaStore.cosigned_hashes`."""
        rows = self._rows("SELECT hash FROM charter WHERE kind = ? ORDER BY id", [kind])
        return tuple(bytes(document_hash) for (document_hash,) in rows)

    def put_blob(self, data: bytes) -> bytes:
        """See `AreaStore.put_blob`."""
        blob_hash = sha256(data).digest()
        with self._writing():
            self._db.execute(
                "INSERT INTO blob (hash, data) VALUES (?, ?) ON CONFLICT DO NOTHING",
                [blob_hash, data],
            )
        return blob_hash

    def blob(self, blob_hash: bytes) -> bytes | None:
        """See `AreaStore.blob`."""
        row = self._row("SELECT data FROM blob WHERE hash = ?", [blob_hash])
        return bytes(row[0]) if row else None

    def append_roster(self, entries: Sequence[SignedEntry]) -> None:
        """See `AreaStore.append_roster`."""
        with self._writing():
            row = self._row("SELECT count(*) FROM roster_entry")
            length = int(row[0]) if row else 0
            for number, signed in enumerate(entries, start=length):
                if read_packed(signed.body, RosterEntry).number != number:
                    raise StoreError(
                        f"Roster entry {number} is another one; somebody else has added to the "
                        "roster: run the command again."
                    )
            self._db.conn.cursor().executemany(
                "INSERT INTO roster_entry (number, body, signature) VALUES (?, ?, ?)",
                [
                    (number, signed.body, signed.signature)
                    for number, signed in enumerate(entries, start=length)
                ],
            )

    def roster(self, first: int = 0, limit: int = -1) -> tuple[SignedEntry, ...]:
        """See `AreaStore.roster`."""
        rows = self._rows(
            "SELECT body, signature FROM roster_entry WHERE number >= ? ORDER BY number LIMIT ?",
            [first, limit],
        )
        return tuple(SignedEntry(body, signature) for body, signature in rows)


def _cosigned(row: tuple[Any, ...]) -> CosignedDocument:
    kind, body, signatures = row
    return CosignedDocument(kind, body, read_packed(signatures, tuple[Signature, ...]))
