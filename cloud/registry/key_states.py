"""Shows the keys of the key list to the operator: which of them sign, wait, count or have ended."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from enum import StrEnum

import msgspec
from cryptography import x509

from protocol.calendar import day_number, day_of_number, legal_day
from protocol.certificates import read_all_der
from protocol.key_list import KeyList, KeyUse


class KeyState(StrEnum):
    """What a key is good for today."""

    WAITS = "waits"
    SIGNS = "signs"
    COUNTS = "counts"
    ENDED = "ended"
    WITHDRAWN = "withdrawn"


class KeyOnList(msgspec.Struct, frozen=True):
    """One key of the list.

    Attributes:
        key: `platform`, `registrar`, `issuer` or `root`.
        number: 1 for the first of its sort.
        begins: its first day; None for the first platform's and the first registrar's key.
        ends: the first day on which nothing new by it counts; None before a successor is listed.
    """

    key: str
    number: int
    begins: date | None
    ends: date | None
    state: KeyState


def keys_on_list(keys: KeyList, now: datetime) -> tuple[KeyOnList, ...]:
    """Return all keys of a list, each sort in its order."""
    return (
        *_signing_keys(keys, KeyUse.PLATFORM, now),
        *_signing_keys(keys, KeyUse.REGISTRAR, now),
        *_authorities("issuer", read_all_der(keys.issuers), now, keys.withdrawn),
        *_authorities("root", read_all_der([each.certificate for each in keys.roots]), now),
    )


def _signing_keys(keys: KeyList, use: KeyUse, now: datetime) -> Iterator[KeyOnList]:
    today = day_number(legal_day(now))
    for number, listed in enumerate(keys.keys(use), 1):
        end = keys.end_of(use, listed.key)
        if end is not None and end <= today:
            state = KeyState.ENDED
        elif listed.begins > today:
            state = KeyState.WAITS
        elif listed.key == keys.signing_on(use, today):
            state = KeyState.SIGNS
        else:
            state = KeyState.COUNTS
        begins = day_of_number(listed.begins) if number > 1 else None
        ends = None if end is None else day_of_number(end)
        yield KeyOnList(use, number, begins, ends, state)


def _authorities(
    name: str, listed: Sequence[x509.Certificate], now: datetime, withdrawn: int = 0
) -> Iterator[KeyOnList]:
    for number, certificate in enumerate(listed, 1):
        if number <= withdrawn:
            state = KeyState.WITHDRAWN
        elif certificate.not_valid_after_utc <= now:
            state = KeyState.ENDED
        else:
            state = KeyState.SIGNS if number == len(listed) else KeyState.COUNTS
        begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        yield KeyOnList(name, number, begins.date(), ends.date(), state)
