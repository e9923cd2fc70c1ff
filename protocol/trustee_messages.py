"""What passes between the release worker and a trustee, and between trustees.

A set of households is a bitmap over the roster's entries (bit n of byte n // 8: entry n) at a
length and head of the roster. What does not fit a message comes in pages; a trustee acts on a whole
request only, and knows it by its hash.
"""

import hashlib
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Annotated

import msgspec
import numpy as np

from protocol.area_cipher import NONCE_BYTES
from protocol.errors import MessageRefused, Reason
from protocol.messages import DayNumber, Hash

# What leaves room for the envelope in 64 KiB.
PAGE_BYTES = 48 * 1024
PAGES_MAX = 4_096
_HOUSEHOLD_BYTES = NONCE_BYTES + 4

RequestId = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
_Page = Annotated[bytes, msgspec.Meta(max_length=PAGE_BYTES)]


class _Body(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=True):
    pass


class Ask(StrEnum):
    """What is asked for: masks of the check slot, each household's, or the sums of all masks."""

    CHECK = "check"
    SUM = "sum"


class SetRequest(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What is asked of every trustee alike: one figure's set of households.

    `bitmap` is over the roster's first `length` entries, whose last has the hash `head`; `nonces`
    holds 16 bytes and the seeds' generation (4 bytes, big-endian) for each household of the set, in
    the order of their entries.
    """

    ask: Ask
    measures: Hash
    measure: str
    group: str
    day: DayNumber
    length: int
    head: Hash
    bitmap: bytes
    nonces: bytes

    @property
    def id(self) -> bytes:
        """SHA-256 of the request, by which it is known."""
        return hashlib.sha256(msgspec.msgpack.encode(self)).digest()

    @property
    def entries(self) -> list[int]:
        """The numbers of the roster entries in the set, rising."""
        bits = np.unpackbits(np.frombuffer(self.bitmap, np.uint8), bitorder="little")
        return [int(number) for number in np.flatnonzero(bits)]

    def draws(self) -> list[tuple[int, bytes, int]]:
        """Return (entry, nonce, generation) for each household of the set.

        Raises:
            MessageRefused: the nonces do not fit the bitmap.
        """
        entries = self.entries
        if len(self.nonces) != len(entries) * _HOUSEHOLD_BYTES:
            raise MessageRefused(Reason.BOUNDS, "a nonce for each household")
        return [
            (
                entry,
                self.nonces[place * _HOUSEHOLD_BYTES :][:NONCE_BYTES],
                int.from_bytes(self.nonces[place * _HOUSEHOLD_BYTES + NONCE_BYTES :][:4], "big"),
            )
            for place, entry in enumerate(entries)
        ]


class RequestPage(_Body, frozen=True):
    """One page of a `SetRequest` as encoded; `id` is that of the whole."""

    id: RequestId
    page: Annotated[int, msgspec.Meta(ge=0, lt=PAGES_MAX)]
    pages: Annotated[int, msgspec.Meta(ge=1, le=PAGES_MAX)]
    data: _Page


class RosterPage(_Body, frozen=True):
    """Signed roster entries (body, signature) from number `first` on."""

    first: Annotated[int, msgspec.Meta(ge=0)]
    entries: tuple[tuple[bytes, bytes], ...]


class CharterPage(_Body, frozen=True):
    """A set of trustees or measures, as MessagePack of its charter, in parts."""

    hash: Hash
    page: Annotated[int, msgspec.Meta(ge=0, lt=PAGES_MAX)]
    pages: Annotated[int, msgspec.Meta(ge=1, le=PAGES_MAX)]
    data: _Page


class AnswerPage(_Body, frozen=True):
    """One page of an `Answer` as encoded; `request` is the id of what it answers."""

    request: RequestId
    page: Annotated[int, msgspec.Meta(ge=0, lt=PAGES_MAX)]
    pages: Annotated[int, msgspec.Meta(ge=1, le=PAGES_MAX)]
    data: _Page


class Refused(_Body, frozen=True):
    """A trustee does not answer a request; `detail` is a sentence for the operator."""

    request: RequestId
    reason: Reason
    detail: str


class Known(_Body, frozen=True):
    """What a trustee knows: length and head of the roster, hashes of documents, its own log."""

    roster_length: Annotated[int, msgspec.Meta(ge=0)]
    roster_head: Hash
    documents: tuple[Hash, ...]
    log_length: Annotated[int, msgspec.Meta(ge=0)]
    log_head: Hash
    is_ready: bool


class ToTrustee(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """trustee/{name}/request: one message from the release worker."""

    message: RequestPage | RosterPage | CharterPage


class FromTrustee(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """trustee/{name}/response: one message of a trustee."""

    message: AnswerPage | Refused | Known


class Answer(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A trustee's answer: for each seed set it is in, (number of the set, words).

    To `sum`: the sum of all households' masks, uint64[slots + 1]. To `check`: each household's mask
    of the check slot, uint64[households], in the order of the set; entries in `unknown` are
    households whose seeds this trustee does not have or does not trust, their masks are zero.
    """

    request: RequestId
    sums: tuple[tuple[int, bytes], ...]
    unknown: tuple[int, ...] = ()


def bitmap_of(entries: Iterable[int], length: int) -> bytes:
    """Return the bitmap of a set of entries over a roster of `length`."""
    bits = np.zeros(length, np.uint8)
    bits[list(entries)] = 1
    return np.packbits(bits, bitorder="little").tobytes()


def draws_of(draws: Sequence[tuple[bytes, int]]) -> bytes:
    """Join (nonce, generation) of each household as `SetRequest.nonces` holds them."""
    return b"".join(nonce + generation.to_bytes(4, "big") for nonce, generation in draws)


def pages_of(data: bytes) -> list[bytes]:
    """Cut encoded data into pages; at least one."""
    return [data[n : n + PAGE_BYTES] for n in range(0, max(len(data), 1), PAGE_BYTES)]
