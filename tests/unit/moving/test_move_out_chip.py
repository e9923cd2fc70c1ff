"""A household moves out of a running chip: its last day, what the cloud knows, and what is not sent."""

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.billing.statements import prepare
from cloud.catalogue.log import listed_in
from edge.mqtt.message import Connected
from edge.vault.vault import Vault
from protocol.calendar import day_number, day_start, quarter_hour, quarter_hours
from protocol.contract import Offer, Signed, StatementRequest, sign_document
from protocol.envelope import Address, seal_message
from protocol.errors import DocumentRefused, Reason
from protocol.hpke import SealingKey
from protocol.ids import HouseholdKeyId
from protocol.layout import DAY_COEFFICIENTS, REGISTER_STEP
from protocol.moving import ANY_CONTRACT, Leave, Termination
from protocol.topics import Kind, device_topic, parse_device_topic
from system.mqtt.message import Incoming
from tests.support.chip_bench import BenchClock
from tests.support.chip_cloud import opened
from tests.support.moving_town import Home, TownCloud, View
from tests.support.tariffs import simple_tariff

START = datetime(2026, 2, 9, 23, tzinfo=UTC)  # midnight in Paris
DAY = date(2026, 2, 10)
PROVIDER = Ed25519PrivateKey.generate()
SEALING = SealingKey.generate()


@pytest.fixture(scope="module")
def offer() -> Signed:
    tariff = simple_tariff()
    public = PROVIDER.public_key().public_bytes_raw()
    return sign_document(
        Offer(tariff.provider, public, SEALING.public_bytes, tariff.name, (tariff,)), PROVIDER
    )


@pytest.fixture
def clock():
    return BenchClock(START)


@pytest.fixture
def cloud(tmp_path, clock):
    cloud = TownCloud(tmp_path / "cloud", clock)
    yield cloud
    cloud.store.close()


@pytest.fixture
def home(tmp_path, cloud, offer):
    home = Home(tmp_path / "chip", cloud, START, "1")
    home.enrol(offer)
    home.begin()
    yield home
    home.kill()


def leave(home):
    home.move_out()
    home.settle()


def of_kind(home, kind):
    return [each for each in home.sent if parse_device_topic(each.topic).kind is kind]


