"""The file format of a backup: whose it is, who can open it, and what it contains.

A file is the 12 bytes `volet backup`, one byte of version, two bytes of length and a header of that
length (MessagePack), then a stream of sealed chunks (protocol/chunks.py). The stream is four bytes
of length, the manifest (MessagePack), then the concatenated files. Its key derives from the lock's
secret and everything before the stream, so an altered header opens nothing.

The lock is a passphrase (protocol/passphrase.py) or a public key. With a public key, the party that
writes backups cannot read them.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from typing import Annotated

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from protocol.errors import CipherError, ConfigError
from protocol.hpke import PUBLIC_KEY_BYTES, SealingKey, seal
from protocol.packed import read_packed
from protocol.passphrase import KEY_BYTES, LOG2_N, SALT_BYTES, Check, Log2N, Salt, derive_keys

MAGIC = b"volet backup"
VERSION = 1
KEY_ID_BYTES = 8
MANIFEST_LENGTH_BYTES = 4
NAME_MAX_LENGTH = 1_024
LAST_S = 253_402_300_799  # the end of the year 9999, the last that a datetime can hold
PUBLIC_PREFIX, PRIVATE_PREFIX = "volet-backup-public-", "volet-backup-private-"

_LENGTH_BYTES = 2
_INFO = b"volet backup lock v1"
_NO_BACKUP = "{name} is no backup of Volet; name what a `backup` command wrote."
_DAMAGED = "{name} is damaged or was altered; copy it again from where it was written."

# Names from a backup are shown to people and become file names: no control characters.
_Name = Annotated[
    str, msgspec.Meta(pattern=r"\A[^\x00-\x1f\x7f-\x9f]+\Z", max_length=NAME_MAX_LENGTH)
]
_Size = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_Digest = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]


class PassphraseLock(
    msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="passphrase"
):
    """A lock that a passphrase opens."""

    log2_n: Log2N
    salt: Salt
    check: Check


class KeyLock(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="key"):
    """A lock that the private half of the key with this id opens."""

    key_id: Annotated[bytes, msgspec.Meta(min_length=KEY_ID_BYTES, max_length=KEY_ID_BYTES)]
    sealed: Annotated[bytes, msgspec.Meta(max_length=2_048)]


Lock = PassphraseLock | KeyLock


class Header(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The part that can be read without opening: whose backup it is, its time, and its lock.

    `made_at_s` is in Unix seconds. `size_bytes` is the size of the sealed stream that follows.
    """

    party: _Name
    made_at_s: Annotated[int, msgspec.Meta(ge=0, le=LAST_S)]
    lock: Lock
    size_bytes: _Size


