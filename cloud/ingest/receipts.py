"""Stores sealed receipts as they came, one per statement, and acknowledges them.

The cloud cannot open them; only the provider can (`provider.receipts`).
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import ClassVar

from cloud.ingest.downlink import DownlinkSigner
from cloud.ingest.handler import HandlerResult, MessageHandler, VerifiedMessage
from cloud.store import Put, Store
from cloud.store.receipts import VerifiedReceipt
from protocol.errors import MessageRefused, Reason
from protocol.receipt import Receipt, ReceiptAck
from protocol.topics import Kind
from system.mqtt.message import Outgoing

_WHY = {
    Reason.BOUNDS: "no such statement",
    Reason.CONFLICT: "the statement has another receipt",
}


class ReceiptIngest(MessageHandler[Receipt]):
    """Stores receipts and acknowledges the stored ones."""

    bodies: ClassVar[Mapping[Kind, type[Receipt]]] = {Kind.RECEIPT: Receipt}

    def __init__(self, store: Store, signer: DownlinkSigner) -> None:
        self._store = store
        self._signer = signer

    def take(self, messages: Sequence[VerifiedMessage[Receipt]], at: datetime) -> HandlerResult:
        """Store receipts.

        A receipt is acknowledged even if another one is stored for its statement: the chip has lost
        its store and must stop resending.
        """
        good = [verified for verified in messages if not verified.refused]
        outcomes = self._store.receipts.put(
            [
                VerifiedReceipt(verified.device.device, verified.body, verified.message.payload)
                for verified in good
            ],
            at,
        )
        pairs = list(zip(good, outcomes, strict=True))
        refused = [
            (verified.message, verified.refused) for verified in messages if verified.refused
        ]
        refused += [
            (verified.message, MessageRefused(outcome, _WHY[outcome]))
            for verified, outcome in pairs
            if isinstance(outcome, Reason)
        ]
        acknowledged = [verified for verified, outcome in pairs if outcome is not Reason.BOUNDS]
        return HandlerResult(
            stored=Counter({Kind.RECEIPT: outcomes.count(Put.STORED)}),
            refused=refused,
            answers=lambda: self._acks(acknowledged),
        )

    def _acks(self, acknowledged: Sequence[VerifiedMessage[Receipt]]) -> Iterator[Outgoing]:
        for verified in acknowledged:
            ack = ReceiptAck(verified.body.household_key, (verified.body.statement,))
            device = verified.device
            yield self._signer.sign(device.device, Kind.RECEIPT_ACK, ack, device.version)
