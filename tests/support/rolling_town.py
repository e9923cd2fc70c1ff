"""A running town of real programs, for certificates and keys that end: broker, worker, API, chips."""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from cloud.registry.authority import issue_client
from cloud.registry.key_files import load_authority
from cloud.store.sqlite.store import SqliteStore
from edge.identity.enrolment import Identity, load_identity
from edge.identity.keys import load_keys
from edge.simulate.home import HomeSettings, SimulatedHome, build_home
from edge.simulate.household import synthetic_curve
from edge.simulate.tariff import MeterOption
from edge.tic.frame import Mode
from edge.vault.reader import read_vault
from protocol.calendar import QUARTER_HOUR, day_start
from tests.support.broker import Broker, enrol_chip, wait_until
from tests.support.chip_process import ChipProcess

MONTH = date(2026, 1, 1)
DAYS = 20
CONFIG = """\
rhythm = "quarter_hourly"
send_window_s = 0
metering.is_simulated = true
[sending]
backlog_per_s = 50
ack_timeout_s = 2
whole_pause_s = 0.5
"""


class RollingChip:
    """A chip as a process, its meter, and what of it the cloud must have."""

    def __init__(self, broker: Broker, directory: Path, seed: int = 3) -> None:
        self.broker = broker
        self.directory = directory
        enrol_chip(broker.cloud, directory)
        (directory / "edge.toml").write_text(CONFIG)
        curve = synthetic_curve(seed, MONTH - timedelta(days=1), MONTH + timedelta(days=DAYS))
        self.home: SimulatedHome = build_home(
            curve, HomeSettings(mode=Mode.STANDARD, option=MeterOption.HPHC, seed=seed)
        )
        self.at = day_start(MONTH) - 8 * QUARTER_HOUR
        self.process: ChipProcess | None = None
        self._open = ExitStack()

    def start(self, environment: Mapping[str, str] | None = None) -> None:
        """Start the program, and wait until it is ready."""
        process = ChipProcess(self.directory, environment=environment)
        self.process = self._open.enter_context(process)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End the program."""
        if self.process is not None:
            self.process.end(number)
            self._open.close()
            self._open = ExitStack()
            self.process = None

    def meter(self, quarter_hours: int = 4) -> None:
        """Send the frames of some quarter-hours, and wait until the chip has metered them."""
        assert self.process is not None
        for _ in range(quarter_hours):
            self.process.feed(self.home.frame_at(self.at))
            self.at += QUARTER_HOUR
        self.process.feed(self.home.frame_at(self.at))

    @property
    def identity(self) -> Identity:
        """Its identity as its files say now."""
        return load_identity(self.directory)

    @property
    def log(self) -> str:
        """What it has logged."""
        return self.directory.with_name(f"{self.directory.name}.log").read_text("utf-8")

    def certificate(self) -> x509.Certificate:
        """Return the certificate in use."""
        return x509.load_pem_x509_certificate((self.directory / "device.pem").read_bytes())

    def age(self, *, begun: timedelta, lasts: timedelta) -> x509.Certificate:
        """Give it a certificate that began a time ago, and return it."""
        authority = load_authority(self.broker.cloud)
        key = load_keys(self.directory).tls_key.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        device = self.identity.device
        certificate = issue_client(authority, device, key, datetime.now(UTC) - begun, lasts)
        (self.directory / "device.pem").write_bytes(authority.chained(certificate))
        return certificate

    def figures(self) -> tuple[int, int, int]:
        """Return quarter-hours metered, waiting for encryption, and messages not acknowledged."""
        with contextlib.suppress(Exception), read_vault(self.directory) as vault:
            figures = vault.figures()
            return figures.intervals, figures.intervals_to_encrypt, figures.outbox_depth
        return 0, 0, 1

    def wait_until_stored(self, more_than: int = 0) -> int:
        """Wait until all that it has metered is stored; return how many quarter-hours that is."""

        def is_stored() -> bool:
            metered, waiting, unsent = self.figures()
            return metered > more_than and not waiting and not unsent

        wait_until(is_stored, f"the cloud to have all\n{self.log[-3000:]}", self.figures)
        return self.figures()[0]

    def made(self) -> set[tuple[bytes, int]]:
        """Return incarnation and sequence of each block that it has made."""
        with read_vault(self.directory) as vault:
            blocks = vault.blocks_between(date(1970, 1, 1), date(2100, 1, 1))
        return {(bytes(block.incarnation), block.sequence) for block in blocks}

    def stored(self) -> set[tuple[bytes, int]]:
        """Return incarnation and sequence of each of its blocks that the cloud has."""
        store = SqliteStore.open(self.broker.cloud, is_checked=False)
        try:
            key = self.identity.household_key
            blocks = store.blocks_of_days(key, date(1970, 1, 1), date(2100, 1, 1))
        finally:
            store.close()
        return {(bytes(block.incarnation), block.sequence) for block in blocks}


@contextmanager
def program(log: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a `volet` command until the end of the block."""
    with log.open("ab") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "volet.main", *arguments],
            stdout=file,
            stderr=file,
            stdin=subprocess.DEVNULL,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        finally:
            process.kill()
            process.wait()


@contextmanager
def worker(broker: Broker) -> Iterator[subprocess.Popen[bytes]]:
    """Run the worker."""
    log = broker.cloud.with_name("worker.log")
    before = _connections(log)
    with program(log, "cloud", "run", "--dir", str(broker.cloud)) as process:
        wait_until(lambda: _connections(log) > before, "the worker's session")
        yield process


def _connections(log: Path) -> int:
    return log.read_text().count('"broker_connected"') if log.exists() else 0


@contextmanager
def api(broker: Broker) -> Iterator[subprocess.Popen[bytes]]:
    """Run the API, at the port of `cloud.toml`."""
    log = broker.cloud.with_name("api.log")
    arguments = ("cloud", "api", "run", "--dir", str(broker.cloud))
    with program(log, *arguments) as process:
        wait_until(lambda: "api_started" in log.read_text(), "the API")
        yield process
