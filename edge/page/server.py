"""Serves the page over TLS on the sockets that systemd opened, or on a port of its own.

Only visitors of the home's own network are answered. It ends when nobody has asked for a while:
the next visit starts it again.
"""

import asyncio
import os
import socket
import ssl
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from edge.page.guards import host_name, is_private
from protocol.errors import ConfigError

# A visitor who has asked for nothing by then is let go.
ASKS_WITHIN_S = 10.0
CONNECTIONS_MAX = 64
CONNECTIONS_MAX_EACH = 16
LOOKS_EVERY_S = 5.0
# sd_listen_fds(3).
_FIRST_SOCKET = 3
HTTP_PORT, HTTPS_PORT = 80, 443


class HomeProtocol(H11Protocol):
    """HTTP for visitors of the home's own network, who must ask soon."""

    _open: ClassVar[Counter[str]] = Counter()
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Let a visitor in, or hang up."""
        super().connection_made(transport)
        address = self.client[0] if self.client else ""
        self._open[address] += 1
        if (
            not is_private(address)
            or self._open[address] > CONNECTIONS_MAX_EACH
            or self._open.total() > CONNECTIONS_MAX
        ):
            transport.abort()
            return
        self._deadline = self.loop.call_later(ASKS_WITHIN_S, self._give_up)

    def data_received(self, data: bytes) -> None:
        """Take bytes; the first whole request ends the wait for it."""
        super().data_received(data)
        if self.scope is not None and self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a visitor."""
        if self._deadline is not None:
            self._deadline.cancel()
        address = self.client[0] if self.client else ""
        self._open[address] -= 1
        if self._open[address] <= 0:
            del self._open[address]
        super().connection_lost(exc)

    def _give_up(self) -> None:
        self.transport.abort()


class Watched:
    """An application that knows when it was last asked."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._asked_at_s = asyncio.get_running_loop().time()
        self._working = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        self._working += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._working -= 1
            self._asked_at_s = asyncio.get_running_loop().time()

    def idle_s(self) -> float:
        """Return for how long nobody has asked."""
        return 0.0 if self._working else asyncio.get_running_loop().time() - self._asked_at_s


async def redirect(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer plain HTTP: the same place over TLS, and nothing else."""
    del receive
    if scope["type"] != "http":
        return
    host = next((value.decode("latin-1") for key, value in scope["headers"] if key == b"host"), "")
    name = host_name(host)
    is_known = bool(name) and all(sign.isalnum() or sign in "-.:" for sign in name)
    shown = f"[{name}]" if ":" in name else name
    headers = [(b"content-length", b"0"), (b"connection", b"close")]
    if is_known:
        headers.append((b"location", f"https://{shown}/".encode()))
    await send(
        {"type": "http.response.start", "status": 308 if is_known else 400, "headers": headers}
    )
    await send({"type": "http.response.body", "body": b""})


def given_sockets() -> list[socket.socket]:
    """Return the sockets that the service manager opened for this process."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return []
    count = int(os.environ.get("LISTEN_FDS", "0"))
    return [socket.socket(fileno=_FIRST_SOCKET + number) for number in range(count)]


def own_socket(host: str, port: int) -> socket.socket:
    """Return a listening socket. Raises ConfigError if the place is taken or not allowed."""
    try:
        return socket.create_server((host, port), family=_family(host))
    except OSError as exc:
        raise ConfigError(f"{host}:{port} cannot be opened: {exc.strerror}; name another.") from exc


async def serve(
    app: ASGIApp,
    sockets: list[socket.socket],
    certificate: Path,
    key: Path,
    *,
    idle_max_s: float = 0.0,
) -> None:
    """Serve until stopped, or until nobody has asked for `idle_max_s` (0: never).

    Sockets of port 80 only redirect.
    """
    watched = Watched(app)
    plain = [each for each in sockets if each.getsockname()[1] == HTTP_PORT]
    secure = [each for each in sockets if each not in plain]
    servers = [(_server(watched, certificate, key), secure)]
    if plain:
        servers.append((_server(redirect), plain))
    tasks = [asyncio.create_task(server.serve(opened)) for server, opened in servers]
    try:
        while not any(task.done() for task in tasks):
            await asyncio.wait(tasks, timeout=LOOKS_EVERY_S, return_when=asyncio.FIRST_COMPLETED)
            if idle_max_s and watched.idle_s() > idle_max_s:
                break
    finally:
        for server, _ in servers:
            server.should_exit = True
        await asyncio.gather(*tasks)


def _server(
    app: ASGIApp, certificate: Path | None = None, key: Path | None = None
) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        http=HomeProtocol,
        ws="none",
        lifespan="off",
        ssl_certfile=certificate,
        ssl_keyfile=key,
        ssl_ciphers="DEFAULT",
        h11_max_incomplete_event_size=32_000,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=5,
        access_log=False,
        log_config=None,
        log_level="error",
        server_header=False,
        date_header=False,
        proxy_headers=False,
    )
    config.load()
    if config.ssl is not None:
        config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
    return uvicorn.Server(config)


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
