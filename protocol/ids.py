"""Identifiers as types, so that one kind cannot pass for another.

DeviceId        the chip; random, `[a-z2-7]{26}`, the common name of its certificate
HouseholdKeyId  the occupants' keys; 16 bytes, follows people when they move
Incarnation     one process of a chip; 8 random bytes
PublicKey       whoever signs (Ed25519): provider, publisher, chip, household, registrar, platform

A public key is 32 bytes wherever keys are compared. Its one text is base64.
"""

import base64
import binascii
import re
import secrets
from typing import Annotated, NewType

import msgspec

DeviceId = NewType("DeviceId", str)
HouseholdKeyId = NewType("HouseholdKeyId", bytes)
Incarnation = NewType("Incarnation", bytes)

HOUSEHOLD_KEY_ID_BYTES = 16
PUBLIC_KEY_BYTES = 32
INCARNATION_BYTES = 8

PublicKey = Annotated[bytes, msgspec.Meta(min_length=PUBLIC_KEY_BYTES, max_length=PUBLIC_KEY_BYTES)]

_DEVICE_ID = re.compile(r"[a-z2-7]{26}")
_COLLECTIVITY = re.compile(r"[a-z0-9-]{1,32}")


def new_device_id() -> DeviceId:
    """Draw a device id: 128 random bits in lower-case base 32."""
    return DeviceId(base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=").lower())


def is_device_id(text: str) -> bool:
    """Return whether `text` matches the grammar of device ids."""
    return _DEVICE_ID.fullmatch(text) is not None


def is_collectivity(text: str) -> bool:
    """Return whether `text` can name a collectivity: `[a-z0-9-]{1,32}`."""
    return _COLLECTIVITY.fullmatch(text) is not None


def new_incarnation() -> Incarnation:
    """Draw the id of a process."""
    return Incarnation(secrets.token_bytes(INCARNATION_BYTES))


def read_public_key(text: str) -> bytes | None:
    """Return the 32 bytes of a key in base64; None if `text` is no key."""
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == PUBLIC_KEY_BYTES else None


def public_key_text(key: bytes) -> str:
    """Return the text of a key, as documents in JSON have it."""
    return base64.b64encode(key).decode()
