"""Authenticates callers by hashed 256-bit tokens or certificates of the collectivity's CA."""

import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256

import msgspec

from cloud.store.providers import Provider, ProviderStore, Scope, Token
from protocol.errors import DocumentRefused

TOKEN_BYTES = 32
PREFIX = "volet_"
# A certificate of the role `provider-NAME` stands for the provider NAME.
ROLE_PREFIX = "provider-"
VALIDITY_MAX = timedelta(days=366)
_NAME = re.compile(r"[a-z0-9]{1,24}")


class Caller(msgspec.Struct, frozen=True):
    """A caller, its credential (`token ID` or `certificate SERIAL`) and its scopes."""

    provider: Provider
    credential: str
    scopes: tuple[Scope, ...]
    expires: datetime | None = None


def check_name(name: str) -> str:
    """Return a provider's name if it fits into a certificate's name and the roster.

    Raises:
        DocumentRefused: it does not.
    """
    if not _NAME.fullmatch(name):
        raise DocumentRefused(f"{name!r} is no provider's word: 1 to 24 of a-z and 0-9.")
    return name


def draw_token(
    store: ProviderStore,
    provider: str,
    scopes: Sequence[Scope],
    now: datetime,
    validity: timedelta,
) -> tuple[str, Token]:
    """Draw a token; its text is returned only here and stored nowhere.

    Raises:
        DocumentRefused: no such provider, no scope, or a validity beyond a year.
    """
    if store.provider(provider) is None:
        raise DocumentRefused(
            f"No provider {provider} is known; `volet cloud provider add` registers one."
        )
    if not scopes or not timedelta(0) < validity <= VALIDITY_MAX:
        raise DocumentRefused("A token has at least one scope and lives 1 to 366 days.")
    text = PREFIX + urlsafe_b64encode(secrets.token_bytes(TOKEN_BYTES)).decode().rstrip("=")
    token = Token(secrets.token_hex(4), provider, _digest(text), tuple(scopes), now, now + validity)
    store.put_token(token)
    return text, token


def caller_of_token(store: ProviderStore, text: str, now: datetime) -> Caller | None:
    """Return the caller with this token; None if it is unknown, expired or revoked."""
    if not text.startswith(PREFIX):
        return None
    token = store.token(_digest(text))
    if token is None or token.revoked is not None or not token.created <= now < token.expires:
        return None
    provider = store.provider(token.provider)
    if provider is None:
        return None
    return Caller(provider, f"token {token.id}", token.scopes, token.expires)


def caller_of_certificate(store: ProviderStore, name: str, serial: str) -> Caller | None:
    """Return the caller with a verified certificate of this common name; it has every scope."""
    if not name.startswith(ROLE_PREFIX):
        return None
    provider = store.provider(name.removeprefix(ROLE_PREFIX))
    return None if provider is None else Caller(provider, f"certificate {serial}", tuple(Scope))


def _digest(text: str) -> bytes:
    # 256 random bits cannot be guessed, so no slow hash is needed.
    return sha256(text.encode()).digest()
