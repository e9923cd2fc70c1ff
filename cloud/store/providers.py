"""The storage interface for energy providers: accounts, tokens, the audit of calls, messages.

`ProviderStore` is available as `Store.providers`, in the same store and thread.
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
    """A provider known to the collectivity.

    Attributes:
        name: its word in certificates and the roster.
        key: its Ed25519 key (32 bytes).
        title: its name as a person has seen it; its offers bear that and no other.
    """

    name: str
    key: bytes
    title: str
    since: datetime


class Unregistered(msgspec.Struct, frozen=True):
    """A provider that contracts name and nobody has registered: its key, its title, how many they are."""

    key: bytes
    title: str
    contracts: int


class Scope(StrEnum):
    """What a token permits."""

    CONTRACTS = "contracts"
    OFFERS = "offers"
    STATEMENTS = "statements"
    RECEIPTS = "receipts"
    AREAS = "areas"
    LETTERS = "letters"


class Token(msgspec.Struct, frozen=True):
    """A bearer token, of which only the SHA-256 is stored; `id` is its name for people."""

    id: str
    provider: str
    digest: bytes
    scopes: tuple[Scope, ...]
    created: datetime
    expires: datetime
    revoked: datetime | None = None


class AuditEntry(msgspec.Struct, frozen=True):
    """One call: who made it (`provider`, `credential`), the action, its subject, and the outcome.

    `subject` is a contract's hash, the id of a batch or statement, or the code of an area. It never
    holds household data in clear.
    """

    at: datetime
    provider: str
    credential: str
    action: str
    subject: str
    status: int
    detail: str = ""


class ContractRow(msgspec.Struct, frozen=True):
    """A contract of a provider without its offer, for lists; `end` as in `StoredContract`."""

    hash: bytes
    household_key: HouseholdKeyId
    contract: Signed
    acceptance: Signed | None
    end: date | None


class ReceiptRow(msgspec.Struct, frozen=True):
    """A receipt sealed to a provider, in the signed message that the chip sent."""

    statement: bytes
    contract: bytes
    device: DeviceId
    payload: bytes
    at: datetime
    is_taken: bool


class StoredLetter(msgspec.Struct, frozen=True):
    """A provider's sealed message to a household; `letter` holds its signed bytes."""

    id: bytes
    contract: bytes
    household_key: HouseholdKeyId
    letter: bytes
    state: LetterState
    at: datetime


class ProviderStore(Protocol):
    """Providers, their tokens, their calls, and their messages to households."""

    def put_provider(self, provider: Provider) -> Put | Reason:
        """Store a provider; `conflict` if its name, key or title's look belongs to another."""

    def providers(self) -> tuple[Provider, ...]:
        """Return all providers by name."""

    def unregistered(self) -> tuple[Unregistered, ...]:
        """Return whom contracts name whose key no provider has, by title and key."""

    def provider_of(self, key: bytes) -> Provider | None:
        """Return the provider with this key."""

    def provider(self, name: str) -> Provider | None:
        """Return the provider of this name."""

    def put_token(self, token: Token) -> None:
        """Store a token of a known provider."""

    def token(self, digest: bytes) -> Token | None:
        """Return the token with this SHA-256, even if it is revoked or expired."""

    def tokens(self) -> tuple[Token, ...]:
        """Return all tokens, oldest first."""

    def revoke_token(self, token_id: str, at: datetime) -> bool:
        """Revoke a token; False if there is none with this id."""

    def write_audit(self, entries: Sequence[AuditEntry]) -> None:
        """Append calls to the audit, which is never changed or deleted."""

    def audit(self, provider: str | None = None, limit: int = 100) -> tuple[AuditEntry, ...]:
        """Return the latest calls of a provider, or of all, newest first."""

    def contracts_of(
        self, provider_key: bytes, after: bytes = b"", limit: int = -1
    ) -> tuple[ContractRow, ...]:
        """Return a provider's contracts, oldest first, starting after the contract `after`."""

    def receipts_of(
        self, provider_key: bytes, after: bytes, limit: int, *, is_new: bool
    ) -> tuple[ReceiptRow, ...]:
        """Return receipts for a provider, oldest first, starting after that of statement `after`.

        With `is_new`, only receipts that the provider has not acknowledged.
        """

    def take_receipts(self, provider_key: bytes, statements: Sequence[bytes], at: datetime) -> int:
        """Record that a provider has received receipts; return how many exist and are its own."""

    def put_letter(self, letter: StoredLetter) -> Put | Reason:
        """Store a message to a household.

        `conflict` if its id belongs to different bytes, `over_quota` if its contract has had
        `LETTERS_A_DAY` within a day.
        """

    def letter(self, letter_id: bytes) -> StoredLetter | None:
        """Return the message of this id."""

    def letters_in(
        self, state: LetterState, limit: int
    ) -> tuple[tuple[StoredLetter, DeviceId], ...]:
        """Return messages in a state, oldest first, each with the device that should receive it.

        At most `limit`, if it is not negative. Messages to households without a device are omitted.
        """

    def mark_letters_published(self, ids: Sequence[bytes]) -> None:
        """Mark pending messages as published."""

    def mark_letters_seen(self, seen: Sequence[tuple[HouseholdKeyId, bytes]]) -> tuple[bool, ...]:
        """Mark messages as arrived; False if the household key has no such message."""
