"""Broker and worker as deployed, on loopback, in separate processes."""

import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from benchmarks.load import LoadChip
from cloud.config import CloudConfig
from cloud.registry.broker import current_user, write_broker
from cloud.registry.key_files import exclusive, load_platform_key, pki_path
from cloud.registry.pki import initialise, issue_device, issue_role
from cloud.store.sqlite.store import SqliteStore
from mosquitto.config import broker_command, broker_environment
from protocol.ids import DeviceId
from system import patience
from system.files import write_public, write_secret
from system.patience import Patience
from system.process_status import status_field
from system.tls import client_context
from volet.demo.ports import free_ports

HOST = "127.0.0.1"
PATIENCE_S = 300.0
NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Process:
    """The figures of a child process, from /proc."""

    popen: subprocess.Popen[bytes]

    @property
    def cpu_s(self) -> float:
        """The CPU seconds of its threads, without those that have ended."""
        tasks = Path(f"/proc/{self.popen.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text("ascii").split()[0]) for task in tasks) / NS_PER_S

    @property
    def resident_mb(self) -> float:
        """The resident memory in MB, shared libraries included."""
        return self._status_mb("VmRSS")

    @property
    def peak_mb(self) -> float:
        """The peak resident memory in MB; 0 once it has ended."""
        return self._status_mb("VmHWM")

    def _status_mb(self, field: str) -> float:
        return int(status_field(field, self.popen.pid) or 0) / 1024


@dataclass(frozen=True, slots=True)
class Stack:
    """The running processes, and how to reach them."""

    cloud: Path
    port: int
    broker: Process
    worker: Process
    contexts: Sequence[ssl.SSLContext]
    platform_key: Ed25519PublicKey


@contextmanager
def running(
    directory: Path,
    collectivity: str,
    chips: Sequence[LoadChip] = (),
    roles: Sequence[str] = (),
) -> Iterator[Stack]:
    """Set up a collectivity in `directory`, enrol `chips`, and run broker and worker.

    `roles` get certificates beside the worker and the monitor.
    """
    port, operator_port = free_ports(2)
    cloud, now = directory / "cloud", datetime.now(UTC)
    config = CloudConfig(
        collectivity=collectivity,
        broker_host=HOST,
        broker_port=port,
        broker_bind=HOST,
        operator_port=operator_port,
    )
    initialise(cloud, config, now)
    for role in roles:
        issue_role(cloud, role, now)
    contexts = _enrol(cloud, directory, chips, now)
    write_broker(cloud, directory / "broker", current_user())
    with (directory / "log").open("wb") as log:
        command = broker_command(directory / "broker")
        environment = broker_environment(directory / "broker", os.environ)
        broker = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            wait_until(lambda: _answers(port), "the broker listens", directory / "log")
            worker = subprocess.Popen(
                volet("cloud", "run", "--dir", str(cloud)), stdout=log, stderr=log
            )
            try:
                wait_until(
                    lambda: b"broker_connected" in (directory / "log").read_bytes(),
                    "the worker is connected",
                    directory / "log",
                )
                platform_key = load_platform_key(cloud).public_key()
                yield Stack(cloud, port, Process(broker), Process(worker), contexts, platform_key)
            finally:
                end(worker)
        finally:
            end(broker)


def need_mosquitto() -> None:
    """Check that mosquitto is installed.

    Raises:
        click.ClickException: it is not; the error names the remedy.
    """
    if (
        shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
        is None
    ):
        raise click.ClickException("mosquitto is missing; `./run setup` installs it.")


def _enrol(
    cloud: Path, directory: Path, chips: Sequence[LoadChip], now: datetime
) -> list[ssl.SSLContext]:
    """Enrol chips and return their TLS contexts."""
    store = SqliteStore.open(cloud)
    contexts = []
    for chip in chips:
        key = ec.generate_private_key(ec.SECP256R1())
        with exclusive(cloud):
            certificate = issue_device(cloud, chip.device, key.public_key(), now)
        store.enrol(chip.enrolment)
        key_path, certificate_path = identity_files(directory, chip.device)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_secret(key_path, pem)
        write_public(certificate_path, certificate)
        contexts.append(client_context(pki_path(cloud, "ca.pem"), certificate_path, key_path))
    store.close()
    return contexts


def identity_files(directory: Path, device: DeviceId) -> tuple[Path, Path]:
    """Return where the key and the certificate of an enrolled chip are."""
    return directory / f"{device}.key", directory / f"{device}.pem"


def volet(*arguments: str) -> list[str]:
    """Return the command that runs `volet` in this environment."""
    return [sys.executable, "-m", "volet.main", *arguments]


def wait_until(condition: Callable[[], bool], what: str, log: Path) -> None:
    """Wait until `condition` holds.

    Raises:
        TimeoutError: it does not; the error names `what` was awaited and shows the log.
    """
    if not patience.wait_until(condition, Patience(PATIENCE_S)):
        raise TimeoutError(f"not so after {PATIENCE_S:.0f} s: {what}\n{log.read_text('utf-8')}")


def _answers(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True


def end(process: subprocess.Popen[bytes]) -> None:
    """End a child process gracefully, or by force."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
