"""What the cloud keeps of energy providers: who they are, what lets them in, what they did.

`ProviderStore` is reached as `Store.providers` and lives in the same store and thread.
"""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

import msgspec

from cloud.store.put import Put
from protocol.contract import Signed
from protocol.errors import Reason
from protocol.ids import DeviceId, HouseholdKeyId
from protocol.provider_api import LetterState


class Provider(msgspec.Struct, frozen=True):
    """A provider as the collectivity knows it: a word for it, and its Ed25519 key (32 bytes)."""

    name: str
    key: bytes
    since: datetime


class Scope(StrEnum):
    """What a token lets its holder do."""

    CONTRACTS = "contracts"
    OFFERS = "offers"
    STATEMENTS = "statements"
    RECEIPTS = "receipts"
    AREAS = "areas"
    LETTERS = "letters"


class Token(msgspec.Struct, frozen=True):
    """A bearer token as it is kept: never itself, its SHA-256 alone; `id` names it to people."""

    id: str
    provider: str
    digest: bytes
    scopes: tuple[Scope, ...]
    created: datetime
    expires: datetime
    revoked: datetime | None = None


class AuditEntry(msgspec.Struct, frozen=True):
    """One call: who (`provider`, by which credential), what, on what, and how it ended.

    `subject` is a contract's hash, a batch's or statement's id, or the code of an area: nothing of
    a household in clear.
    """

    at: datetime
    provider: str
    credential: str
    action: str
    subject: str
    status: int
    detail: str = ""


class ContractRow(msgspec.Struct, frozen=True):
    """A contract of a provider without its offer, as lists need it; `end` as in `StoredContract`."""

    hash: bytes
    household_key: HouseholdKeyId
    contract: Signed
    acceptance: Signed | None
    end: date | None


class ReceiptRow(msgspec.Struct, frozen=True):
    """A receipt for a provider: sealed to it, in the signed message that the chip sent."""

    statement: bytes
    contract: bytes
    device: DeviceId
    payload: bytes
    at: datetime
    is_taken: bool


class StoredLetter(msgspec.Struct, frozen=True):
    """A provider's sealed message to a household; `letter` are its signed bytes."""

    id: bytes
    contract: bytes
    household_key: HouseholdKeyId
    letter: bytes
    state: LetterState
    at: datetime


class ProviderStore(Protocol):
    """Providers, their tokens, what they called, and what they write to households."""

    def put_provider(self, provider: Provider) -> Put | Reason:
        """Keep a provider; `conflict` if its name or key is another's already."""

    def providers(self) -> tuple[Provider, ...]:
        """Return all providers by name."""

    def provider(self, name: str) -> Provider | None:
        """Return the provider of this name."""

    def put_token(self, token: Token) -> None:
        """Keep a token of a provider that is known."""

    def token(self, digest: bytes) -> Token | None:
        """Return the token whose SHA-256 this is, revoked and expired ones included."""

    def tokens(self) -> tuple[Token, ...]:
        """Return all tokens, oldest first."""

    def revoke_token(self, token_id: str, at: datetime) -> bool:
        """Revoke a token; False: there is none of this name."""

    def write_audit(self, entries: Sequence[AuditEntry]) -> None:
        """Append calls; nothing ever changes or deletes one."""

    def audit(self, provider: str | None = None, limit: int = 100) -> tuple[AuditEntry, ...]:
        """Return the latest calls of a provider, or of all, newest first."""

    def contracts_of(
        self, provider_key: bytes, after: bytes = b"", limit: int = -1
    ) -> tuple[ContractRow, ...]:
        """Return a provider's contracts in the order they came, after the one named."""

    def receipts_of(
        self, provider_key: bytes, after: bytes, limit: int, *, is_new: bool
    ) -> tuple[ReceiptRow, ...]:
        """Return receipts for a provider in the order they came, after that of a statement.

        With `is_new` only those that it has not acknowledged.
        """

    def take_receipts(self, provider_key: bytes, statements: Sequence[bytes], at: datetime) -> int:
        """Note that a provider has these receipts; returns how many are its own and there."""

    def put_letter(self, letter: StoredLetter) -> Put | Reason:
        """Keep a message to a household; `conflict` if its id stands for other bytes."""

    def letter(self, letter_id: bytes) -> StoredLetter | None:
        """Return the message of this id."""

    def letters_in(
        self, state: LetterState, limit: int
    ) -> tuple[tuple[StoredLetter, DeviceId], ...]:
        """Return messages in a state, oldest first, each with the device that is to get it.

        At most `limit`, if it is not negative; those of households for which no device speaks wait.
        """

    def mark_letters_published(self, ids: Sequence[bytes]) -> None:
        """Say that pending messages are being published."""

    def mark_letters_seen(self, seen: Sequence[tuple[HouseholdKeyId, bytes]]) -> tuple[bool, ...]:
        """Mark messages as arrived; False: this household key has no such message."""
