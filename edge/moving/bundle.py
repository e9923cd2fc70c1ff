"""A household's bundle as a file under a passphrase: keys, contracts, vault with its ledger.

File: the 12 bytes `volet bundle`, one byte of version, two bytes of length and as many of header
(MessagePack), then ChaCha20-Poly1305 over the MessagePack of `Bundle`; everything before it is
authenticated with it. scrypt (RFC 7914) makes key and check value of the passphrase: 128 MiB and
about a second on a Raspberry Pi 4 for each guess. The check value tells a wrong passphrase from a
damaged file. No pad is in a bundle: pads are never on a disk.
"""

import hmac
import secrets
import unicodedata
from pathlib import Path
from typing import Annotated

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from edge.vault.signer import FormerDevice
from protocol.contract import Signed
from protocol.errors import ConfigError

MAGIC = b"volet bundle"
# In a bundle of version 1 the household's secret is in its old form (protocol/old_secret.py).
VERSION = 2
_READ = (1, 2)
LOG2_N = 17
LOG2_N_MAX = 20
LOG2_N_MIN = 10
R, P = 8, 1
KEY_BYTES, CHECK_BYTES, SALT_BYTES, NONCE_BYTES = 32, 16, 16, 12
SIZE_MAX_BYTES = 1 << 30
PASSPHRASE_MIN = 12

_LENGTH_BYTES = 2
# Syllables that sound alike in no language of ours, and need no accent: 70 of them.
_CONSONANTS, _VOWELS = "bdfgklmnprstvz", "aeiou"
_GROUPS, _SYLLABLES = 4, 3


class FormerContract(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A contract of the household before it moved, with the last day that it covered."""

    offer: Signed
    contract: Signed
    last_day: Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class Bundle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a household takes along.

    Attributes:
        household: the household's secret (`HouseholdSecret.to_bytes`).
        meter_salt: hides the meter's serial in the contracts that it signed.
        devices: the chips that spoke for it, the latest last; their public keys only.
        documents: files of the chip's directory that are the household's, by name.
        contracts: those that have ended.
        vault: an image of the vault, ledger included; None: keys only.
    """

    household: bytes
    meter_salt: bytes
    devices: tuple[FormerDevice, ...]
    documents: dict[str, bytes]
    contracts: tuple[FormerContract, ...]
    vault: bytes | None


class _Header(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    log2_n: Annotated[int, msgspec.Meta(ge=LOG2_N_MIN, le=LOG2_N_MAX)]
    salt: Annotated[bytes, msgspec.Meta(min_length=SALT_BYTES, max_length=SALT_BYTES)]
    check: Annotated[bytes, msgspec.Meta(min_length=CHECK_BYTES, max_length=CHECK_BYTES)]
    nonce: Annotated[bytes, msgspec.Meta(min_length=NONCE_BYTES, max_length=NONCE_BYTES)]
    size_bytes: Annotated[int, msgspec.Meta(ge=0, le=SIZE_MAX_BYTES)]


def draw_passphrase() -> str:
    """Draw a passphrase of 73 bits that can be read out: four words of three syllables."""
    return " ".join(
        "".join(secrets.choice(_CONSONANTS) + secrets.choice(_VOWELS) for _ in range(_SYLLABLES))
        for _ in range(_GROUPS)
    )


def check_passphrase(passphrase: str) -> None:
    """Check that a passphrase is long enough to be guessed by nobody soon.

    Raises:
        ConfigError: it is shorter than 12 characters.
    """
    if len(_normal(passphrase)) < PASSPHRASE_MIN:
        raise ConfigError(
            f"A passphrase has at least {PASSPHRASE_MIN} characters; --draw draws a good one."
        )


def seal_bundle(bundle: Bundle, passphrase: str, *, log2_n: int = LOG2_N) -> bytes:
    """Encrypt a bundle under a passphrase; returns the file's bytes."""
    plain = msgspec.msgpack.encode(bundle)
    salt, nonce = secrets.token_bytes(SALT_BYTES), secrets.token_bytes(NONCE_BYTES)
    key, check = _keys(passphrase, salt, log2_n)
    size_bytes = len(plain) + 16
    header = msgspec.msgpack.encode(_Header(log2_n, salt, check, nonce, size_bytes))
    head = MAGIC + bytes([VERSION]) + len(header).to_bytes(_LENGTH_BYTES, "big") + header
    return head + ChaCha20Poly1305(key).encrypt(nonce, plain, head)


def open_bundle(data: bytes, passphrase: str, name: str = "This file") -> Bundle:
    """Decrypt what `seal_bundle` gave; `name` is what errors call the file.

    Raises:
        ConfigError: it is no bundle, of a newer Volet, cut short or altered, or the passphrase is
            another one. Nothing was changed.
    """
    header, head = _read_header(data, name)
    body = data[len(head) :]
    if len(body) != header.size_bytes:
        raise ConfigError(
            f"{name} is cut short or has grown ({len(body)} of {header.size_bytes} bytes); "
            "copy it again from where it was written."
        )
    key, check = _keys(passphrase, header.salt, header.log2_n)
    if not hmac.compare_digest(check, header.check):
        raise ConfigError(f"This passphrase does not open {name}; try again as it stands written.")
    try:
        plain = ChaCha20Poly1305(key).decrypt(header.nonce, body, head)
        return msgspec.msgpack.decode(plain, type=Bundle)
    except (InvalidTag, msgspec.MsgspecError) as exc:
        raise ConfigError(
            f"{name} is damaged or was altered; copy it again from where it was written."
        ) from exc


def is_bundle(path: Path) -> bool:
    """Say whether a file begins as bundles do."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def _read_header(data: bytes, name: str) -> tuple[_Header, bytes]:
    """Return the header and all bytes up to its end."""
    at = len(MAGIC)
    if data[:at] != MAGIC:
        raise ConfigError(f"{name} is no bundle of Volet; name what `volet edge export` wrote.")
    version = data[at] if len(data) > at else VERSION
    if version not in _READ:
        raise ConfigError(
            f"{name} is of format {version}, this Volet reads up to {VERSION}; "
            "install a newer Volet."
        )
    start = at + 1 + _LENGTH_BYTES
    end = start + int.from_bytes(data[at + 1 : start], "big")
    try:
        header = msgspec.msgpack.decode(data[start:end], type=_Header)
    except msgspec.MsgspecError as exc:
        raise ConfigError(
            f"{name} is damaged or cut short; copy it again from where it was written."
        ) from exc
    return header, data[:end]


def _keys(passphrase: str, salt: bytes, log2_n: int) -> tuple[bytes, bytes]:
    scrypt = Scrypt(salt=salt, length=KEY_BYTES + CHECK_BYTES, n=1 << log2_n, r=R, p=P)
    derived = scrypt.derive(_normal(passphrase).encode())
    return derived[:KEY_BYTES], derived[KEY_BYTES:]


def _normal(passphrase: str) -> str:
    """Return a passphrase whatever keyboard typed it, its spaces made single."""
    return " ".join(unicodedata.normalize("NFKC", passphrase).split())
