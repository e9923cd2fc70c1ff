"""A household's secret and the keys derived from it.

`HouseholdSecret` is the SEAL key and a 32-byte root. HKDF-SHA256 with a label for each derives from
the root the keys of the epoch MAC, of commitments, of sealing and of the household's identity, and
the household key id. The secret belongs to the occupants, the device's signing key to the chip.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from functools import cached_property

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from protocol.commitment import uniform_scalar
from protocol.errors import CipherError
from protocol.hpke import PRIVATE_KEY_BYTES, SealingKey
from protocol.ids import HOUSEHOLD_KEY_ID_BYTES, HouseholdKeyId
from protocol.old_secret import read_old_secret
from protocol.seal import SealSecret
from protocol.ternary import TERNARY_BYTES, Ternary, pack_ternary, unpack_ternary

ROOT_BYTES = 32
MAC_BYTES = 32
FINGERPRINT_BITS = 20

# The form in a file or bundle: the magic, one byte of version, the root, the secret polynomial
# (protocol/ternary.py), and SHA-256 over all of it, cut to 16 bytes. Version 1 had no magic.
_MAGIC = b"volet household"
_VERSION = 2
_CHECK_BYTES = 16
SECRET_BYTES = len(_MAGIC) + 1 + ROOT_BYTES + TERNARY_BYTES + _CHECK_BYTES


class HouseholdSecret:
    """The occupants' keys; `id` identifies them without revealing anything about them."""

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
        """Decode the output of `to_bytes`, or the oldest form of a secret.

        Raises:
            CipherError: the bytes are not a household secret.
        """
        root, ternary = read_old_secret(data) if is_old_secret(data) else _read(data)
        return cls(root, SealSecret(ternary))

    def to_bytes(self) -> bytes:
        """Return the secret as 884 bytes, for a file of mode 0600 or a credential."""
        head = _MAGIC + bytes([_VERSION])
        data = head + self._root + pack_ternary(self.seal.ternary)
        return data + _check(data)

    @cached_property
    def sealing(self) -> SealingKey:
        """The key that opens messages sealed to the household."""
        return SealingKey.from_bytes(self._derive("volet household sealing v1", PRIVATE_KEY_BYTES))

    def epoch_mac(self, month: int, incarnation: bytes, seed: bytes) -> bytes:
        """Return the MAC (32 bytes) by which the chip recognises its own epoch."""
        text = b"|".join((self.id, month.to_bytes(4, "big"), incarnation, seed))
        return hmac.digest(self._mac_key, text, "sha256")

    def is_own_epoch(self, month: int, incarnation: bytes, seed: bytes, mac: bytes) -> bool:
        """Return whether `mac` is this household's MAC over the epoch."""
        return hmac.compare_digest(self.epoch_mac(month, incarnation, seed), mac)

    @property
    def identity(self) -> Ed25519PrivateKey:
        """The key that signs for the household itself, whatever chip it has (protocol/moving)."""
        return Ed25519PrivateKey.from_private_bytes(self._derive("volet household identity v1", 32))

    def meter_fingerprint(self, serial: str, calendar: str) -> int:
        """Return 20 bits by which the chip recognises meter and calendar after losing its store."""
        digest = hmac.digest(self._mac_key, f"meter|{serial}|{calendar}".encode(), hashlib.sha256)
        return int.from_bytes(digest[:4], "big") >> (32 - FINGERPRINT_BITS)

    def blinding(self, day: int, values: Sequence[int]) -> int:
        """Return the scalar that blinds the commitment of a day (its number); uniform to others.

        It also derives from the committed values, so no two vectors share it even if an old image
        is restored. A chip that recovers its values recovers the scalar too.
        """
        text = b"|".join(number.to_bytes(4, "big") for number in (day, *values))
        return uniform_scalar(hmac.digest(self._blinding_key, text, "sha512"))

    def draw(self, label: str, below: int) -> int:
        """Return the household's own number in [0, below) for a label; below 2^32."""
        return int.from_bytes(self._derive(f"volet draw v1 {label}", 16)) % below

    def _derive(self, label: str, length: int) -> bytes:
        return HKDF(SHA256(), length, salt=None, info=label.encode()).derive(self._root)


def is_old_secret(data: bytes) -> bool:
    """Return whether a household secret has the first format, which has no magic."""
    return not data.startswith(_MAGIC)


def _read(data: bytes) -> tuple[bytes, Ternary]:
    start = len(_MAGIC) + 1
    version = data[len(_MAGIC) : start]
    if version and version[0] > _VERSION:
        raise CipherError(
            f"this household secret is of format {version[0]}, this Volet reads up to {_VERSION}; "
            "install a newer Volet"
        )
    if len(data) != SECRET_BYTES or data[-_CHECK_BYTES:] != _check(data[:-_CHECK_BYTES]):
        raise CipherError("this household secret is damaged; put it back from a copy")
    root, packed = data[start : start + ROOT_BYTES], data[start + ROOT_BYTES : -_CHECK_BYTES]
    return root, unpack_ternary(packed)


def _check(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()[:_CHECK_BYTES]
