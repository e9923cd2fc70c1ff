"""Messages: what is signed arrives, and any byte changed anywhere is refused by name."""

import secrets

import msgspec
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from protocol import area_messages, letters, messages, moving, quotes, receipt, renewal
from protocol.commitment import commit_day
from protocol.envelope import SIZE_MAX_BYTES, Address, open_message, seal_message
from protocol.errors import MessageRefused, Reason
from protocol.household import Q
from protocol.ids import DeviceId, new_device_id
from protocol.topics import Kind

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
DEVICE = DeviceId("abcdefghijklmnopqrstuvwxyz")
INCARNATION = bytes(range(8))
HOUSEHOLD = bytes(range(16))
COMMITMENT = commit_day(range(12), 7)
BLOCK = messages.Block(HOUSEHOLD, 20_750, INCARNATION, 7, 0, bytes(range(128)) * 8, COMMITMENT)
CLOSING = msgspec.structs.replace(BLOCK, coefficients=bytes(1024))
BODIES = {
    Kind.EPOCH: messages.Epoch(HOUSEHOLD, 20_727, INCARNATION, bytes(64), bytes(32)),
    Kind.BLOCK: BLOCK,
    Kind.FETCH: messages.Fetch(HOUSEHOLD, INCARNATION, 1, 100, 1),
    Kind.SEEN: messages.Seen(HOUSEHOLD, bytes(16)),
    Kind.RECEIPT: receipt.Receipt(HOUSEHOLD, bytes(16), bytes(range(64))),
    Kind.RECEIPT_ACK: receipt.ReceiptAck(HOUSEHOLD, (bytes(16), bytes(range(16)))),
    Kind.ACK: messages.Ack(
        HOUSEHOLD[:4],
        bytes(8),
        bytes(8),
        False,
        (messages.IncarnationState(INCARNATION, 3, ((5, 7),), (20_727,)),),
        (messages.Refusal(INCARNATION, 9, Reason.CONFLICT),),
    ),
    Kind.STATEMENT: messages.Statement(
        bytes(16),
        HOUSEHOLD,
        bytes(32),
        20_727,
        20_758,
        (messages.Cover(INCARNATION, (1, 2, 3)),),
        (messages.LineSums(bytes(32), 0, (messages.MonthSums(20_727, 1, (2, Q - 1)),)),),
        b"request",
        b"acceptance",
        (bytes(32),),
    ),
    Kind.RENEW: renewal.RenewalRequest(HOUSEHOLD, b"signing request"),
    Kind.CERTIFICATE: renewal.RenewedCertificate(HOUSEHOLD, (b"certificate", b"issuer")),
    Kind.LETTER: letters.Letter(HOUSEHOLD, bytes(16), b"letter"),
    Kind.LEAVE: moving.Leave(HOUSEHOLD, 20_750, (b"document",)),
    Kind.LEFT: moving.Left(HOUSEHOLD, 20_750),
    Kind.KEY: area_messages.SeedLetters(
        HOUSEHOLD,
        3,
        20_727,
        bytes(32),
        (bytes(32), bytes(range(32))),
        (b"one", b"two"),
        area_messages.SeenHeads(bytes(32), bytes(range(32)), 18, bytes(32)),
    ),
    Kind.AREA: area_messages.Contribution(
        HOUSEHOLD,
        20_750,
        bytes(32),
        3,
        17,
        bytes(16),
        (area_messages.Part("curve", "751010101", bytes(range(128)) * 2),),
    ),
    Kind.ASK: area_messages.AreaQuestion(HOUSEHOLD, None),
    Kind.TERMS: area_messages.Terms(
        HOUSEHOLD, (b"entry", bytes(64)), (bytes(32),), (bytes(32), bytes(32))
    ),
    Kind.DOCUMENT: area_messages.Document(HOUSEHOLD, bytes(32), 0, 2, b"half"),
    Kind.AREA_ACK: area_messages.AreaAck(HOUSEHOLD, (20_750,), ((20_749, Reason.LATE),)),
    Kind.QUOTE: quotes.QuoteRequest(HOUSEHOLD, bytes(16), 20_385, 20_750, bytes(32)),
    Kind.QUOTES: quotes.QuotePart(HOUSEHOLD, bytes(16), 0, 2, b"half"),
}


def address(kind, device=DEVICE, collectivity="ville"):
    return Address(collectivity, device, kind)


@pytest.mark.parametrize("kind", BODIES)
def test_what_is_sealed_opens_to_the_same_body(kind):
    payload = seal_message(address(kind), BODIES[kind], KEY)
    assert (
        open_message(address(kind), payload, KEY.public_key(), type(BODIES[kind])) == BODIES[kind]
    )


