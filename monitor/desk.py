"""Tells this machine's operator of each chip, over a socket in the monitor's directory (0700).

Whoever calls gets one report as JSON, and the connection ends.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from monitor.report import FleetReport
from protocol.errors import ConfigError, TransportError
from protocol.json_text import read_json
from system.files import opened_directory

SOCKET_NAME = "desk.sock"
# A million chips have less; a caller waits no longer than this for a piece of it.
REPORT_BYTES_MAX = 512 * 1024 * 1024
WAIT_S = 30.0
_OWN_MODE = 0o600


@asynccontextmanager
async def open_desk(directory: Path, report: Callable[[], FleetReport]) -> AsyncIterator[None]:
    """Answer whoever calls while the block runs.

    Raises:
        ConfigError: the socket cannot be made.
    """

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Tell one caller, who may hang up or not listen."""
        try:
            async with asyncio.timeout(WAIT_S):
                writer.write(msgspec.json.encode(report()))
                await writer.drain()
        except (TimeoutError, OSError):
            writer.transport.abort()
        else:
            writer.close()

    path = directory / SOCKET_NAME
    listening = socket.socket(socket.AF_UNIX)
    try:
        path.unlink(missing_ok=True)
        with opened_directory(directory) as place:
            listening.bind(f"{place}/{SOCKET_NAME}")
        path.chmod(_OWN_MODE)
        server = await asyncio.start_unix_server(answer, sock=listening)
    except OSError as exc:
        listening.close()
        raise ConfigError(f"{path} cannot be made: {exc.strerror or exc}.") from exc
    async with server:
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def ask_desk(directory: Path) -> FleetReport | None:
    """Return the report of the monitor that runs in a directory, None if none does.

    Raises:
        ConfigError: the socket is closed to this user.
        TransportError: the monitor does not answer.
    """
    path, said = directory / SOCKET_NAME, bytearray()
    try:
        with opened_directory(directory) as place, socket.socket(socket.AF_UNIX) as channel:
            channel.settimeout(WAIT_S)
            channel.connect(f"{place}/{SOCKET_NAME}")
            while (piece := channel.recv(1 << 20)) and len(said) <= REPORT_BYTES_MAX:
                said += piece
    except (FileNotFoundError, ConnectionRefusedError):
        return None
    except PermissionError as exc:
        raise ConfigError(f"{path} is closed to this user; ask as the monitor's.") from exc
    except OSError as exc:
        raise TransportError(f"The monitor does not answer at {path}: {exc}.") from exc
    try:
        return read_json(bytes(said), FleetReport)
    except msgspec.MsgspecError as exc:
        raise TransportError(f"The monitor has ended while it answered at {path}.") from exc
