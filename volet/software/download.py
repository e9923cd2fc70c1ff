"""Gets files of known size from a folder of a server by HTTPS, and nothing else.

The server is that of the address and no other: no redirect is followed, no proxy is asked. It learns
this machine's IP address and which files are wanted; nothing is sent of the program or the machine.
"""

import errno
import http.client
import os
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from protocol.errors import ConfigError, DocumentRefused, TransportError
from system.tls import web_context

# Without a byte for so long, a connection counts as cut.
SILENT_S = 30.0
# A file has to be there within a minute and what it takes at this rate; what came is kept.
WITHIN_S, RATE_MIN_BYTES_S = 60.0, 16 << 10
_CHUNK_BYTES = 64 << 10
_RANGE = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15})")


class ReleaseServer:
    """A folder of a server.

    Args:
        address: of the folder, `https://…` without a slash at the end.
        context: what TLS trusts; the authorities of this machine if it is None.
    """

    def __init__(self, address: str, context: ssl.SSLContext | None = None) -> None:
        parts = urlsplit(address)
        self._host, self._port = parts.hostname or "", parts.port or http.client.HTTPS_PORT
        self._folder = parts.path
        self._context = context or web_context()

    def read(self, path: str, size_max: int) -> bytes:
        """Return a small file of at most `size_max` bytes.

        Raises:
            TransportError: the server cannot be reached, or is too slow.
            ConfigError: it has no such file.
            DocumentRefused: the file is larger.
        """
        with self._answer(path, size_max) as answer:
            self._check_status(answer, path)
            data = answer.read(size_max + 1)
            if answer.length and len(data) <= size_max:
                raise TransportError(f"{self._host} has sent a part of {path} alone; try again.")
        if len(data) > size_max:
            raise _too_large(path)
        return data

    def continue_file(self, path: str, part: Path, size: int) -> None:
        """Get a file of `size` bytes, or what `part` lacks of it.

        What has come stays in `part` when the connection is cut, for the next call.

        Raises:
            TransportError: the server cannot be reached, is too slow, or has sent a part of it.
            ConfigError: it has no such file, or the disk is full.
            DocumentRefused: the file is of another size.
        """
        have = part.stat().st_size if part.exists() else 0
        if have >= size:
            have = 0
        wanted = {"range": f"bytes={have}-"} if have else {}
        with self._answer(path, size - have, wanted) as answer:
            if answer.status == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
                part.unlink(missing_ok=True)
                raise TransportError(f"{self._host} does not go on with {path}; try again.")
            self._check_status(answer, path)
            if not _goes_on(answer, have, size):
                have = 0
            have = self._write(answer, path, part, have, size)
        if have < size:
            raise TransportError(
                f"{self._host} has sent {have} of {size} bytes of {path}; the next try goes on there."
            )

    def _write(
        self, answer: http.client.HTTPResponse, path: str, part: Path, have: int, size: int
    ) -> int:
        """Write what comes behind `have` bytes; return how many are there then, `size` at most."""
        if answer.length is not None and answer.length != size - have:
            raise DocumentRefused(f"{path} on the server has another size than was signed.")
        with _written(part), part.open("r+b" if have else "wb") as file:
            file.truncate(have)
            file.seek(have)
            while chunk := _read(answer, min(_CHUNK_BYTES, size - have + 1)):
                if len(chunk) > size - have:
                    raise _too_large(path)
                have += file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        return have

    @contextmanager
    def _answer(
        self, path: str, size: int, headers: dict[str, str] | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        """Yield the answer to a request; what fails while it is read is a TransportError."""
        connection = http.client.HTTPSConnection(
            self._host, self._port, timeout=SILENT_S, context=self._context
        )
        within_s = WITHIN_S + size / RATE_MIN_BYTES_S
        try:
            connection.connect()
            with _ended_after(within_s, connection.sock) as is_late:
                try:
                    connection.request("GET", f"{self._folder}/{path}", headers=headers or {})
                    with connection.getresponse() as answer:
                        yield answer
                finally:
                    if is_late():
                        raise TransportError(
                            f"{self._host} is too slow: {path} took longer than {within_s:.0f} s; "
                            "the next try goes on there."
                        )
        except ssl.SSLCertVerificationError as exc:
            raise TransportError(
                f"The certificate of {self._host} is not good: {exc.verify_message}; look whether "
                "this machine's clock is right."
            ) from exc
        except http.client.HTTPException as exc:
            raise TransportError(f"{self._host} does not speak HTTP as it should.") from exc
        except OSError as exc:
            raise TransportError(
                f"{self._host} cannot be reached: {exc.strerror or exc}; try again."
            ) from exc
        finally:
            connection.close()

    def _check_status(self, answer: http.client.HTTPResponse, path: str) -> None:
        status = answer.status
        if status in {http.client.OK, http.client.PARTIAL_CONTENT}:
            return
        if http.client.MULTIPLE_CHOICES <= status < http.client.BAD_REQUEST:
            raise ConfigError(
                f"{self._host} points to another address, which is not followed ({status}); "
                "ask its operator for the right one, and give it to `volet software follow`."
            )
        if status == http.client.TOO_MANY_REQUESTS or status >= http.client.INTERNAL_SERVER_ERROR:
            raise TransportError(f"{self._host} is in trouble ({status}); try again later.")
        raise ConfigError(f"{self._host} has no {path} ({status}); ask its operator.")


def _goes_on(answer: http.client.HTTPResponse, have: int, size: int) -> bool:
    """Return whether an answer goes on behind `have` bytes, False if it begins anew.

    Raises:
        TransportError: it is another part than was asked for.
    """
    if answer.status != http.client.PARTIAL_CONTENT:
        return False
    said = _RANGE.fullmatch(answer.headers.get("content-range", ""))
    if said is None or [int(part) for part in said.groups()] != [have, size - 1, size]:
        raise TransportError("The server sends another part of a file than was asked for.")
    return True


@contextmanager
def _ended_after(limit_s: float, connected: socket.socket) -> Iterator[Callable[[], bool]]:
    """End a connection after a time, however slowly bytes drip from it; yield whether that was so."""
    late = threading.Event()

    def end() -> None:
        late.set()
        try:
            # That of TLS would let a reader take what comes next for plain text.
            socket.socket.shutdown(connected, socket.SHUT_RDWR)
        except OSError:
            return  # it has ended already

    timer = threading.Timer(limit_s, end)
    timer.start()
    try:
        yield late.is_set
    finally:
        timer.cancel()
        timer.join()


def _read(answer: http.client.HTTPResponse, size: int) -> bytes:
    """Return what comes next, b"" at the end; that of a cut connection is its end."""
    try:
        return answer.read1(size)
    except OSError:  # a timeout too
        return b""


@contextmanager
def _written(part: Path) -> Iterator[None]:
    """Tell errors of this machine's disk from those of the network."""
    try:
        yield
    except OSError as exc:
        if exc.errno == errno.ENOSPC:
            part.unlink(missing_ok=True)
        raise ConfigError(f"{part} cannot be written: {exc.strerror}; nothing was taken.") from exc


def _too_large(path: str) -> DocumentRefused:
    return DocumentRefused(f"{path} on the server is larger than it may be.")
