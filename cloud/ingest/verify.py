"""Verifies messages from chips before anything else uses them.

Order of checks: topic, enrolment, size, envelope, signature, canonical form, household key, then
the bounds that the handler checks.
"""

from collections.abc import Container
from functools import lru_cache
from typing import TypeVar

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from cloud.ingest.handler import SignedBody
from cloud.store import Device
from protocol.envelope import Address, open_message
from protocol.errors import MessageRefused, Reason
from protocol.topics import Kind, parse_device_topic

T = TypeVar("T", bound=msgspec.Struct)


def address_of(collectivity: str, topic: str, kinds: Container[Kind]) -> tuple[Address, Kind]:
    """Return the address that a chip's message must be signed for, and its kind, one of `kinds`.

    Raises:
        MessageRefused: this collectivity's chips do not send on this topic.
    """
    parts = parse_device_topic(topic)
    if parts.collectivity != collectivity or parts.kind not in kinds or parts.rest:
        raise MessageRefused(Reason.TOPIC, "no topic on which chips send here")
    return Address(parts.collectivity, parts.device, parts.kind), parts.kind


def open_up(
    address: Address, payload: bytes, device: Device | None, body_type: type[T]
) -> tuple[Device, T]:
    """Verify and decode a payload that `device` must have signed with its enrolled key.

    Raises:
        MessageRefused: with the reason; the sender is not proven.
    """
    if device is None or device.is_revoked:
        raise MessageRefused(Reason.UNKNOWN_DEVICE, "revoked" if device else "not enrolled")
    return device, open_message(address, payload, _public_key(device.signing_key), body_type)


def check_household(body: SignedBody, device: Device) -> None:
    """Check that a message is of the household under which its chip is enrolled.

    Raises:
        MessageRefused: it is another one's.
    """
    if body.household_key != device.household_key:
        raise MessageRefused(Reason.UNKNOWN_DEVICE, "enrolled under another household key")


@lru_cache(maxsize=100_000)
def _public_key(signing_key: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(signing_key)
