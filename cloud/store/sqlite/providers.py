"""Providers, tokens, audit and letters in SQLite."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from cloud.store.names import look_of
from cloud.store.providers import (
    AuditEntry,
    ContractRow,
    Provider,
    ReceiptRow,
    Scope,
    StoredLetter,
    Token,
    Unregistered,
)
from cloud.store.put import A_DAY_S, LETTERS_A_DAY, Put
from cloud.store.sqlite.tables import Tables, instant, seconds
from protocol.calendar import day_of_number
from protocol.contract import Signed
from protocol.errors import Reason
from protocol.ids import DeviceId, HouseholdKeyId
from protocol.packed import read_packed
from protocol.provider_api import LetterState

_PROVIDERS = "SELECT name, key, title, since FROM provider"
_UNREGISTERED = """
SELECT c.provider_key, c.provider, count(*) FROM contract c
WHERE NOT EXISTS (SELECT 1 FROM provider p WHERE p.key = c.provider_key)
GROUP BY c.provider, c.provider_key ORDER BY c.provider, c.provider_key
"""
_TOKENS = """
SELECT t.id, p.name, t.digest, t.scopes, t.created, t.expires, t.revoked
FROM token t JOIN provider p ON p.id = t.provider
"""
_CONTRACTS = """
SELECT c.hash, h.key, c.contract, c.acceptance, t.last_day
FROM contract c JOIN household h ON h.id = c.household
LEFT JOIN termination t ON t.contract = c.hash
WHERE c.provider_key = ? AND c.rowid > ifnull((SELECT rowid FROM contract WHERE hash = ?), 0)
ORDER BY c.rowid LIMIT ?
"""
_RECEIPTS = """
SELECT r.statement, r.contract, r.device, r.payload, r.at, t.at IS NOT NULL
FROM receipt r JOIN contract c ON c.hash = r.contract
LEFT JOIN receipt_taken t ON t.statement = r.statement
WHERE c.provider_key = ? AND r.id > ifnull((SELECT id FROM receipt WHERE statement = ?), 0)
  AND (NOT ? OR t.at IS NULL) ORDER BY r.id LIMIT ?
"""
_IS_OWN_RECEIPT = """
SELECT 1 FROM receipt r JOIN contract c ON c.hash = r.contract
WHERE r.statement = ? AND c.provider_key = ?
"""
_LETTER = """
SELECT l.id, l.contract, h.key, l.letter, l.state, l.at
FROM letter l JOIN household h ON h.id = l.household
"""
_SEEN_LETTER = """
UPDATE letter SET state = ? WHERE id = ? AND state != 'pending'
  AND household = (SELECT id FROM household WHERE key = ?)
