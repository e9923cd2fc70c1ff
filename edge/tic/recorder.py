"""Writes the record of a line while it is read; see `record`."""

import os
from collections import deque
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Self

from edge.tic.diagnosis import LineFault
from edge.tic.record import VERSION, Arrival, Finding, RecordHead, encode_line
from protocol.errors import ConfigError


class Recorder:
    """A record under construction. Each line is handed to the system at once, so none is lost.

    If the line cannot be opened at all, no file is left.

    Attributes:
        stopped: why nothing more is written, as a sentence; None while the record grows.
    """

    def __init__(self, path: Path, *, limit_bytes: int, is_masked: bool, began: datetime) -> None:
        """Begin the record in the new file `path`, mode 0600.

        Raises ConfigError if the file exists or cannot be made.
        """
        self.stopped: str | None = None
        self._path = path
        self._left_bytes = limit_bytes
        self._limit_bytes = limit_bytes
        self._awaited: deque[tuple[int, int, int] | Finding] = deque()
        self._found: tuple[LineFault, ...] | None = None
        try:
            self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError as exc:
            raise ConfigError(
                f"{path} is there already; name another file, nothing is overwritten."
            ) from exc
        except OSError as exc:
            raise ConfigError(f"{path} cannot be written: {exc.strerror}.") from exc
        head = encode_line(RecordHead(VERSION, began, is_masked, version("volet")))
        self._head_bytes = len(head)
        self._write(head)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._fd)
        if error is not None and self._limit_bytes - self._left_bytes == self._head_bytes:
            self._path.unlink(missing_ok=True)  # so that a port that was held can be tried again

    def note(self, at_us: int, bit_s: int, size_bytes: int) -> None:
        """Note that so many bytes arrived; `add` gets them, perhaps later and masked."""
        if self.stopped is None and size_bytes:
            self._awaited.append((at_us, bit_s, size_bytes))

    def note_faults(self, at_us: int, faults: tuple[LineFault, ...]) -> None:
        """Note what is wrong with the line as of the bytes that arrived last."""
        if self.stopped is None and faults != self._found:
            self._found = faults
            self._awaited.append(Finding(at_us, faults))

    def add(self, data: bytes) -> None:
        """Write the next bytes under the times at which they arrived, and what was found in them."""
        while self._awaited:
            awaited = self._awaited.popleft()
            if isinstance(awaited, Finding):
                self._write(encode_line(awaited))
                continue
            at_us, bit_s, size_bytes = awaited
            part, data = data[:size_bytes], data[size_bytes:]
            if len(part) < size_bytes:
                self._awaited.appendleft((at_us, bit_s, size_bytes - len(part)))
            if not part:
                return
            self._write(encode_line(Arrival(at_us, bit_s, part)))

    def _write(self, line: bytes) -> None:
        if self.stopped is not None:
            return
        if len(line) > self._left_bytes:
            self._stop(
                f"The record has reached {self._limit_bytes // 1_000_000} MB and ends here; "
                "decoding goes on."
            )
            return
        try:
            os.write(self._fd, line)
        except OSError as exc:
            self._stop(f"The record ends here: {self._path} cannot be written: {exc.strerror}.")
            return
        self._left_bytes -= len(line)

    def _stop(self, why: str) -> None:
        self.stopped = why
        self._awaited.clear()
