"""uvicorn over TLS 1.3 with the collectivity's CA; a client certificate is optional."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import h11
import msgspec
import uvicorn
from cryptography import x509
from cryptography.x509.oid import NameOID

from cloud.api.connections import ADDRESS_CONNECTIONS_MAX, CONNECTIONS_MAX
from cloud.api.problems import MEDIA_TYPE, problem
from cloud.registry.key_files import revoked_serials
from protocol.certificates import read_der
from system.connections import Connections
from system.counted_http import CountedServer, PromptHttp
from system.listening import listen

# Seconds from the connection to the end of a request's head; the gate limits bodies.
HEAD_S = 10.0
HEAD_BYTES_MAX = 16 * 1024
KEEP_ALIVE_S = 15
BACKLOG = 128
GRACE_S = 20


class Revoked:
    """The serial numbers on the collectivity's revocation lists, read again when they change."""

    def __init__(self, path: Path) -> None:
        """Read `path`."""
        self._path = path
        self._version: tuple[int, int] | None = None
        self._serials: frozenset[int] = frozenset()

    def __contains__(self, serial: int) -> bool:
        status = self._path.stat()
        version = (status.st_mtime_ns, status.st_ino)
        if version != self._version:
            self._serials = revoked_serials(self._path)
            self._version = version
        return serial in self._serials


class ClientCertificate:
    """A certificate that TLS has verified: its common name and serial number (hex)."""

    def __init__(self, certificate: x509.Certificate, revoked: Revoked) -> None:
        """Wrap a verified certificate; `revoked` may invalidate it later."""
        names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        self.name = str(names[0].value) if len(names) == 1 else ""
        self.serial = f"{certificate.serial_number:x}"
        self._certificate = certificate
        self._revoked = revoked

    def is_valid(self, now: datetime) -> bool:
        """Return whether it is still valid, since a connection may outlive its certificate."""
        certificate = self._certificate
        return (
            certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc
            and certificate.serial_number not in self._revoked
        )


class _Guarded(PromptHttp):
    """Passes certificates on, and closes slow heads."""

    def __init__(self, *, revoked: Revoked, **uvicorns: Any) -> None:
        super().__init__(**uvicorns)
        self._revoked = revoked

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        certificate = _verified(transport, self._revoked)
        self.app_state = {**self.app_state, "certificate": certificate}

    def send_400_response(self, msg: str) -> None:
        """Answer an invalid request with a problem, like every other; `msg` is uvicorn's."""
        del msg
        self.transport.write(_no_http(self.conn))
        self.transport.close()


def _no_http(connection: h11.Connection) -> bytes:
    """Return the answer to bytes that are not HTTP."""
    body = msgspec.json.encode(problem(400, "Send HTTP/1.1 as RFC 9112 says."))
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    answer = h11.Response(status_code=400, headers=headers, reason=b"Bad Request")
    events = (answer, h11.Data(data=body), h11.EndOfMessage())
    return b"".join(connection.send(event) or b"" for event in events)


class ApiServer(CountedServer):
    """uvicorn on a listening socket that bounds the connections of each address."""

    def __init__(
        self, config: uvicorn.Config, connections: Connections, on_start: Callable[[], None]
    ) -> None:
        """Serve as `config` says; the socket is opened by `serve`."""
        super().__init__(config, on_start)
        self._connections = connections

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until SIGTERM.

        Raises:
            ConfigError: the address cannot be listened on.
        """
        if sockets is None:
            address = (self.config.host, self.config.port)
            sockets = [
                listen(
                    address, self._connections, "The API", "name another with --bind and --port."
                )
            ]
        await super().serve(sockets)


def make_server(
    app: Any,
    address: tuple[str, int],
    context: ssl.SSLContext,
    revoked: Revoked,
    on_start: Callable[[], None],
    head_s: float = HEAD_S,
) -> ApiServer:
    """Return a server that runs while it is awaited and ends on SIGTERM.

    It calls `on_start` once it answers.
    """
    connections = Connections(CONNECTIONS_MAX, ADDRESS_CONNECTIONS_MAX)
    config = uvicorn.Config(
        app,
        host=address[0],
        port=address[1],
        http=partial(  # type: ignore[arg-type]
            _Guarded, revoked=revoked, head_s=head_s, connections=connections
        ),
        ws="none",
        lifespan="off",
        loop="asyncio",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ssl_context_factory=lambda _config, _default: context,
        # A connection that was hung up on counts here for a moment longer.
        limit_concurrency=2 * CONNECTIONS_MAX,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
        h11_max_incomplete_event_size=HEAD_BYTES_MAX,
    )
    return ApiServer(config, connections, on_start)


def _verified(transport: asyncio.Transport, revoked: Revoked) -> ClientCertificate | None:
    tls = transport.get_extra_info("ssl_object")
    data = tls.getpeercert(binary_form=True) if tls else None
    if not data:
        return None
    return ClientCertificate(read_der(data), revoked)
