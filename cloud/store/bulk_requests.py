"""The storage interface for providers' bulk requests.

`BulkRequestStore` is available as `Store.bulk_requests`, in the same store and thread. The requests
of a batch are ordinary requests; a batch records which of them belong together.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import msgspec

from cloud.store.put import Put


class BulkRequest(msgspec.Struct, frozen=True):
    """A batch to be stored.

    `id` is 16 bytes. `name` is the provider's idempotency key. `digest` is the SHA-256 of what was
    submitted and identifies a repetition.
    """

    id: bytes
    provider_key: bytes
    name: str
    digest: bytes
    at: datetime


class BulkRequestItem(msgspec.Struct, frozen=True):
    """One requested statement: the request's id, its contract, and its signed bytes."""

    id: bytes
    contract: bytes
    request: bytes


class BulkProgress(msgspec.Struct, frozen=True):
    """A batch and the number of its statements in each state."""

    batch: BulkRequest
    total: int
    pending: int
    published: int
    seen: int
    refused: int


class BulkLine(msgspec.Struct, frozen=True):
    """One statement of a batch; `number` counts from 1, `detail` is the reason of a refusal."""

    number: int
    request: bytes
    contract: bytes
    state: str
    detail: str


class BulkFault(StrEnum):
    """Why a batch was not stored.

    other_content: the idempotency key belongs to another batch. not_own: the contract of an item is
    not the provider's. taken: the id of an item belongs to another request. too_many: the contract
    of an item has had all that it takes in a day.
    """

    OTHER_CONTENT = "other_content"
    NOT_OWN = "not_own"
    TAKEN = "taken"
    TOO_MANY = "too_many"


class BulkRefused(msgspec.Struct, frozen=True):
    """Why a batch was not stored; `number` is that of the item, from 1, or 0 for the batch."""

    number: int
    fault: BulkFault


class BulkRequestStore(Protocol):
    """Batches of requests for statements."""

    def put_batch(self, batch: BulkRequest, items: Iterable[BulkRequestItem]) -> Put | BulkRefused:
        """Store a batch with all its requests in one transaction, or nothing of it.

        Storing it again changes nothing.
        """

    def progress(self, batch_id: bytes) -> BulkProgress | None:
        """Count a batch's statements by state."""

    def batches(self, provider_key: bytes, after: bytes, limit: int) -> tuple[BulkRequest, ...]:
        """Return a provider's batches, oldest first, starting after the batch `after`."""

    def lines(
        self, batch_id: bytes, after: int, limit: int, state: str | None = None
    ) -> tuple[BulkLine, ...]:
        """Return a batch's statements after number `after`, optionally only those in a state."""
