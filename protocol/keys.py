"""What a household keeps secret, and what follows from it.

`HouseholdSecret` is the SEAL key and a 32-byte root; from the root come, by HKDF-SHA256 with a
label each, the keys of the epoch MAC and of commitments and the household key id. It
belongs to the occupants; the
device's signing key belongs to the chip.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from functools import cached_property

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from protocol.commitment import uniform_scalar
from protocol.errors import CipherError
from protocol.hpke import PRIVATE_KEY_BYTES, SealingKey
from protocol.ids import HOUSEHOLD_KEY_ID_BYTES, HouseholdKeyId
from protocol.seal import SealSecret

ROOT_BYTES = 32
MAC_BYTES = 32
FINGERPRINT_BITS = 20


class _Bundle(msgspec.Struct, frozen=True, array_like=True):
    version: int
    root: bytes
    seal: bytes


class HouseholdSecret:
    """The occupants' keys; `id` names them without saying anything of them."""

    def __init__(self, root: bytes, seal: SealSecret) -> None:
        """Join a root (32 bytes) and a SEAL secret."""
        self._root = root
        self.seal = seal
        self._mac_key = self._derive("volet epoch mac v1", MAC_BYTES)
        self._blinding_key = self._derive("volet commitment blinding v1", MAC_BYTES)
        self.id = HouseholdKeyId(self._derive("volet household key id v1", HOUSEHOLD_KEY_ID_BYTES))

    @classmethod
    def generate(cls) -> "HouseholdSecret":
        """Draw new keys."""
        return cls(secrets.token_bytes(ROOT_BYTES), SealSecret.generate())

    @classmethod
    def from_bytes(cls, data: bytes) -> "HouseholdSecret":
        """Read what `to_bytes` gave.

        Raises:
            CipherError: the bytes are no household secret.
        """
        try:
            bundle = msgspec.msgpack.decode(data, type=_Bundle)
        except msgspec.MsgspecError as exc:
            raise CipherError("these bytes are no household secret") from exc
        if bundle.version != 1 or len(bundle.root) != ROOT_BYTES:
            raise CipherError("this household secret is of an unknown version")
        return cls(bundle.root, SealSecret.from_bytes(bundle.seal))

    def to_bytes(self) -> bytes:
        """Return the secret as bytes; the caller keeps them 0600 or in a credential."""
        return msgspec.msgpack.encode(_Bundle(1, self._root, self.seal.to_bytes()))

    @cached_property
    def sealing(self) -> SealingKey:
        """The key that opens what is sealed to the household alone."""
        return SealingKey.from_bytes(self._derive("volet household sealing v1", PRIVATE_KEY_BYTES))

    def epoch_mac(self, month: int, incarnation: bytes, seed: bytes) -> bytes:
        """Return the MAC (32 bytes) by which the chip knows its own epoch again."""
        text = b"|".join((self.id, month.to_bytes(4, "big"), incarnation, seed))
        return hmac.digest(self._mac_key, text, "sha256")

    def is_own_epoch(self, month: int, incarnation: bytes, seed: bytes, mac: bytes) -> bool:
        """Say whether `mac` is this household's over the epoch."""
        return hmac.compare_digest(self.epoch_mac(month, incarnation, seed), mac)

    @property
    def identity(self) -> Ed25519PrivateKey:
        """The key that speaks for the household itself, whichever chip it has (protocol/moving)."""
        return Ed25519PrivateKey.from_private_bytes(self._derive("volet household identity v1", 32))

    def meter_fingerprint(self, serial: str, calendar: str) -> int:
        """Return 20 bits by which the chip knows meter and calendar again after a loss."""
        digest = hmac.digest(self._mac_key, f"meter|{serial}|{calendar}".encode(), hashlib.sha256)
        return int.from_bytes(digest[:4], "big") >> (32 - FINGERPRINT_BITS)

    def blinding(self, day: int, values: Sequence[int]) -> int:
        """Return the scalar, uniform to others, that blinds the commitment of a day (its number).

        It follows from the committed values too, so that no two vectors ever share it, whatever
        image is restored; a chip that has its values back has it back.
        """
        text = b"|".join(number.to_bytes(4, "big") for number in (day, *values))
        return uniform_scalar(hmac.digest(self._blinding_key, text, "sha512"))

    def _derive(self, label: str, length: int) -> bytes:
        return HKDF(SHA256(), length, salt=None, info=label.encode()).derive(self._root)
