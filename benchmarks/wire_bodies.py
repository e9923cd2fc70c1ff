"""One message of each kind in its usual size, made by the code that makes it in the field."""

import secrets
from collections.abc import Iterator, Mapping

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.area_household import AreaChip, measures, transform
from benchmarks.household import DAYS, Chip
from benchmarks.receipt import sealed_receipt
from protocol.area_messages import AreaAck, AreaQuestion, Document, Terms
from protocol.calendar import day_number
from protocol.catalogue import Entry, Segment, next_entry
from protocol.contract import Acceptance, Signed, StatementRequest, sign_document
from protocol.governance import draw_up
from protocol.household import Q
from protocol.hpke import SealingKey, seal
from protocol.letters import PADDING_BYTES, Letter, PrivateLetter
from protocol.messages import Cover, Hub, LineSums, MonthSums, Seen, Statement
from protocol.moving import Leave, Left
from protocol.quotes import BlockRange, QuoteAnswer, QuotePart, QuoteRequest
from protocol.receipt import ReceiptAck
from protocol.roster import sign_entry
from protocol.topics import Kind, PublicKind

# Forty tariffs of one household share some forty sums a month.
_QUOTED_COLUMNS = 42
_MONTHS = 12
_ENERGY_LINES = 3
_CELLS = 50
_LISTED = 40
_HASH, _ID = bytes(32), bytes(16)
_FIRST, _END = day_number(DAYS[0]), day_number(DAYS[-1]) + 1

_KEY = Ed25519PrivateKey.generate()


def usual_bodies(chip: Chip, area: AreaChip) -> Mapping[Kind | PublicKind, msgspec.Struct]:
    """Return a body of each signed kind, beside readings and what answers them."""
    household = chip.secret.id
    registrar = Ed25519PrivateKey.generate()
    entry = sign_entry(area.entry, registrar)
    return {
        Kind.SEEN: Seen(household, _ID),
        Kind.RECEIPT: sealed_receipt(household),
        Kind.RECEIPT_ACK: ReceiptAck(household, (_ID,)),
        Kind.KEY: area.letters(),
        Kind.AREA: area.contribution(DAYS[0], with_profile=False),
        Kind.AREA_ACK: AreaAck(household, (_FIRST,), ()),
        Kind.ASK: AreaQuestion(household, _HASH),
        Kind.TERMS: Terms(household, (entry.body, entry.signature), (_HASH,) * 2, (_HASH,) * 2),
        Kind.DOCUMENT: Document(household, _HASH, 0, 1, _documents()),
        Kind.QUOTE: QuoteRequest(household, _ID, _END - 365, _END, _HASH),
        Kind.QUOTES: QuotePart(household, _ID, 0, 1, _answer()),
        Kind.STATEMENT: _statement(household),
        Kind.LETTER: Letter(household, _ID, _letter()),
        Kind.LEAVE: Leave(household, _END, (bytes(200),)),
        Kind.LEFT: Left(household, _END),
        PublicKind.HUB: Hub(1, 120),
        PublicKind.LIST: Segment(0, tuple(_entries())),
    }


def _documents() -> bytes:
    """Return the documents of a year: measures of many cells, and the household's transform."""
    document = measures()
    (curve, *others) = document.measures
    cells = msgspec.structs.replace(curve, groups=curve.groups * _CELLS)
    document = msgspec.structs.replace(document, measures=(cells, *others))
    cosigned = draw_up(document)
    for signer in ("collectivity", "trustee-a", "trustee-b", "trustee-c"):
        cosigned = cosigned.signed(signer, _KEY)
    return msgspec.msgpack.encode(cosigned) + msgspec.msgpack.encode(transform())


def _entries() -> Iterator[Entry]:
    entry = None
    for number in range(_LISTED):
        signed = Signed("Offer", number.to_bytes(4, "big"), bytes(64))
        entry = next_entry(entry, signed, DAYS[0])
        yield entry


def _answer() -> bytes:
    covers = tuple(
        BlockRange(secrets.token_bytes(8), ((1 + 31 * month, 32 + 31 * month),))
        for month in range(_MONTHS)
    )
    sums = secrets.token_bytes(8 * _MONTHS * _QUOTED_COLUMNS)
    return msgspec.msgpack.encode(QuoteAnswer(_HASH, _END - 365, _END, (), covers, sums))


def _statement(household: bytes) -> Statement:
    request = sign_document(StatementRequest(_ID, _HASH, _HASH, _FIRST, _END), _KEY)
    month = MonthSums(_FIRST, Q - 1, (Q - 1, Q - 1))
    return Statement(
        _ID,
        household,
        _HASH,
        _FIRST,
        _END,
        tuple(Cover(secrets.token_bytes(8), tuple(range(1, 17))) for _ in range(2)),
        tuple(LineSums(_HASH, line, (month,)) for line in range(_ENERGY_LINES)),
        msgspec.msgpack.encode(request),
        msgspec.msgpack.encode(sign_document(Acceptance(_HASH), _KEY)),
        (),
    )


def _letter() -> bytes:
    sealed = seal(bytes(PADDING_BYTES), SealingKey.generate().public_bytes, b"")
    letter = PrivateLetter(_ID, _HASH, _FIRST, sealed)
    return msgspec.msgpack.encode(sign_document(letter, _KEY))
