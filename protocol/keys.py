"""A household's secret and the keys derived from it.

`HouseholdSecret` is a 32-byte root. HKDF-SHA256 with a label for each derives from it the household
key id, the keys of the household's identity and of sealing, and the key that wraps the keys of each
year (protocol/year_keys.py). The secret belongs to the occupants, the device's signing key to the
chip.
"""

import hashlib
import hmac
import secrets
from functools import cached_property

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from protocol.errors import CipherError
from protocol.hpke import PRIVATE_KEY_BYTES, SealingKey
from protocol.ids import HOUSEHOLD_KEY_ID_BYTES, HouseholdKeyId

ROOT_BYTES = 32
FINGERPRINT_BITS = 20

# The form in a file or bundle: the magic, one byte of version, the root, and SHA-256 over all of
# it, cut to 16 bytes.
_MAGIC = b"volet household"
_VERSION = 3
_CHECK_BYTES = 16
SECRET_BYTES = len(_MAGIC) + 1 + ROOT_BYTES + _CHECK_BYTES


class HouseholdSecret:
    """The occupants' secret; `id` identifies them without revealing anything about them."""

    def __init__(self, root: bytes) -> None:
        """Use a root of 32 bytes."""
        self._root = root
        self._fingerprint_key = self._derive("volet meter fingerprint v1", 32)
        self.id = HouseholdKeyId(self._derive("volet household key id v1", HOUSEHOLD_KEY_ID_BYTES))

    @classmethod
    def generate(cls) -> "HouseholdSecret":
        """Draw a new secret."""
        return cls(secrets.token_bytes(ROOT_BYTES))

    @classmethod
    def from_bytes(cls, data: bytes) -> "HouseholdSecret":
        """Decode the output of `to_bytes`.

        Raises:
            CipherError: the bytes are not a household secret.
        """
        return cls(_read(data))

    def to_bytes(self) -> bytes:
        """Return the secret as 64 bytes, for a file of mode 0600 or a credential."""
        data = _MAGIC + bytes([_VERSION]) + self._root
        return data + _check(data)

    @cached_property
    def sealing(self) -> SealingKey:
        """The key that opens messages sealed to the household."""
        return SealingKey.from_bytes(self._derive("volet household sealing v1", PRIVATE_KEY_BYTES))

    @property
    def identity(self) -> Ed25519PrivateKey:
        """The key that signs for the household itself, whatever chip it has (protocol/moving)."""
        return Ed25519PrivateKey.from_private_bytes(self._derive("volet household identity v1", 32))

    @property
    def wrapping_key(self) -> bytes:
        """The key (32 bytes) that encrypts the keys of each year where they are stored."""
        return self._derive("volet year keys v1", 32)

    def meter_fingerprint(self, serial: str, calendar: str) -> int:
        """Return 20 bits by which the chip recognises meter and calendar after losing its store."""
        text = f"meter|{serial}|{calendar}".encode()
        digest = hmac.digest(self._fingerprint_key, text, hashlib.sha256)
        return int.from_bytes(digest[:4], "big") >> (32 - FINGERPRINT_BITS)

    def draw(self, label: str, below: int) -> int:
        """Return the household's own number in [0, below) for a label; below 2^32."""
        return int.from_bytes(self._derive(f"volet draw v1 {label}", 16)) % below

    def _derive(self, label: str, length: int) -> bytes:
        return HKDF(SHA256(), length, salt=None, info=label.encode()).derive(self._root)


def _read(data: bytes) -> bytes:
    start = len(_MAGIC) + 1
    version = data[len(_MAGIC) : start]
    if data.startswith(_MAGIC) and version and version[0] != _VERSION:
        raise CipherError(
            f"this household secret is of format {version[0]}, this Volet reads {_VERSION}; "
            "install the Volet that wrote it"
        )
    if len(data) != SECRET_BYTES or data[-_CHECK_BYTES:] != _check(data[:-_CHECK_BYTES]):
        raise CipherError("this household secret is damaged; put it back from a copy")
    return data[start : start + ROOT_BYTES]


def _check(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()[:_CHECK_BYTES]
