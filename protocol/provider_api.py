"""The bodies of the collectivity's API for providers: JSON, with hashes and ids in hex."""

import binascii
from base64 import b64decode, b64encode
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

import msgspec

from protocol.contract import Signed
from protocol.errors import DocumentRefused
from protocol.packed import Count
from protocol.release import CurveRelease, CurveSum, TableRelease, TableSum

LIMIT_MAX = 1_000
LIMIT = 100
HEX_HASH = r"^[0-9a-f]{64}(?!\n)$"
HEX_ID = r"^[0-9a-f]{32}(?!\n)$"
AREA_CODE = r"^[0-9A-Z]{2,9}(?!\n)$"
BASE64 = r"^[A-Za-z0-9+/]*={0,2}(?!\n)$"
# The longest signed document that the API accepts: an offer of 64 tariffs.
DOCUMENT_MAX = 768 * 1024

_HASH = "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"
_ID = "00112233445566778899aabbccddeeff"

HexHash = Annotated[str, msgspec.Meta(pattern=HEX_HASH, title="SHA-256 in hex", examples=[_HASH])]
HexId = Annotated[str, msgspec.Meta(pattern=HEX_ID, title="16 bytes in hex", examples=[_ID])]
Base64 = Annotated[
    str,
    msgspec.Meta(
        pattern=BASE64, max_length=DOCUMENT_MAX, title="Bytes in base64", examples=["gqF4AQ=="]
    ),
]


class RequestState(StrEnum):
    """The progress of a provider's request."""

    PENDING = "pending"
    PUBLISHED = "published"
    SEEN = "seen"
    REFUSED = "refused"


class LetterState(StrEnum):
    """The progress of a private message."""

    PENDING = "pending"
    PUBLISHED = "published"
    SEEN = "seen"


class ContractFilter(msgspec.Struct, frozen=True):
    """A filter for lists of contracts: every given condition must hold."""

    area: str = ""
    on: date | None = None
    offer: bytes = b""
    is_accepted: bool | None = None


class Drafting(msgspec.Struct, frozen=True):
    """The days [start, end) for which to draft requests, and whether to leave out missing days."""

    start: date
    end: date
    without_missing: bool = False


class _Shape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class SignedDocument(_Shape, frozen=True):
    """A document signed by the provider: its kind, its exact bytes and the signature.

    `volet provider` and `protocol.contract.sign_document` produce them; the service never signs.
    """

    kind: Annotated[str, msgspec.Meta(max_length=32, examples=["StatementRequest"])]
    body: Base64
    signature: Base64


class Who(_Shape, frozen=True):
    """The caller's identity, as the service knows it."""

    provider: str
    key: HexHash
    credential: str
    scopes: tuple[str, ...]
    expires: datetime | None


class ContractItem(_Shape, frozen=True):
    """A household's contract with the provider.

    `end` is the day after its last day, null while it is open. It follows from its terms, or is
    earlier if the household moved out or took a later contract. `household_key` identifies the
    household, letters to it are sealed to `sealing_key` (base64), and `cell` is its cell in the
    roster.
    """

    contract: HexHash
    household_key: HexId
    offer: HexHash
    start: date
    end: date | None
    consent: str
    follows_offers: bool
    is_accepted: bool
    sealing_key: Base64
    cell: str | None


class ContractPage(_Shape, frozen=True):
    """Contracts in order of arrival. Request those after `next` until it is null."""

    contracts: tuple[ContractItem, ...]
    next: HexHash | None


class Accepted(_Shape, frozen=True):
    """A contract's acceptance has been stored; the first one stays."""

    contract: HexHash
    is_accepted: bool


class StatementState(_Shape, frozen=True):
    """The progress of a statement. Only the household's chip can open it.

    `missing_days` counts days of the period that are not stored yet; `waits_for` says what else is
    missing. `late` counts earlier days that are billed with it, `left_out` days of the period that
    are not. `values` counts the computed encrypted values of 8 bytes each. `detail` says why the
    request was refused.
    """

    id: HexId
    contract: HexHash
    start: date
    end: date
    state: RequestState
    missing_days: int
    values: int
    detail: str
    waits_for: str
    late: int
    left_out: int


class Draft(_Shape, frozen=True):
    """A request ready to sign: the encoded `StatementRequest`, or the reason why there is none."""

    contract: HexHash
    body: Base64
    detail: str


class DraftPage(_Shape, frozen=True):
    """Drafts in the order of the contracts. Request those after `next` until it is null."""

    drafts: tuple[Draft, ...]
    next: HexHash | None


