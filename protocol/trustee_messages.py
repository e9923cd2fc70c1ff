"""The messages between the release worker and a trustee, and between trustees.

A set of households is a bitmap over the roster's entries (bit n % 8 of byte n // 8 is entry n) at a
length and head of the roster. Data that does not fit into a message comes in pages. A trustee acts
only on a complete request and identifies it by its hash.

The collectivity signs each request's summary: the figure and the hash of the whole request. Each
trustee keeps a log of its answers, hash-chained and signed entry by entry, and publishes it on
trustee/{name}/log. An entry contains the signed summary, and without it binds nobody but its
author. The copies of the others restore entries that a restored image lost.
"""

import hashlib
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Annotated

import msgspec
import numpy as np
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from protocol.area_cipher import NONCE_BYTES
from protocol.calendar import DayNumber
from protocol.envelope import decode_body
from protocol.errors import MessageRefused, Reason
from protocol.governance import TrusteeName
from protocol.messages import Hash
from protocol.packed import Count

# Leaves room for the envelope in a message of 64 KiB.
PAGE_BYTES = 48 * 1024
PAGES_MAX = 4_096
# The bytes per household in `SetRequest.nonces`.
HOUSEHOLD_BYTES = NONCE_BYTES + 4
# Entries in one message between trustees (about 250 bytes each), and logs that one may keep.
ENTRIES_MAX = 128
HOLDINGS_MAX = 64
SESSION_BYTES = 16
FIRST_PREVIOUS = bytes(32)

SIGNATURE_BYTES = 64

Session = Annotated[bytes, msgspec.Meta(min_length=SESSION_BYTES, max_length=SESSION_BYTES)]
RequestId = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
Signature = Annotated[bytes, msgspec.Meta(min_length=SIGNATURE_BYTES, max_length=SIGNATURE_BYTES)]
_Measure = Annotated[str, msgspec.Meta(max_length=24)]
_Group = Annotated[str, msgspec.Meta(max_length=48)]
_Page = Annotated[bytes, msgspec.Meta(max_length=PAGE_BYTES)]


class _Body(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=True):
    pass


class Ask(StrEnum):
    """The kind of request: each household's mask of the check slot, or the sums of all masks."""

    CHECK = "check"
    SUM = "sum"


