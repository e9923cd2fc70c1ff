"""Starts the programs of the demo as separate processes, and ends them."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

from edge.vault.reader import read_vault
from mosquitto.config import broker_command, broker_environment
from protocol.errors import VoletError
from system.patience import Patience, wait_until
from volet.demo.commune import RELEASE
from volet.demo.town import DemoTown, Household

# Without progress; long enough for a machine that is overloaded tenfold.
PATIENCE_S = 300.0
POLL_S = 0.05
CAPTURE = "capture"
COLUMNS = 100
# The demo is in English, and so is the output of the commands that it prints.
ENGLISH = "C.UTF-8"
# Each home uses seven file descriptors, and `select` supports descriptors below 1,024.
NEIGHBOURS_MAX = 100

log = structlog.get_logger()


class Programs:
    """The running programs; leaving the context ends them, newest first."""

    def __init__(self, town: DemoTown) -> None:
        """Run the programs of `town`; each logs to its own file below `logs/`."""
        self._town = town
        self._logs = town.directory / "logs"
        self._logs.mkdir(exist_ok=True)
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        """Return the programs."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End everything, newest first."""
        for process in reversed(self._running.values()):
            process.send_signal(signal.SIGTERM)
        for name, process in reversed(self._running.items()):
            try:
                process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                log.warning("program_killed", program=name)
                process.kill()
                process.wait()

    def start_broker(self, port: int) -> None:
        """Start mosquitto and wait until it listens."""
        environment = broker_environment(self._town.broker, os.environ)
        self._start("broker", broker_command(self._town.broker), environment)
        self.wait(lambda: _answers(port), "the broker to listen")

    def restart_broker(self, port: int) -> None:
        """Have the broker read its rules anew."""
        self.stop("broker")
        self.start_broker(port)

    def start_worker(self) -> None:
        """Start the cloud's worker."""
        self._volet("worker", "cloud", "run", "--dir", str(self._town.cloud))

    def start_meter(self, household: Household, link: Path, speed: float) -> None:
        """Start the emulator of a household's meter behind a pseudo-terminal at `link`."""
        self._volet(
            "meter",
            *("edge", "simulate", "--mode", "standard", "--option", "hphc", "--kva", "9"),
            *("--curve", str(household.curve_file), "--seed", str(household.seed)),
            *("--from", self._town.begin.isoformat(), "--to", self._town.end.isoformat()),
            *("--link", str(link), "--speed", str(speed)),
        )
        self.wait(link.exists, "the meter's serial line")

    def start_chip(self, household: Household, link: Path) -> None:
        """Start a complete chip on the serial line at `link`."""
        command = ("edge", "run", "--dir", str(household.directory), "--source", str(link))
        self._volet("chip", *command)
        self.wait(lambda: _has_vault(household), "the chip to open its vault")

    def start_fleets(self, speed: float) -> None:
        """Start the other chips on the same code, in as many processes as there are cores."""
        others = [str(household.directory) for household in self._town.households[1:]]
        count = min(os.cpu_count() or 1, len(others))
        for number in range(count):
            command = (
                *(sys.executable, "-m", "volet.demo.fleet"),
                *("--begin", self._town.begin.isoformat(), "--end", self._town.end.isoformat()),
                *("--speed", str(speed), *others[number::count]),
            )
            self._start(f"fleet-{number + 1}", command)

    def start_trustee(self, directory: Path) -> None:
        """Start a trustee on its own directory, whose name is the trustee's."""
        self._volet(directory.name, "trustee", "run", "--dir", str(directory))

    def start_release(self) -> None:
        """Start the release worker's service."""
        self._volet(RELEASE, "cloud", "release", "run", "--dir", str(self._town.cloud))

    def start_capture(self, out: Path) -> None:
        """Record to `out` what a worker's certificate may read, until stopped."""
        arguments = ("cloud", "audit", "capture", "--dir", str(self._town.cloud))
        self._volet(CAPTURE, *arguments, "--out", str(out))
        self.wait(out.exists, "the capture to begin")

    def start_neighbours(
        self, directories: Sequence[Path], begin: date, start: date, end: date
    ) -> list[str]:
        """Start homes that play the legal days [start, end); return the processes' names.

        Each process ends when the cloud has everything.
        """
        count = max(os.cpu_count() or 1, -(-len(directories) // NEIGHBOURS_MAX))
        names = []
        for number in range(min(count, len(directories))):
            command = (
                *(sys.executable, "-m", "volet.demo.neighbours", "--begin", str(begin)),
                *("--from", str(start), "--to", str(end)),
                *map(str, directories[number::count]),
            )
            names.append(f"neighbours-{number + 1}")
            self._start(names[-1], command)
        return names

    def finish(self, name: str, *arguments: str, may_refuse: bool = False) -> str:
        """Run a `volet` command in a process of its own, and return its output.

        `may_refuse`: exit code 1 is a result, not an error.

        Raises:
            VoletError: the command ended with an error.
        """
        command = (sys.executable, "-m", "volet.main", *arguments)
        with (self._logs / f"{name}.log").open("ab") as file:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=file,
                check=False,
                text=True,
                env=os.environ | {"COLUMNS": str(COLUMNS), "LC_ALL": ENGLISH},
            )
        if done.returncode and not (may_refuse and done.returncode == 1):
            raise VoletError(
                f"`volet {' '.join(arguments[:3])}` ended with exit code {done.returncode}; "
                f"see {self._logs / name}.log."
            )
        return done.stdout

    def has_ended(self, name: str) -> bool:
        """Return whether a program has ended."""
        return self._running[name].poll() is not None

    def stop(self, name: str, number: signal.Signals = signal.SIGTERM) -> None:
        """End one program by a signal."""
        process = self._running.pop(name)
        process.send_signal(number)
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired as exc:
            process.kill()
            process.wait()
            raise VoletError(
                f"The {name} has not ended for {PATIENCE_S:.0f} s; see {self._logs / name}.log."
            ) from exc

    def wait(
        self,
        condition: Callable[[], bool],
        what: str,
        progress: Callable[[], object] = lambda: None,
        poll_s: float = POLL_S,
    ) -> None:
        """Wait until a condition holds, as long as the value of `progress` changes.

        Raises:
            VoletError: there is no progress any more, or a program ended with an error.
        """

        def pause() -> None:
            self.check()
            time.sleep(poll_s)

        if not wait_until(condition, Patience(PATIENCE_S), progress, pause):
            raise VoletError(
                f"Nothing has moved for {PATIENCE_S:.0f} s while waiting for {what}. With less to "
                "do it may end: `--homes 5`, `--neighbours 0`."
            )

    def check(self) -> None:
        """Check that no program has ended with an error.

        Raises:
            VoletError: a program has; the message names it and its log.
        """
        for name, process in self._running.items():
            if process.poll() not in (None, 0):
                raise VoletError(
                    f"The {name} ended with exit code {process.returncode}; "
                    f"see {self._logs / name}.log."
                )

    def _volet(self, name: str, *arguments: str) -> None:
        self._start(name, (sys.executable, "-m", "volet.main", *arguments))

    def _start(
        self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> None:
        with (self._logs / f"{name}.log").open("ab") as file:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=environment
            )
        self._running[name] = process


def _has_vault(household: Household) -> bool:
    try:
        with read_vault(household.directory):
            return True
    except VoletError:
        return False


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
