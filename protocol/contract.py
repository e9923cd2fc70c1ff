"""Offers, contracts, and a provider's request for a statement.

A provider signs an offer, and the collectivity lists it for everyone alike. A household that takes
it signs a contract that names the offer's hash, and the provider signs its acceptance. No statement
is computed or answered without both signatures.
"""

import hashlib
from datetime import date, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, TypeVar

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from protocol.calendar import DayNumber, day_of_number
from protocol.envelope import decode_body
from protocol.errors import DocumentRefused, MessageRefused
from protocol.hpke import PUBLIC_KEY_BYTES
from protocol.ids import PublicKey
from protocol.json_text import read_json
from protocol.messages import Hash, KeyId, StatementId
from protocol.tariff import Name, Tariff, check_tariff

Body = TypeVar("Body", bound=msgspec.Struct)

TARIFFS_MAX = 64
PERIOD_DAYS_MAX = 400
LATE_DAYS_MAX = 400
# A household moves or changes its provider months ahead, and no year.
STARTS_AHEAD_MAX = timedelta(days=366)
# Keeps an offer from splitting a month into pieces that a bill would show separately
# (docs/explanation/billing.md).
TARIFF_HOLDS = timedelta(days=25)

SealingPublicKey = Annotated[
    bytes, msgspec.Meta(min_length=PUBLIC_KEY_BYTES, max_length=PUBLIC_KEY_BYTES)
]


class Consent(StrEnum):
    """What a receipt may reveal to the provider: nothing, the total, or also each line's kWh."""

    NOTHING = "nothing"
    TOTAL = "total"
    LINES = "lines"


class Offer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A provider's public offer: its keys and the dated tariffs of one product.

    `provider_key` (Ed25519) verifies the provider's signatures. Receipts are sealed to
    `sealing_key` (protocol/hpke.py). An offer that `extends` another repeats its tariffs and adds
    later ones.
    """

    provider: Name
    provider_key: PublicKey
    sealing_key: SealingPublicKey
    product: Name
    tariffs: tuple[Tariff, ...]
    extends: Hash | None = None


class Contract(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A household's agreement to an offer, for the days [start, end), under a household key.

    `meter` is SHA-256 over a salt that stays on the chip and the meter's serial. Messages that only
    the household may read are sealed to `sealing_key`. If `follows` is true, listed offers that
    extend this one apply to the contract from the days on which their tariffs begin.
    """

    offer: Hash
    household_key: KeyId
    sealing_key: SealingPublicKey
    meter: Hash
    start: date
    end: date | None
    consent: Consent
    follows: bool


class Acceptance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A provider's acceptance of a contract."""

    contract: Hash


class StatementRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A provider's request for the statement of a contract over the days [start, end).

    Attributes:
        offer: the contract's offer, or a listed one that extends it.
        without: days of the period that are not stored yet; a later statement bills them.
        late: days before the period that an earlier statement left out.
        corrects: the statement that this one replaces, over the same days.
    """

    id: StatementId
    contract: Hash
    offer: Hash
    start: DayNumber
    end: DayNumber
    without: tuple[DayNumber, ...] = ()
    late: tuple[DayNumber, ...] = ()
    corrects: StatementId | None = None

    @property
    def days(self) -> list[date]:
        """The days whose energy the statement bills, in order."""
        period = range(self.start, self.end)
        numbers = [*self.late, *(number for number in period if number not in self.without)]
        return [day_of_number(number) for number in numbers]


class Signed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A document's exact bytes, its kind, and its signature."""

    kind: str
    body: bytes
    signature: bytes

    @property
    def hash(self) -> bytes:
        """SHA-256 of the body, by which documents name each other."""
        return hashlib.sha256(self.body).digest()


def sign_document(document: msgspec.Struct, key: Ed25519PrivateKey) -> Signed:
    """Sign a document; its type's name becomes its kind."""
    kind, body = type(document).__name__, msgspec.msgpack.encode(document)
    return Signed(kind, body, key.sign(_signed_bytes(kind, body)))


