"""Receipts on their way in: kept as they came, one for a statement, then acknowledged.

Nobody here can open them (`provider.receipts` is the provider's).
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
    """Takes receipts and says which are held."""

    bodies: ClassVar[Mapping[Kind, type[Receipt]]] = {Kind.RECEIPT: Receipt}

    def __init__(self, store: Store, signer: DownlinkSigner) -> None:
        self._store = store
        self._signer = signer

    def take(self, messages: Sequence[VerifiedMessage[Receipt]], at: datetime) -> HandlerResult:
        """Keep receipts.

        A chip is told that its statement has a receipt even if that is another one: it lost its
        store, and must not go on sending.
        """
        good = [each for each in messages if not each.refused]
        outcomes = self._store.receipts.put(
            [VerifiedReceipt(each.device.device, each.body, each.message.payload) for each in good],
            at,
        )
        pairs = list(zip(good, outcomes, strict=True))
        refused = [(each.message, each.refused) for each in messages if each.refused]
        refused += [
            (each.message, MessageRefused(outcome, _WHY[outcome]))
            for each, outcome in pairs
            if isinstance(outcome, Reason)
        ]
        held = [each for each, outcome in pairs if outcome is not Reason.BOUNDS]
        return HandlerResult(
            stored=Counter({Kind.RECEIPT: outcomes.count(Put.STORED)}),
            refused=refused,
            answers=lambda: self._acks(held),
        )

    def _acks(self, held: Sequence[VerifiedMessage[Receipt]]) -> Iterator[Outgoing]:
        for each in held:
            ack = ReceiptAck(each.body.household_key, (each.body.statement,))
            yield self._signer.sign(each.device.device, Kind.RECEIPT_ACK, ack)