class BackupEntry(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A file of a directory: its name in it, its size and its SHA-256."""

    name: _Name
    size_bytes: _Size
    digest: _Digest


class Manifest(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The contents of a backup; `owner` describes the party in a few words, without secrets."""

    owner: _Name
    volet: _Name
    files: tuple[BackupEntry, ...]


def lock_by_passphrase(passphrase: str, *, log2_n: int = LOG2_N) -> tuple[bytes, Lock]:
    """Draw a lock that a passphrase opens; returns (secret, lock)."""
    salt = secrets.token_bytes(SALT_BYTES)
    key, check = derive_keys(passphrase, salt, log2_n)
    return key, PassphraseLock(log2_n, salt, check)


def lock_by_key(public_key: bytes) -> tuple[bytes, Lock]:
    """Draw a lock that the private half of a key opens; returns (secret, lock)."""
    secret = secrets.token_bytes(KEY_BYTES)
    return secret, KeyLock(key_id(public_key), seal(secret, public_key, _INFO))


def open_by_passphrase(lock: Lock, ask: Callable[[], str], name: str) -> bytes:
    """Return a lock's secret; `ask` returns the passphrase, `name` names the file in errors.

    Raises:
        ConfigError: the passphrase is wrong, or the backup is locked by a key.
    """
    if not isinstance(lock, PassphraseLock):
        raise ConfigError(
            f"{name} is locked by the key {lock.key_id.hex()}, not by a passphrase; name the "
            "private key's file with --key."
        )
    key, check = derive_keys(ask(), lock.salt, lock.log2_n)
    if not hmac.compare_digest(check, lock.check):
        raise ConfigError(f"This passphrase does not open {name}; try again as it stands written.")
    return key


def open_by_key(lock: Lock, private_key: SealingKey, name: str) -> bytes:
    """Return a lock's secret; `name` names the file in errors.

    Raises:
        ConfigError: the key is wrong, or the backup is locked by a passphrase.
    """
    if not isinstance(lock, KeyLock):
        raise ConfigError(f"{name} is locked by a passphrase, not by a key; leave --key out.")
    own = key_id(private_key.public_bytes)
    if lock.key_id != own:
        raise ConfigError(
            f"{name} is locked by the key {lock.key_id.hex()}, this one is {own.hex()}; name the "
            "other one with --key."
        )
    try:
        return private_key.open(lock.sealed, _INFO)
    except CipherError as exc:
        raise ConfigError(_DAMAGED.format(name=name)) from exc


def write_head(header: Header) -> bytes:
    """Return everything before the stream."""
    data = msgspec.msgpack.encode(header)
    return MAGIC + bytes([VERSION]) + len(data).to_bytes(_LENGTH_BYTES, "big") + data


def read_head(read: Callable[[int], bytes], name: str) -> tuple[Header, bytes]:
    """Read everything before the stream; returns it decoded and as bytes.

    Raises:
        ConfigError: the file is not a backup, was written by a newer Volet, or is damaged.
    """
    start = read(len(MAGIC) + 1 + _LENGTH_BYTES)
    if start[: len(MAGIC)] != MAGIC:
        raise ConfigError(_NO_BACKUP.format(name=name))
    version = start[len(MAGIC)] if len(start) > len(MAGIC) else VERSION
    if version != VERSION:
        raise ConfigError(
            f"{name} is of format {version}, this Volet reads {VERSION}; install a newer Volet."
        )
    data = read(int.from_bytes(start[len(MAGIC) + 1 :], "big"))
    try:
        return read_packed(data, Header), start + data
    except msgspec.MsgspecError as exc:
        raise ConfigError(
            f"{name} is damaged or cut short; copy it again from where it was written."
        ) from exc


def stream_key(secret: bytes, head: bytes) -> bytes:
    """Return the key of the stream that follows `head`."""
    info = b"volet backup stream v1" + hashlib.sha256(head).digest()
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=info).derive(secret)


def now_s() -> int:
    """Return the time in Unix seconds."""
    return int(time.time())


def key_id(public_key: bytes) -> bytes:
    """Return the 8 bytes that identify a key to people and in headers."""
    return hashlib.sha256(public_key).digest()[:KEY_ID_BYTES]


def public_key_text(public_key: bytes) -> bytes:
    """Return a public key as the one line of its file."""
    return f"{PUBLIC_PREFIX}{base64.b64encode(public_key).decode()}\n".encode()


def private_key_text(private_key: SealingKey) -> bytes:
    """Return a private key as the one line of its file."""
    return f"{PRIVATE_PREFIX}{base64.b64encode(private_key.to_bytes()).decode()}\n".encode()


def read_public_key(data: bytes, name: str) -> bytes:
    """Decode the output of `public_key_text`.

    Raises:
        ConfigError: it is something else, such as the private half.
    """
    key = _read_line(data, PUBLIC_PREFIX)
    if key is None or len(key) != PUBLIC_KEY_BYTES:
        is_private = _read_line(data, PRIVATE_PREFIX) is not None
        what = "the private half of a backup key" if is_private else "no public backup key"
        raise ConfigError(f"{name} is {what}; name the file that ends in .pub.")
    return key


def read_private_key(data: bytes, name: str) -> SealingKey:
    """Decode the output of `private_key_text`.

    Raises:
        ConfigError: it is something else, such as the public half.
    """
    refuse_public_key(data, name)
    key = _read_line(data, PRIVATE_PREFIX)
    try:
        return SealingKey.from_bytes(key or b"")
    except CipherError as exc:
        raise ConfigError(
            f"{name} is no private backup key; name the one that `backup-key` drew."
        ) from exc


def refuse_public_key(data: bytes, name: str) -> None:
    """Refuse the public half of a backup key, which opens nothing.

    Raises:
        ConfigError: `data` is a public key.
    """
    if _read_line(data, PUBLIC_PREFIX) is not None:
        raise ConfigError(
            f"{name} is the public half of a backup key, which opens nothing; name the private "
            "half, the file without .pub."
        )


def damaged(name: str) -> ConfigError:
    """Return the error for a backup whose stream does not open."""
    return ConfigError(_DAMAGED.format(name=name))


def _read_line(data: bytes, prefix: str) -> bytes | None:
    try:
        text = data.decode("ascii").strip()
        return (
            base64.b64decode(text.removeprefix(prefix), validate=True)
            if (text.startswith(prefix))
            else None
        )
    except (UnicodeDecodeError, binascii.Error):
        return None