"""
_DUE_LETTERS = """
SELECT l.id, l.contract, h.key, l.letter, l.state, l.at, (
  SELECT e.device FROM enrolment e
  WHERE e.household = h.id AND e.until IS NULL AND e.is_revoked = 0
  ORDER BY e.since DESC, e.rowid DESC LIMIT 1
) AS device
FROM letter l JOIN household h ON h.id = l.household
WHERE l.state = ? AND device IS NOT NULL ORDER BY l.number LIMIT ?
"""


class SqliteProviders(Tables):
    """`ProviderStore` in the embedded store."""

    def put_provider(self, provider: Provider) -> Put | Reason:
        """See `ProviderStore.put_provider`."""
        with self._writing():
            rows = self._rows(
                "SELECT name, key, title FROM provider WHERE name = ? OR key = ? OR look = ?",
                [provider.name, provider.key, look_of(provider.title)],
            )
            if rows:
                is_same = rows == [(provider.name, provider.key, provider.title)]
                return Put.AGAIN if is_same else Reason.CONFLICT
            self._db.execute(
                "INSERT INTO provider (name, key, title, look, since) VALUES (?, ?, ?, ?, ?)",
                [
                    provider.name,
                    provider.key,
                    provider.title,
                    look_of(provider.title),
                    seconds(provider.since),
                ],
            )
            return Put.STORED

    def providers(self) -> tuple[Provider, ...]:
        """See `ProviderStore.providers`."""
        rows = self._rows(f"{_PROVIDERS} ORDER BY name")
        return tuple(_provider(row) for row in rows)

    def provider(self, name: str) -> Provider | None:
        """See `ProviderStore.provider`."""
        row = self._row(f"{_PROVIDERS} WHERE name = ?", [name])
        return _provider(row) if row else None

    def unregistered(self) -> tuple[Unregistered, ...]:
        """See `ProviderStore.unregistered`."""
        return tuple(Unregistered(*row) for row in self._rows(_UNREGISTERED))

    def provider_of(self, key: bytes) -> Provider | None:
        """See `ProviderStore.provider_of`."""
        row = self._row(f"{_PROVIDERS} WHERE key = ?", [key])
        return _provider(row) if row else None

    def put_token(self, token: Token) -> None:
        """See `ProviderStore.put_token`."""
        with self._writing():
            self._db.execute(
                "INSERT INTO token (id, provider, digest, scopes, created, expires)"
                " VALUES (?, (SELECT id FROM provider WHERE name = ?), ?, ?, ?, ?)",
                [
                    token.id,
                    token.provider,
                    token.digest,
                    msgspec.msgpack.encode(token.scopes),
                    seconds(token.created),
                    seconds(token.expires),
                ],
            )

    def token(self, digest: bytes) -> Token | None:
        """See `ProviderStore.token`."""
        row = self._row(f"{_TOKENS} WHERE t.digest = ?", [digest])
        return _token(row) if row else None

    def tokens(self) -> tuple[Token, ...]:
        """See `ProviderStore.tokens`."""
        return tuple(_token(row) for row in self._rows(f"{_TOKENS} ORDER BY t.created, t.rowid"))

    def revoke_token(self, token_id: str, at: datetime) -> bool:
        """See `ProviderStore.revoke_token`."""
        with self._writing():
            cursor = self._db.execute(
                "UPDATE token SET revoked = ifnull(revoked, ?) WHERE id = ?",
                [seconds(at), token_id],
            )
            return cursor.rowcount > 0

    def write_audit(self, entries: Sequence[AuditEntry]) -> None:
        """See `ProviderStore.write_audit`."""
        with self._writing():
            self._db.conn.cursor().executemany(
                "INSERT INTO api_audit (at, provider, credential, action, subject, status, detail)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        seconds(entry.at),
                        entry.provider,
                        entry.credential,
                        entry.action,
                        entry.subject,
                        entry.status,
                        entry.detail,
                    )
                    for entry in entries
                ],
            )

    def audit(self, provider: str | None = None, limit: int = 100) -> tuple[AuditEntry, ...]:
        """See `ProviderStore.audit`."""
        rows = self._rows(
            "SELECT at, provider, credential, action, subject, status, detail FROM api_audit"
            " WHERE provider = ifnull(?, provider) ORDER BY id DESC LIMIT ?",
            [provider, limit],
        )
        return tuple(AuditEntry(instant(row[0]), *row[1:]) for row in rows)

    def contracts_of(
        self, provider_key: bytes, after: bytes = b"", limit: int = -1
    ) -> tuple[ContractRow, ...]:
        """See `ProviderStore.contracts_of`."""
        rows = self._rows(_CONTRACTS, [provider_key, after, limit])
        return tuple(
            ContractRow(
                contract_hash,
                HouseholdKeyId(key),
                read_packed(contract, Signed),
                None if acceptance is None else read_packed(acceptance, Signed),
                None if last_day is None else day_of_number(last_day + 1),
            )
            for contract_hash, key, contract, acceptance, last_day in rows
        )

    def receipts_of(
        self, provider_key: bytes, after: bytes, limit: int, *, is_new: bool
    ) -> tuple[ReceiptRow, ...]:
        """See `ProviderStore.receipts_of`."""
        rows = self._rows(_RECEIPTS, [provider_key, after, is_new, limit])
        return tuple(
            ReceiptRow(statement, contract, DeviceId(device), payload, instant(at), bool(is_taken))
            for statement, contract, device, payload, at, is_taken in rows
        )

    def take_receipts(self, provider_key: bytes, statements: Sequence[bytes], at: datetime) -> int:
        """See `ProviderStore.take_receipts`."""
        with self._writing():
            cursor = self._db.conn.cursor()
            taken = 0
            for statement in statements:
                is_own = cursor.execute(_IS_OWN_RECEIPT, (statement, provider_key)).fetchone()
                if is_own:
                    taken += 1
                    cursor.execute(
                        "INSERT INTO receipt_taken (statement, at) VALUES (?, ?) ON CONFLICT DO NOTHING",
                        (statement, seconds(at)),
                    )
            return taken

    def put_letter(self, letter: StoredLetter) -> Put | Reason:
        """See `ProviderStore.put_letter`."""
        with self._writing():
            stored = self._row("SELECT letter FROM letter WHERE id = ?", [letter.id])
            if stored:
                return Put.AGAIN if stored[0] == letter.letter else Reason.CONFLICT
            (count,) = self._row(
                "SELECT count(*) FROM letter WHERE contract = ? AND at > ?",
                [letter.contract, seconds(letter.at) - A_DAY_S],
            ) or (0,)
            if count >= LETTERS_A_DAY:
                return Reason.QUOTA
            self._db.execute(
                "INSERT INTO letter (id, contract, household, letter, state, at)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                [
                    letter.id,
                    letter.contract,
                    self._household(letter.household_key),
                    letter.letter,
                    letter.state,
                    seconds(letter.at),
                ],
            )
            return Put.STORED

    def letter(self, letter_id: bytes) -> StoredLetter | None:
        """See `ProviderStore.letter`."""
        row = self._row(f"{_LETTER} WHERE l.id = ?", [letter_id])
        return _letter(row) if row else None

    def letters_in(
        self, state: LetterState, limit: int
    ) -> tuple[tuple[StoredLetter, DeviceId], ...]:
        """See `ProviderStore.letters_in`."""
        rows = self._rows(_DUE_LETTERS, [state, limit])
        return tuple((_letter(row[:-1]), DeviceId(row[-1])) for row in rows)

    def mark_letters_published(self, ids: Sequence[bytes]) -> None:
        """See `ProviderStore.mark_letters_published`."""
        with self._writing():
            self._db.conn.cursor().executemany(
                "UPDATE letter SET state = ? WHERE id = ? AND state = ?",
                [(LetterState.PUBLISHED, name, LetterState.PENDING) for name in ids],
            )

    def mark_letters_seen(self, seen: Sequence[tuple[HouseholdKeyId, bytes]]) -> tuple[bool, ...]:
        """See `ProviderStore.mark_letters_seen`."""
        with self._writing():
            cursor = self._db.conn.cursor()
            return tuple(
                cursor.execute(_SEEN_LETTER, (LetterState.SEEN, name, key)).rowcount > 0
                for key, name in seen
            )


def _provider(row: tuple[Any, ...]) -> Provider:
    name, key, title, since = row
    return Provider(name, key, title, instant(since))


def _token(row: tuple[Any, ...]) -> Token:
    name, provider, digest, scopes, created, expires, revoked = row
    return Token(
        name,
        provider,
        digest,
        read_packed(scopes, tuple[Scope, ...]),
        instant(created),
        instant(expires),
        None if revoked is None else instant(revoked),
    )


def _letter(row: tuple[Any, ...]) -> StoredLetter:
    letter_id, contract, key, letter, state, at = row
    return StoredLetter(
        letter_id, contract, HouseholdKeyId(key), letter, LetterState(state), instant(at)
    )