@pytest.mark.parametrize("kind", BODIES)
def test_any_single_byte_changed_is_refused(kind):
    payload = seal_message(address(kind), BODIES[kind], KEY)
    reasons = set()
    for position in range(len(payload)):
        changed = bytearray(payload)
        changed[position] ^= 1 + secrets.randbelow(255)
        with pytest.raises(MessageRefused) as caught:
            open_message(address(kind), bytes(changed), KEY.public_key(), type(BODIES[kind]))
        reasons.add(caught.value.reason)
    assert Reason.SIGNATURE in reasons
    assert reasons <= {Reason.SIGNATURE, Reason.MALFORMED, Reason.VERSION, Reason.NOT_CANONICAL}


@pytest.mark.parametrize("kind", BODIES)
def test_a_cut_or_lengthened_message_is_refused(kind):
    payload = seal_message(address(kind), BODIES[kind], KEY)
    for damaged in (payload[:-1], payload + b"\0", payload * 2, b""):
        with pytest.raises(MessageRefused) as caught:
            open_message(address(kind), damaged, KEY.public_key(), type(BODIES[kind]))
        assert caught.value.reason in {Reason.MALFORMED, Reason.NOT_CANONICAL}


@pytest.mark.parametrize(
    "other",
    [
        address(Kind.EPOCH),
        address(Kind.BLOCK, new_device_id()),
        address(Kind.BLOCK, collectivity="autre"),
    ],
)
def test_a_message_moved_to_another_address_is_refused(other):
    payload = seal_message(address(Kind.BLOCK), BLOCK, KEY)
    with pytest.raises(MessageRefused, match="bad_signature"):
        open_message(other, payload, KEY.public_key(), messages.Block)


def test_another_devices_signature_is_refused():
    payload = seal_message(address(Kind.BLOCK), BLOCK, Ed25519PrivateKey.generate())
    with pytest.raises(MessageRefused, match="bad_signature"):
        open_message(address(Kind.BLOCK), payload, KEY.public_key(), messages.Block)


def test_an_oversize_message_is_refused_unread():
    with pytest.raises(MessageRefused, match="oversize"):
        open_message(
            address(Kind.BLOCK), bytes(SIZE_MAX_BYTES + 1), KEY.public_key(), messages.Block
        )


@given(st.binary(max_size=300))
def test_random_bytes_are_refused_without_an_exception_of_another_kind(data):
    with pytest.raises(MessageRefused):
        open_message(address(Kind.BLOCK), data, KEY.public_key(), messages.Block)


def test_a_body_in_another_encoding_is_refused_although_its_signature_fits():
    class Loose(msgspec.Struct, array_like=True):
        household_key: bytes
        statement: bytes
        extra: int = 1

    payload = seal_message(address(Kind.SEEN), Loose(HOUSEHOLD, bytes(16)), KEY)
    with pytest.raises(MessageRefused, match="no Seen"):
        open_message(address(Kind.SEEN), payload, KEY.public_key(), messages.Seen)


@pytest.mark.parametrize(
    "block",
    [
        msgspec.structs.replace(BLOCK, j0=1),
        msgspec.structs.replace(BLOCK, coefficients=bytes(9)),
        msgspec.structs.replace(BLOCK, coefficients=Q.to_bytes(8, "little"), commitment=b""),
        msgspec.structs.replace(CLOSING, commitment=b""),
        msgspec.structs.replace(CLOSING, commitment=COMMITMENT[:-1]),
        msgspec.structs.replace(CLOSING, commitment=bytes(32)),
        msgspec.structs.replace(CLOSING, coefficients=bytes(800)),
        msgspec.structs.replace(CLOSING, coefficients=bytes(8 * 112)),
        msgspec.structs.replace(CLOSING, j0=101, coefficients=bytes(8 * 27)),
    ],
)
def test_a_block_whose_coefficients_do_not_fit_is_out_of_bounds(block):
    with pytest.raises(MessageRefused, match="out_of_bounds"):
        messages.check_block(block)


def test_a_blocks_coefficients_come_back_as_numbers():
    coefficients = np.array([1, Q - 1], "<u8").tobytes()
    block = msgspec.structs.replace(BLOCK, j0=3, coefficients=coefficients, commitment=b"")
    messages.check_block(block)
    messages.check_block(CLOSING)
    assert (block.j1, block.values().tolist()) == (5, [1, Q - 1])


def test_the_digest_of_holdings_tells_states_apart_and_not_their_order():
    one = messages.IncarnationState(bytes(8), 3, (), (1,))
    two = messages.IncarnationState(b"\1" * 8, 3, (), (1,))
    assert messages.holdings_digest([one, two]) == messages.holdings_digest([two, one])
    lower = msgspec.structs.replace(one, stored_through=2)
    assert messages.holdings_digest([one, two]) != messages.holdings_digest([lower, two])
