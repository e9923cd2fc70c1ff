"""Whether a message from a chip is what it claims to be; nothing of it is used before.

Order of checks: topic, enrolment, size, envelope, signature, canonical form, household key, bounds.
"""

from collections.abc import Mapping
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from cloud.store import Device
from protocol.area_messages import Ask, Contribution, SeedLetters, check_contribution
from protocol.calendar import day_of_number
from protocol.envelope import Address, open_message
from protocol.errors import MessageRefused, Reason
from protocol.messages import Block, Epoch, Fetch, Seen, check_block
from protocol.moving import Leave
from protocol.quotes import QuoteRequest
from protocol.quotes import check_request as check_quotes
from protocol.receipt import Receipt
from protocol.topics import Kind, parse_device_topic

Up = (
    Epoch | Block | Fetch | Seen | Contribution | Ask | SeedLetters | Leave | Receipt | QuoteRequest
)
UP_KINDS = (
    Kind.EPOCH,
    Kind.BLOCK,
    Kind.FETCH,
    Kind.SEEN,
    Kind.RECEIPT,
    Kind.AREA,
    Kind.ASK,
    Kind.LEAVE,
    Kind.QUOTE,
)

_BODIES: Mapping[Kind, type[Up]] = {
    Kind.EPOCH: Epoch,
    Kind.BLOCK: Block,
    Kind.FETCH: Fetch,
    Kind.SEEN: Seen,
    Kind.AREA: Contribution,
    Kind.ASK: Ask,
    Kind.KEY: SeedLetters,
    Kind.LEAVE: Leave,
    Kind.RECEIPT: Receipt,
    Kind.QUOTE: QuoteRequest,
}


def address_of(collectivity: str, topic: str) -> Address:
    """Return the address that a message from a chip was signed for.

    Raises:
        MessageRefused: the topic is none on which this collectivity's chips send.
    """
    parts = parse_device_topic(topic)
    is_spoken = parts.kind in _BODIES or parts.kind is Kind.STATUS
    if parts.collectivity != collectivity or not is_spoken or parts.rest:
        raise MessageRefused(Reason.TOPIC, "no topic on which chips send here")
    return Address(parts.collectivity, parts.device, parts.kind)


def open_up(address: Address, payload: bytes, device: Device | None) -> tuple[Device, Up]:
    """Verify and decode a payload that `device`, as it is enrolled, must have signed.

    Raises:
        MessageRefused: with the reason; who sent it is not proven.
    """
    if device is None or device.is_revoked:
        raise MessageRefused(Reason.UNKNOWN_DEVICE, "revoked" if device else "not enrolled")
    key = _public_key(device.signing_key)
    body_type = _BODIES[Kind(address.kind)]
    return device, open_message(address, payload, key, body_type)


def check_up(body: Up, device: Device) -> None:
    """Check what a verified body says against its enrolment and bounds.

    Raises:
        MessageRefused: with the reason; the sender is known and can be told.
    """
    if body.household_key != device.household_key:
        raise MessageRefused(Reason.UNKNOWN_DEVICE, "enrolled under another household key")
    if isinstance(body, Block):
        check_block(body)
    if isinstance(body, QuoteRequest):
        check_quotes(body)
    if isinstance(body, Contribution):
        check_contribution(body)
    if isinstance(body, Epoch) and day_of_number(body.month).day != 1:
        raise MessageRefused(Reason.BOUNDS, "a month begins on its first day")


@lru_cache(maxsize=100_000)
def _public_key(signing_key: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(signing_key)
