"""The chip's side: masks the line and hands it on, after metering has had it.

Nothing here waits, and nothing that the other side does can keep the chip: it may be away, hang, flood
or be killed. What it does not take is dropped, by whole lines, and memory holds one line at most. An
error of any kind ends the handing on for a while, never the chip.
"""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import structlog

from edge.tic.masking import Mask
from edge.tic.repeater.channel import CLIENTS_MAX, HELLO, PIECE_BYTES_MAX, connect
from edge.tic.repeater.choice import (
    RepeaterChoice,
    RepeaterFault,
    RepeaterState,
    forget_repeater,
    watched_repeater,
)
from edge.tic.repeater.listening import NotOpened, open_port
from system.clock import Clock
from system.conditions import Condition, Repeated

LOOK_EVERY_S = 1.0
# A process that was started has spoken by then, on a Pi too.
STARTS_WITHIN_S = 15.0
# The number of clients is stored with the chip's state, and a card is not to wear for a client that
# comes and goes.
COUNT_EVERY_S = 30.0
_COUNTS_AT_ONCE = 8
_LINE_ENDS = b"\n\r\x02\x03\x04"
_LINE = b"\r"
# Seven bits, as a UART of 7E1 gives them: a connection has no parity, and clients know none.
_CHARACTERS = bytes(byte & 0x7F for byte in range(256))

log = structlog.get_logger()