def open_document(signed: Signed, key: Ed25519PublicKey, document_type: type[Body]) -> Body:
    """Verify and decode a signed document.

    Raises:
        DocumentRefused: the kind or the signature is wrong, or the form is not canonical.
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
    """Verify an offer with the provider's key that it carries, and check its tariffs.

    Raises:
        DocumentRefused: names what is wrong.
    """
    try:
        offer = decode_body(signed.body, Offer)
    except MessageRefused as exc:
        raise DocumentRefused(f"This offer cannot be read: {exc.detail}.") from exc
    open_document(signed, Ed25519PublicKey.from_public_bytes(offer.provider_key), Offer)
    if not (offer.provider + offer.product).isprintable() or len(offer.tariffs) > TARIFFS_MAX:
        raise DocumentRefused(
            f"This offer has more than {TARIFFS_MAX} tariffs, or a name that cannot be printed."
        )
    for number, tariff in enumerate(offer.tariffs):
        check_tariff(tariff, f"tariff {number + 1} ({tariff.name})")
        if tariff.provider != offer.provider:
            raise DocumentRefused(f"tariff {number + 1} is another provider's.")
    starts = sorted(tariff.valid_from for tariff in offer.tariffs)
    if any(timedelta() < after - before < TARIFF_HOLDS for before, after in pairwise(starts)):
        raise DocumentRefused(
            f"A tariff holds for {TARIFF_HOLDS.days} days at least before the next one begins."
        )
    return offer


def check_extension(former: Offer, offer: Offer) -> None:
    """Check that `offer` adds tariffs to `former` and changes nothing else.

    Raises:
        DocumentRefused: names the change.
    """
    kept = len(former.tariffs)
    if (former.provider, former.provider_key, former.product) != (
        offer.provider,
        offer.provider_key,
        offer.product,
    ):
        raise DocumentRefused("An offer extends one of the same provider, key and product.")
    if offer.tariffs[:kept] != former.tariffs:
        raise DocumentRefused("An offer that extends another repeats its tariffs unchanged.")
    last = max((tariff.valid_from for tariff in former.tariffs), default=date.min)
    if any(tariff.valid_from <= last for tariff in offer.tariffs[kept:]):
        raise DocumentRefused("An offer that extends another adds later tariffs only.")


def check_start(start: date, today: date) -> None:
    """Check that a contract begins soon enough to be meant.

    Raises:
        DocumentRefused: it begins more than a year from `today`.
    """
    if start > today + STARTS_AHEAD_MAX:
        raise DocumentRefused(
            f"A contract begins within {STARTS_AHEAD_MAX.days} days from today, and {start} is later; name "
            "an earlier first day."
        )


def check_request(request: StatementRequest) -> None:
    """Check the rules for a request that types cannot express.

    Raises:
        DocumentRefused: names what is wrong.
    """
    start, end = day_of_number(request.start), day_of_number(request.end)
    if not start < end:
        raise DocumentRefused(f"The period {start} to {end} holds no day.")
    if request.end - request.start > PERIOD_DAYS_MAX:
        raise DocumentRefused(f"A statement covers at most {PERIOD_DAYS_MAX} days.")
    for days, span in (
        (request.without, range(request.start, request.end)),
        (request.late, range(request.start)),
    ):
        if list(days) != sorted(set(days)) or any(number not in span for number in days):
            raise DocumentRefused(
                "Days left out lie within the period, late ones before it, each once, in order."
            )
    if len(request.late) > LATE_DAYS_MAX:
        raise DocumentRefused(f"A statement bills at most {LATE_DAYS_MAX} late days.")
    if not request.days:
        raise DocumentRefused("A statement needs a day whose energy it bills.")


def parse_signed(data: bytes, name: str) -> Signed:
    """Read a signed document from JSON without verifying it; `name` names its source in errors.

    Raises:
        DocumentRefused: it is not a signed document.
    """
    try:
        return read_json(data, Signed)
    except msgspec.MsgspecError as exc:
        raise DocumentRefused(f"{name}: this is no signed document ({exc}).") from exc


def check_covered(contract: bytes, since: date, until: date | None, start: date, end: date) -> None:
    """Check that a contract (by hash) in force in [since, until) covers the days [start, end).

    Raises:
        DocumentRefused: it does not; the error names the days that it covers.
    """
    if since <= start and (until is None or end <= until):
        return
    name = f"Contract {contract.hex()[:16]}…"
    if until is None:
        raise DocumentRefused(f"{name} holds from {since} on; ask for days within it.")
    if until <= since:
        raise DocumentRefused(
            f"{name} holds on no day: the household moved out, or took a later one, before it."
        )
    last = until - timedelta(days=1)
    raise DocumentRefused(f"{name} holds from {since} to {last}; ask for days within it.")


def _signed_bytes(kind: str, body: bytes) -> bytes:
    return msgspec.msgpack.encode(("volet document", kind, body))
