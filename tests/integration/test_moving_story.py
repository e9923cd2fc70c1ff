"""The whole moving story, by the product's own commands, over the real broker with two chips.

Household A lives with chip 1, moves out at an instant of a day and goes on with chip 2 in another
home; household B comes to chip 1. A's last bill is opened on chip 2; B reads nothing of A.
"""

import contextlib
import json
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from click.testing import CliRunner

from cloud.billing.pending import pending_statements
from cloud.commands.directory import COLLECTIVITY as TOWN
from cloud.registry.key_files import load_platform_key
from cloud.store import RequestState
from cloud.store.sqlite.store import SqliteStore
from edge.bills.verifier import StatementVerifier
from edge.commands.directory import CHIP
from edge.contracts.agreement import load_agreement
from edge.contracts.former import agreements_of
from edge.contracts.listed import Contracts
from edge.identity.enrolment import load_identity
from edge.simulate.home import HomeSettings, build_home
from edge.simulate.household import synthetic_curve
from edge.simulate.link import PtyLink
from edge.simulate.tariff import MeterOption
from edge.vault.reader import read_vault
from protocol.calendar import QUARTER_HOUR, day_start, legal_day
from protocol.envelope import Address, open_message
from protocol.errors import MessageRefused, VoletError
from protocol.layout import REGISTER_STEP
from protocol.messages import Statement
from protocol.topics import Kind, device_topic
from provider import service as provider
from provider.directory import PROVIDER
from system.backup.listing import survey
from tests.integration.test_chip_process import CONFIG, Program, metered_to
from tests.support.broker import COLLECTIVITY, wait_until
from tests.support.chip_cloud import opened
from tests.support.chip_town import MONTH, StoreView
from tests.support.home_broker import HomeBroker
from tests.support.mqtt import Peer, chip_pass, role_pass
from tests.support.provider_side import accept, request_statement
from tests.support.tariffs import simple_tariff
from volet import main

PRM_1, PRM_2 = "21500000000001", "21500000000002"
PASSPHRASE = "tout ce que nous emportons"
LAST_DAY = MONTH + timedelta(days=1)


def volet(*arguments, check=True):
    """Run a command to its end, in this process; returns what it printed."""
    done = CliRunner().invoke(main.volet, list(map(str, arguments)))
    if isinstance(done.exception, VoletError):
        assert not check, done.exception
        return str(done.exception)
    assert not check or done.exit_code == 0, f"{arguments}: {done.output}"
    return done.output


