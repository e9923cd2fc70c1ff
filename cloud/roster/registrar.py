"""The registrar's keys: one that signs the roster, and the salt of delivery points.

They have a directory of their own, because the registrar may be another party than the
collectivity, on another machine.
"""

import hmac
import secrets
from datetime import date
from pathlib import Path

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from cloud.registry.roll_over import Succession
from protocol.calendar import day_number, day_of_number
from protocol.errors import ConfigError, DocumentRefused
from protocol.key_list import KeyList, KeyUse, ListedKey, sign_successor
from system.files import (
    draw_secret,
    make_private_dir,
    read_document,
    read_secret,
    write_public,
)
from system.private_keys import new_ed25519_key, read_ed25519_key

DEFAULT_DIRECTORY = Path("/var/lib/volet-registrar")
KEY = "registrar.key"
PUBLIC_KEY = "registrar.pub"
SALT = "points.salt"
SALT_BYTES = 32
_NEXT_STEP = "draw it with `volet cloud roster init`, or put its backup there."


class Registrar(msgspec.Struct, frozen=True):
    """Signs entries and recognises delivery points."""

    key: Ed25519PrivateKey
    salt: bytes

    @property
    def public_key(self) -> bytes:
        """Ed25519, 32 bytes."""
        return self.key.public_key().public_bytes_raw()

    def point(self, text: str) -> bytes:
        """Return the hash of a delivery point in the roster.

        Spaces and case are ignored. The salt prevents trying all 14-digit numbers.

        Raises:
            DocumentRefused: the text is empty.
        """
        plain = "".join(text.split()).upper()
        if not plain:
            raise DocumentRefused("A delivery point has a number or a text; none is given.")
        return hmac.digest(self.salt, b"volet delivery point v1" + plain.encode(), "sha256")


def draw(directory: Path) -> bool:
    """Draw missing keys of the registrar; return whether any was drawn."""
    make_private_dir(directory)
    is_key_drawn = draw_secret(directory / KEY, new_ed25519_key())
    is_salt_drawn = draw_secret(directory / SALT, secrets.token_bytes(SALT_BYTES))
    public = load(directory).key.public_key()
    write_public(
        directory / PUBLIC_KEY,
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    )
    return is_key_drawn or is_salt_drawn


def succeed(directory: Path, successor: Path, collectivity: str, today: date) -> Succession:
    """Draw the keys of a registrar's successor, and have the registrar sign that it follows.

    The salt stays, since delivery points are recognised by it.

    Raises:
        ConfigError: the registrar's keys are missing, or the directory cannot be written.
    """
    own = load(directory)
    make_private_dir(successor)
    draw_secret(successor / SALT, own.salt)
    draw(successor)
    day = day_number(today)
    listed = ListedKey(load(successor).public_key, day, day)
    signed = sign_successor(collectivity, KeyUse.REGISTRAR, own.key, listed)
    return Succession(own.public_key, signed)


def load(directory: Path) -> Registrar:
    """Read the registrar's keys.

    Raises:
        ConfigError: one is missing, open to others, or not a valid key.
    """
    path = directory / KEY
    key = read_ed25519_key(read_secret(path, _NEXT_STEP), path)
    salt = read_secret(directory / SALT, _NEXT_STEP)
    if len(salt) != SALT_BYTES:
        raise ConfigError(f"{directory / SALT} has not {SALT_BYTES} bytes; put its backup there.")
    return Registrar(key, salt)


def check_present(public_key: bytes, keys: KeyList) -> None:
    """Check that a registrar's key has no successor in the key list.

    Raises:
        ConfigError: it was replaced; the message says when.
    """
    successors = keys.successors(KeyUse.REGISTRAR, public_key)[1:]
    if successors:
        (begins,) = (each.begins for each in keys.registrar if each.key == successors[0])
        raise ConfigError(
            f"This registrar's key was replaced on {day_of_number(begins)}; name the directory of "
            "the present one with --registrar."
        )


def read_public_key(path: Path) -> bytes:
    """Read a registrar's public key (32 bytes) from PEM.

    Raises:
        ConfigError: missing, or not an Ed25519 public key.
    """
    data = read_document(path, "`volet cloud roster init` writes it.")
    try:
        key = load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm) as exc:
        raise ConfigError(f"{path} holds no public key in PEM.") from exc
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigError(f"{path} is no Ed25519 key.")
    return key.public_bytes_raw()
