"""Receipts on their way in: kept as they came, one for a statement, then acknowledged.

Nobody here can open them (`provider.receipts` is the provider's).
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.ingest.downlink import DownlinkSigner
from cloud.store import Device, Store
from cloud.store.receipts import VerifiedReceipt
from protocol.errors import MessageRefused, Reason
from protocol.receipt import Receipt, ReceiptAck
from protocol.topics import Kind
from system.mqtt.message import Incoming, Outgoing

_WHY = {
    Reason.BOUNDS: "no such statement",
    Reason.CONFLICT: "the statement has another receipt",
}


class ReceiptMessage(msgspec.Struct, frozen=True):
    """A verified receipt and who sent it."""

    message: Incoming
    device: Device
    receipt: Receipt


class ReceiptIngest:
    """Takes receipts and says which are held."""

    def __init__(self, store: Store, collectivity: str, key: Ed25519PrivateKey) -> None:
        self._store = store
        self._speaker = DownlinkSigner(collectivity, key)

    def take(
        self, messages: Sequence[ReceiptMessage], at: datetime
    ) -> tuple[list[Outgoing], list[tuple[Incoming, MessageRefused]]]:
        """Keep receipts in one transaction; returns the answers and what was refused.

        A chip is told that its statement has a receipt even if that is another one: it lost its
        store, and must not go on sending.
        """
        items = [
            VerifiedReceipt(each.device.device, each.receipt, each.message.payload)
            for each in messages
        ]
        outcomes = self._store.receipts.put(items, at)
        answers, refused = [], []
        for each, outcome in zip(messages, outcomes, strict=True):
            if isinstance(outcome, Reason):
                refused.append((each.message, MessageRefused(outcome, _WHY[outcome])))
            if outcome is not Reason.BOUNDS:
                receipt = each.receipt
                ack = ReceiptAck(receipt.household_key, (receipt.statement,))
                answers.append(self._speaker.tell(each.device.device, Kind.RECEIPT_ACK, ack))
        return answers, refused
