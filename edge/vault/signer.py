"""The chip's own messages: signed, and known again."""

from dataclasses import dataclass
from typing import TypeVar

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol.envelope import Address, open_message, seal_message
from protocol.ids import DeviceId
from protocol.keys import HouseholdSecret
from protocol.topics import Kind

Body = TypeVar("Body", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Signer:
    """In whose name the chip speaks: collectivity, device, its signing key, the household's keys."""

    collectivity: str
    device: DeviceId
    key: Ed25519PrivateKey
    household: HouseholdSecret

    def seal(self, kind: Kind, body: msgspec.Struct) -> bytes:
        """Return the signed payload of `body`."""
        return seal_message(Address(self.collectivity, self.device, kind), body, self.key)

    def open_own(self, kind: Kind, payload: bytes, body_type: type[Body]) -> Body:
        """Verify and decode a payload that this chip signed as `kind`.

        Raises:
            MessageRefused: it is not this chip's, or not in its one form.
        """
        address = Address(self.collectivity, self.device, kind)
        return open_message(address, payload, self.key.public_key(), body_type)
