"""`/metrics` and `/health` over HTTP, on this machine only: whoever is on it may read both."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import msgspec
import uvicorn
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from system.connections import Connections
from system.counted_http import CountedServer, PromptHttp
from system.listening import listen

HOST = "127.0.0.1"
# A page of the internet may lead a browser here under a name of its own; it is not answered.
HOSTS = [HOST, "localhost"]
CONNECTIONS_MAX = 32
HEAD_S = 10.0
HEAD_BYTES_MAX = 16 * 1024


class Health(msgspec.Struct, frozen=True):
    """How the monitor does.

    Attributes:
        is_healthy: it has a session at the broker and hears it.
        why: what is wrong, empty if nothing is.
        chips: so many chips are known.
    """

    is_healthy: bool
    why: str
    chips: int


def make_app(registry: CollectorRegistry, health: Callable[[], Health]) -> Starlette:
    """Return the application."""

    async def metrics(request: Request) -> Response:
        """Answer with all metrics, in the text format that was asked for."""
        encode, kind = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), headers={"content-type": kind})

    async def told(request: Request) -> Response:
        """Answer with the health: 200 if it is good, else 503."""
        del request
        found = health()
        return Response(
            msgspec.json.encode(found),
            status_code=200 if found.is_healthy else 503,
            media_type="application/json",
        )

    return Starlette(
        routes=[Route("/metrics", metrics), Route("/health", told)],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS)],
    )


class MonitorServer(CountedServer):
    """uvicorn within a program that heeds signals itself."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the program."""
        yield


def open_socket(port: int, connections: Connections) -> socket.socket:
    """Listen on a port of 127.0.0.1.

    Raises:
        ConfigError: another program uses it.
    """
    return listen((HOST, port), connections, "The monitor", "name another port in monitor.toml.")


def make_server(
    app: Starlette, connections: Connections, on_start: Callable[[], None]
) -> MonitorServer:
    """Return a server, which calls `on_start` once it answers."""
    config = uvicorn.Config(
        app,
        http=partial(PromptHttp, connections=connections, head_s=HEAD_S),  # type: ignore[arg-type]
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=2 * CONNECTIONS_MAX,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=5,
        h11_max_incomplete_event_size=HEAD_BYTES_MAX,
    )
    return MonitorServer(config, on_start)
