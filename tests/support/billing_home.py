"""A household with a contract, driven through weeks in one process; the program can take it over.

Keys, enrolment and contract are files as the commands write them. The meter sends TIC, so the same
wire can continue into a separate process.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.billing.pending import pending_statements
from cloud.store import StatementOrder
from edge.chip.agent import chip_settings
from edge.chip.chip import Chip
from edge.chip.config import load_config
from edge.contracts.agreement import load_agreement
from edge.contracts.signed import read_agreement
from edge.identity.enrolment import load_identity, signer_of
from edge.moving.departure import leave_order
from edge.mqtt.message import Arrived, Connected
from edge.simulate.home import HomeSettings, SimulatedHome, build_home
from edge.simulate.host import host_time_at
from edge.simulate.household import synthetic_curve
from edge.simulate.tariff import MeterOption
from edge.status.reporter import status_options
from edge.vault.vault import Vault
from protocol.calendar import QUARTER_HOUR, day_number, day_start, legal_day
from protocol.contract import Acceptance, Consent, Offer, Signed, StatementRequest, sign_document
from protocol.envelope import Address, seal_message
from protocol.hpke import SealingKey
from protocol.topics import Kind, device_topic
from system.set_aside import FILE_NAME as SET_ASIDE
from system.set_aside import SetAside
from tests.support.broker import COLLECTIVITY
from tests.support.chip_bench import FRAMES_AT_START, SERIAL, BenchClock
from tests.support.moving_town import QUICK, Home, TownCloud
from tests.support.tariffs import simple_tariff

FIRST = date(2026, 3, 1)
ONE_DAY = timedelta(days=1)
DAYS_MAX = 90
SEED = 3
CONFIG = "send_window_s = 0\n"
SEALING_KEY = SealingKey.generate()
PROVIDER_KEY = Ed25519PrivateKey.generate()


def signed_offer(**changes) -> Signed:
    """Sign the offer to which every household here has agreed; `changes` are of its tariff."""
    tariff = simple_tariff(**changes)
    key = PROVIDER_KEY.public_key().public_bytes_raw()
    offer = Offer(tariff.provider, key, SEALING_KEY.public_bytes, tariff.name, (tariff,))
    return sign_document(offer, PROVIDER_KEY)


def wire_from(first: date) -> SimulatedHome:
    """Return the meter of a billing home that begins on that day."""
    return build_home(
        synthetic_curve(SEED, first, first + timedelta(days=DAYS_MAX)),
        HomeSettings(option=MeterOption.HPHC, seed=SEED, serial=SERIAL),
    )


class BillingHome(Home):
    """A chip that judges statements and sends receipts under the contract in its directory."""

    def __init__(
        self,
        directory: Path,
        consent: Consent = Consent.TOTAL,
        first: date = FIRST,
        offer: Signed | None = None,
    ) -> None:
        directory.mkdir()
        self.first = first
        start = day_start(first)
        town = TownCloud(directory / "cloud", BenchClock(start))
        self.wire = wire_from(first)
        super().__init__(directory / "chip", town, start, SERIAL)
        (self.directory / "edge.toml").write_text(CONFIG)
        self.offer = offer or signed_offer()
        self.enrol(self.offer, consent=consent)
        self.agreement = load_agreement(self.directory)
        self.contract = read_agreement(self.directory).contract
        self.has_meter = True
        contract = self.agreement.contract_hash
        town.store.accept(contract, sign_document(Acceptance(contract), PROVIDER_KEY))

    def start(self) -> None:
        """Start as the chip's program does."""
        self.identity = load_identity(self.directory)
        self.vault = Vault.open(self.directory, signer_of(self.identity))
        agreement = load_agreement(self.directory)
        config = msgspec.structs.replace(load_config(self.directory), sending=QUICK)
        settings = chip_settings(self.directory, config, agreement)
        status = status_options(self.directory, self.identity, self.clock, config.source)
        set_aside = SetAside(self.directory / SET_ASIDE, self.clock.now)
        settings = replace(settings, status=status, set_aside=set_aside)
        self.chip = Chip(self.identity, self.vault, self.clock, settings)
        self.frames(FRAMES_AT_START)
        if self.is_online:
            self.chip.take(Connected())

    def frames(self, count: int) -> None:
        """Feed the meter's frames, a second apart; none while `has_meter` is False."""
        for second in range(count if self.has_meter else 0):
            at = self.clock.at + timedelta(seconds=second)
            self.chip.feed(self.wire.frame_at(at), host_time_at(at))

    def tick(self) -> None:
        """Let a quarter-hour pass and the meter send a frame."""
        self.clock.at += QUARTER_HOUR
        self.clock.seconds += 900
        self.frames(1)

    def move_out(self) -> None:
        """Write the order to leave and let half an hour pass."""
        leave_order(self.directory, self.clock.now())
        self.run(2)

    def live(self, days: int) -> None:
        """Let days pass with two frames at each midnight; the second confirms the first."""
        for _ in range(days):
            self.clock.at = day_start(legal_day(self.clock.at) + ONE_DAY)
            self.clock.seconds += 86_400
            self.frames(2)
            self.pump()

    def days_lived(self) -> int:
        """Return the number of closed days."""
        return (self.vault.figures().last_day_closed - self.first).days + 1

    def day_before(self) -> date:
        """Return the previous legal day."""
        return legal_day(self.clock.at) - ONE_DAY

    def ask(self, start: int, end: int, statement: bytes, **changes) -> None:
        """Request a statement over days [start, end) as the provider, and deliver it."""
        self.deliver(self.compute(start, end, statement, **changes))

    def compute(self, start: int, end: int, statement: bytes, **changes) -> list[Arrived]:
        """Store the provider's request over days [start, end) and return the resulting messages."""
        request = StatementRequest(
            id=statement,
            contract=self.agreement.contract_hash,
            offer=self.offer.hash,
            start=day_number(self.first) + start,
            end=day_number(self.first) + end,
            **changes,
        )
        signed = msgspec.msgpack.encode(sign_document(request, PROVIDER_KEY))
        order = StatementOrder(statement, request.contract, self.identity.household_key, signed)
        self.cloud.store.put_request(order, self.clock.at)
        page = pending_statements(self.cloud.store, self.cloud.key, COLLECTIVITY)
        return [Arrived(message.topic, message.payload) for message in page.messages]

    def deliver(self, messages: Iterable[Arrived]) -> None:
        """Deliver messages to the chip and let it act on them."""
        for message in messages:
            self.chip.take(message)
        self.wait()

    def send_to_chip(self, kind: Kind, body: msgspec.Struct, rest: str = "") -> None:
        """Sign a message as the collectivity and deliver it to the chip."""
        address = Address(COLLECTIVITY, self.identity.device, kind)
        topic = device_topic(COLLECTIVITY, self.identity.device, kind, rest)
        self.deliver([Arrived(topic, seal_message(address, body, self.cloud.key))])

    def wait(self, looks: int = 6) -> None:
        """Let the chip run its handlers a few times."""
        for _ in range(looks):
            self.clock.seconds += 5
            self.pump()


def day(number: int) -> date:
    """Return the day `number` of the household's time, from 0."""
    return FIRST + timedelta(days=number)
