"""Signs the chip's own messages, and recognises them later."""

from dataclasses import dataclass, field
from typing import Annotated, TypeVar

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from edge.vault.keyring import Keyring
from protocol import versions
from protocol.envelope import Address, open_message, seal_message
from protocol.errors import MessageRefused, Reason
from protocol.ids import DeviceId
from protocol.keys import HouseholdSecret
from protocol.topics import Kind

Body = TypeVar("Body", bound=msgspec.Struct)


class FormerDevice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A former chip of this household; `signing_key` is its public key (Ed25519)."""

    collectivity: str
    device: DeviceId
    signing_key: Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]


@dataclass(slots=True)
class WrittenVersion:
    """The version in which a chip writes: the oldest, until it hears which one is in use.

    So a cloud that does not know the newest reads whatever a chip sends before it has heard.
    """

    version: int = field(default_factory=lambda: versions.VERSIONS.oldest)

    def follow(self, in_use: int) -> bool:
        """Write in the version in use, or the newest that is known; return whether it is new."""
        before, self.version = self.version, versions.VERSIONS.common_with(in_use)
        return self.version != before


@dataclass(frozen=True, slots=True)
class Signer:
    """The chip's identity for signing: collectivity, device, signing key, the household's keys.

    `keyring` has the keys of each year.

    `former` are the household's earlier chips, whose blocks it accepts as the household's own.
    `writes` is the version in which it signs.
    """

    collectivity: str
    device: DeviceId
    key: Ed25519PrivateKey
    household: HouseholdSecret
    keyring: Keyring
    former: tuple[FormerDevice, ...] = ()
    writes: WrittenVersion = field(default_factory=WrittenVersion)

    def seal(self, kind: Kind, body: msgspec.Struct) -> bytes:
        """Return the signed payload of `body`.

        Raises:
            MessageRefused: the version in use has no words for it.
        """
        address = Address(self.collectivity, self.device, kind)
        return seal_message(address, body, self.key, self.writes.version)

    def open_own(self, kind: Kind, payload: bytes, body_type: type[Body]) -> Body:
        """Verify and decode a payload that this chip signed as `kind`.

        Raises:
            MessageRefused: this chip did not sign it, or it is not in canonical form.
        """
        address = Address(self.collectivity, self.device, kind)
        return open_message(address, payload, self.key.public_key(), body_type)

    def open_household(
        self, kind: Kind, payload: bytes, body_type: type[Body]
    ) -> tuple[Body, bool]:
        """Verify and decode what this chip or a former one signed; also return if it was this one.

        Raises:
            MessageRefused: no chip of the household signed it, or it is not in canonical form.
        """
        try:
            return self.open_own(kind, payload, body_type), True
        except MessageRefused as exc:
            if exc.reason is not Reason.SIGNATURE:
                raise
        for former in self.former:
            address = Address(former.collectivity, former.device, kind)
            key = Ed25519PublicKey.from_public_bytes(former.signing_key)
            try:
                return open_message(address, payload, key, body_type), False
            except MessageRefused as exc:
                if exc.reason is not Reason.SIGNATURE:
                    raise
        raise MessageRefused(Reason.SIGNATURE, "no chip of this household signed it")
