"""A household's bundle, a file encrypted under a passphrase: keys, contracts, vault with ledger.

The file has the 12 bytes `volet bundle`, one version byte, two bytes of header length, the header
(MessagePack), and ChaCha20-Poly1305 over the MessagePack of `Bundle`, which authenticates everything
before it. `protocol/passphrase.py` derives key and check value from the passphrase. A bundle
contains no pads, because pads are never written to disk.
"""

import hmac
import secrets
from pathlib import Path
from typing import Annotated

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from edge.contracts.former import FormerContract
from edge.vault.signer import FormerDevice
from protocol.errors import ConfigError
from protocol.packed import read_packed
from protocol.passphrase import LOG2_N, SALT_BYTES, Check, Log2N, Salt, derive_keys

MAGIC = b"volet bundle"
VERSION = 3
NONCE_BYTES = 12
SIZE_MAX_BYTES = 1 << 30

_LENGTH_BYTES = 2


class Bundle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that a household takes along.

    Attributes:
        household: the household's secret (`HouseholdSecret.to_bytes`).
        years: the keys of each year (`YearKeys.to_bytes`).
        meter_salt: hides the meter's serial in the contracts that the household signed.
        devices: the household's chips with their public keys only, the latest last.
        documents: the household's files in the chip's directory, by name.
        contracts: the ended contracts.
        vault: an image of the vault, ledger included; None: keys only.
    """

    household: bytes
    years: tuple[bytes, ...]
    meter_salt: bytes
    devices: tuple[FormerDevice, ...]
    documents: dict[str, bytes]
    contracts: tuple[FormerContract, ...]
    vault: bytes | None


class _Header(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    log2_n: Log2N
    salt: Salt
    check: Check
    nonce: Annotated[bytes, msgspec.Meta(min_length=NONCE_BYTES, max_length=NONCE_BYTES)]
    size_bytes: Annotated[int, msgspec.Meta(ge=0, le=SIZE_MAX_BYTES)]


def seal_bundle(bundle: Bundle, passphrase: str, *, log2_n: int = LOG2_N) -> bytes:
    """Encrypt a bundle under a passphrase; return the file's bytes."""
    plain = msgspec.msgpack.encode(bundle)
    salt, nonce = secrets.token_bytes(SALT_BYTES), secrets.token_bytes(NONCE_BYTES)
    key, check = derive_keys(passphrase, salt, log2_n)
    size_bytes = len(plain) + 16
    header = msgspec.msgpack.encode(_Header(log2_n, salt, check, nonce, size_bytes))
    head = MAGIC + bytes([VERSION]) + len(header).to_bytes(_LENGTH_BYTES, "big") + header
    return head + ChaCha20Poly1305(key).encrypt(nonce, plain, head)


def open_bundle(data: bytes, passphrase: str, name: str = "This file") -> Bundle:
    """Decrypt the bytes that `seal_bundle` returned; errors call the file `name`.

    Raises:
        ConfigError: the data is not a bundle, is of a newer Volet, truncated or altered, or the
            passphrase is wrong. Nothing was changed.
    """
    header, head = _read_header(data, name)
    body = data[len(head) :]
    if len(body) != header.size_bytes:
        raise ConfigError(
            f"{name} is cut short or has grown ({len(body)} of {header.size_bytes} bytes); "
            "copy it again from where it was written."
        )
    key, check = derive_keys(passphrase, header.salt, header.log2_n)
    if not hmac.compare_digest(check, header.check):
        raise ConfigError(f"This passphrase does not open {name}; try again as it stands written.")
    try:
        plain = ChaCha20Poly1305(key).decrypt(header.nonce, body, head)
        return read_packed(plain, Bundle)
    except (InvalidTag, msgspec.MsgspecError) as exc:
        raise ConfigError(
            f"{name} is damaged or was altered; copy it again from where it was written."
        ) from exc


def is_bundle(path: Path) -> bool:
    """Return whether a file begins like a bundle."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def _read_header(data: bytes, name: str) -> tuple[_Header, bytes]:
    """Return the header and all bytes up to its end."""
    at = len(MAGIC)
    if data[:at] != MAGIC:
        raise ConfigError(f"{name} is no bundle of Volet; name what `volet edge export` wrote.")
    version = data[at] if len(data) > at else VERSION
    if version != VERSION:
        raise ConfigError(
            f"{name} is of format {version}, this Volet reads {VERSION}; "
            "install the Volet that wrote it."
        )
    start = at + 1 + _LENGTH_BYTES
    end = start + int.from_bytes(data[at + 1 : start], "big")
    try:
        header = read_packed(data[start:end], _Header)
    except msgspec.MsgspecError as exc:
        raise ConfigError(
            f"{name} is damaged or cut short; copy it again from where it was written."
        ) from exc
    return header, data[:end]
