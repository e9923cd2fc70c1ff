"""What the cloud keeps of receipts: as they came, sealed to the provider, one for a statement.

`ReceiptStore` is reached as `Store.receipts` and lives in the same store and thread.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from cloud.store.put import Put
from protocol.errors import Reason
from protocol.ids import DeviceId, HouseholdKeyId
from protocol.receipt import Receipt


class VerifiedReceipt(msgspec.Struct, frozen=True):
    """A verified receipt on its way into the store."""

    device: DeviceId
    receipt: Receipt
    payload: bytes


class StoredReceipt(msgspec.Struct, frozen=True):
    """A receipt as it came; `contract` is that of its statement's request."""

    statement: bytes
    contract: bytes
    household_key: HouseholdKeyId
    device: DeviceId
    payload: bytes
    at: datetime


class ReceiptStore(Protocol):
    """The part of `Store` that keeps receipts for providers."""

    def put(self, items: Sequence[VerifiedReceipt], at: datetime) -> tuple[Put | Reason, ...]:
        """Keep receipts in one transaction, one outcome each.

        `out_of_bounds`: this household has no such statement; `conflict`: its statement has
        another receipt already, which stays.
        """

    def of_contract(
        self, contract: bytes, after: bytes = b"", limit: int = -1
    ) -> tuple[StoredReceipt, ...]:
        """Return a contract's receipts in the order they came.

        Those that came after the one for the statement `after` only, if it is named; at most
        `limit`, if it is not negative.
        """

    def signing_keys(self, household_key: HouseholdKeyId) -> dict[DeviceId, bytes]:
        """Return the public keys (Ed25519) of all chips that ever spoke for a household key."""