class Place:
    """A delivery point: its meter on a pty, and the chip that stands there."""

    def __init__(self, folder, name, seed, start, first=MONTH):
        self.directory = folder / name
        curve = synthetic_curve(seed, first - timedelta(days=1), first + timedelta(days=12))
        self.home = build_home(curve, HomeSettings(option=MeterOption.HPHC, seed=seed))
        self.path = folder / f"{name}.tic"
        self.link = PtyLink(self.path)
        self.at = start
        self.home_table = ""
        arguments = ("edge", "run", "--dir", str(self.directory), "--source", str(self.path))
        self.program = Program(folder / f"{name}.log", *arguments)

    @property
    def serial(self):
        return self.home.meter_at(self.at).profile.serial

    def enrol(self, cloud, prm, offer=None, start=MONTH):
        """From `request` to `enrol`, the answer carried by hand."""
        taken = () if offer is None else ("--offer", offer, "--meter", self.serial, "--from", start)
        volet("edge", "request", "--dir", self.directory, *taken)
        answer = self.path.with_suffix(".answer.json")
        request = self.directory / "request.json"
        volet("cloud", "enrol", request, "--dir", cloud, "--out", answer, "--prm", prm)
        volet("edge", "enrol", "--dir", self.directory, answer)
        config = CONFIG.format(rhythm="daily") + self.home_table
        (self.directory / "edge.toml").write_text(config)

    def run(self):
        self.program.start()
        self.link.wait_for_reader()

    def send_until(self, end):
        """Send a frame a quarter-hour up to `end`, as fast as the chip takes them."""
        while self.at < end:
            self.link.send(self.home.frame_at(self.at))
            self.link.drain()
            self.at += QUARTER_HOUR

    def send_while(self, condition, what):
        """Let the meter repeat itself, a second apart, until `condition` holds."""

        def sent():
            self.link.send(self.home.frame_at(self.at))
            self.at += timedelta(seconds=1)
            return condition()

        wait_until(sent, f"{what}\n{self.program.log[-3000:]}")

    def index_kwh(self, at):
        return [index // 1_000 for index in self.home.meter_at(at).registers_wh(at)]

    def close(self):
        self.program.end()
        self.link.close()


@pytest.fixture
def worker(broker, tmp_path):
    worker = Program(tmp_path / "worker.log", "cloud", "run", "--dir", str(broker.cloud))
    worker.start()
    yield worker
    worker.end()


@pytest.fixture
def places(tmp_path):
    first = Place(tmp_path, "one", 3, day_start(MONTH) - 8 * QUARTER_HOUR)
    second = Place(tmp_path, "two", 7, day_start(LAST_DAY) + timedelta(hours=16))
    yield first, second
    first.close()
    second.close()


@pytest.fixture
def home_brokers(places, tmp_path):
    """The broker of each place's own smart home, which its chip's edge.toml names throughout."""
    with HomeBroker(tmp_path / "home-1") as first, HomeBroker(tmp_path / "home-2") as second:
        for place, home in zip(places, (first, second), strict=True):
            place.home_table = f'[home]\nbroker = "127.0.0.1"\nport = {home.port}\n'
        yield first, second


def home_told(home):
    """What the broker of a smart home retains."""
    with Peer(home.port, None) as seen:
        seen.subscribe("#")
        return [topic for topic, payload in seen.fence() if payload]


@pytest.fixture
def offer(tmp_path):
    folder = tmp_path / "provider"
    provider.draw_key(folder)
    key, sealing = provider.load_key(folder), provider.load_sealing_key(folder)
    signed = provider.make_offer([simple_tariff(valid_from=MONTH)], key, sealing)
    path = tmp_path / "offer.json"
    path.write_bytes(msgspec.json.encode(signed))
    return path, key


@contextlib.contextmanager
def open_store(broker):
    store = SqliteStore.open(broker.cloud, is_checked=False)
    try:
        yield store
    finally:
        store.close()


def retained(port, identity, topic, kind):
    """What the broker keeps for a chip, seen with the chip's own pass or the worker's."""
    with Peer(port, identity.context()) as peer:
        peer.subscribe(topic)
        return [payload for name, payload in peer.fence() if f"/{kind}" in name and payload]


@pytest.mark.usefixtures("worker")
def test_a_moves_to_another_chip_and_b_comes_to_the_old_one(
    broker, places, home_brokers, offer, tmp_path
):
    one, two = places
    offer_path, provider_key = offer
    passphrase, bundle = tmp_path / "passphrase", tmp_path / "foyer.volet"
    passphrase.write_text(PASSPHRASE)
    passphrase.chmod(0o600)

    # A lives with chip 1.
    volet("edge", "init", "--dir", one.directory)
    one.enrol(broker.cloud, PRM_1, offer_path)
    a_one = load_identity(one.directory)
    with open_store(broker) as store:
        (contract,) = store.contracts()
        accept(store, provider_key, contract.hash)
    volet("edge", "home", "--dir", one.directory, "--on", "--yes")
    one.run()
    one.send_until(day_start(LAST_DAY) + timedelta(hours=14))
    wait_until(lambda: home_told(home_brokers[0]), "A's smart home to be told")
    seeds_topic = device_topic(COLLECTIVITY, a_one.device, Kind.KEY)
    worker_pass = role_pass(broker.cloud, "worker")

    # A moves out at 14:00 and some seconds.
    order = Program(
        tmp_path / "move-out.log",
        "edge",
        "move-out",
        "--yes",
        "--dir",
        str(one.directory),
        "--wait",
        "60",
    )
    order.start()

    def is_told():
        with read_vault(one.directory) as vault:
            departure = vault.departures.get()
        return departure is not None and departure.is_told

    one.send_while(is_told, "the household to leave")
    # The meter counts for others now, so that A's smart home is told nothing any more.
    wait_until(
        lambda: not home_told(home_brokers[0]), "A's smart home to forget", lambda: one.program.log
    )
    one.send_until(one.at + QUARTER_HOUR)
    assert order.process.wait(20) == 0
    assert "your last day here is" in order.log
    order.process = None
    with read_vault(one.directory) as vault:
        left_at = vault.departures.get().at
        assert vault.departures.get().last_day == LAST_DAY
    one.program.end()
    assert "home_forgotten" in one.program.log
    assert not home_told(home_brokers[0])
    assert "has left" in volet("edge", "home", "--dir", one.directory, "--on", "--yes", check=False)
    told = json.loads(volet("cloud", "registry", "list", "--dir", broker.cloud, "--json"))
    assert [(each["last_day"], each["prm"]) for each in told] == [(str(LAST_DAY), None)]

    # The provider asks for the last bill, while chip 1 is off; A takes everything along.
    end = LAST_DAY + timedelta(days=1)
    with open_store(broker) as store:
        request_id = request_statement(store, provider_key, contract.hash, MONTH, end)
        wait_until(lambda: store.request(request_id).state is RequestState.PUBLISHED, "a statement")
        lost_statement = store.request(request_id).statement
    down_one = f"volet/v1/{COLLECTIVITY}/d/{a_one.device}/down/#"
    assert retained(broker.port, chip_pass(a_one), down_one, Kind.STATEMENT) == [lost_statement]
    sheet = tmp_path / "fiche.html"
    said = volet(
        "edge", "export", "--dir", one.directory, "--out", bundle,
        "--passphrase-file", passphrase, "--sheet", sheet,
    )  # fmt: skip
    assert bundle.stat().st_mode & 0o777 == 0o600
    fingerprint = said.split("Fingerprint: ")[1].split("\n")[0]
    assert fingerprint in sheet.read_text()

    # Chip 1 starts anew, for B.
    erased = volet("edge", "erase", "--dir", one.directory, "--yes")
    assert "former household's keys are destroyed" in erased
    one.enrol(broker.cloud, PRM_1)
    b = load_identity(one.directory)
    assert b.device == a_one.device
    assert b.household_key != a_one.household_key
    wait_until(
        lambda: not retained(broker.port, chip_pass(b), down_one, Kind.STATEMENT),
        "A's statement to be taken off the broker",
    )
    assert not retained(broker.port, worker_pass, seeds_topic, Kind.KEY)

    # A goes on with chip 2, on the evening of the same day.
    wrong = tmp_path / "wrong"
    wrong.write_text("ce n'est pas la phrase")
    wrong.chmod(0o600)
    volet("edge", "init", "--dir", two.directory)
    refused = volet(
        "edge", "import", "--dir", two.directory, bundle, "--passphrase-file", wrong, check=False
    )
    assert "passphrase does not open" in refused
    volet("edge", "import", "--dir", two.directory, bundle, "--passphrase-file", passphrase)
    two.enrol(broker.cloud, PRM_2)
    a_two = load_identity(two.directory)
    assert a_two.household_key == a_one.household_key
    assert a_two.device != a_one.device
    came_at = two.at
    two.run()
    one.run()

    def bills(directory):
        told = volet("edge", "bills", "--dir", directory, "--json", check=False)
        return json.loads(told)["bills"] if told.startswith("{") else []

    two.send_until(day_start(end + timedelta(days=1)) + 4 * QUARTER_HOUR)
    one.at += timedelta(hours=2)
    b_came_at = one.at
    one.send_until(day_start(end + timedelta(days=1)) + 4 * QUARTER_HOUR)
    wait_until(lambda: bills(two.directory), f"A's last bill\n{two.program.log[-3000:]}")
    (bill,) = bills(two.directory)
    assert bill["verdict"] == "correct", bill
    page = tmp_path / "facture.html"
    volet("edge", "bills", "--dir", two.directory, "--html", page)
    assert "Ville Énergie" in page.read_text()
    assert bill["start"] == str(MONTH)
    assert bill["end"] == str(end)

    # What the cloud holds: each household's own, from both homes of A without gap or double.
    whole = end
    for place in places:
        wait_until(
            lambda place=place: (metered_to(place.directory) or (MONTH, 0))[0] > whole,
            place.program.log[-2000:],
        )
        two.send_while(lambda place=place: _is_drained(place.directory), "an empty outbox")
    one.program.end()
    two.program.end()

    # Neither B nor A in the other home has chosen to tell a smart home.
    assert one.program.log.count("home_session_began") == 1
    assert "home_session_began" not in two.program.log
    assert not any(map(home_told, home_brokers))
    with open_store(broker) as store:
        held = opened(StoreView(store, two.directory), a_two)
        b_held = opened(StoreView(store, one.directory), b)
        assert not [each for each in store.dead_letters() if each.reason != "no_epoch"]
        request = store.request(request_id)
        assert request.order.household_key == a_two.household_key
        again = pending_statements(store, load_platform_key(broker.cloud), COLLECTIVITY)
        assert again.messages == ()
    at_one = [sum(_steps(held, n, MONTH, LAST_DAY)) for n in range(2)]
    assert at_one == _risen(one, day_start(MONTH), left_at)
    at_two = [sum(_steps(held, n, end, whole)) for n in range(2)]
    assert at_two == _risen(two, came_at, day_start(whole + timedelta(days=1)))
    b_steps = [sum(_steps(b_held, n, LAST_DAY, whole)) for n in range(2)]
    assert b_steps == _risen(one, b_came_at, day_start(whole + timedelta(days=1)))

    # B reads nothing of A: neither the bill that was meant for this chip, nor one made for A.
    assert bills(one.directory) == []
    address = Address(COLLECTIVITY, b.device, Kind.STATEMENT)
    statement = open_message(address, lost_statement, b.platform_key, Statement)
    agreements = agreements_of(one.directory, load_agreement(one.directory))
    with read_vault(one.directory) as vault:
        contracts = Contracts(agreements, b.meter_salt)
        verifier = StatementVerifier(vault, b.household, b.keyring, contracts)
        assert json.loads(verifier.judge(statement))["verdict"] == "refused"
    assert statement.household_key != b.household_key
    for secret in (a_one.household.to_bytes()[16:48], a_one.household_key):
        for path in one.directory.rglob("*"):
            assert not path.is_file() or secret not in path.read_bytes(), path
    with pytest.raises(MessageRefused):
        open_message(
            address,
            lost_statement[:-1] + bytes([lost_statement[-1] ^ 1]),
            b.platform_key,
            Statement,
        )

    # The registry has the history, encrypted, and knows who looked.
    history = ("cloud", "registry", "history", "--dir", broker.cloud)
    told = json.loads(volet(*history, "--prm", PRM_1, "--why", "court order 12", "--json"))
    assert [each["household"] for each in told] == [
        a_one.household_key.hex(),
        b.household_key.hex(),
    ]
    assert [each["prm"] for each in told] == [PRM_1, PRM_1]
    assert "--why" in volet(*history, "--prm", PRM_1, check=False)
    audit = volet("cloud", "registry", "audit", "--dir", broker.cloud)
    assert "court order 12" in audit
    stored = b"".join(path.read_bytes() for path in broker.cloud.glob("store.db*"))
    assert PRM_1.encode() not in stored
    assert legal_day(datetime.now(UTC)) > LAST_DAY

    # No program has left a file that its party's list does not know.
    for party, directory in (
        (CHIP, one.directory),
        (CHIP, two.directory),
        (TOWN, broker.cloud),
        (PROVIDER, tmp_path / "provider"),
    ):
        assert survey(party, directory).unknown == (), party.name


def _is_drained(directory):
    with read_vault(directory) as vault:
        figures = vault.figures()
    return not (figures.outbox_depth or figures.intervals_to_encrypt)


def _steps(values, register, first, last):
    return [
        value
        for (day, j), value in values.items()
        if j == REGISTER_STEP + register and first <= day <= last
    ]


def _risen(place, start, end):
    pairs = zip(place.index_kwh(start), place.index_kwh(end), strict=True)
    return [after - before for before, after in pairs][:2]
