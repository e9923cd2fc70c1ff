"""Serves the line to clients of the home network.

Runs in a process of its own, which reads nothing of this machine and has no network but the port that
the chip hands it. Each client gets every byte in order, or is hung up on: one that does not take what
comes, or that sends more than a greeting. Nothing that a client sends is looked at.
"""

import selectors
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from edge.tic.repeater.channel import CLIENTS_MAX, HELLO, LISTENING_MAX, PIECE_BYTES_MAX
from system.at_home import is_private
from system.conditions import Repeated
from system.connections import IPV6_BITS, Connections

CLIENTS_MAX_EACH = 4
# A minute of a line at 9600 bit/s, beside what the kernel holds.
WAITING_MAX_BYTES = 65_536
HEARD_MAX_BYTES = 1_024
# Between two that are let in or refused: a flood of either must not cost the machine.
REST_S = 0.05
ROUND_S = 5.0
_READ_BYTES = 65_536
_KEEPALIVE_S = 60

log = structlog.get_logger()


@dataclass(eq=False)
class _Client:
    """A connection, what waits for it, and how much has come from it."""

    connection: socket.socket
    waiting: bytearray = field(default_factory=bytearray)
    heard_bytes: int = 0


class LineServer:
    """Serves one chip's line until the chip hangs up."""

    def __init__(
        self,
        channel: socket.socket,
        on_round: Callable[[], None] = lambda: None,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Serve what comes by `channel`; `on_round` is called every few seconds."""
        self._channel = channel
        self._on_round = on_round
        self._monotonic_s = monotonic_s
        self._selector = selectors.DefaultSelector()
        self._listening: list[socket.socket] = []
        self._clients: set[_Client] = set()
        # In one home, the addresses of all have their first 64 bits in common.
        self._connections = Connections(CLIENTS_MAX, CLIENTS_MAX_EACH, IPV6_BITS)
        self._rests_until_s: float | None = None
        self._told: int | None = None
        self._repeated = Repeated()

    def serve(self) -> None:
        """Serve until the chip hangs up, or is another program."""
        try:
            self._channel.settimeout(ROUND_S)
            if not self._take_port():
                return
            self._channel.setblocking(False)
            self._selector.register(self._channel, selectors.EVENT_READ)
            self._listen()
            while self._round():
                self._on_round()
        finally:
            for client in self._clients:
                client.connection.close()
            for each in self._listening:
                each.close()
            self._selector.close()

    def _take_port(self) -> bool:
        try:
            said, files, _, _ = socket.recv_fds(self._channel, len(HELLO), LISTENING_MAX)
        except OSError:
            return False
        self._listening = [socket.socket(fileno=number) for number in files]
        for each in self._listening:
            each.setblocking(False)
        return said == HELLO

    def _round(self) -> bool:
        """Do what is ready; return whether the chip is still there."""
        for key, events in self._selector.select(self._wait_s()):
            if key.fileobj is self._channel:
                if not self._take_line():
                    return False
            elif key.data is None:
                self._admit(key.fileobj)  # type: ignore[arg-type]
            elif key.data in self._clients:
                if events & selectors.EVENT_READ:
                    self._hear(key.data)
                if events & selectors.EVENT_WRITE and key.data in self._clients:
                    self._send(key.data)
        if self._rests_until_s is not None and self._monotonic_s() >= self._rests_until_s:
            self._listen()
        self._tell()
        return True

    def _wait_s(self) -> float:
        if self._rests_until_s is None:
            return ROUND_S
        return max(0.0, min(ROUND_S, self._rests_until_s - self._monotonic_s()))

    def _listen(self) -> None:
        self._rests_until_s = None
        for each in self._listening:
            self._selector.register(each, selectors.EVENT_READ)

    def _rest(self) -> None:
        if self._rests_until_s is None:
            self._rests_until_s = self._monotonic_s() + REST_S
            for each in self._listening:
                self._selector.unregister(each)

    def _take_line(self) -> bool:
        try:
            data = self._channel.recv(_READ_BYTES)
        except BlockingIOError:
            return True
        except OSError:
            return False
        for client in list(self._clients):
            client.waiting += data
            if len(client.waiting) > WAITING_MAX_BYTES:
                self._hang_up(client, "slow")
            else:
                self._send(client)
        return bool(data)

    def _admit(self, listening: socket.socket) -> None:
        self._rest()
        try:
            connection, (address, *_) = listening.accept()
        except OSError:
            return
        if not self._is_at_home(connection, address):
            connection.close()
            if times := self._repeated.found("stranger"):
                log.warning("repeater_stranger_refused", address=address, times=times)
            return
        if not self._connections.admit(connection, address):
            connection.close()
            if times := self._repeated.found("crowd"):
                log.warning("repeater_client_refused", times=times)
            return
        # A client has nothing to say, so that silence does not make room for another.
        self._connections.mark(connection.fileno(), is_in_call=True)
        client = _Client(connection)
        self._clients.add(client)
        try:
            connection.setblocking(False)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEPALIVE_S)
            self._selector.register(connection, selectors.EVENT_READ, client)
        except OSError:
            self._hang_up(client, "gone")

    def _is_at_home(self, connection: socket.socket, address: str) -> bool:
        try:
            return is_private(address) and is_private(connection.getsockname()[0])
        except OSError:
            return False

    def _hear(self, client: _Client) -> None:
        """Throw away what a client says; one that goes on is hung up on."""
        try:
            heard = client.connection.recv(PIECE_BYTES_MAX)
        except BlockingIOError:
            return
        except OSError:
            heard = b""
        client.heard_bytes += len(heard)
        if not heard:
            self._hang_up(client, "gone")
        elif client.heard_bytes > HEARD_MAX_BYTES:
            self._hang_up(client, "talks")

    def _send(self, client: _Client) -> None:
        try:
            while client.waiting:
                sent = client.connection.send(client.waiting)
                del client.waiting[:sent]
        except BlockingIOError:
            pass
        except OSError:
            self._hang_up(client, "gone")
            return
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.waiting else 0)
        self._selector.modify(client.connection, events, client)

    def _hang_up(self, client: _Client, why: str) -> None:
        self._clients.discard(client)
        if client.connection in self._selector.get_map():
            self._selector.unregister(client.connection)
        client.connection.close()
        if why != "gone" and (times := self._repeated.found("client", why)):
            log.warning("repeater_client_dropped", why=why, times=times)

    def _tell(self) -> None:
        """Tell the chip how many clients there are, if that is new and it can be told now."""
        if (count := len(self._clients)) == self._told:
            return
        try:
            self._channel.send(bytes([count]))
        except OSError:  # in another round
            return
        self._told = count
