"""Decoders from PyPI, each with its own reading interface, on bytes in memory instead of a port.

Both are used up to the group: label and raw data, with checksum checked. Their further work (names,
units, conversion) and the cost of their serial ports are left out, in their favour.
"""

import asyncio
import contextlib
import io
import logging
from collections.abc import Mapping
from typing import Self

from enedis_tic.link_layer import Link
from serial_teleinfo import Client, ParserException

PeerFrame = Mapping[str, str]


class _EndOfStream(BaseException):
    """Escapes the peer's `except Exception`, which would continue forever."""


class _MemoryLine:
    """The stream with `readuntil` from which enedis-tic reads."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *args: object) -> None:
        pass

    async def readuntil(self, token: bytes) -> bytes:
        begin = self._at
        end = self._data.find(token, begin) + 1
        if not end:
            raise _EndOfStream
        self._at = end
        return self._data[begin:end]


class EnedisTic:
    """enedis-tic 0.2, both modes."""

    name = "enedis-tic"

    def decode(self, data: bytes) -> list[PeerFrame]:
        """Return the frames that it reports; it ignores everything before the first ETX."""
        logging.disable(logging.CRITICAL)  # it logs a traceback for each frame it loses
        try:
            return asyncio.run(self._read(data))
        finally:
            logging.disable(logging.NOTSET)

    @staticmethod
    async def _read(data: bytes) -> list[PeerFrame]:
        reported: list[PeerFrame] = []
        with contextlib.suppress(_EndOfStream):
            async for frame in Link(_MemoryLine(data)).frames():
                groups = {label: group["data"] for label, group in frame.items()}
                reported.append(groups)
        return reported


class SerialTeleinfo:
    """serial-teleinfo 1.0, historique only."""

    name = "serial-teleinfo"

    def decode(self, data: bytes) -> list[PeerFrame]:
        """Return the frames that it reports; a frame keeps its groups when a line is refused."""
        client = Client()
        stream = io.BytesIO(data)
        client._serial = stream  # noqa: SLF001 - replaces the port that `with` would open
        frames: list[PeerFrame] = []
        frame: dict[str, str] = {}
        while stream.tell() < len(data):
            try:
                label, value, is_end = client.read_line()
            except ParserException:
                continue
            frame[label] = value
            if is_end:
                frames.append(frame)
                frame = {}
        return frames
