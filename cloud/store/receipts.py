"""The storage interface for receipts, sealed to the provider, at most one per statement.

`ReceiptStore` is available as `Store.receipts`, in the same store and thread.
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
    """A verified receipt to be stored."""

    device: DeviceId
    receipt: Receipt
    payload: bytes


class StoredReceipt(msgspec.Struct, frozen=True):
    """A receipt as it came; `contract` is that of the statement's request."""

    statement: bytes
    contract: bytes
    household_key: HouseholdKeyId
    device: DeviceId
    payload: bytes
    at: datetime


class ReceiptStore(Protocol):
    """The part of `Store` that keeps receipts for providers."""

    def put(self, items: Sequence[VerifiedReceipt], at: datetime) -> tuple[Put | Reason, ...]:
        """Store receipts in one transaction; return one outcome per receipt.

        `out_of_bounds`: this household has no such statement. `conflict`: the statement already has
        another receipt, which is kept.
        """

    def of_contract(
        self, contract: bytes, after: bytes = b"", limit: int = -1
    ) -> tuple[StoredReceipt, ...]:
        """Return a contract's receipts, oldest first.

        If `after` is given, only receipts that came after that of the statement `after`; if `limit`
        is not negative, at most that many.
        """

    def signing_keys(self, household_key: HouseholdKeyId) -> dict[DeviceId, bytes]:
        """Return the Ed25519 public keys of all chips ever enrolled for a household key."""
