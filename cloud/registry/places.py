"""Delivery points in the registry: their numbers are encrypted, and each look-up is recorded.

HKDF-SHA256 derives from the 32 bytes of `registry.key` (0600, in the collectivity's directory) one
key for the tag that finds a number and one that seals it. The store alone shows only whether two
entries have the same meter.
"""

import hmac
import re
import secrets
from datetime import datetime
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cloud.store import Store
from cloud.store.moving import LookUp, SealedMeter, SupplyPoint
from protocol.errors import ConfigError, DocumentRefused
from protocol.ids import DeviceId, HouseholdKeyId
from system.files import draw_secret, read_secret

KEY = "registry.key"
KEY_BYTES = 32
TAG_BYTES = 16
NONCE_BYTES = 12
NAME_MAX = 64

_PRM = re.compile(r"[0-9]{14}")


class PlaceReport(msgspec.Struct, frozen=True):
    """One entry as an operator sees it; `prm` is set only if it was looked up."""

    household: str
    device: str
    since: str
    until: str | None
    last_day: str | None
    has_prm: bool
    prm: str | None = None


def seal_meter(directory: Path, prm: str, household_key: HouseholdKeyId) -> SealedMeter:
    """Encrypt a delivery point's number for the registry; the key is drawn on first use.

    Raises:
        DocumentRefused: it is not such a number.
        ConfigError: the key cannot be written, or is open to others.
    """
    draw_secret(directory / KEY, secrets.token_bytes(KEY_BYTES))
    nonce = secrets.token_bytes(NONCE_BYTES)
    sealed = ChaCha20Poly1305(_key(directory, "seal")).encrypt(
        nonce, _digits(prm).encode(), household_key
    )
    return SealedMeter(_tag(directory, prm), nonce + sealed)


def open_meter(directory: Path, place: SupplyPoint) -> str | None:
    """Decrypt the number of a place; None if the registry does not know it.

    Raises:
        ConfigError: the registry's key is missing, or not the one that sealed it.
    """
    if place.meter is None:
        return None
    nonce, sealed = place.meter.sealed[:NONCE_BYTES], place.meter.sealed[NONCE_BYTES:]
    try:
        opened = ChaCha20Poly1305(_key(directory, "seal")).decrypt(
            nonce, sealed, place.household_key
        )
    except InvalidTag as exc:
        raise _other_key(directory) from exc
    return opened.decode()


def check_key(directory: Path) -> None:
    """Check the registry's key.

    Raises:
        ConfigError: it is missing, open to others, or not a key.
    """
    _key(directory, "tag")


def seal_name(directory: Path, device: DeviceId, name: str) -> bytes:
    """Encrypt the operator's name for a chip's place; the registry's key is drawn on first use.

    Raises:
        DocumentRefused: it is not a name.
        ConfigError: the key cannot be written, or is open to others.
    """
    if len(name) > NAME_MAX or not name.isprintable():
        raise DocumentRefused(f"A place's name has at most {NAME_MAX} letters on one line.")
    draw_secret(directory / KEY, secrets.token_bytes(KEY_BYTES))
    nonce = secrets.token_bytes(NONCE_BYTES)
    cipher = ChaCha20Poly1305(_key(directory, "name"))
    return nonce + cipher.encrypt(nonce, name.encode(), device.encode())


def open_name(directory: Path, device: DeviceId, sealed: bytes) -> str:
    """Decrypt the name of a chip's place.

    Raises:
        ConfigError: the registry's key is missing, or not the one that sealed it.
    """
    cipher = ChaCha20Poly1305(_key(directory, "name"))
    try:
        return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], device.encode()).decode()
    except InvalidTag as exc:
        raise _other_key(directory) from exc


def list_places(store: Store) -> list[PlaceReport]:
    """Return who lives where now, without any number."""
    return [_report(place, None) for place in store.places() if place.until is None]


def look_up(
    directory: Path, store: Store, prm: str | None, reader: tuple[str, str], at: datetime
) -> list[PlaceReport]:
    """Return the history of one delivery point, or of all, with numbers.

    `reader` is the person and their reason. The look-up is recorded before anything is read.

    Raises:
        DocumentRefused: no reason was given, or `prm` is not a number.
        ConfigError: the registry's key is missing.
    """
    who, why = reader
    if not why.strip():
        raise DocumentRefused("A look-up has a reason: say it with --why.")
    tag = None if prm is None else _tag(directory, prm)
    what = "all" if tag is None else f"meter {tag.hex()}"
    store.put_look_up(LookUp(at, who, what, why.strip()))
    return [_report(place, open_meter(directory, place)) for place in store.places(tag)]


def _report(place: SupplyPoint, prm: str | None) -> PlaceReport:
    return PlaceReport(
        household=place.household_key.hex(),
        device=place.device,
        since=place.since.isoformat(),
        until=None if place.until is None else place.until.isoformat(),
        last_day=None if place.last_day is None else place.last_day.isoformat(),
        has_prm=place.meter is not None,
        prm=prm,
    )


def _other_key(directory: Path) -> ConfigError:
    return ConfigError(
        f"{directory / KEY} is not the key of this store; put the right one back from a copy."
    )


def _digits(prm: str) -> str:
    digits = prm.replace(" ", "")
    if not _PRM.fullmatch(digits):
        raise DocumentRefused("The number of a delivery point (PRM) has 14 digits.")
    return digits


def _tag(directory: Path, prm: str) -> bytes:
    return hmac.digest(_key(directory, "tag"), _digits(prm).encode(), "sha256")[:TAG_BYTES]


def _key(directory: Path, purpose: str) -> bytes:
    root = read_secret(
        directory / KEY, "put it back from a copy; it is drawn with the first `enrol --prm`."
    )
    if len(root) != KEY_BYTES:
        raise ConfigError(f"{directory / KEY} is not of {KEY_BYTES} bytes; put it back.")
    info = f"volet registry {purpose} v1".encode()
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=info).derive(root)
