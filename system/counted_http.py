"""HTTP/1.1 of uvicorn on connections that are counted, and that are given up after a while."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from system.connections import Connections


class CountedHttp(H11Protocol):
    """One connection; a subclass says for what it waits, and how long."""

    _deadline: asyncio.TimerHandle | None = None
    _is_lost = False

    def __init__(self, *, connections: Connections, **uvicorns: Any) -> None:
        """Tell `connections` whether this one is in a call; the rest is uvicorn's."""
        super().__init__(**uvicorns)
        self._open_connections = connections

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more: a timer would keep all of a lost connection in memory."""
        self._is_lost = True
        self._stop_waiting()
        super().connection_lost(exc)
        self._unset_keepalive_if_required()

    def on_response_complete(self) -> None:
        """End an answer, which whoever asked may have hung up on before."""
        super().on_response_complete()
        if self._is_lost:
            self._unset_keepalive_if_required()

    def _mark(self, *, is_in_call: bool) -> None:
        number = self.transport.get_extra_info("socket").fileno()
        self._open_connections.mark(number, is_in_call=is_in_call)

    def _await(self, within_s: float) -> None:
        if self._is_lost:
            return
        self._deadline = self.loop.call_later(within_s, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class CountedServer(uvicorn.Server):
    """uvicorn that says when it answers; before that, a connection may be refused."""

    def __init__(self, config: uvicorn.Config, on_start: Callable[[], None]) -> None:
        """Serve as `config` says, and call `on_start` as soon as it does."""
        super().__init__(config)
        self._on_start = on_start

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        self._on_start()
