"""The keys by which a chip knows its platform: that of its enrolment, and those that follow it.

The key list (`key-list.json`) comes over the session and is verified by a root of `ca.pem`. A list
that contradicts the known one is kept beside it as proof (`key-list-fork.json`).
"""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Lock

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from protocol.calendar import day_number, day_of_number, legal_day
from protocol.certificates import read_all_der, read_pem
from protocol.envelope import VerifyingKey, decode_body
from protocol.errors import ConfigError, DocumentRefused, MessageRefused
from protocol.json_text import read_json
from protocol.key_list import (
    UNREADABLE,
    AnyOf,
    KeyList,
    KeyUse,
    SignedKeyList,
    Successors,
    alone,
    open_key_list,
)
from system.certificates import Lifetime, lifetime_of
from system.files import read_document, write_public

KEY_LIST, FORK = "key-list.json", "key-list-fork.json"


class PlatformKeys:
    """The platform's keys: a message counts if one of them signed it that has not ended.

    `verify` makes it a `VerifyingKey`, for messages that arrive; `ever` is for stored ones.

    Attributes:
        key_list: the list that the chip follows, None before it has had one.
        following: held by the thread that takes another list.
    """

    def __init__(
        self,
        enrolled: bytes,
        key_list: KeyList | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Know the key of the enrolment (32 bytes), and those of the list."""
        self._enrolled = enrolled
        self._clock = clock
        self.key_list = key_list
        self.following = Lock()

    @property
    def known(self) -> tuple[bytes, ...]:
        """All keys that the platform has had."""
        listed = () if self.key_list is None else self.key_list.ever(KeyUse.PLATFORM)
        return listed or (self._enrolled,)

    @property
    def ever(self) -> VerifyingKey:
        """What verifies messages that were taken in the time of their key."""
        return AnyOf(self.known)

    def verify(self, signature: bytes, data: bytes, /) -> None:
        """Check a signature. Raises InvalidSignature.

        Of the listed keys, those count that followed the key of the enrolment. What came before it
        has only the root's signature, and the root alone appoints nobody.
        """
        keys: tuple[bytes, ...] = (self._enrolled,)
        if self.key_list is not None:
            today = day_number(legal_day(self._clock()))
            taken = self.key_list.taken_on(KeyUse.PLATFORM, today)
            following = self.key_list.successors(KeyUse.PLATFORM, self._enrolled)
            keys = tuple(key for key in taken if key in following)
        AnyOf(keys).verify(signature, data)


def for_stored(key: VerifyingKey) -> VerifyingKey:
    """Return what verifies messages that `key` verified when they arrived."""
    return key.ever if isinstance(key, PlatformKeys) else key


def known_keys(key: VerifyingKey) -> tuple[bytes, ...]:
    """Return the platform's keys, 32 bytes each."""
    if isinstance(key, PlatformKeys):
        return key.known
    return (key.public_bytes_raw(),) if isinstance(key, Ed25519PublicKey) else ()


def key_list_of(key: VerifyingKey) -> KeyList | None:
    """Return the list that the chip follows, None before it has had one."""
    return key.key_list if isinstance(key, PlatformKeys) else None


def successors_of(key: VerifyingKey) -> Successors:
    """Return what finds the keys that follow one, by the platform's key list."""
    listed = key_list_of(key)
    return alone if listed is None else listed.successors


def load_platform_keys(directory: Path, enrolled: bytes, collectivity: str) -> PlatformKeys:
    """Read the keys that the chip in `directory` knows its platform by.

    Raises:
        ConfigError: the key list is damaged.
    """
    path = directory / KEY_LIST
    if not path.exists():
        return PlatformKeys(enrolled)
    step = "delete it; the chip gets it again with its next session."
    try:
        signed = read_json(read_document(path, step), SignedKeyList)
        roots = read_pem((directory / "ca.pem").read_bytes())
        return PlatformKeys(enrolled, open_key_list(signed, roots, collectivity))
    except (msgspec.MsgspecError, DocumentRefused, ValueError, OSError) as exc:
        raise ConfigError(f"{path} is damaged: {exc} Or {step}") from exc


class ReplacedKey(msgspec.Struct, frozen=True):
    """The key that was replaced last: `platform`, `registrar`, `issuer` or `root`.

    `day` is the first of its successor, and may be ahead.
    """

    key: str
    day: date


class KnownKeys(msgspec.Struct, frozen=True):
    """What a chip knows of its collectivity's keys, for its household.

    Attributes:
        replaced: how many keys have been replaced.
        last: the latest of them, None if there was none.
        is_forked: a list that contradicts the known one is kept as proof.
    """

    issuers: tuple[Lifetime, ...]
    roots: int
    platform_keys: int
    is_forked: bool
    replaced: int = 0
    last: ReplacedKey | None = None


def read_known_keys(directory: Path) -> KnownKeys | None:
    """Return what the chip in `directory` knows; None before it has had a list.

    Raises:
        ConfigError: the key list is damaged.
    """
    path = directory / KEY_LIST
    if not path.exists():
        return None
    try:
        signed = read_json(path.read_bytes(), SignedKeyList)
        keys = decode_body(signed.body, KeyList)
        issuers = read_all_der(keys.issuers)
        replaced = _replaced(keys)
    except (msgspec.MsgspecError, MessageRefused, *UNREADABLE) as exc:
        raise ConfigError(f"{path} is damaged; delete it, the chip gets it again.") from exc
    return KnownKeys(
        tuple(lifetime_of(each.subject.rfc4514_string(), each) for each in issuers),
        len(keys.roots),
        len(keys.platform),
        (directory / FORK).exists(),
        len(replaced),
        max(replaced, key=lambda each: each.day, default=None),
    )


def keep_key_list(directory: Path, signed: SignedKeyList, name: str = KEY_LIST) -> None:
    """Write a verified list, or with `FORK` one that contradicts it."""
    write_public(directory / name, msgspec.json.encode(signed))


def _replaced(keys: KeyList) -> list[ReplacedKey]:
    """Return each replacement on a list; one that replaced root and issuer shows the root last."""
    roots = read_all_der([each.certificate for each in keys.roots])
    return [
        *(
            ReplacedKey(use, day_of_number(each.begins))
            for use in KeyUse
            for each in keys.keys(use)[1:]
        ),
        *(ReplacedKey("root", legal_day(each.not_valid_before_utc)) for each in roots[1:]),
        *(
            ReplacedKey("issuer", legal_day(each.not_valid_before_utc))
            for each in read_all_der(keys.issuers)[1:]
        ),
    ]
