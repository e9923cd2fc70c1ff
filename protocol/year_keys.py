"""A household's keys for the readings of one year: the SEAL key, and those of epochs and blindings.

They are drawn anew for each year and derive from nothing else, so that the readings of a year
cannot be opened once its keys are destroyed. That is due on 1 March two years later, when the last
of its blocks has left the cloud's retention of 14 months.

Stored keys are encrypted under the household's secret. The form is a magic of 15 bytes, one byte of
version, the year in two, a nonce of 12, and ChaCha20-Poly1305 over root and secret polynomial,
which authenticates everything before it.
"""

import hmac
import secrets
from collections.abc import Sequence
from datetime import date
from typing import NewType

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from protocol.commitment import uniform_scalar
from protocol.errors import CipherError
from protocol.keys import HouseholdSecret
from protocol.messages import MAC_BYTES, RETENTION_MONTHS, Epoch
from protocol.seal import SealSecret
from protocol.ternary import TERNARY_BYTES, pack_ternary, unpack_ternary

YearKeysId = NewType("YearKeysId", bytes)

YEAR_KEYS_ID_BYTES = 8

_ROOT_BYTES = 32
_MAGIC = b"volet year keys"
_VERSION = 1
_YEAR_BYTES, _NONCE_BYTES, _TAG_BYTES = 2, 12, 16
_HEAD_BYTES = len(_MAGIC) + 1 + _YEAR_BYTES + _NONCE_BYTES
STORED_BYTES = _HEAD_BYTES + _ROOT_BYTES + TERNARY_BYTES + _TAG_BYTES


class YearKeys:
    """The keys of one year; `id` (8 bytes) distinguishes them without revealing anything."""

    def __init__(self, year: int, root: bytes, seal: SealSecret) -> None:
        """Join a root (32 bytes) and a SEAL secret, both drawn for `year`."""
        self.year = year
        self.seal = seal
        self._root = root
        self._mac_key = self._derive("volet epoch mac v1", MAC_BYTES)
        self._blinding_key = self._derive("volet commitment blinding v1", MAC_BYTES)
        self.id = YearKeysId(self._derive("volet year keys id v1", YEAR_KEYS_ID_BYTES))

    @classmethod
    def generate(cls, year: int) -> "YearKeys":
        """Draw new keys for `year`."""
        return cls(year, secrets.token_bytes(_ROOT_BYTES), SealSecret.generate())

    @classmethod
    def from_bytes(cls, data: bytes, household: HouseholdSecret) -> "YearKeys":
        """Decode the output of `to_bytes`.

        Raises:
            CipherError: the bytes are damaged, another household's, or of a newer version.
        """
        head, body = data[:_HEAD_BYTES], data[_HEAD_BYTES:]
        version = data[len(_MAGIC) : len(_MAGIC) + 1]
        if data.startswith(_MAGIC) and version and version[0] != _VERSION:
            raise CipherError(
                f"these keys of a year are of format {version[0]}, this Volet reads {_VERSION}; "
                "install the Volet that wrote it"
            )
        year = head[-_NONCE_BYTES - _YEAR_BYTES : -_NONCE_BYTES]
        try:
            plain = _cipher(household).decrypt(head[-_NONCE_BYTES:], body, head)
        except (InvalidTag, ValueError) as exc:
            raise CipherError("these keys of a year are damaged or another household's") from exc
        return cls(
            int.from_bytes(year, "big"),
            plain[:_ROOT_BYTES],
            SealSecret(unpack_ternary(plain[_ROOT_BYTES:])),
        )

    def to_bytes(self, household: HouseholdSecret) -> bytes:
        """Return the keys encrypted under the household's secret, 898 bytes."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        head = _MAGIC + bytes([_VERSION]) + self.year.to_bytes(_YEAR_BYTES, "big") + nonce
        plain = self._root + pack_ternary(self.seal.ternary)
        return head + _cipher(household).encrypt(nonce, plain, head)

    def epoch_mac(self, household_key: bytes, month: int, incarnation: bytes, seed: bytes) -> bytes:
        """Return the MAC (32 bytes) by which the chip recognises its own epoch."""
        text = b"|".join((household_key, month.to_bytes(4, "big"), incarnation, seed))
        return hmac.digest(self._mac_key, text, "sha256")

    def made(self, header: Epoch) -> bool:
        """Return whether an epoch was made with these keys."""
        mac = self.epoch_mac(header.household_key, header.month, header.incarnation, header.seed)
        return hmac.compare_digest(mac, header.mac)

    def blinding(self, day: int, values: Sequence[int]) -> int:
        """Return the scalar that blinds the commitment of a day (its number); uniform to others.

        It also derives from the committed values, so no two vectors share it even if an old image
        is restored. A chip that recovers its values recovers the scalar too.
        """
        text = b"|".join(number.to_bytes(4, "big") for number in (day, *values))
        return uniform_scalar(hmac.digest(self._blinding_key, text, "sha512"))

    def _derive(self, label: str, length: int) -> bytes:
        return HKDF(SHA256(), length, salt=None, info=label.encode()).derive(self._root)


def last_year_without_keys(day: date) -> int:
    """Return the last year whose keys are destroyed by `day`.

    The last block of a year leaves the cloud when the month 14 months after it has ended.
    """
    months = day.year * 12 + day.month - 1 - RETENTION_MONTHS
    return months // 12 - 1


def _cipher(household: HouseholdSecret) -> ChaCha20Poly1305:
    return ChaCha20Poly1305(household.wrapping_key)
