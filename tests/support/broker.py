"""A real mosquitto on loopback, set up by the product's own code, and identities for it."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import chain, repeat
from pathlib import Path

import msgspec
import pytest

from cloud.config import CloudConfig, load_config
from cloud.registry.broker import current_user, save_broker, write_broker
from cloud.registry.enrolment import enrol
from cloud.registry.pki import initialise
from cloud.store.sqlite.store import SqliteStore
from edge.contracts.enrolling import draw_keys, install, make_request, sign_contract, write_request
from edge.identity.enrolment import Identity, load_identity
from edge.identity.keys import load_keys
from edge.stage import REQUEST
from mosquitto.config import PID, broker_command, broker_environment
from protocol.contract import Signed
from system import patience
from system.patience import POLL_S, Patience
from volet.demo.ports import free_ports

COLLECTIVITY = "testville"
# Without progress; enough even for a machine with ten times its capacity to do.
WITHIN_S = 60.0
SHORT_PAUSES_S = tuple(0.002 * 1.5**n for n in range(8))


def wait_until(
    condition: Callable[[], bool], what: str, progress: Callable[[], object] = lambda: None
) -> None:
    """Wait until `condition` holds; if it does not, fail the test and name `what` was awaited.

    `progress` returns a value that changes as long as waiting makes sense. A condition that starts
    programs pauses for as long as it takes, so that what it waits for gets a core.
    """
    pauses = chain(SHORT_PAUSES_S, repeat(POLL_S))
    took_s = 0.0

    def holds() -> bool:
        nonlocal took_s
        begun = time.monotonic()
        try:
            return condition()
        finally:
            took_s = time.monotonic() - begun

    if not patience.wait_until(
        holds, Patience(WITHIN_S), progress, lambda: time.sleep(max(next(pauses), took_s))
    ):
        pytest.fail(f"nothing has moved for {WITHIN_S} s: {what}")


def skip_without_mosquitto() -> None:
    """Skip the test, with the reason, if mosquitto is not installed."""
    if shutil.which("mosquitto", path=broker_environment(Path(), os.environ)["PATH"]) is None:
        pytest.skip("mosquitto is not installed; `./run setup` installs it")


def make_cloud(directory: Path, collectivity: str = COLLECTIVITY, **limits: int) -> CloudConfig:
    """Make a collectivity whose broker listens on free ports of 127.0.0.1, within `limits`."""
    port, operator_port = free_ports(2)
    config = CloudConfig(
        collectivity=collectivity,
        broker_host="127.0.0.1",
        broker_port=port,
        broker_bind="127.0.0.1",
        broker_names=("localhost",),
        operator_port=operator_port,
        **limits,
    )
    initialise(directory, config, datetime.now(UTC))
    SqliteStore.open(directory).close()
    return config


@dataclass(frozen=True)
class Took:
    """A contract to sign at enrolment."""

    offer: Signed
    meter_serial: str
    start: date


def enrol_chip(cloud: Path, chip: Path, took: Took | None = None) -> Identity:
    """Draw a chip's keys in `chip`, enrol it with the collectivity in `cloud`, load its identity."""
    draw_keys(chip)
    keys = load_keys(chip)
    offer = took.offer if took else None
    contract = sign_contract(keys, took.offer, took.meter_serial, took.start) if took else None
    request = make_request(keys, offer, contract)
    write_request(chip, chip / REQUEST, request)
    store = SqliteStore.open(cloud, is_checked=False)
    try:
        enrolled = enrol(cloud, store, request, datetime.now(UTC))
    finally:
        store.close()
    answer = chip / "answer.json"
    answer.write_bytes(msgspec.json.encode(enrolled.answer))
    install(chip, answer)
    return load_identity(chip)


class Broker:
    """mosquitto on the directory of a collectivity, to start, stop, kill and restart.

    Attributes:
        cloud: the collectivity's directory.
        directory: the broker's own directory.
    """

    def __init__(self, cloud: Path) -> None:
        self.cloud = cloud
        self.directory = cloud / "broker"
        self.config = load_config(cloud)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        """The port of the TLS listener."""
        return self.config.broker_port

    @property
    def log(self) -> str:
        """The broker's log since its first start."""
        path = self.directory / "log"
        return path.read_text("utf-8") if path.exists() else ""

    def configure(self) -> None:
        """Write the broker's directory as the product does, and start a running broker again."""
        write_broker(self.cloud, self.directory, current_user())
        if self._process is not None:
            self.restart()

    def start(self) -> None:
        """Start, and wait until both listeners answer."""
        if not self.directory.exists():
            self.configure()
        (self.directory / PID).unlink(missing_ok=True)
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                broker_command(self.directory),
                env=broker_environment(self.directory, os.environ),
                stdout=log,
                stderr=log,
            )
        wait_until(self._is_up, f"mosquitto to listen; its log:\n{self.log}")

    def stop(self) -> None:
        """End cleanly: the broker saves its data."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End without warning: unsaved data is lost."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop and start."""
        self.stop()
        self.start()

    def save(self) -> None:
        """Make the broker save its data, and wait until it has."""
        save_broker(self.directory)

    def _end(self, number: signal.Signals) -> None:
        if (process := self._process) is None:
            return
        self._process = None
        if process.poll() is not None:
            pytest.fail(f"mosquitto has died ({process.returncode}):\n{self.log}")

        def has_ended() -> bool:
            process.send_signal(number)  # a mosquitto that has just begun to listen forgets it
            return process.poll() is not None

        wait_until(has_ended, f"mosquitto to end; its log:\n{self.log}")

    def _is_up(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            pytest.fail(f"mosquitto ended by itself:\n{self.log}")
        return (self.directory / PID).exists() and all(
            _answers(port) for port in (self.port, self.config.operator_port)
        )


@contextmanager
def running_broker(cloud: Path) -> Iterator[Broker]:
    """Run a broker for the collectivity in `cloud`, which is created if it is missing.

    Skips the test, with the reason, if mosquitto is not installed.
    """
    skip_without_mosquitto()
    if not (cloud / "cloud.toml").exists():
        make_cloud(cloud)
    broker = Broker(cloud)
    broker.start()
    try:
        yield broker
    finally:
        broker.kill()


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
