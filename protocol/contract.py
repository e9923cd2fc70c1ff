"""Offers and contracts in their simplest form, and a provider's request for a statement.

A provider signs an offer; a household that takes it signs a contract naming the offer's hash. The
two signatures together are the contract: no statement is computed or answered without one.
"""

import hashlib
from datetime import date
from typing import Annotated, TypeVar

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from protocol.envelope import decode_body
from protocol.errors import DocumentRefused, MessageRefused
from protocol.messages import DayNumber, Hash, KeyId, StatementId
from protocol.tariff import Tariff, check_tariff

Body = TypeVar("Body", bound=msgspec.Struct)

TARIFFS_MAX = 64


class Offer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a provider offers to anyone: its key (Ed25519, 32 bytes) and dated tariffs."""

    provider: str
    provider_key: Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
    tariffs: tuple[Tariff, ...]


class Contract(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a household takes: an offer, for days [start, end), under a household key.

    `meter` is SHA-256 over a salt that stays on the chip and the meter's serial.
    """

    offer: Hash
    household_key: KeyId
    meter: Hash
    start: date
    end: date | None


class StatementRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a provider asks: the statement of a contract over days [start, end)."""

    id: StatementId
    contract: Hash
    start: DayNumber
    end: DayNumber


class Signed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A document's exact bytes, what it is, and who signs them."""

    kind: str
    body: bytes
    signature: bytes

    @property
    def hash(self) -> bytes:
        """SHA-256 of the body, by which documents name each other."""
        return hashlib.sha256(self.body).digest()


def sign_document(document: msgspec.Struct, key: Ed25519PrivateKey) -> Signed:
    """Sign a document as its type's name says what it is."""
    kind, body = type(document).__name__, msgspec.msgpack.encode(document)
    return Signed(kind, body, key.sign(_signed_bytes(kind, body)))


def open_document(signed: Signed, key: Ed25519PublicKey, document_type: type[Body]) -> Body:
    """Verify and decode a signed document.

    Raises:
        DocumentRefused: wrong kind, wrong signature, or not in canonical form.
    """
    kind = document_type.__name__
    try:
        key.verify(signed.signature, _signed_bytes(signed.kind, signed.body))
        if signed.kind != kind:
            raise DocumentRefused(f"This is another document, no {kind.lower()}.")
        return decode_body(signed.body, document_type)
    except InvalidSignature as exc:
        raise DocumentRefused(f"The signature of this {kind.lower()} does not fit.") from exc
    except MessageRefused as exc:
        raise DocumentRefused(f"This {kind.lower()} cannot be read: {exc.detail}.") from exc


def open_offer(signed: Signed) -> Offer:
    """Verify an offer under the provider's key that it carries, and check its tariffs.

    Raises:
        DocumentRefused: with what is wrong.
    """
    try:
        offer = decode_body(signed.body, Offer)
    except MessageRefused as exc:
        raise DocumentRefused(f"This offer cannot be read: {exc.detail}.") from exc
    open_document(signed, Ed25519PublicKey.from_public_bytes(offer.provider_key), Offer)
    if not offer.provider.isprintable() or len(offer.tariffs) > TARIFFS_MAX:
        raise DocumentRefused(
            f"This offer has more than {TARIFFS_MAX} tariffs, or a provider that cannot be printed."
        )
    for number, tariff in enumerate(offer.tariffs):
        check_tariff(tariff, f"tariff {number + 1} ({tariff.name})")
        if tariff.provider != offer.provider:
            raise DocumentRefused(f"tariff {number + 1} is another provider's.")
    return offer


def _signed_bytes(kind: str, body: bytes) -> bytes:
    return msgspec.msgpack.encode(("volet document", kind, body))
