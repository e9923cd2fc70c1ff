"""The list of all handlers.

A batch is stored in their order: a leave comes after the blocks that arrive with it.
"""

from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.billing.quotes import QuoteService
from cloud.catalogue.log import listed_in
from cloud.governance.current import AreaDocuments
from cloud.ingest.answers import AreaAnswers, QuoteAnswers
from cloud.ingest.certificates import CertificateAnswers, Reissue
from cloud.ingest.contributions import AreaIngest
from cloud.ingest.departures import DepartureIngest
from cloud.ingest.downlink import DownlinkSigner
from cloud.ingest.handler import MessageHandler
from cloud.ingest.readings import ReadingIngest
from cloud.ingest.receipts import ReceiptIngest
from cloud.ingest.seen import SeenIngest
from cloud.store import Store

_CLASSES: tuple[type[MessageHandler[Any]], ...] = (
    ReadingIngest,
    SeenIngest,
    ReceiptIngest,
    AreaIngest,
    DepartureIngest,
    AreaAnswers,
    QuoteAnswers,
    CertificateAnswers,
)
SIGNED_KINDS = tuple(kind for handler in _CLASSES for kind in handler.bodies)


def make_handlers(
    store: Store, collectivity: str, key: Ed25519PrivateKey, reissue: Reissue
) -> tuple[MessageHandler[Any], ...]:
    """Make the handlers of a store, which sign with the platform's key; `reissue` certifies."""
    signer = DownlinkSigner(collectivity, key)
    documents = AreaDocuments(store.area)
    return (
        ReadingIngest(store, collectivity, key),
        SeenIngest(store, collectivity),
        ReceiptIngest(store, signer),
        AreaIngest(store.area, documents, signer),
        DepartureIngest(store, signer),
        AreaAnswers(documents, signer),
        QuoteAnswers(QuoteService(store, listed_in(store), collectivity, key)),
        CertificateAnswers(reissue, signer),
    )
