"""The server's TLS identity, which follows its files: `volet cloud renew` needs no restart."""

import asyncio
import ssl
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
from typing import NoReturn

import msgspec
import structlog

from protocol.errors import ConfigError
from system.beside import running_beside
from system.conditions import Condition
from system.shell import quoted

LOOK_EVERY_S = 5.0

log = structlog.get_logger()


class ServerFiles(msgspec.Struct, frozen=True):
    """PEM files of the authority that clients need, and of the server's certificate and key."""

    ca: Path
    certificate: Path
    key: Path


class ServerIdentity:
    """A TLS 1.3 context with the files' newest content, for connections that begin.

    Attributes:
        context: takes clients with and without a certificate.
    """

    def __init__(self, files: ServerFiles) -> None:
        """Read the files.

        Raises:
            ConfigError: one is missing or does not fit the others.
        """
        self._files = files
        self._version = self._present()
        self._unreadable = Condition()
        self.context = tls_context(files)

    def refresh(self) -> None:
        """Read the files again if they have changed; what does not load leaves the last in use."""
        version = self._present()
        if version == self._version:
            return
        try:
            tls_context(self._files)  # a context that fails half-way would have lost the last
            _load(self.context, self._files)
        except ConfigError as exc:
            if self._unreadable.begins(str(exc)):
                log.warning("api_certificate_unreadable", why=str(exc))
            return
        self._version = version
        self._unreadable.ends()
        log.info("api_certificate_renewed")

    def beside(self) -> AbstractAsyncContextManager[None]:
        """Look for other files while the block runs."""
        return running_beside(self._keep_looking(), "tls identity")

    async def _keep_looking(self) -> NoReturn:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            self.refresh()

    def _present(self) -> tuple[tuple[int, int], ...]:
        present = []
        for path in (self._files.ca, self._files.certificate, self._files.key):
            with suppress(OSError):
                status = path.stat()
                present.append((status.st_mtime_ns, status.st_ino))
        return tuple(present)


def tls_context(files: ServerFiles) -> ssl.SSLContext:
    """Return the server's TLS 1.3 context with the collectivity's CA for client certificates.

    Raises:
        ConfigError: a file is missing or does not fit the others.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_OPTIONAL
    _load(context, files)
    return context


def _load(context: ssl.SSLContext, files: ServerFiles) -> None:
    try:
        context.load_cert_chain(files.certificate, files.key)
        context.load_verify_locations(files.ca)
    except OSError as exc:  # ssl.SSLError is one
        raise ConfigError(
            f"TLS identity {files.certificate} with key {files.key} and authority {files.ca} does "
            f"not load: {exc.strerror or exc}; `volet cloud init --dir "
            f"{quoted(files.ca.parent.parent)}` makes the collectivity's."
        ) from exc
