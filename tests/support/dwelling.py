"""A household under contract whose meter can be replaced, with a chip, a cloud and a provider."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.billing.pending import pending_statements
from edge.bills.verifier import read_judgement
from edge.chip.agent import chip_settings
from edge.chip.chip import Chip
from edge.chip.config import EdgeConfig
from edge.contracts.agreement import load_agreement
from edge.contracts.enrolling import install, make_request, sign_contract, write_request
from edge.contracts.requests import latest_made_at
from edge.contracts.serial import meter_for
from edge.identity.enrolment import load_identity, signer_of
from edge.identity.keys import load_keys
from edge.language.choice import Lang
from edge.mqtt.message import Arrived, Connected
from edge.vault.vault import Vault
from protocol.contract import Offer, Signed, sign_document
from protocol.hpke import SealingKey
from protocol.tariff import Tariff
from tests.support.broker import COLLECTIVITY
from tests.support.chip_bench import BenchClock, BenchMeter
from tests.support.moving_town import QUICK, Home, TownCloud
from tests.support.provider_side import accept, own_contracts, request_statement
from tests.support.tariffs import simple_tariff

FIRST = date(2026, 1, 1)
MIDNIGHT = datetime(2025, 12, 31, 23, tzinfo=UTC)
OLD, NEW = "041961234567", "041961234568"
ONE_DAY = timedelta(days=1)
HALF_A_DAY = ONE_DAY / 2
HALF_AN_HOUR = ONE_DAY / 48
PROVIDER = Ed25519PrivateKey.generate()
CONFIG = EdgeConfig(source="-", send_window_s=0, sending=QUICK)


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


class Dwelling(Home):
    """A chip with its program's own settings, a provider, and a meter that can be replaced."""

    def start(self) -> None:
        self.vault = Vault.open(self.directory, signer_of(self.identity))
        agreement = load_agreement(self.directory)
        settings = chip_settings(self.directory, CONFIG, agreement)
        self.chip = Chip(self.identity, self.vault, self.clock, settings)
        self.frames(3)
        self.chip.take(Connected())

    def pass_time(self, elapsed: timedelta) -> None:
        """Let time pass; a meter that is set aside is read throughout."""
        is_set_aside = self.chip._meter is not None and self.chip._meter.state.other is not None
        while elapsed:
            step = min(HALF_AN_HOUR, elapsed) if is_set_aside else elapsed
            elapsed -= step
            self.clock.at += step
            self.clock.seconds += step.total_seconds()
            self.frames(1)
        self.pump()

    def live(self, days: int) -> None:
        for _ in range(days):
            self.pass_time(ONE_DAY)

    def replace_meter(self) -> None:
        """Install another meter at noon."""
        self.pass_time(HALF_A_DAY)
        self.meter = BenchMeter(self.clock.at, 7, NEW)
        self.frames(3)
        self.pass_time(HALF_A_DAY)

    def sign(self, offer, start: date) -> None:
        """Sign a contract for the offer and the meter that the chip reads, and enrol it."""
        self.hand_in(self.request(offer, start))

    def request(self, offer, start: date) -> Signed:
        """Make an enrolment request with the offer, for the meter that the chip reads."""
        meter = meter_for(self.directory, CONFIG.source, CONFIG.speeds, None, Lang.EN)
        keys = load_keys(self.directory)
        contract = sign_contract(keys, offer, meter.serial, start)
        request = make_request(keys, offer, contract, after=latest_made_at(self.directory))
        write_request(self.directory, self.directory / "request.json", request)
        return request

    def hand_in(self, request: Signed) -> None:
        """Enrol a request with the collectivity, and install the answer."""
        answer = self.directory / "answer.json"
        answer.write_bytes(self.cloud.enrol(request))
        install(self.directory, answer)
        self.identity = load_identity(self.directory)

    def exchange(self) -> None:
        """Exchange messages between chip and cloud for a minute."""
        for _ in range(12):
            self.clock.seconds += 5
            self.pump()

    def bill(self, contract: bytes, start: date, end: date):
        """Request a statement as the provider, and return the chip's judgement."""
        store = self.cloud.store
        statement = request_statement(store, PROVIDER, contract, start, end)
        for message in pending_statements(store, self.cloud.key, COLLECTIVITY).messages:
            self.chip.take(Arrived(message.topic, message.payload))
        self.exchange()
        (row,) = [row for row in self.vault.statements() if row.id == statement]
        return read_judgement(row)


@contextmanager
def enrolled(directory: Path, offer: Signed) -> Iterator[Dwelling]:
    """Yield a home with its own cloud, under contract from its first day on, not yet started."""
    directory.mkdir(exist_ok=True)
    cloud = TownCloud(directory / "cloud", BenchClock(MIDNIGHT))
    home = Dwelling(directory / "chip", cloud, MIDNIGHT, OLD)
    home.enrol(offer)
    try:
        yield home
    finally:
        home.kill()
        cloud.store.close()


def accept_all(home) -> list[bytes]:
    contracts = [contract.hash for contract in own_contracts(home.cloud.store, PROVIDER)]
    for contract in contracts:
        accept(home.cloud.store, PROVIDER, contract)
    return contracts


def make_offer() -> Signed:
    """Return a signed offer of the provider."""
    return offer_of(simple_tariff())


def offer_of(tariff: Tariff) -> Signed:
    """Return a signed offer of a tariff of the provider's."""
    public, sealing = PROVIDER.public_key().public_bytes_raw(), SealingKey.generate().public_bytes
    return sign_document(Offer(tariff.provider, public, sealing, "p", (tariff,)), PROVIDER)
