"""A collectivity with broker, worker, API and release worker, a provider, and three trustees.

Each does what it does by its own commands.
"""

import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path

import msgspec

from cloud.billing.pending import pending_statements
from cloud.registry.key_files import load_platform_key, pki_path
from cloud.store.sqlite.store import FILE_NAME, SqliteStore
from protocol.envelope import Address, open_message, seal_message
from protocol.household import WEIGHT_LIMIT, Q, scale
from protocol.ids import DeviceId
from protocol.messages import MonthSums, Statement
from protocol.tariff import FixedLine, RegisterLine, Tariff, price_units
from protocol.topics import Kind
from tests.support.broker import COLLECTIVITY, Broker
from volet.demo.ports import free_ports

VOLET = (sys.executable, "-m", "volet.main")
FIRM = "Ville Énergie"
OFF_PEAK_EUR = Decimal("0.1007")
TRUSTEES = {
    "trustee-consommateurs": "Consommateurs du canton",
    "trustee-maires": "Maires du canton",
    "trustee-avocats": "Barreau du canton",
}


class StoryCity:
    """The collectivity of a broker, in directories of their own below `directory`.

    Attributes:
        fingerprint: of the set of trustees, as its commands print it.
        authority: the authority's fingerprint, as openssl prints it.
    """

    def __init__(self, broker: Broker, directory: Path) -> None:
        self.broker, self.cloud, self.directory = broker, broker.cloud, directory
        self.provider, self.registrar = directory / "provider", directory / "registrar"
        self.offer = directory / "offre.json"
        directory.mkdir(exist_ok=True)
        self.fingerprint = ""
        (self._port,) = free_ports(1)
        self._running = ExitStack()
        self._worker = ExitStack()

    @contextmanager
    def running(self) -> Iterator["StoryCity"]:
        """Set everything up and run it."""
        with self._running, self._worker:
            self._appoint_trustees()
            self.start_worker()
            self._running.enter_context(self._program("release", "cloud", "release", "run"))
            api = ("cloud", "api", "run", "--port", str(self._port))
            self._running.enter_context(self._program("api", *api))
            for name in TRUSTEES:
                run = ("trustee", "run", "--dir", self.directory / name)
                self._running.enter_context(self._program(name, *run, where=()))
            self._confirm_trustees()
            yield self

    @property
    def authority(self) -> str:
        asked = ("openssl", "x509", "-in", pki_path(self.cloud, "ca.pem"), "-noout")
        shown = subprocess.run(
            (*asked, "-fingerprint", "-sha256"), capture_output=True, text=True, check=True
        )
        return shown.stdout.strip().partition("=")[2]

    def start_worker(self) -> None:
        self._worker.enter_context(self._program("worker", "cloud", "run"))

    def stop_worker(self) -> None:
        self._worker.close()

    def open_business(self, since: date) -> None:
        """Draw the provider's key, register it, and publish its offer through the API."""
        self.type("provider", "init", "--dir", self.provider)
        paper = self.directory / "tarif.json"
        paper.write_bytes(msgspec.json.encode(_tariff(since)))
        offer = ("provider", "offer", "--dir", self.provider, "--out", self.offer)
        self.type(*offer, paper)
        key = self.type("provider", "key", "--dir", self.provider).strip()
        self.city("provider", "add", "ville", "--title", FIRM, "--key", key)
        token = self.city("api", "token", "create", "ville", "--days", "90").split()[0]
        secret = self.provider / "api.token"
        secret.touch(0o600)
        secret.write_text(token)
        shutil.copy(pki_path(self.cloud, "ca.pem"), self.provider / "ca.pem")
        self.firm("publish", self.offer)

    def enrol(self, request: Path, answer: Path) -> str:
        """Answer a request that a household has brought; return what the command said."""
        return self.city("enrol", request, "--out", answer)

    def firm(self, *command: str | Path) -> str:
        """Type a command of the provider's, through the API."""
        where = ("--dir", self.provider, "--api", f"https://localhost:{self._port}")
        return self.type("provider", *command, *where)

    def bill(self, start: date, end: date) -> str:
        """Ask for a statement over days [start, end), and wait until the chip has it."""
        return self.firm("bill", "--from", str(start), "--to", str(end))

    def bill_wrongly(self, start: date, end: date, more_kwh: int) -> None:
        """Ask for a statement, and have the collectivity bill so much more than was metered."""
        self.stop_worker()
        self.firm("bill", "--from", str(start), "--to", str(end), "--wait", "0")
        key = load_platform_key(self.cloud)
        store = SqliteStore.open(self.cloud, is_checked=False)
        try:
            (message,) = pending_statements(store, key, COLLECTIVITY).messages
        finally:
            store.close()
        device = DeviceId(message.topic.split("/")[-4])
        address = Address(COLLECTIVITY, device, Kind.STATEMENT)
        statement = open_message(address, message.payload, key.public_key(), Statement)
        wrong = seal_message(address, _with_more(statement, more_kwh), key)
        with closing(sqlite3.connect(self.cloud / FILE_NAME)) as database, database:
            asked = "UPDATE request SET statement = ? WHERE id = ?"
            assert database.execute(asked, (wrong, statement.id)).rowcount == 1
        self.start_worker()

    def receipts(self) -> str:
        """Collect and open what households have said of their bills."""
        self.firm("collect", "--out", self.directory / "receipts")
        where = ("--dir", self.provider, "--cloud", self.cloud)
        return self.type("provider", "receipts", *where)

    def city(self, *command: str | Path) -> str:
        """Type a command of the collectivity's."""
        return self.type("cloud", *command, "--dir", self.cloud)

    def type(self, *command: str | Path) -> str:
        """Type a command of `volet`; return what it printed."""
        done = subprocess.run((*VOLET, *command), capture_output=True, text=True, check=False)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout

    def _appoint_trustees(self) -> None:
        """Have each draw its keys, get a certificate, and sign the set that names it."""
        files = []
        for name, title in TRUSTEES.items():
            home = self.directory / name
            named = ("--collectivity", COLLECTIVITY, "--name", name, "--title", title)
            reached = ("--broker-host", "127.0.0.1", "--broker-port", str(self.broker.port))
            self.type("trustee", "init", "--dir", home, *named, *reached)
            self.city("issue", name, "--request", home / "tls.csr")
            files_of = [pki_path(self.cloud, f"{each}.pem") for each in (name, "ca")]
            self.type("trustee", "install", "--dir", home, files_of[0], "--ca", files_of[1])
            files += ["--trustee", home / "trustee.json"]
        self.city("issue", "worker-release")
        self.broker.configure()
        self.type("cloud", "roster", "init", "--registrar", self.registrar)
        paper = self.directory / "set.json"
        key = ("--registrar-key", self.registrar / "registrar.pub", "--shape", "2-of-3")
        drawn = self.city("documents", "trustees", *files, *key, "--out", paper)
        self.fingerprint = re.search(r"fingerprint (.+)\.$", drawn, re.MULTILINE)[1]
        copies = []
        for name in TRUSTEES:
            copies.append(self.directory / f"set-{name}.json")
            signing = ("--dir", self.directory / name, paper, "--out", copies[-1], "--yes")
            self.type("trustee", "sign", *signing)
        self.city("documents", "add", *copies)

    def _confirm_trustees(self) -> None:
        """Have each trustee compare the fingerprint and confirm it, once the set has come."""
        for name in TRUSTEES:
            home = ("--dir", self.directory / name)
            self.type("trustee", "confirm", *home, self.fingerprint)

    @contextmanager
    def _program(
        self, name: str, *command: str | Path, where: tuple[str | Path, ...] | None = None
    ) -> Iterator[None]:
        place = ("--dir", self.cloud) if where is None else where
        with (self.directory / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                (*VOLET, *command, *place), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


def _tariff(since: date) -> Tariff:
    """Return a tariff that begins with the year before `since`, as a supplier's sheet has it."""
    tenth, fifth = Decimal("0.055"), Decimal("0.20")
    return Tariff(
        provider=FIRM,
        name="Heures creuses 9 kVA",
        calendar="H PLEINE/CREUSE",
        valid_from=date(since.year - 1, 1, 1),
        valid_to=None,
        currency="EUR",
        kva=9,
        fixed=(
            FixedLine("abonnement", Decimal("14.68"), "month", tenth),
            FixedLine("CTA", Decimal("19.4685"), "year", tenth, is_tax=True),
        ),
        energy=(
            RegisterLine("heures creuses", (1,), OFF_PEAK_EUR, fifth),
            RegisterLine("heures pleines", (2,), Decimal("0.1412"), fifth),
            RegisterLine("accise", (1, 2), Decimal("0.03085"), fifth, is_tax=True),
        ),
    )


def _with_more(statement: Statement, kwh: int) -> Statement:
    """Return a statement that bills so much more off-peak energy, and its price."""
    first, *others = statement.lines
    month, *later = first.months
    high, low = divmod(price_units(OFF_PEAK_EUR), WEIGHT_LIMIT)
    more = [kwh * each for each in (1, low, high)]
    sums = (month.quantity, *month.amount)
    quantity, *amount = ((each + scale(add)) % Q for each, add in zip(sums, more, strict=True))
    months = (MonthSums(month.month, quantity, tuple(amount)), *later)
    lines = (msgspec.structs.replace(first, months=months), *others)
    return msgspec.structs.replace(statement, lines=lines)
