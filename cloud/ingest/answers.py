"""What a chip is told when it asks: its terms, or a document in parts."""

from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.governance.current import AreaDocuments
from cloud.ingest.downlink import DownlinkSigner
from cloud.store import Device
from cloud.store.area import AreaStore
from protocol.area_messages import Ask, Document, Terms
from protocol.topics import Kind
from system.mqtt.message import Outgoing

# Leaves room for the envelope in 64 KiB.
PART_BYTES = 48 * 1024
PARTS_MAX = 64


class AreaAnswers:
    """Makes the answers of one store."""

    def __init__(
        self,
        area: AreaStore,
        documents: AreaDocuments,
        collectivity: str,
        platform_key: Ed25519PrivateKey,
    ) -> None:
        self._area = area
        self._documents = documents
        self._speaker = DownlinkSigner(collectivity, platform_key)

    def answer(self, device: Device, ask: Ask, at: datetime) -> tuple[Outgoing, ...]:
        """Return the terms, the document's parts in order, or nothing if there is none."""
        self._documents.refresh()
        if ask.document is None:
            return (self._speaker.tell(device.device, Kind.TERMS, self._terms(device, at)),)
        data = self._documents.document_bytes(ask.document) or b""
        parts = [data[n : n + PART_BYTES] for n in range(0, len(data), PART_BYTES)]
        if len(parts) > PARTS_MAX:
            return ()
        return tuple(
            self._speaker.tell(
                device.device,
                Kind.DOCUMENT,
                Document(device.household_key, ask.document, number, len(parts), part),
            )
            for number, part in enumerate(parts)
        )

    def _terms(self, device: Device, at: datetime) -> Terms:
        trustees, measures = self._documents.current(at)
        history = self._documents.roster.history(device.household_key)
        entry = None
        if history:
            (signed, *_) = self._area.roster(history[-1].number, 1)
            entry = (signed.body, signed.signature)
        return Terms(device.household_key, entry, trustees, measures)