class Batch(_Shape, frozen=True):
    """A batch of statements: how many are pending, published, seen by a chip, or refused."""

    id: HexId
    key: str
    digest: HexHash
    at: datetime
    total: int
    pending: int
    published: int
    seen: int
    refused: int


class BatchPage(_Shape, frozen=True):
    """Batches, oldest first. Request those after `next` until it is null."""

    batches: tuple[Batch, ...]
    next: HexId | None


class BatchItem(_Shape, frozen=True):
    """One statement of a batch; `number` is its line in the submitted file."""

    number: int
    id: HexId
    contract: HexHash
    state: RequestState
    detail: str


class BatchItems(_Shape, frozen=True):
    """Statements of a batch, in order. Request those after `next` until it is null."""

    items: tuple[BatchItem, ...]
    next: int | None


class ListedEntry(_Shape, frozen=True):
    """One entry of the transparency log; `head` is a hash over it and all earlier entries."""

    number: int
    listed_on: date
    kind: str
    hash: HexHash
    head: HexHash


class ListedPage(_Shape, frozen=True):
    """Entries of the transparency log, in order. Request those after `next` until it is null."""

    entries: tuple[ListedEntry, ...]
    next: int | None


class ReceiptItem(_Shape, frozen=True):
    """A household's receipt, sealed to the provider.

    `payload` is the chip's signed message; `volet provider receipts` opens and checks it.
    """

    statement: HexId
    contract: HexHash
    device: str
    payload: Base64
    at: datetime
    is_acknowledged: bool


class ReceiptPage(_Shape, frozen=True):
    """Receipts in order of arrival. Request those after `next` until it is null."""

    receipts: tuple[ReceiptItem, ...]
    next: HexId | None


class Acknowledgement(_Shape, frozen=True):
    """The statements whose receipts you have stored."""

    statements: Annotated[tuple[HexId, ...], msgspec.Meta(max_length=LIMIT_MAX)]


class Acknowledged(_Shape, frozen=True):
    """How many of the named receipts exist and are yours."""

    acknowledged: int


class Measured(_Shape, frozen=True):
    """A measure of an area with released figures."""

    measure: str
    code: str


class Measures(_Shape, frozen=True):
    """All measures and codes that you may read."""

    areas: tuple[Measured, ...]


class Figures(_Shape, frozen=True):
    """The released figures of a measure and code, one per day, each with its error."""

    releases: tuple[CurveRelease | TableRelease | CurveSum | TableSum, ...]


class PriceClass(_Shape, frozen=True):
    """The energy whose price to the household lies in [from, below) €/kWh with VAT.

    `standard_error` is that of the noise, in the value's unit.
    """

    name: str
    from_eur_per_kwh: Decimal | None
    below_eur_per_kwh: Decimal | None
    value: float
    standard_error: float
    unit: str


class Turnover(_Shape, frozen=True):
    """Energy by price class, and turnover, of an area over days, summed from released figures.

    The errors of different days are independent, so their squares add. `days` is the number of days
    with a figure; `households` and `coverage` are means over these.
    """

    code: str
    start: date
    end: date
    days: int
    households: float
    coverage: float
    classes: tuple[PriceClass, ...]
    turnover_eur: float
    turnover_standard_error_eur: float
    injected_kwh: float
    injected_standard_error_kwh: float


class LetterItem(_Shape, frozen=True):
    """A private message on its way to a household; nobody in between can read it."""

    id: HexId
    contract: HexHash
    state: LetterState


class Problem(_Shape, frozen=True):
    """An error in the form of RFC 9457; `detail` also says what to do next.

    `line` counts from 1 in a batch; `errors` names fields.
    """

    type: Annotated[str, msgspec.Meta(examples=["urn:volet:problem:document-refused"])]
    title: str
    status: Count
    detail: str
    line: Count | None = None
    errors: tuple[str, ...] = ()


def signed_of(document: SignedDocument) -> Signed:
    """Decode a signed document from its wire form.

    Raises:
        DocumentRefused: it is not base64.
    """
    return Signed(document.kind, bytes_of(document.body), bytes_of(document.signature))


def document_of(signed: Signed) -> SignedDocument:
    """Encode a signed document in its wire form."""
    return SignedDocument(signed.kind, base64(signed.body), base64(signed.signature))


def base64(data: bytes) -> str:
    """Encode bytes in base64."""
    return b64encode(data).decode()


def bytes_of(text: str) -> bytes:
    """Decode the output of `base64`.

    Raises:
        DocumentRefused: it is not base64.
    """
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise DocumentRefused("Body and signature are base64; this is not.") from exc
