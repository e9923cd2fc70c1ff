"""The documents that may be listed, and what the rules of the list need of each."""

from typing import Annotated, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from protocol.contract import Offer, Signed, open_document, open_offer
from protocol.envelope import decode_body
from protocol.errors import DocumentRefused, MessageRefused
from protocol.ids import PublicKey, public_key_text
from protocol.messages import Hash
from protocol.schedule import Calendar, PriceSeries, Schedule, check_schedule

ListedKind = Literal["Offer", "Calendar", "PriceSeries", "Withdrawal"]
WITHDRAWN_MAX = 256


class Withdrawal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A provider withdraws offers: they are quoted no more. Their hashes stay in the list."""

    provider_key: PublicKey
    offers: Annotated[tuple[Hash, ...], msgspec.Meta(min_length=1, max_length=WITHDRAWN_MAX)]


Document = Offer | Calendar | PriceSeries | Withdrawal
SCHEDULE_TYPES: dict[str, type[Calendar] | type[PriceSeries]] = {
    "Calendar": Calendar,
    "PriceSeries": PriceSeries,
}


class Listed(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What the rules need of an admitted document, which itself is read when it is used.

    `name` is an offer's product or a schedule's name, `provider` the name that an offer bears,
    [start, end) the quarter-hours of a schedule, `withdraws` the offers that a withdrawal names.
    """

    number: int
    listed_on: int
    hash: bytes
    kind: ListedKind
    owner: bytes
    size_bytes: int
    name: str
    provider: str = ""
    extends: bytes | None = None
    start: int = 0
    end: int = 0
    withdraws: tuple[bytes, ...] = ()


def listed_as(
    document: Document, signed: Signed, number: int, listed_on: int, size_bytes: int
) -> Listed:
    """Return what the rules need of a document that entry `number` lists."""
    head = number, listed_on, signed.hash, kind_of(signed), owner_of(document), size_bytes
    if isinstance(document, Offer):
        return Listed(*head, document.product, document.provider, document.extends)
    if isinstance(document, Withdrawal):
        return Listed(*head, "", withdraws=document.offers)
    return Listed(*head, document.name, start=document.start, end=document.end)


def owner_of(document: Document) -> bytes:
    """Return the key that signs a listed document."""
    if isinstance(document, Offer | Withdrawal):
        return document.provider_key
    return document.publisher


def titles(listed: Listed | None) -> tuple[str, str]:
    """Return a listed document's owner (a provider, or a publisher's key) and its name.

    Both are empty if the document is not there.
    """
    if listed is None:
        return "", ""
    return listed.provider or public_key_text(listed.owner), listed.name


def open_listed(signed: Signed) -> Document:
    """Verify a document with the key it names, and check its contents.

    Raises:
        DocumentRefused: names what is wrong.
    """
    if signed.kind == "Offer":
        return open_offer(signed)
    if signed.kind == "Withdrawal":
        return _open_withdrawal(signed)
    document_type = SCHEDULE_TYPES.get(signed.kind)
    if document_type is None:
        raise DocumentRefused("Only offers, calendars and market series are listed.")
    try:
        publisher = decode_body(signed.body, document_type).publisher
    except MessageRefused as exc:
        raise DocumentRefused(f"This document cannot be read: {exc.detail}.") from exc
    key = Ed25519PublicKey.from_public_bytes(publisher)
    schedule: Schedule = open_document(signed, key, document_type)
    check_schedule(schedule, schedule.name)
    return schedule


def _open_withdrawal(signed: Signed) -> Withdrawal:
    try:
        key = decode_body(signed.body, Withdrawal).provider_key
    except MessageRefused as exc:
        raise DocumentRefused(f"This document cannot be read: {exc.detail}.") from exc
    return open_document(signed, Ed25519PublicKey.from_public_bytes(key), Withdrawal)


def read_signed(payload: bytes) -> Signed:
    """Decode a signed document from the payload of its topic.

    Raises:
        DocumentRefused: it is not a signed document.
    """
    try:
        return decode_body(payload, Signed)
    except MessageRefused as exc:
        raise DocumentRefused("This is no signed document.") from exc


def kind_of(signed: Signed) -> ListedKind:
    """Return the kind of a document that may be listed. Raises DocumentRefused."""
    try:
        kind: ListedKind = msgspec.convert(signed.kind, ListedKind)
    except msgspec.ValidationError as exc:
        raise DocumentRefused("Only offers, calendars and market series are listed.") from exc
    return kind
