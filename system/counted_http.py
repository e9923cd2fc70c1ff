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


class PromptHttp(CountedHttp):
    """One connection, closed if the head of a request does not come within some seconds."""

    def __init__(self, *, head_s: float, **uvicorns: Any) -> None:
        """Wait `head_s` seconds for each head."""
        super().__init__(**uvicorns)
        self._head_s = head_s

    def connection_made(self, transport: Any) -> None:
        """Await the first request."""
        super().connection_made(transport)
        self._await(self._head_s)

    def data_received(self, data: bytes) -> None:
        """Take bytes; a whole head ends the wait for it."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_waiting()
            self._mark(is_in_call=True)

    def on_response_complete(self) -> None:
        """Await the next request."""
        super().on_response_complete()
        self._mark(is_in_call=False)
        if self._deadline is None and not self.transport.is_closing():
            self._await(self._head_s)


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
