"""Calls the chip through its door: one request, one answer."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from edge.household.messages import ANSWER_BYTES_MAX, LENGTH_BYTES, Answer, encode, read_answer
from edge.household.requests import Question
from protocol.errors import ConfigError, TransportError
from system.files import opened_directory

WAIT_S = 10.0
SOCKET_NAME = "household.sock"
# See `system.answering`.
_SHORT = Path("door")


def door_in(directory: Path) -> Path:
    """Return the door of the chip in `directory`."""
    return directory / SOCKET_NAME


def call(door: Path, request: Question) -> Answer:
    """Return the chip's answer.

    Raises:
        TransportError: the chip does not run, or does not answer.
    """
    try:
        with _name_of(door) as name, socket.socket(socket.AF_UNIX) as channel:
            channel.settimeout(WAIT_S)
            channel.connect(name)
            channel.sendall(encode(request))
            return read_answer(receive(channel, ANSWER_BYTES_MAX))
    except (OSError, msgspec.MsgspecError) as exc:
        raise TransportError(f"The chip does not answer ({exc}); see whether it runs.") from exc


def short_door(door: Path, folder: Path) -> Path:
    """Return another name of a door, made in `folder`, for a process that may call by a short one only.

    The process has `folder` as its working directory from then on.

    Raises:
        ConfigError: the name cannot be made.
    """
    try:
        os.chdir(folder)
        _SHORT.unlink(missing_ok=True)
        _SHORT.symlink_to(door)
    except OSError as exc:
        raise ConfigError(f"{folder / _SHORT} cannot be made: {exc.strerror}.") from exc
    return _SHORT


@contextmanager
def _name_of(door: Path) -> Iterator[str]:
    """Yield a name by which a socket is called: a short one as it is, else by its directory."""
    if door == _SHORT:
        yield str(door)
        return
    with opened_directory(door.parent) as place:
        yield f"{place}/{door.name}"


def receive(channel: socket.socket, bytes_max: int) -> bytes:
    """Return the body of the next frame.

    Raises:
        OSError: it is cut off, too long, or not there within the channel's timeout.
    """
    within_s = channel.gettimeout()
    until_s = None if within_s is None else time.monotonic() + within_s
    length = int.from_bytes(_receive_exactly(channel, LENGTH_BYTES, until_s))
    if length > bytes_max:
        raise OSError(f"a frame of {length} bytes, at most {bytes_max} are taken")
    return _receive_exactly(channel, length, until_s)


def _receive_exactly(channel: socket.socket, count: int, until_s: float | None) -> bytes:
    data = bytearray()
    while len(data) < count:
        if until_s is not None:  # for all of it: who sends byte by byte must not hold the door
            if (left_s := until_s - time.monotonic()) <= 0:
                raise TimeoutError("the frame came too slowly")
            channel.settimeout(left_s)
        chunk = channel.recv(min(count - len(data), 1 << 16))
        if not chunk:
            raise OSError("the connection ended early")
        data += chunk
    return bytes(data)
