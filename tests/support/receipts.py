"""A household, its provider and the cloud, real except for the broker; days pass at once."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.api.local_backend import LocalEvidence
from cloud.billing.pending import pending_statements
from cloud.store import StatementOrder, StoredContract
from edge.bills.receipt_lane import ReceiptOptions
from edge.bills.verifier import read_judgement
from edge.chip.chip import Chip, ChipSettings
from edge.contracts.agreement import Agreement
from edge.contracts.meter import meter_hash
from edge.identity.enrolment import signer_of
from edge.mqtt.message import Arrived, Connected
from edge.mqtt.moments import at_once
from edge.mqtt.outbox import OutboxSettings
from edge.simulate.host import host_time_at
from edge.vault.keyring import Keyring
from edge.vault.vault import Vault
from protocol.calendar import day_number, day_start
from protocol.contract import (
    Acceptance,
    Consent,
    Contract,
    Offer,
    StatementRequest,
    sign_document,
)
from protocol.hpke import SealingKey
from protocol.topics import Kind, parse_device_topic
from provider.receipts import Checked, check_receipt
from tests.support.chip_bench import (
    FRAMES_AT_START,
    METER_SALT,
    PLATFORM_KEY,
    SERIAL,
    Bench,
    make_identity,
)
from tests.support.chip_cloud import RealCloud
from tests.support.tariffs import simple_tariff

FIRST = date(2026, 1, 1)
ONE_DAY = timedelta(days=1)
SEALING_KEY = SealingKey.generate()
PROVIDER_KEY = Ed25519PrivateKey.generate()


def day(number: int) -> date:
    """Return the day `number` of the household's time, from 0."""
    return FIRST + timedelta(days=number)


class Home(Bench):
    """A chip that judges statements and sends receipts, and the cloud's own ingest over a store."""

    moment = staticmethod(at_once)

    def __init__(
        self,
        directory,
        tariffs=None,
        consent: Consent = Consent.TOTAL,
        end: date | None = None,
        contract_serial: str = SERIAL,
        first: date = FIRST,
    ) -> None:
        self.first = first
        directory.mkdir(exist_ok=True)
        (directory / "cloud").mkdir()
        identity = make_identity()
        cloud = RealCloud(identity, PLATFORM_KEY, directory / "cloud", self._now)
        self.token = ""
        tariffs = tariffs or (simple_tariff(),)
        offer = Offer(
            tariffs[0].provider,
            PROVIDER_KEY.public_key().public_bytes_raw(),
            SEALING_KEY.public_bytes,
            tariffs[0].name,
            tariffs,
        )
        signed_offer = sign_document(offer, PROVIDER_KEY)
        household = identity.household
        contract = Contract(
            signed_offer.hash,
            household.id,
            household.sealing.public_bytes,
            meter_hash(METER_SALT, contract_serial),
            first,
            end,
            consent,
            follows=False,
        )
        signed = sign_document(contract, identity.signing_key)
        self.agreement = Agreement(signed.hash, contract, offer)
        self.contract = StoredContract(
            signed.hash,
            household.id,
            offer.provider,
            offer.provider_key,
            signed_offer,
            signed,
            sign_document(Acceptance(signed.hash), PROVIDER_KEY),
        )
        super().__init__(directory / "chip", cloud, identity, day_start(first))
        cloud.store.put_contract(self.contract)
        cloud.store.accept(signed.hash, sign_document(Acceptance(signed.hash), PROVIDER_KEY))

    def _now(self) -> datetime:
        return self.clock.at if hasattr(self, "clock") else day_start(self.first)

    def start(self) -> None:
        """Start a process that judges statements, with the keys of each year in its directory."""
        keyring = Keyring.read(self.identity.household, self.directory / "keys")
        self.identity = replace(self.identity, keyring=keyring)
        self.vault = Vault.open(self.directory, signer_of(self.identity))
        settings = ChipSettings(
            outbox=OutboxSettings(backlog_per_s=1_000.0, backlog_window=64),
            receipts=ReceiptOptions(lambda: self.token, self.moment),
            agreements={self.agreement.contract_hash: self.agreement},
        )
        self.chip = Chip(self.identity, self.vault, self.clock, settings)
        for second in range(FRAMES_AT_START):
            at = self.clock.at + timedelta(seconds=second)
            self.chip.observe(self.meter.frame(at), host_time_at(at))
        if self.is_online:
            self.chip.take(Connected())

    def live(self, days: int) -> None:
        """Let days pass with a frame at each midnight."""
        for _ in range(days):
            self.clock.at += ONE_DAY
            self.clock.seconds += 86_400
            self.chip.observe(self.meter.frame(self.clock.at), self.clock.host_time())
            self.pump()

    def ask(self, start: int, end: int, statement: bytes, **changes) -> bytes:
        """Store the provider's request over days [start, end), and deliver the statement."""
        fields = {
            "id": statement,
            "contract": self.contract.hash,
            "offer": self.contract.offer.hash,
            "start": day_number(self.first) + start,
            "end": day_number(self.first) + end,
        }
        request = StatementRequest(**(fields | changes))
        signed = msgspec.msgpack.encode(sign_document(request, PROVIDER_KEY))
        order = StatementOrder(statement, self.contract.hash, self.identity.household_key, signed)
        store = self.cloud.store
        store.put_request(order, self.clock.at)
        page = pending_statements(store, PLATFORM_KEY, self.identity.collectivity)
        for message in page.messages:
            self.chip.take(Arrived(message.topic, message.payload))
        self.wait()
        return statement

    def wait(self, rounds: int = 6) -> None:
        """Let the receipt lane run a few times."""
        for _ in range(rounds):
            self.clock.seconds += 5
            self.pump()

    def verdicts(self) -> list[str]:
        """Return the chip's verdicts, oldest first."""
        judgements = [read_judgement(row) for row in self.vault.statements()]
        return [judgement.verdict for judgement in judgements if judgement is not None]

    def receipts(self):
        """Return the receipts that the provider has received."""
        return self.cloud.store.receipts.of_contract(self.contract.hash)

    def check(
        self, kept, contract=None, sealing_key=SEALING_KEY, collectivity: str | None = None
    ) -> Checked:
        """Check a receipt as the provider."""
        return check_receipt(*self.to_check(kept, contract, sealing_key, collectivity))

    def to_check(self, kept, contract=None, sealing_key=SEALING_KEY, collectivity=None) -> tuple:
        """Return the arguments of `check_receipt` for the provider."""
        key = PROVIDER_KEY.public_key()
        evidence = LocalEvidence(
            self.cloud.store, key.public_bytes_raw(), collectivity or self.identity.collectivity
        )
        return evidence, kept, contract or self.contract, key, sealing_key

    def count(self, kind: Kind) -> int:
        """Count the chip's published messages of a kind."""
        return sum(parse_device_topic(message.topic).kind is kind for message in self.sent)