@pytest.mark.parametrize("day", [DAY, date(2026, 3, 29), date(2026, 10, 25)])
@pytest.mark.parametrize("after", [0, 1, 50, -1])
def test_the_last_day_is_whole_and_its_steps_are_those_of_the_index(tmp_path, offer, day, after):
    """On days of 96, 92 and 100 quarter-hours, from the first to the last of them."""
    start = day_start(day)
    cloud = TownCloud(tmp_path / "cloud", BenchClock(start))
    home = Home(tmp_path / "chip", cloud, start, "1")
    home.enrol(offer)
    home.begin()
    home.run(after if after >= 0 else quarter_hours(day) + after)
    end = home.clock.at
    leave(home)
    values = opened(View(cloud, home.identity.household_key), home.identity)
    assert {each for each, _ in values} == {day}
    assert len(values) == DAY_COEFFICIENTS
    indices = [index_wh // 1_000 for index_wh in home.meter.registers_wh(end)]
    steps = [values[day, REGISTER_STEP + n] for n in range(2)]
    before = [base_wh // 1_000 for base_wh in home.meter.base_wh]
    assert steps == [after - base for after, base in zip(indices, before, strict=True)]
    curve = [values[day, j] for j in range(100)]
    assert sum(curve) == sum(home.meter.registers_wh(end)) - sum(home.meter.base_wh)
    _, open_j = quarter_hour(end)
    assert not any(curve[open_j + 1 :])
    assert home.vault.departures.get().is_told
    home.kill()
    cloud.store.close()


def test_nothing_is_metered_afterwards_not_even_after_a_restart(home):
    home.run(10)
    leave(home)
    figures = home.vault.figures()
    home.run(120)
    home.restart()
    home.run(120)
    assert home.vault.figures().intervals == figures.intervals
    assert home.vault.figures().days == figures.days == 1
    assert home.chip.is_drained


def test_cloud_and_provider_know_the_end(home, cloud):
    home.run(10)
    leave(home)
    (contract,) = cloud.store.contracts()
    assert contract.end == DAY + timedelta(days=1)
    (place,) = cloud.store.places()
    assert (place.last_day, place.until) == (DAY, None)
    departure = home.vault.departures.get()
    assert departure.is_told
    assert departure.last_day == DAY

    def ask(end):
        request = StatementRequest(
            bytes(16), contract.hash, contract.offer.hash, day_number(DAY), day_number(end)
        )
        signed = msgspec.msgpack.encode(sign_document(request, PROVIDER))
        return prepare(signed, contract, listed_in(cloud.store))

    assert ask(DAY + timedelta(days=1)).end == DAY + timedelta(days=1)
    with pytest.raises(DocumentRefused, match="ask for days within it"):
        ask(DAY + timedelta(days=2))


def test_the_leave_goes_last_and_then_the_seeds_are_taken_off_the_broker(home, cloud):
    home.drop = lambda message: getattr(message, "key", None) is not None
    home.run(10)
    home.move_out()
    home.pump()
    assert not of_kind(home, Kind.LEAVE), "before the cloud has all blocks"
    home.drop = lambda _: False
    home.settle()
    home.pump()
    kinds = [parse_device_topic(each.topic).kind for each in home.sent]
    assert kinds.index(Kind.LEAVE) > max(n for n, kind in enumerate(kinds) if kind is Kind.BLOCK)
    (cleared,) = of_kind(home, Kind.KEY)
    assert cleared.retain
    assert cleared.payload == b""
    assert not [each for each in cloud.store.dead_letters() if each.reason != Reason.NO_EPOCH]


def test_the_leave_is_sent_until_the_cloud_has_said_that_it_knows(home):
    home.drop = lambda message: parse_device_topic(message.topic).kind is Kind.LEFT
    home.run(4)
    home.move_out()
    home.pump()
    assert not home.chip.is_drained
    home.restart()
    home.pump()
    assert len(of_kind(home, Kind.LEAVE)) == 2
    assert not home.vault.departures.get().is_told
    home.drop = lambda _: False
    home.settle()
    assert home.vault.departures.get().is_told


def test_without_a_reading_or_without_the_cloud_the_order_waits(home):
    home.run(4)
    home.kill()
    home.is_online = False
    home.start()
    home.move_out()
    assert home.vault.departures.get() is None, "what the cloud holds is not known yet"
    home.is_online = True
    home.chip.take(Connected())
    home.pump()
    assert home.vault.departures.get() is None, "no reading since"
    home.clock.seconds += 2
    home.frames(2)
    assert home.vault.departures.get() is not None


@pytest.mark.parametrize("step", range(6))
def test_a_kill_at_any_step_changes_nothing(home, cloud, step, monkeypatch):
    """The last day is closed once, and told, wherever the process ends."""
    home.run(10)
    commits = iter(range(step))
    commit = Vault._transaction

    def until_killed(vault):
        if next(commits, None) is None:
            raise KeyboardInterrupt
        return commit(vault)

    with monkeypatch.context() as patch:
        patch.setattr(Vault, "_transaction", until_killed)
        try:
            home.move_out()
            home.settle()
        except KeyboardInterrupt:
            pass
    home.clock.at += timedelta(seconds=30)
    home.restart()
    home.pump()
    home.clock.seconds += 2
    home.frames(2)
    home.settle()
    values = opened(View(cloud, home.identity.household_key), home.identity)
    assert len(values) == DAY_COEFFICIENTS
    assert sum(values[DAY, j] for j in range(100)) == sum(
        home.meter.registers_wh(home.clock.at)
    ) - sum(home.meter.base_wh)
    assert home.vault.departures.get().is_told


def test_the_last_day_sends_no_area_contribution(home):
    contributed = []
    home.chip._contribute = lambda closed, _: contributed.append(closed.day)
    home.run(100)
    assert contributed == [DAY]
    leave(home)
    assert contributed == [DAY]
    assert home.vault.figures().last_day_closed == DAY + timedelta(days=1)


# What the cloud refuses


def send(home, cloud, message, key=None):
    """Send a leave as the chip would; returns why it was refused."""
    identity = home.identity
    address = Address(identity.collectivity, identity.device, Kind.LEAVE)
    payload = seal_message(address, message, key or identity.signing_key)
    topic = device_topic(identity.collectivity, identity.device, Kind.LEAVE)
    done = cloud.ingest.process([Incoming(topic, payload)])
    return [each.label for each in done.refused]


def termination(home, cloud, key=None, **changes):
    contract = cloud.store.contracts()[0]
    fields = {
        "contract": contract.hash,
        "household_key": home.identity.household_key,
        "last_day": DAY,
    }
    document = Termination(**(fields | changes))
    return msgspec.msgpack.encode(sign_document(document, key or home.identity.household.identity))


def test_only_the_household_ends_its_contract(home, cloud):
    household_key, day = home.identity.household_key, day_number(DAY)

    def told(*documents, last_day=day, key=None):
        return send(home, cloud, Leave(household_key, last_day, documents), key)

    thief = Ed25519PrivateKey.generate()
    assert told(termination(home, cloud, thief)) == [Reason.SIGNATURE]
    assert told(termination(home, cloud, home.identity.signing_key)) == [Reason.SIGNATURE]
    assert told(termination(home, cloud), key=thief) == [Reason.SIGNATURE]
    assert told(b"no document") == [Reason.SIGNATURE]
    assert told(termination(home, cloud, last_day=DAY - timedelta(days=1))) == [Reason.BOUNDS]
    assert told(termination(home, cloud, household_key=bytes(16))) == [Reason.BOUNDS]
    (contract,) = cloud.store.contracts()
    neighbours = msgspec.structs.replace(
        contract, hash=b"n" * 32, household_key=HouseholdKeyId(bytes(16))
    )
    cloud.store.put_contract(neighbours)
    assert told(termination(home, cloud, contract=b"n" * 32)) == [Reason.BOUNDS]
    assert told() == [], "no word of the household: nothing ends"
    assert [each.end for each in cloud.store.contracts()] == [None, None]
    assert told(termination(home, cloud, contract=ANY_CONTRACT)) == []
    assert [each.end for each in cloud.store.contracts()] == [DAY + timedelta(days=1), None]


def test_a_contract_ends_neither_before_what_was_sent_nor_in_the_future(home, cloud):
    home.run(110)
    household_key = home.identity.household_key
    early = Leave(household_key, day_number(DAY) - 1, ())
    assert send(home, cloud, early) == [Reason.BOUNDS]
    late_day = DAY + timedelta(days=3)
    late = Leave(
        household_key, day_number(late_day), (termination(home, cloud, last_day=late_day),)
    )
    assert send(home, cloud, late) == [Reason.BOUNDS]
    assert cloud.store.contracts()[0].end is None


def test_a_contract_that_has_ended_ends_no_later(home, cloud):
    home.run(10)
    leave(home)
    household_key = home.identity.household_key
    again = DAY + timedelta(days=1)
    message = Leave(household_key, day_number(again), (termination(home, cloud, last_day=again),))
    assert send(home, cloud, message) == []
    assert cloud.store.contracts()[0].end == again
