"""The programs of the demo, started as on a machine of their own and ended by their id."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

from edge.vault.reader import read_vault
from mosquitto.config import broker_command, broker_environment
from protocol.errors import VoletError
from volet.demo.town import Household, Town

STOP_WITHIN_S = 15.0
START_WITHIN_S = 30.0
POLL_S = 0.05

log = structlog.get_logger()


class Programs:
    """What runs; leaving the context ends it, newest first."""

    def __init__(self, town: Town) -> None:
        """Run the programs of `town`; each logs to its own file below `logs/`."""
        self._town = town
        self._logs = town.directory / "logs"
        self._logs.mkdir(exist_ok=True)
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []

    def __enter__(self) -> Self:
        """Give the programs."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End everything, newest first."""
        for _, process in reversed(self._running):
            process.send_signal(signal.SIGTERM)
        for name, process in reversed(self._running):
            try:
                process.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                log.warning("program_killed", program=name)
                process.kill()
                process.wait()

    def start_broker(self, port: int) -> None:
        """Start mosquitto and wait until it listens."""
        environment = broker_environment(self._town.broker, os.environ)
        self._start("broker", broker_command(self._town.broker), environment)
        self.wait(lambda: _answers(port), "the broker to listen")

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
        # A block usually leaves in a random hour after midnight; the demo has no such hours.
        environment = os.environ | {"VOLET_EDGE_SEND_WINDOW_S": "0"}
        command = ("edge", "run", "--dir", str(household.directory), "--source", str(link))
        self._volet("chip", *command, environment=environment)
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

    def wait(
        self, condition: Callable[[], bool], what: str, within_s: float = START_WITHIN_S
    ) -> None:
        """Wait until a condition holds.

        Raises:
            VoletError: it does not in time, or a program ended with an error.
        """
        deadline_s = time.monotonic() + within_s
        while not condition():
            self.check()
            if time.monotonic() > deadline_s:
                raise VoletError(
                    f"Waited {within_s:.0f} s in vain for {what}; see the logs in {self._logs}."
                )
            time.sleep(POLL_S)

    def check(self) -> None:
        """Check that no program ended with an error.

        Raises:
            VoletError: names the program and its log.
        """
        for name, process in self._running:
            if process.poll() not in (None, 0):
                raise VoletError(
                    f"The {name} ended with exit code {process.returncode}; "
                    f"see {self._logs / name}.log."
                )

    def _volet(
        self, name: str, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> None:
        self._start(name, (sys.executable, "-m", "volet.main", *arguments), environment)

    def _start(
        self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> None:
        with (self._logs / f"{name}.log").open("ab") as file:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=environment
            )
        self._running.append((name, process))


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
