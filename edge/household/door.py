"""The chip's side of the door: a Unix socket, answered in a thread of its own.

It must never slow metering down: one request at a time, and after each the thread rests for as long
as the answer took. Only the chip's own user, root and the page's user are answered.
"""

import os
import pwd
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
import structlog

from edge.household.call import receive
from edge.household.messages import (
    REQUEST_BYTES_MAX,
    Answer,
    NotDone,
    Question,
    encode,
    read_question,
)
from system.conditions import Repeated
from system.files import opened_directory

PAGE_USER = "volet-page"
MODE = 0o660
# A visitor who says nothing must not keep others out for longer.
WAIT_S = 2.0
REST_LEAST_S = 0.02
_WAITING_MAX = 16
# struct ucred: pid, uid, gid (unix(7)).
_PEER = struct.Struct("3i")

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
            if not _may_enter(channel):
                self._refuse("user")
                return
            request = read_question(receive(channel, REQUEST_BYTES_MAX))
            channel.settimeout(WAIT_S)
            channel.sendall(encode(self._answered(request)))
        except msgspec.MsgspecError:
            self._refuse("request")
        except OSError:
            self._refuse("connection")

    def _answered(self, request: Question) -> Answer:
        try:
            return self._answer(request)
        except Exception as exc:  # noqa: BLE001 - a fault in a view must not end the chip's door
            # Neither the request nor the text of the error, which may hold readings.
            what = type(request).__name__, type(exc).__name__
            if times := self._repeated.found("answer", *what):
                log.warning("household_answer_failed", why=" ".join(what), times=times)
            return NotDone("The chip could not answer; see its log.")

    def _refuse(self, why: str) -> None:
        if times := self._repeated.found("visitor", why):
            log.warning("household_visitor_refused", why=why, times=times)


@contextmanager
def open_door(path: Path, answer: Callable[[Question], Answer]) -> Iterator[Door]:
    """Answer requests at the socket `path` while the context lasts.

    Raises:
        OSError: the socket cannot be made.
    """
    with socket.socket(socket.AF_UNIX) as listening:
        path.unlink(missing_ok=True)
        with opened_directory(path.parent) as place:
            listening.bind(f"{place}/{path.name}")
        path.chmod(MODE)
        if (page := _page_user()) is not None:
            with suppress(OSError):  # where this user is not of the page's group
                os.chown(path, -1, page.pw_gid)
        listening.listen(_WAITING_MAX)
        door = Door(listening, answer)
        door.start()
        try:
            yield door
        finally:
            door.close()
            path.unlink(missing_ok=True)


def _may_enter(channel: socket.socket) -> bool:
    """Return whether the process at the other end is of a user who may ask."""
    peer = channel.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    _, user, _ = _PEER.unpack(peer)
    page = _page_user()
    return user in {0, os.geteuid()} or (page is not None and user == page.pw_uid)


def _page_user() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(PAGE_USER)
    except KeyError:
        return None
