"""The chip's side of the door: a Unix socket, answered in a thread of its own.

It must never slow metering down: one request at a time, and after each the thread rests for as long
as the answer took. Who may come in is decided by the permissions of the socket and its directory, when
somebody connects. The chip is not told who that is: in its unit it sees all users but its own as one.
"""

import errno
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import msgspec
import structlog

from edge.household.call import door_in, receive
from edge.household.messages import ANSWER_BYTES_MAX, LENGTH_BYTES, Answer, encode, read_question
from edge.household.requests import REQUEST_BYTES_MAX, Question
from edge.household.shown import not_done
from edge.language.french.looking_up import sentence_in
from system.conditions import Repeated
from system.files import opened_directory

# For the chip's own user; and for whoever comes as far as the socket, in a directory that sees to that.
OWN_MODE, OUTSIDE_MODE = 0o600, 0o666
# A visitor who says nothing must not keep others out for longer.
WAIT_S = 2.0
REST_LEAST_S = 0.02
_WAITING_MAX = 16

log = structlog.get_logger()


class Door:
    """An open door; `close` shuts it and waits for the request in work."""

    def __init__(self, listening: socket.socket, answer: Callable[[Question], Answer]) -> None:
        """Use `open_door` instead."""
        self._listening = listening
        self._answer = answer
        self._repeated = Repeated()
        self._is_closing = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to answer."""
        self._thread = threading.Thread(target=self._serve, name="household", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Shut the door."""
        self._is_closing = True
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        if self._thread is not None:
            self._thread.join()
        self._listening.close()

    def _serve(self) -> None:
        while not self._is_closing:
            try:
                channel, _ = self._listening.accept()
            except OSError:
                if self._is_closing:
                    return
                time.sleep(WAIT_S)  # out of descriptors
                continue
            since_s = time.monotonic()
            with channel:
                self._let_in(channel)
            time.sleep(max(REST_LEAST_S, time.monotonic() - since_s))

    def _let_in(self, channel: socket.socket) -> None:
        try:
            channel.settimeout(WAIT_S)
            request = read_question(receive(channel, REQUEST_BYTES_MAX))
            channel.settimeout(WAIT_S)
            channel.sendall(self._answered(request))
        except msgspec.MsgspecError:
            self._refuse("request")
        except OSError:
            self._refuse("connection")

    def _answered(self, request: Question) -> bytes:
        try:
            return _framed(self._answer(request))
        except Exception as exc:  # noqa: BLE001 - a fault in a view must not end the chip's door
            # Neither the request nor the text of the error, which may hold readings.
            what = type(request).__name__, type(exc).__name__
            if times := self._repeated.found("answer", *what):
                log.warning("household_answer_failed", why=" ".join(what), times=times)
            why = "The chip could not answer; see its log."
            return encode(not_done(lambda lang: sentence_in(lang, why)))

    def _refuse(self, why: str) -> None:
        if times := self._repeated.found("visitor", why):
            log.warning("household_visitor_refused", why=why, times=times)


def _framed(answer: Answer) -> bytes:
    frame = encode(answer)
    if len(frame) > LENGTH_BYTES + ANSWER_BYTES_MAX:
        raise OverflowError(f"{len(frame)} bytes")
    return frame


@contextmanager
def open_door(
    directory: Path, answer: Callable[[Question], Answer], outside: Path | None = None
) -> Iterator[Door]:
    """Answer requests at the door of the chip in `directory` while the context lasts.

    Only the chip's own user may open it there. In `outside` everybody may who may enter that
    directory, and the chip's own has a link to it.

    Raises:
        OSError: the socket cannot be made, or everybody may enter `outside`.
    """
    own, path = door_in(directory), door_in(outside or directory)
    with ExitStack() as opened:
        listening = opened.enter_context(socket.socket(socket.AF_UNIX))
        if outside is not None and outside.stat().st_mode & stat.S_IRWXO:
            raise PermissionError(errno.EACCES, "Everybody may enter", str(outside))
        for each in {own, path}:
            each.unlink(missing_ok=True)
            opened.callback(each.unlink, missing_ok=True)
        with opened_directory(path.parent) as place:
            listening.bind(f"{place}/{path.name}")
        path.chmod(OWN_MODE if outside is None else OUTSIDE_MODE)
        if outside is not None:
            own.symlink_to(path)
        listening.listen(_WAITING_MAX)
        door = Door(listening, answer)
        door.start()
        opened.callback(door.close)
        yield door
