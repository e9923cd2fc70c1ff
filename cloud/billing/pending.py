"""Answers pending requests page by page: computes complete statements, records and publishes them.

A page is one transaction, recorded before anything is sent. After a kill, the worker starts with
the requests that are still pending, and resends what no chip has seen.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.billing.statements import (
    DocumentLookup,
    blocks_of,
    compute,
    missing_days,
    prepare,
)
from cloud.catalogue.log import listed_in
from cloud.store import (
    PublishedStatement,
    RefusedRequest,
    RequestState,
    Store,
    StoredRequest,
)
from protocol.envelope import SIZE_MAX_BYTES, Address, seal_message, signed_anew
from protocol.errors import DocumentRefused, StoreError
from protocol.ids import DeviceId
from protocol.schedule import ScheduleMissing
from protocol.topics import Kind, device_topic
from system.logs import raised_at
from system.mqtt.message import Outgoing

# The store's thread also serves the chips, so one pass handles at most this many requests.
PAGE_REQUESTS = 64

SET_ASIDE = (
    "A defect of the service keeps this statement from being computed; the collectivity has it in "
    "its log under this id. Ask again once it is mended."
)

log = structlog.get_logger()


class PendingPage(msgspec.Struct, frozen=True):
    """Messages for a limited number of requests; `after` starts the next page, None ends."""

    messages: tuple[Outgoing, ...]
    after: bytes | None


def pending_statements(
    store: Store, platform_key: Ed25519PrivateKey, collectivity: str, after: bytes = b""
) -> PendingPage:
    """Answer those pending requests of one page whose days are all stored.

    A request that triggers a defect is refused and logged by its id.

    Raises:
        StoreError: the store is busy or damaged; no request was refused for a defect.
    """
    page = store.requests(RequestState.PENDING, after, PAGE_REQUESTS)
    documents = listed_in(store)
    published, refused, failed = [], [], []
    for stored in page:
        try:
            statement = _statement(store, stored, platform_key, collectivity, documents)
        except DocumentRefused as exc:
            refused.append(RefusedRequest(stored.order.id, str(exc)))
        except StoreError:
            raise
        except Exception as exc:  # noqa: BLE001 - one request must not keep all others waiting
            failed.append((stored.order.id, exc))
            refused.append(RefusedRequest(stored.order.id, SET_ASIDE))
        else:
            published += [] if statement is None else [statement]
    if published or refused:
        store.settle(published, refused, datetime.now(UTC))
        log.info("statements_computed", statements=len(published), refused=len(refused))
    for request_id, defect in failed:
        log.error(
            "statement_set_aside",
            request=request_id.hex(),
            defect=type(defect).__name__,
            where=raised_at(defect),
        )
    messages = tuple(
        _message(collectivity, statement.device, statement.id, statement.statement)
        for statement in published
    )
    return PendingPage(messages, _next_page(page))


def unseen_statements(
    store: Store, platform_key: Ed25519PrivateKey, collectivity: str, after: bytes = b""
) -> PendingPage:
    """Return a page of published statements that no chip has seen yet, to publish them again.

    Needed after a start of the worker or broker, since a statement is recorded before it is sent.
    They are signed by the present key, whichever signed them first. One that is damaged in the store
    is logged by its id and left out.
    """
    page = store.requests(RequestState.PUBLISHED, after, PAGE_REQUESTS)
    messages = []
    for stored in page:
        if stored.device is None or stored.statement is None:
            continue
        address = Address(collectivity, stored.device, Kind.STATEMENT)
        try:
            payload = signed_anew(address, stored.statement, platform_key)
        except Exception as exc:  # noqa: BLE001 - one statement must not hold back all others
            log.error(  # noqa: TRY400 - dealt with
                "stored_statement_left_out",
                request=stored.order.id.hex(),
                defect=type(exc).__name__,
                where=raised_at(exc),
            )
        else:
            messages.append(_message(collectivity, stored.device, stored.order.id, payload))
    return PendingPage(tuple(messages), _next_page(page))


def _next_page(page: Sequence[StoredRequest]) -> bytes | None:
    return page[-1].order.id if len(page) == PAGE_REQUESTS else None


def _message(collectivity: str, device: DeviceId, request_id: bytes, statement: bytes) -> Outgoing:
    topic = device_topic(collectivity, device, Kind.STATEMENT, request_id.hex())
    return Outgoing(topic, statement, retain=True)


def _statement(
    store: Store,
    stored: StoredRequest,
    platform_key: Ed25519PrivateKey,
    collectivity: str,
    documents: DocumentLookup,
) -> PublishedStatement | None:
    """Compute a request's statement; None if something it needs is not stored yet."""
    order = stored.order
    contract = store.contract(order.contract)
    if contract is None or contract.household_key != order.household_key:
        raise DocumentRefused("No such contract is registered.")
    device = store.device_of(order.household_key)
    try:
        prepared = prepare(order.request, contract, documents)
    except ScheduleMissing:
        return None  # the calendar or series may come yet
    if device is None or contract.acceptance is None:
        return None
    days = prepared.request.days
    blocks = blocks_of(store, order.household_key, days)
    if missing_days(blocks, days):
        return None
    statement = compute(prepared, contract, order.request, blocks)
    address = Address(collectivity, device.device, Kind.STATEMENT)
    payload = seal_message(address, statement, platform_key, device.version)
    if len(payload) > SIZE_MAX_BYTES:
        raise DocumentRefused(
            "The statement of this period does not fit into a message; ask for shorter periods."
        )
    return PublishedStatement(order.id, device.device, payload)
