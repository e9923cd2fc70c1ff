"""Serves the page over TLS on the sockets that systemd opened, or on a port of its own.

Only visitors of the home's own network are answered, by private addresses or by the IPv6 network of
the address at which they came; all others are hung up on before TLS. It ends when nobody has asked
for a while: the next visit starts it again.
"""

import asyncio
import socket
import ssl
from asyncio.sslproto import SSLProtocol
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import h11
import structlog
import uvicorn
from anyio.to_thread import current_default_thread_limiter
from starlette.types import ASGIApp, Receive, Scope, Send

from edge.page.guards import host_name
from edge.page.names import HTTPS_PORT, address_at
from protocol.errors import ConfigError
from system.at_home import is_neighbour, is_private
from system.conditions import Repeated
from system.connections import IPV6_BITS, Connections, Listener
from system.counted_http import CountedHttp, CountedServer

# A visitor whose whole request has not come by then is let go.
ASKS_WITHIN_S = 10.0
# And one who has not taken the answer by then; the stream of values lasts two minutes.
TAKES_WITHIN_S = 180.0
CONNECTIONS_MAX = 40
CONNECTIONS_MAX_EACH = 16
LOOKS_EVERY_S = 5.0
HTTP_PORT = 80
# The chip answers one question at a time; each that waits in a thread takes its memory with it.
THREADS_MAX = 2
# Of each connection, in which asyncio would have 256 KiB; longer records come in pieces.
TLS_BUFFER_BYTES = 4_096

log = structlog.get_logger()


class HomeConnections(Connections):
    """The open connections of visitors of the home's own network."""

    def __init__(self) -> None:
        # In one home, the addresses of all have their first 64 bits in common.
        super().__init__(CONNECTIONS_MAX, CONNECTIONS_MAX_EACH, IPV6_BITS)
        self._strangers = Repeated()

    def admit(self, connection: socket.socket, address: str) -> bool:
        """Count a connection that was accepted; return False if it has to be closed."""
        own = connection.getsockname()[0]
        if is_private(address) or is_neighbour(address, own):
            return super().admit(connection, address)
        if times := self._strangers.found("stranger"):
            log.warning("page_stranger_refused", address=address, times=times)
        return False


class HomeProtocol(CountedHttp):
    """HTTP for visitors who must ask soon, and take the answer."""

    def connection_made(self, transport: Any) -> None:
        """Await the first request."""
        super().connection_made(transport)
        self._await(ASKS_WITHIN_S)

    def data_received(self, data: bytes) -> None:
        """Take bytes; a whole request ends the wait for it, a part of one does not."""
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """Await the next request, for which uvicorn has a limit of its own."""
        super().on_response_complete()
        self._stop_waiting()
        self._mark(is_in_call=False)
        self._watch(is_idle=True)

    def _watch(self, *, is_idle: bool = False) -> None:
        if self.conn.their_state is h11.DONE:
            self._stop_waiting()
            self._await(TAKES_WITHIN_S)
            self._mark(is_in_call=True)
        elif self._deadline is None and not is_idle:
            self._await(ASKS_WITHIN_S)


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


def redirect_to(port: int) -> ASGIApp:
    """Return what answers plain HTTP: the page over TLS at a port, and nothing else."""

    async def redirect(scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; uvicorn takes nothing for an application but such a function."""
        del receive
        await _redirect(scope, send, port)

    return redirect


async def _redirect(scope: Scope, send: Send, port: int) -> None:
    if scope["type"] != "http":
        return
    host = next((value.decode("latin-1") for key, value in scope["headers"] if key == b"host"), "")
    name = host_name(host)
    is_known = bool(name) and all(sign.isalnum() or sign in "-.:" for sign in name)
    shown = f"[{name}]" if ":" in name else name
    headers = [(b"content-length", b"0"), (b"connection", b"close")]
    if is_known:
        headers.append((b"location", address_at(shown, port).encode()))
    await send(
        {"type": "http.response.start", "status": 308 if is_known else 400, "headers": headers}
    )
    await send({"type": "http.response.body", "body": b""})


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
    on_start: Callable[[], None] = lambda: None,
    on_round: Callable[[], None] = lambda: None,
) -> None:
    """Serve until stopped, or until nobody has asked for `idle_max_s` (0: never).

    `on_start` is called once visitors are answered and signals are heeded, `on_round` every few
    seconds. Sockets of port 80 only redirect.
    """
    current_default_thread_limiter().total_tokens = THREADS_MAX
    SSLProtocol.max_size = TLS_BUFFER_BYTES
    watched, port = Watched(app), secure_port(sockets)
    plain = [each for each in sockets if _port(each) == HTTP_PORT]
    secure = [each for each in sockets if each not in plain]
    connections = HomeConnections()
    secured = CountedServer(_config(watched, connections, certificate, key), on_start)
    servers: list[tuple[uvicorn.Server, list[socket.socket]]] = [(secured, secure)]
    if plain:
        servers.append((uvicorn.Server(_config(redirect_to(port), connections)), plain))
    tasks = [
        asyncio.create_task(server.serve([_counted(each, connections) for each in opened]))
        for server, opened in servers
    ]
    try:
        while not any(task.done() for task in tasks):
            await asyncio.wait(tasks, timeout=LOOKS_EVERY_S, return_when=asyncio.FIRST_COMPLETED)
            on_round()
            if idle_max_s and watched.idle_s() > idle_max_s:
                break
    finally:
        for server, _ in servers:
            server.should_exit = True
        await asyncio.gather(*tasks)


def _config(
    app: ASGIApp,
    connections: Connections,
    certificate: Path | None = None,
    key: Path | None = None,
) -> uvicorn.Config:
    config = uvicorn.Config(
        app,
        http=partial(HomeProtocol, connections=connections),  # type: ignore[arg-type]
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
    return config


def _counted(listening: socket.socket, connections: Connections) -> Listener:
    """Return a listening socket that counts what it accepts, before TLS costs anything."""
    listener = Listener(fileno=listening.detach())
    listener.connections = connections
    listener.setblocking(False)
    return listener


def secure_port(sockets: list[socket.socket]) -> int:
    """Return the port of the first socket on which visitors are answered."""
    return next((port for port in map(_port, sockets) if port != HTTP_PORT), HTTPS_PORT)


def _port(listening: socket.socket) -> int:
    port: int = listening.getsockname()[1]
    return port


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
