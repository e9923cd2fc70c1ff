"""The chip's program as a process on a given directory, with its meter on standard input."""

import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.broker import wait_until

ROOT = Path(__file__).parents[2]
BUFFER_BYTES = 4_096
PROGRAM = (sys.executable, "-m", "volet.main")


class ChipProcess:
    """`volet edge run`, which reports through sd_notify when it is ready."""

    def __init__(
        self,
        directory: Path,
        *command: str,
        source: str = "-",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Prepare to run in `directory`; `command` replaces the program itself."""
        self.log_path = directory.parent / f"{directory.name}.log"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind("")  # an address chosen by the kernel, in the abstract namespace
        program = command or PROGRAM
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [*program, "edge", "run", "--dir", str(directory), "--source", source],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=ROOT,
                env={
                    "NOTIFY_SOCKET": "@" + self._socket.getsockname()[1:].decode(),
                    **(environment or {}),
                },
            )

    def __enter__(self) -> Self:
        """Wait until the chip is ready."""
        with ExitStack() as failed:
            failed.callback(self.close)
            wait_until(lambda: self._is_ready() or self.has_ended, "the chip")
            assert not self.has_ended, f"the chip ended instead of starting:\n{self.log}"
            failed.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Kill it if it still runs."""
        del kind, error, trace
        self.close()

    def close(self) -> None:
        """Kill it if it still runs, and close its pipe and socket."""
        self.end(signal.SIGKILL)
        self._process.stdin.close()
        self._socket.close()

    @property
    def has_ended(self) -> bool:
        """Return whether the process has ended by itself."""
        return self._process.poll() is not None

    @property
    def log(self) -> str:
        """The log of this process and of earlier ones on this directory."""
        return self.log_path.read_text("utf-8")

    def feed(self, frame: bytes) -> None:
        """Feed it a frame of the meter."""
        self._process.stdin.write(frame)
        self._process.stdin.flush()

    def end(self, number: signal.Signals) -> int:
        """Send a signal, wait, and return the exit status."""
        self._process.send_signal(number)
        return self._process.wait(30)

    def _is_ready(self) -> bool:
        try:
            return b"READY=1" in self._socket.recv(BUFFER_BYTES)
        except BlockingIOError:
            return False
