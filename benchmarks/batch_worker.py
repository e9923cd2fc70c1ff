"""A worker that may be killed: answers pending requests and logs what it sends, page by page.

`benchmarks.batch` starts it as a separate process: `python -m benchmarks.batch_worker DIR LOG`.
Like the real worker, it first sends again what no chip has seen. Here every chip sees a statement
at once; the log contains what the broker would have received.
"""

import hashlib
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.household import COLLECTIVITY
from cloud.billing.pending import PendingPage, pending_statements, unseen_statements
from cloud.store import RequestState, SeenStatement, Store
from cloud.store.sqlite.store import SqliteStore
from protocol.envelope import SIGNATURE_BYTES
from protocol.ids import HouseholdKeyId
from protocol.messages import Statement
from system.logs import configure_logs
from system.mqtt.message import Outgoing
from system.process_status import status_field

PLATFORM_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KIBI = 1024


class Sent(msgspec.Struct, frozen=True):
    """One sent statement: the request's id and the payload's SHA-256."""

    id: str
    digest: str


class Spent(msgspec.Struct, frozen=True):
    """The time and memory that one run of the worker used."""

    cpu_s: float
    wall_s: float
    peak_mb: float


class _Envelope(msgspec.Struct, array_like=True):
    version: int
    body: bytes
    signature: bytes


def statement_of(payload: bytes) -> Statement:
    """Decode the statement in a signed payload."""
    envelope = msgspec.msgpack.decode(payload, type=_Envelope)
    if len(envelope.signature) != SIGNATURE_BYTES:
        raise AssertionError("no signature")
    return msgspec.msgpack.decode(envelope.body, type=Statement)


def work(store: Store, log: Path) -> None:
    """Answer until nothing is pending."""
    with log.open("ab", buffering=0) as out:
        after: bytes | None = b""
        while after is not None:
            page = unseen_statements(store, PLATFORM_KEY, COLLECTIVITY, after)
            after = _send(store, page, out.write)
        while store.requests(RequestState.PENDING, limit=1):
            after = b""
            while after is not None:
                page = pending_statements(store, PLATFORM_KEY, COLLECTIVITY, after)
                after = _send(store, page, out.write)


def _send(store: Store, page: PendingPage, write: Callable[[bytes], object]) -> bytes | None:
    write(b"".join(_line(message) for message in page.messages))
    statements = [statement_of(message.payload) for message in page.messages]
    seen = [
        SeenStatement(HouseholdKeyId(statement.household_key), statement.id)
        for statement in statements
    ]
    store.mark_seen(seen, datetime.now(UTC))
    return page.after


def _line(message: Outgoing) -> bytes:
    digest = hashlib.sha256(message.payload).hexdigest()
    return msgspec.json.encode(Sent(message.topic.rsplit("/", 1)[-1], digest)) + b"\n"


def _peak_mb() -> float:
    """Return this process's peak memory; ru_maxrss would start with its parent's."""
    return int(status_field("VmHWM")) / KIBI


if __name__ == "__main__":
    configure_logs()
    begun = time.perf_counter()
    opened = SqliteStore.open(Path(sys.argv[1]), is_checked=False)
    work(opened, Path(sys.argv[2]))
    opened.close()
    spent = Spent(time.process_time(), time.perf_counter() - begun, _peak_mb())
    sys.stdout.buffer.write(msgspec.json.encode(spent))
