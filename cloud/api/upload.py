"""Reads an uploaded batch: one signed request per line, checked while it streams.

A batch with an invalid line is dropped as a whole. Checked lines wait in an unnamed temporary file,
so memory does not grow with the batch.
"""

import hashlib
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from typing import IO, Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from cloud.api.problems import ProblemError
from cloud.billing.requests import check_near
from cloud.store.bulk_requests import BulkRequestItem
from protocol.calendar import day_of_number
from protocol.contract import Signed, StatementRequest, check_request, open_document
from protocol.errors import DocumentRefused
from protocol.json_text import RepeatedKey, read_json
from protocol.packed import read_packed

LINES_AT_ONCE = 256
LINE_MAX = 8 * 1024
ITEMS_MAX = 250_000
_LENGTH_BYTES = 4
# The file stays in memory up to this length.
SPOOL_BYTES = 1 << 20


class Upload:
    """The checked lines of one batch."""

    def __init__(self, key: Ed25519PublicKey) -> None:
        """Accept only requests signed by `key`."""
        self._key = key
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(SPOOL_BYTES)  # noqa: SIM115 - closed by close
        self._digest = hashlib.sha256()
        self._ids: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def digest(self) -> bytes:
        """SHA-256 over the requests in their order."""
        return self._digest.digest()

    def take(self, lines: list[tuple[int, bytes]]) -> None:
        """Check numbered lines and keep them.

        Raises:
            ProblemError: names the line and what is wrong.
        """
        for number, line in lines:
            try:
                self._take(number, line)
            except DocumentRefused as exc:
                raise ProblemError(422, f"Line {number}: {exc}", line=number) from exc

    def items(self) -> Iterator[BulkRequestItem]:
        """Yield the kept requests in order."""
        self._file.seek(0)
        while head := self._file.read(_LENGTH_BYTES):
            body = self._file.read(int.from_bytes(head))
            yield read_packed(body, BulkRequestItem)

    def close(self) -> None:
        """Delete the kept requests."""
        self._file.close()

    def _take(self, number: int, line: bytes) -> None:
        try:
            signed = read_json(line, Signed)
        except RepeatedKey as exc:
            raise DocumentRefused(f"{exc}; take one away.") from exc
        except msgspec.MsgspecError as exc:
            raise DocumentRefused(
                "this is no signed document; write kind, body and signature as JSON."
            ) from exc
        request = open_document(signed, self._key, StatementRequest)
        check_request(request)
        check_near(day_of_number(request.end), datetime.now(UTC))
        if request.id in self._ids:
            raise DocumentRefused(f"line {self._ids[request.id]} has the same id; draw another.")
        if len(self._ids) >= ITEMS_MAX:
            raise DocumentRefused(f"a batch has at most {ITEMS_MAX} lines; begin another.")
        self._ids[request.id] = number
        encoded = msgspec.msgpack.encode(signed)
        self._digest.update(encoded)
        item = msgspec.msgpack.encode(BulkRequestItem(request.id, request.contract, encoded))
        self._file.write(len(item).to_bytes(_LENGTH_BYTES) + item)


async def receive(
    stream: AsyncIterator[bytes],
    upload: Upload,
    run: Callable[..., Any],
) -> None:
    """Feed a streamed body to an upload, some lines at a time; `run` runs a function in a thread.

    Raises:
        ProblemError: a line is invalid or too long, or there is none.
    """
    rest, number = b"", 0
    waiting: list[tuple[int, bytes]] = []
    async for chunk in stream:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            number += 1
            if line.strip():
                waiting.append((number, line))
            if len(waiting) >= LINES_AT_ONCE:
                await run(upload.take, waiting)
                waiting = []
        if len(rest) > LINE_MAX:
            raise ProblemError(422, f"Line {number + 1} is too long.", line=number + 1)
    if rest.strip():
        waiting.append((number + 1, rest))
    if waiting:
        await run(upload.take, waiting)
    if not len(upload):
        raise ProblemError(422, "A batch needs at least one line with a signed request.")
