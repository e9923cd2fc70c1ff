"""Sealing to a public key: HPKE (RFC 9180) with a hybrid, post-quantum key exchange.

The suite is MLKEM768-X25519, HKDF-SHA256, ChaCha20-Poly1305, so a later quantum computer cannot
open what is recorded today. A public key on the wire is ML-KEM's 1184 bytes and X25519's 32. A
private key at rest is ML-KEM's seed of 64 bytes and X25519's 32.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from protocol.errors import CipherError

PUBLIC_KEY_BYTES = 1184 + 32
PRIVATE_KEY_BYTES = 64 + 32
_MLKEM_PUBLIC_BYTES = 1184
_MLKEM_SEED_BYTES = 64

_SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


class SealingKey:
    """A private key, which opens data sealed to its public half."""

    def __init__(self, mlkem: MLKEM768PrivateKey, x25519: X25519PrivateKey) -> None:
        """Join the ML-KEM and X25519 keys; callers use `generate` or `from_bytes`."""
        self._mlkem = mlkem
        self._x25519 = x25519
        self._key = MLKEM768X25519PrivateKey(mlkem, x25519)

    @classmethod
    def generate(cls) -> "SealingKey":
        """Draw a new key."""
        return cls(MLKEM768PrivateKey.generate(), X25519PrivateKey.generate())

    @classmethod
    def from_bytes(cls, data: bytes) -> "SealingKey":
        """Decode the output of `to_bytes`. Raises CipherError for anything else."""
        if len(data) != PRIVATE_KEY_BYTES:
            raise CipherError(f"a sealing key has {PRIVATE_KEY_BYTES} bytes, not {len(data)}")
        seed, scalar = data[:_MLKEM_SEED_BYTES], data[_MLKEM_SEED_BYTES:]
        return cls(
            MLKEM768PrivateKey.from_seed_bytes(seed), X25519PrivateKey.from_private_bytes(scalar)
        )

    def to_bytes(self) -> bytes:
        """Return the key as 96 bytes, for a file of mode 0600 or a credential."""
        return self._mlkem.private_bytes_raw() + self._x25519.private_bytes_raw()

    @property
    def public_bytes(self) -> bytes:
        """The public half, 1216 bytes."""
        mlkem, x25519 = self._mlkem.public_key(), self._x25519.public_key()
        return mlkem.public_bytes_raw() + x25519.public_bytes_raw()

    def open(self, sealed: bytes, info: bytes) -> bytes:
        """Open data sealed to this key under `info`.

        Raises:
            CipherError: the data was sealed to another key or under another `info`, or altered.
        """
        try:
            return _SUITE.decrypt(sealed, self._key, info=info)
        except (InvalidTag, ValueError) as exc:
            raise CipherError("what was sealed does not open under this key") from exc


def seal(text: bytes, public_key: bytes, info: bytes) -> bytes:
    """Seal `text` to a public key (1216 bytes) under `info`; adds 1136 bytes.

    Raises:
        CipherError: these bytes are not a public key.
    """
    if len(public_key) != PUBLIC_KEY_BYTES:
        raise CipherError(f"a public sealing key has {PUBLIC_KEY_BYTES} bytes")
    try:
        recipient = MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(public_key[:_MLKEM_PUBLIC_BYTES]),
            X25519PublicKey.from_public_bytes(public_key[_MLKEM_PUBLIC_BYTES:]),
        )
        return _SUITE.encrypt(text, recipient, info=info)
    except ValueError as exc:
        raise CipherError("these bytes are no public sealing key") from exc


def check_public_key(public_key: bytes) -> None:
    """Check that data can be sealed to a public key.

    Its length does not show it: coefficients may exceed the modulus, a point may have low order.

    Raises:
        CipherError: these bytes are not a public key.
    """
    seal(b"", public_key, b"")