class LineOutlet:
    """Hands on the line of the chip in one directory, as its household chose."""

    def __init__(self, directory: Path, door: Path, clock: Clock) -> None:
        """Follow the choice in `directory`; who serves the line listens at `door`."""
        self._directory = directory
        self._door = door
        self._clock = clock
        self._watched = watched_repeater(directory)
        self._choice = RepeaterChoice()
        self._mask: Mask | None = None
        self._port: socket.socket | None = None
        self._channel: socket.socket | None = None
        self._fault: RepeaterFault | None = None
        self._clients = self._clients_told = 0
        self._look_at_s = self._told_at_s = float("-inf")
        self._unheard_since_s: float | None = None
        # After a gap: the line that the mask had begun is not this one; nothing goes out within a line.
        self._is_cut = self._skips = True
        self._unserved = Condition(clock.monotonic_s)
        self._repeated = Repeated(clock.monotonic_s)

    def state(self) -> RepeaterState | None:
        """Return how the line is repeated now, None if it is not to be.

        The number of clients may be half a minute old.
        """
        choice = self._choice
        if not choice.is_on:
            return None
        now_s = self._clock.monotonic_s()
        if now_s - self._told_at_s >= COUNT_EVERY_S and self._clients != self._clients_told:
            self._told_at_s, self._clients_told = now_s, self._clients
        return RepeaterState(
            choice.port,
            choice.address,
            choice.has_true_numbers,
            self._fault or self._silence(now_s),
            self._clients_told,
        )

    def _silence(self, now_s: float) -> RepeaterFault | None:
        """Return what it means that the other side has not spoken yet; None if it has."""
        if self._unheard_since_s is None:
            return None
        is_late = now_s - self._unheard_since_s >= STARTS_WITHIN_S
        return RepeaterFault.UNSERVED if is_late else RepeaterFault.STARTING

    def hand_on(self, data: bytes) -> None:
        """Hand on bytes as they came from the line, whether or not they can be read."""
        if data and self._channel is not None and self._clients:
            self._guarded(lambda: self._send(data))

    def step(self, *, has_left: bool) -> None:
        """Do what is due: follow the choice, connect, and hear how many clients there are.

        `has_left`: the household has moved out, so that its choice holds no longer.
        """
        self._guarded(lambda: self._step(has_left=has_left))

    def close(self) -> None:
        """End it; what serves hangs up on its clients."""
        self._lose()
        if self._port is not None:
            self._port.close()
            self._port = None

    def _guarded(self, do: Callable[[], None]) -> None:
        try:
            do()
        except Exception as exc:  # noqa: BLE001 - a fault here must not end metering
            self._lose()
            self._mask = self._new_mask()
            if times := self._repeated.found("outlet", type(exc).__name__):
                log.warning("repeater_failed", why=type(exc).__name__, times=times)

    def _step(self, *, has_left: bool) -> None:
        if self._channel is not None:
            self._hear(self._channel)
        now_s = self._clock.monotonic_s()
        if now_s < self._look_at_s:
            return
        self._look_at_s = now_s + LOOK_EVERY_S
        choice = self._watched()
        if has_left and choice != RepeaterChoice():
            forget_repeater(self._directory)
            choice = RepeaterChoice()
        if choice != self._choice:
            self._follow(choice)
        if not choice.is_on:
            return
        if self._port is None:
            self._open(choice)
        if self._port is not None and self._channel is None:
            self._connect(self._port)

    def _follow(self, choice: RepeaterChoice) -> None:
        self.close()
        if choice.is_on and not self._choice.is_on:
            log.info("repeater_turned_on")
        elif self._choice.is_on and not choice.is_on:
            log.info("repeater_turned_off")
        self._choice, self._fault = choice, None
        self._unheard_since_s = self._clock.monotonic_s()
        self._mask = self._new_mask()
        self._told_at_s = float("-inf")

    def _new_mask(self) -> Mask | None:
        choice = self._choice
        return None if choice.has_true_numbers else Mask(choice.stand_ins)

    def _open(self, choice: RepeaterChoice) -> None:
        try:
            self._port, self._fault = open_port(choice), None
        except NotOpened as exc:
            self._fault = exc.fault
            if times := self._repeated.found("port", exc.fault, choice.port):
                log.warning("repeater_port_shut", why=exc.fault, port=choice.port, times=times)

    def _connect(self, port: socket.socket) -> None:
        """Hand the port to the process that serves, if there is one."""
        try:
            channel = connect(self._door)
        except OSError:
            if self._unserved.begins():
                log.warning("repeater_unserved")
            return
        self._channel = channel
        try:
            socket.send_fds(channel, [HELLO], [port.fileno()])
        except OSError:
            self._lose()

    def _hear(self, channel: socket.socket) -> None:
        """Take the latest number of clients."""
        had_clients = bool(self._clients)
        for _ in range(_COUNTS_AT_ONCE):
            try:
                said = channel.recv(1)
            except BlockingIOError:
                break
            except OSError:
                said = b""
            if not said:
                self._lose()
                break
            self._unheard_since_s = None
            self._unserved.ends()
            self._clients = min(said[0], CLIENTS_MAX)
        if had_clients and not self._clients:
            self._is_cut = self._skips = True

    def _send(self, data: bytes) -> None:
        if self._is_cut and self._mask is not None:
            self._mask.finish()
        self._is_cut = False
        masked = data if self._mask is None else self._mask.feed(data)
        ready = masked.translate(_CHARACTERS)
        if self._skips:
            ready = _after_line_end(ready)
            self._skips = not ready
        for piece in _pieces(ready):
            if self._channel is None:
                return
            try:
                self._channel.send(piece)
            except BlockingIOError:
                # What follows must not go on in the middle of a line that began in what is dropped.
                self._skips = True
                return
            except OSError:
                self._lose()

    def _lose(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None
            if self._unheard_since_s is None:
                self._unheard_since_s = self._clock.monotonic_s()
        self._clients = 0
        self._is_cut = self._skips = True


def _pieces(data: bytes) -> Iterator[bytes]:
    """Yield data in pieces of a message each, cut between lines where there are some."""
    while data:
        end = len(data)
        if end > PIECE_BYTES_MAX:
            end = data.rfind(_LINE, 0, PIECE_BYTES_MAX) + 1 or PIECE_BYTES_MAX
        yield data[:end]
        data = data[end:]


def _after_line_end(data: bytes) -> bytes:
    """Return what follows the first end of a line, which begins the next one; b"" without one."""
    at = next((at for at, byte in enumerate(data) if byte in _LINE_ENDS), None)
    return b"" if at is None else data[at:]