class SetRequest(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The same request to every trustee: one figure's set of households.

    `bitmap` covers the roster's first `length` entries, the last of which has the hash `head`.
    `nonces` holds 16 bytes and the seeds' generation (4 bytes, big-endian) for each household of
    the set, in the order of their entries.
    """

    ask: Ask
    measures: Hash
    measure: _Measure
    group: _Group
    day: DayNumber
    length: Count
    head: Hash
    bitmap: bytes
    nonces: bytes

    @property
    def id(self) -> bytes:
        """SHA-256 of the request, which identifies it."""
        return hashlib.sha256(msgspec.msgpack.encode(self)).digest()

    @property
    def summary(self) -> "RequestSummary":
        """What the collectivity signs of it."""
        return RequestSummary(self.ask, self.measures, self.measure, self.group, self.day, self.id)

    @property
    def entries(self) -> list[int]:
        """The numbers of the roster entries in the set, in ascending order."""
        bits = np.unpackbits(np.frombuffer(self.bitmap, np.uint8), bitorder="little")
        return [int(number) for number in np.flatnonzero(bits)]

    def draws(self) -> list[tuple[int, bytes, int]]:
        """Return (entry, nonce, generation) for each household of the set.

        Raises:
            MessageRefused: the nonces do not fit the bitmap.
        """
        entries = self.entries
        if len(self.nonces) != len(entries) * HOUSEHOLD_BYTES:
            raise MessageRefused(Reason.BOUNDS, "a nonce for each household")
        return [
            (entry, self.nonces[begin : begin + NONCE_BYTES], _generation(self.nonces, begin))
            for entry, begin in zip(
                entries, range(0, len(self.nonces), HOUSEHOLD_BYTES), strict=True
            )
        ]


class RequestSummary(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The figure that a request is about, and the request's id, which is a hash of all of it."""

    ask: Ask
    measures: Hash
    measure: _Measure
    group: _Group
    day: DayNumber
    request: RequestId

    @property
    def figure(self) -> tuple[bytes, str, str, int]:
        """The figure: (hash of the measures, measure, group, day)."""
        return self.measures, self.measure, self.group, self.day


class SignedSummary(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A request's summary and the collectivity's signature, as it travels between trustees."""

    summary: RequestSummary
    signature: Signature

    def is_signed_by(self, collectivity: str, public_key: bytes) -> bool:
        """Return whether the collectivity that has this key signed it."""
        try:
            Ed25519PublicKey.from_public_bytes(public_key).verify(
                self.signature, _summary_bytes(collectivity, self.summary)
            )
        except InvalidSignature:
            return False
        return True


class SignedRequest(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A request and the collectivity's signature over its summary."""

    request: SetRequest
    signature: Signature

    @property
    def summary(self) -> SignedSummary:
        """The part that travels between trustees."""
        return SignedSummary(self.request.summary, self.signature)


class RequestPage(_Body, frozen=True):
    """One page of a request; `id` is that of the whole request.

    From the release worker these are pages of an encoded `SignedRequest`. Between trustees they are
    pages of a `SetRequest`, because the log of the trustee that wants it has the signed summary.
    """

    id: RequestId
    page: Annotated[int, msgspec.Meta(ge=0, lt=PAGES_MAX)]
    pages: Annotated[int, msgspec.Meta(ge=1, le=PAGES_MAX)]
    data: _Page


class RosterPage(_Body, frozen=True):
    """Signed roster entries (body, signature) from number `first` on."""

    first: Count
    entries: tuple[tuple[bytes, bytes], ...]


class CosignedPage(_Body, frozen=True, tag="CharterPage"):
    """One page of the signed document of a set of trustees or measures, encoded as MessagePack."""

    hash: Hash
    page: Annotated[int, msgspec.Meta(ge=0, lt=PAGES_MAX)]
    pages: Annotated[int, msgspec.Meta(ge=1, le=PAGES_MAX)]
    data: _Page


class AnswerPage(_Body, frozen=True):
    """One page of an encoded `Answer`; `request` is the id of the request that it answers."""

    request: RequestId
    page: Annotated[int, msgspec.Meta(ge=0, lt=PAGES_MAX)]
    pages: Annotated[int, msgspec.Meta(ge=1, le=PAGES_MAX)]
    data: _Page


class Refused(_Body, frozen=True):
    """A trustee refuses a request; `detail` is a sentence for the operator."""

    request: RequestId
    reason: Reason
    detail: str


class Known(_Body, frozen=True):
    """A trustee's state: length and head of the roster, hashes of documents, and its own log."""

    roster_length: Count
    roster_head: Hash
    documents: tuple[Hash, ...]
    log_length: Count
    log_head: Hash
    is_ready: bool


class ToTrustee(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """trustee/{name}/request: one message from the release worker."""

    message: RequestPage | RosterPage | CosignedPage


class FromTrustee(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """trustee/{name}/response: one message from a trustee."""

    message: AnswerPage | Refused | Known


class Answer(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A trustee's answer: (number of the seed set, words) for each seed set that includes it.

    For `sum`, the words are the sum of all households' masks, uint64[slots + 1]. For `check`, they
    are each household's mask of the check slot, uint64[households], in the order of the set.
    `unknown` lists entries of households whose seeds this trustee lacks or distrusts; their masks
    are zero.
    """

    request: RequestId
    sums: tuple[tuple[Count, bytes], ...]
    unknown: tuple[Count, ...] = ()


class LogEntry(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Entry `number` of a trustee's log: it answers this request, and no other set of the figure.

    The answer to a `sum` leaves once t trustees' logs contain the request. `previous` is the hash of the previous entry, `households` the number of them in the set.
    """

    trustee: TrusteeName
    number: Count
    previous: Hash
    asked: SignedSummary
    households: Count

    @property
    def summary(self) -> RequestSummary:
        """The request that it answers."""
        return self.asked.summary


class SignedLogEntry(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """An entry's exact bytes and its trustee's signature."""

    body: bytes
    signature: bytes

    @property
    def hash(self) -> bytes:
        """SHA-256 of the body, which the next entry names."""
        return hashlib.sha256(self.body).digest()


class Holding(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The part of a trustee's log that the sender has: its length and last hash."""

    trustee: TrusteeName
    length: Count
    head: Hash


class Hello(_Body, frozen=True):
    """A trustee has started or connected: it reports its holdings and asks for later entries.

    `session` is drawn at each start; the answer repeats it.
    """

    session: Session
    holdings: Annotated[tuple[Holding, ...], msgspec.Meta(max_length=HOLDINGS_MAX)]


class Entries(_Body, frozen=True):
    """Entries of one trustee's log in order; any trustee that has them may send them."""

    entries: Annotated[tuple[SignedLogEntry, ...], msgspec.Meta(max_length=ENTRIES_MAX)]


class Synced(_Body, frozen=True):
    """All entries that `trustee` lacked at its `Hello` have been sent."""

    trustee: TrusteeName
    session: Session


class Wanted(_Body, frozen=True):
    """A trustee's log says that it answered these requests, but it no longer has them."""

    requests: Annotated[tuple[RequestId, ...], msgspec.Meta(max_length=ENTRIES_MAX)]


class FromPeer(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """trustee/{name}/log: one message from a trustee to the others."""

    message: Hello | Entries | Synced | Wanted | RequestPage


def sign_request(request: SetRequest, collectivity: str, key: Ed25519PrivateKey) -> SignedRequest:
    """Sign a request as the collectivity."""
    return SignedRequest(request, key.sign(_summary_bytes(collectivity, request.summary)))


def sign_log_entry(entry: LogEntry, collectivity: str, key: Ed25519PrivateKey) -> SignedLogEntry:
    """Sign an entry as its trustee."""
    body = msgspec.msgpack.encode(entry)
    return SignedLogEntry(body, key.sign(_signed_bytes(collectivity, body)))


def open_log_entry(signed: SignedLogEntry, collectivity: str, public_key: bytes) -> LogEntry:
    """Verify and decode an entry.

    Raises:
        MessageRefused: the signature does not fit, or this is not an entry.
    """
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(
            signed.signature, _signed_bytes(collectivity, signed.body)
        )
    except InvalidSignature as exc:
        raise MessageRefused(Reason.SIGNATURE, "a trustee's log entry") from exc
    return decode_body(signed.body, LogEntry)


def unverified_entry(signed: SignedLogEntry) -> LogEntry:
    """Decode an entry without verifying that the trustee it names has signed it.

    Raises:
        MessageRefused: this is not an entry.
    """
    return decode_body(signed.body, LogEntry)


def bitmap_of(entries: Iterable[int], length: int) -> bytes:
    """Return the bitmap of a set of entries over a roster of `length`."""
    bits = np.zeros(length, np.uint8)
    bits[list(entries)] = 1
    return np.packbits(bits, bitorder="little").tobytes()


def draws_of(draws: Sequence[tuple[bytes, int]]) -> bytes:
    """Encode each household's (nonce, generation) for `SetRequest.nonces`."""
    return b"".join(nonce + generation.to_bytes(4, "big") for nonce, generation in draws)


def pages_of(data: bytes) -> list[bytes]:
    """Split encoded data into pages, at least one."""
    return [data[n : n + PAGE_BYTES] for n in range(0, max(len(data), 1), PAGE_BYTES)]


def _generation(nonces: bytes, begin: int) -> int:
    return int.from_bytes(nonces[begin + NONCE_BYTES : begin + HOUSEHOLD_BYTES], "big")


def _summary_bytes(collectivity: str, summary: RequestSummary) -> bytes:
    return msgspec.msgpack.encode(("volet set request", collectivity, summary))


def _signed_bytes(collectivity: str, body: bytes) -> bytes:
    return msgspec.msgpack.encode(("volet trustee log", collectivity, body))
