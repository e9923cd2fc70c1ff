"""Answers chips that ask for their terms, a document in parts, or quotes."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from cloud.billing.quotes import QuoteService
from cloud.governance.current import AreaDocuments
from cloud.ingest.downlink import DownlinkSigner
from cloud.ingest.handler import RequestHandler
from cloud.store import Device
from protocol.area_messages import AreaQuestion, Document
from protocol.quotes import QuoteRequest, check_request
from protocol.topics import Kind
from system.mqtt.message import Outgoing

# Leaves room for the envelope in 64 KiB.
PART_BYTES = 48 * 1024
PARTS_MAX = 64


class AreaAnswers(RequestHandler[AreaQuestion]):
    """Answers chips that ask for terms and documents of the area lane."""

    bodies: ClassVar[Mapping[Kind, type[AreaQuestion]]] = {Kind.ASK: AreaQuestion}

    def __init__(self, documents: AreaDocuments, signer: DownlinkSigner) -> None:
        self._documents = documents
        self._signer = signer

    def answer(self, device: Device, wanted: AreaQuestion, at: datetime) -> tuple[Outgoing, ...]:
        """Return the terms, or the document's parts in order, or nothing if it is unknown."""
        self._documents.refresh()
        if wanted.document is None:
            terms = self._documents.terms(device.household_key, at)
            return (self._signer.sign(device.device, Kind.TERMS, terms, device.version),)
        data = self._documents.document_bytes(wanted.document) or b""
        parts = [data[n : n + PART_BYTES] for n in range(0, len(data), PART_BYTES)]
        if len(parts) > PARTS_MAX:
            return ()
        return tuple(
            self._signer.sign(
                device.device,
                Kind.DOCUMENT,
                Document(device.household_key, wanted.document, number, len(parts), part),
                device.version,
            )
            for number, part in enumerate(parts)
        )


class QuoteAnswers(RequestHandler[QuoteRequest]):
    """Answers chips that ask for quotes."""

    bodies: ClassVar[Mapping[Kind, type[QuoteRequest]]] = {Kind.QUOTE: QuoteRequest}

    def __init__(self, quotes: QuoteService) -> None:
        self._quotes = quotes

    def check(self, body: QuoteRequest) -> None:
        """See `MessageHandler.check`."""
        check_request(body)

    def answer(self, device: Device, wanted: QuoteRequest, at: datetime) -> tuple[Outgoing, ...]:
        """Return the parts of an answer, or nothing (`QuoteService.answer`)."""
        return self._quotes.answer(device, wanted, at)
