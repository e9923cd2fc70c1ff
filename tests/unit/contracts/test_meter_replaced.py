"""The grid operator replaces a meter: the one documented way to go on, from line to receipts."""

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud import provider
from cloud.batches import pending_statements
from edge.agent import chip_settings
from edge.agent_cli import load_agreement
from edge.bills.desk import read_judgement
from edge.bills.judgement import Finding, Verdict
from edge.chip import Chip, signer_of
from edge.config import EdgeConfig
from edge.contracts.serial import serial_for
from edge.enrolling import install, make_request, sign_contract, write_request
from edge.identity import load_identity, load_keys
from edge.language import Lang
from edge.message import Arrived, Connected
from edge.moving.contracts import read_former
from edge.vault.vault import Vault
from protocol.contract import Offer, sign_document
from protocol.errors import DocumentRefused
from protocol.hpke import SealingKey
from tests.support.broker import COLLECTIVITY
from tests.support.chip_bench import BenchClock, BenchMeter
from tests.support.moving_town import QUICK, Home, TownCloud
from tests.support.tariffs import simple_tariff

FIRST = date(2026, 1, 1)
MIDNIGHT = datetime(2025, 12, 31, 23, tzinfo=UTC)
OLD, NEW = "041961234567", "041961234568"
REPLACED = 30
ONE_DAY = timedelta(days=1)
HALF_A_DAY = ONE_DAY / 2
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
        self.clock.at += elapsed
        self.clock.seconds += elapsed.total_seconds()
        self.frames(1)
        self.pump()

    def live(self, days: int) -> None:
        for _ in range(days):
            self.pass_time(ONE_DAY)

    def replace_meter(self) -> None:
        """Put another meter in at noon."""
        self.pass_time(HALF_A_DAY)
        self.meter = BenchMeter(self.clock.at, 7, NEW)
        self.frames(3)
        self.pass_time(HALF_A_DAY)

    def sign(self, offer, start: date) -> None:
        """Take the offer for the meter that the chip reads, and have it enrolled."""
        serial = serial_for(self.directory, CONFIG, None, Lang.EN)
        keys = load_keys(self.directory)
        request = make_request(keys, offer, sign_contract(keys, offer, serial, start))
        write_request(self.directory, self.directory / "request.json", request)
        answer = self.directory / "answer.json"
        answer.write_bytes(self.cloud.enrol(request))
        install(self.directory, answer)
        self.identity = load_identity(self.directory)

    def bill(self, contract: bytes, start: date, end: date):
        """Ask for a statement as the provider does; returns what the chip finds."""
        store = self.cloud.store
        statement = provider.request_statement(store, PROVIDER, contract, start, end)
        for message in pending_statements(store, self.cloud.key, COLLECTIVITY).messages:
            self.chip.take(Arrived(message.topic, message.payload))
        for _ in range(6):
            self.clock.seconds += 5
            self.pump()
        (row,) = [row for row in self.vault.statements() if row.id == statement]
        return read_judgement(row)


@pytest.fixture(scope="module")
def offer():
    tariff = simple_tariff()
    public, sealing = PROVIDER.public_key().public_bytes_raw(), SealingKey.generate().public_bytes
    return sign_document(Offer(tariff.provider, public, sealing, "p", (tariff,)), PROVIDER)


@pytest.fixture
def home(tmp_path, offer):
    cloud = TownCloud(tmp_path / "cloud", BenchClock(MIDNIGHT))
    home = Dwelling(tmp_path / "chip", cloud, MIDNIGHT, OLD)
    home.enrol(offer)
    home.begin()
    yield home
    home.kill()
    cloud.store.close()


def accept_all(home) -> list[bytes]:
    contracts = [each.hash for each in provider.own_contracts(home.cloud.store, PROVIDER)]
    for contract in contracts:
        provider.accept(home.cloud.store, PROVIDER, contract)
    return contracts


def test_a_new_contract_for_the_new_meter_lets_both_be_billed_and_receipted(home, offer):
    home.live(REPLACED)
    home.replace_meter()
    home.live(29)
    (former,) = accept_all(home)
    refused = home.bill(former, day(REPLACED), day(58))
    assert (refused.verdict, refused.findings) == (Verdict.REFUSED, (Finding.METER_DIFFERS,))
    assert refused.other_meter == day(REPLACED + 1)

    home.sign(offer, day(REPLACED))
    home.restart()
    assert [each.contract.hash for each in read_former(home.directory)] == [former]
    (_, renewed) = accept_all(home)
    assert home.cloud.store.contract(former).end == day(REPLACED)
    before, after = (
        home.bill(former, day(0), day(REPLACED)),
        home.bill(renewed, day(REPLACED), day(58)),
    )
    assert (before.verdict, before.findings) == (Verdict.CORRECT, ())
    assert (after.verdict, after.findings) == (Verdict.CORRECT, ())
    assert [span.serial for span in after.meters] == [OLD, NEW]
    for contract in (former, renewed):
        assert len(home.cloud.store.receipts.of_contract(contract)) == 1
    with pytest.raises(DocumentRefused, match="ask for days within"):
        home.bill(former, day(20), day(40))


def test_an_older_request_that_is_handed_in_again_ends_no_contract(home, offer):
    home.pass_time(ONE_DAY)
    again = msgspec.json.decode((home.directory / "request.json").read_bytes(), type=type(offer))
    home.sign(offer, day(1))
    home.cloud.enrol(again)
    former, renewed = home.cloud.store.contracts()
    assert (former.end, renewed.end) == (day(1), None)


def test_the_chip_names_its_meter_itself_and_takes_no_other(home):
    home.frames(3)
    home.pass_time(HALF_A_DAY)
    assert serial_for(home.directory, CONFIG, None, Lang.EN) == OLD
    assert serial_for(home.directory, CONFIG, OLD, Lang.EN) == OLD
    for lang, word in ((Lang.EN, "not the meter"), (Lang.FR, "n'est pas le compteur")):
        with pytest.raises(DocumentRefused, match=word) as told:
            serial_for(home.directory, CONFIG, NEW, lang)
        assert OLD not in str(told.value)
    home.meter.serial = "XXXXXXXXXXXX"
    home.frames(3)
    home.pass_time(HALF_A_DAY)
    with pytest.raises(DocumentRefused, match="masks"):
        serial_for(home.directory, CONFIG, OLD, Lang.EN)
