"""What the cloud keeps of providers' bulk requests: who asked for which statements under which key.

`BulkRequestStore` is reached as `Store.bulk_requests` and lives in the same store and thread. The requests of
a batch are requests like any other; a batch says which of them belong together.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import msgspec

from cloud.store.put import Put


class BulkRequest(msgspec.Struct, frozen=True):
    """A batch on its way into the store.

    `id` is 16 bytes; `name` is the provider's idempotency key; `digest` the SHA-256 of what was
    handed in, by which the same is known again.
    """

    id: bytes
    provider_key: bytes
    name: str
    digest: bytes
    at: datetime


class BulkRequestItem(msgspec.Struct, frozen=True):
    """One statement asked for: the request's id, its contract, and its signed bytes."""

    id: bytes
    contract: bytes
    request: bytes


class BulkProgress(msgspec.Struct, frozen=True):
    """A batch and how many of its statements are in which state."""

    batch: BulkRequest
    total: int
    pending: int
    published: int
    seen: int
    refused: int


class BulkLine(msgspec.Struct, frozen=True):
    """One statement of a batch: `number` counts from 1, `detail` says why it was refused."""

    number: int
    request: bytes
    contract: bytes
    state: str
    detail: str


class BulkFault(StrEnum):
    """Why a batch was not kept.

    other_content: the idempotency key stands for another batch. not_own: the contract of an item is
    not the provider's. taken: the id of an item stands for another request.
    """

    OTHER_CONTENT = "other_content"
    NOT_OWN = "not_own"
    TAKEN = "taken"


class BulkRefused(msgspec.Struct, frozen=True):
    """Why no batch was made; `number` is the item's, from 1, or 0."""

    number: int
    fault: BulkFault


class BulkRequestStore(Protocol):
    """Batches of requests for statements."""

    def put_batch(self, batch: BulkRequest, items: Iterable[BulkRequestItem]) -> Put | BulkRefused:
        """Keep a batch with all its requests in one transaction, or nothing of it.

        The same again changes nothing.
        """

    def progress(self, batch_id: bytes) -> BulkProgress | None:
        """Count a batch's statements by state."""

    def batches(self, provider_key: bytes, after: bytes, limit: int) -> tuple[BulkRequest, ...]:
        """Return a provider's batches, oldest first, after the one named."""

    def lines(
        self, batch_id: bytes, after: int, limit: int, state: str | None = None
    ) -> tuple[BulkLine, ...]:
        """Return a batch's statements after number `after`, those in a state or all."""
