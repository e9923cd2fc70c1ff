"""One process of a town, to start, kill and freeze, and its log."""

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


class Program:
    """A process with its own log and a count of its kills."""

    def __init__(self, log: Path, command: Sequence[str]) -> None:
        self.log_path = log
        self.kills = 0
        self._command = command
        self._log_from = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        """The end of its log."""
        return self.log_path.read_text()[-4000:] if self.log_path.exists() else ""

    def count(self, event: str) -> int:
        """Count how often it has logged an event since its last start."""
        with self.log_path.open("rb") as log:
            log.seek(self._log_from)
            return log.read().count(f'"{event}"'.encode())

    def start(self) -> None:
        """Start it."""
        with self.log_path.open("ab") as log:
            self._log_from = log.tell()
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=REPOSITORY
            )

    def kill(self) -> None:
        """Kill it; it must have been running."""
        assert self._end(signal.SIGKILL) == -signal.SIGKILL, f"it had ended itself:\n{self.log}"
        self.kills += 1

    def stop(self) -> None:
        """End it cleanly."""
        assert self._end(signal.SIGTERM) == 0, self.log

    def has_ended(self) -> bool:
        """Return whether it ended by itself; then it may be started again."""
        if self._process is None or self._process.poll() is None:
            return False
        self._process = None
        return True

    def close(self) -> None:
        """End it if it runs."""
        if self._process is not None:
            self._end(signal.SIGKILL)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Freeze it, so that its files are those of one instant."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WNOWAIT)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def _end(self, number: signal.Signals) -> int:
        assert self._process is not None
        self._process.send_signal(number)
        code = self._process.wait(20)
        self._process = None
        return code
