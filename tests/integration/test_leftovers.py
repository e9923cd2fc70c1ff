"""The broker keeps nothing of names whose certificates have ended, nor keys of replaced chips."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from cloud.registry.leftovers import clear_ended, clear_replaced, ended_names, replaced_chips
from cloud.registry.pki import issue_role
from cloud.store import Device
from cloud.store.sqlite.store import SqliteStore
from mosquitto.config import DATA
from protocol.ids import DeviceId
from protocol.topics import SENT_BY_CHIPS, Kind, TrusteeKind, device_topic, trustee_topic
from tests.support.broker import COLLECTIVITY, Broker, enrol_chip
from tests.support.fake_chip import FakeChip
from tests.support.mqtt import NO_SUBSCRIBERS, SUCCESS, Pass, Peer, chip_pass, role_pass
from tests.unit.cloud.store_contract import block_item, epoch_item, put
from volet.main import volet

ACCEPTED = (SUCCESS, NO_SUBSCRIBERS)
# Beyond the life of every certificate that is issued now.
LATER = datetime.now(UTC) + timedelta(days=3_000)


def meter(store, days, last=LATER):
    """Store blocks of a chip, of each of the days before `last`."""
    chip = FakeChip()
    store.enrol(chip.enrolment)
    for n in range(days):
        day = (last - timedelta(days=n + 1)).date()
        put(store, epoch_item(chip, day), block_item(chip, n + 1, day))


@pytest.fixture
def store(broker: Broker) -> Iterator[SqliteStore]:
    opened = SqliteStore.open(broker.cloud)
    yield opened
    opened.close()


@pytest.fixture
def chip(broker: Broker, tmp_path) -> Pass:
    return chip_pass(enrol_chip(broker.cloud, tmp_path / "chip"))


def retain(peer, topic):
    assert peer.publish(topic, b"kept", retain=True) in ACCEPTED


def is_kept(broker, name):
    broker.save()
    return name.encode() in (broker.directory / DATA / "mosquitto.db").read_bytes()


def replace(store, chip):
    """Let the household of a chip use another one from now on."""
    (former,) = store.devices([DeviceId(chip.name)])
    other = DeviceId("b" * 26)
    store.enrol(Device(other, bytes(32), former.household_key, former.since + timedelta(seconds=1)))
    return other


def test_nothing_is_kept_of_a_chip_or_role_whose_certificates_have_ended(broker, chip, store):
    issue_role(broker.cloud, "trustee-a", datetime.now(UTC))
    broker.configure()
    device = DeviceId(chip.name)
    with (
        Peer(broker.port, chip.context()) as peer,
        Peer(broker.port, role_pass(broker.cloud, "trustee-a").context()) as trustee,
    ):
        for kind in SENT_BY_CHIPS:
            retain(peer, device_topic(COLLECTIVITY, device, kind))
        retain(trustee, trustee_topic(COLLECTIVITY, "trustee-a", TrusteeKind.LOG))
        assert clear_ended(broker.cloud, store, datetime.now(UTC)) == 0
        assert is_kept(broker, chip.name)
        meter(store, 7)
        assert clear_ended(broker.cloud, store, LATER) == len(SENT_BY_CHIPS) + 1
        peer.wait_until_ended()
        trustee.wait_until_ended()
    assert not is_kept(broker, chip.name)
    assert not is_kept(broker, "trustee-a")
    assert clear_ended(broker.cloud, store, LATER) == 0


def test_names_whose_certificates_hold_have_not_ended(broker, chip, store):
    meter(store, 7)
    assert list(ended_names(broker.cloud, store, datetime.now(UTC))) == []
    assert chip.name in set(ended_names(broker.cloud, store, LATER))


def test_a_clock_that_is_ahead_ends_nobody(broker, store):
    meter(store, 6)
    meter(store, 40, last=datetime.now(UTC))
    assert list(ended_names(broker.cloud, store, LATER)) == []


def test_the_key_of_a_replaced_chip_is_cleared_and_its_session_goes_on(
    broker, chip, store, tmp_path
):
    bystander = chip_pass(enrol_chip(broker.cloud, tmp_path / "bystander"))
    topic = {
        who.name: device_topic(COLLECTIVITY, DeviceId(who.name), Kind.KEY)
        for who in (chip, bystander)
    }
    with Peer(broker.port, chip.context()) as peer, Peer(broker.port, bystander.context()) as other:
        retain(peer, topic[chip.name])
        retain(other, topic[bystander.name])
        assert clear_replaced(broker.cloud, store) == 0
        replace(store, chip)
        assert list(replaced_chips(store)) == [DeviceId(chip.name)]
        assert clear_replaced(broker.cloud, store) == 1
        assert clear_replaced(broker.cloud, store) == 0
        assert peer.publish(device_topic(COLLECTIVITY, DeviceId(chip.name), Kind.SEEN)) in ACCEPTED
    with Peer(broker.port, role_pass(broker.cloud, "worker").context()) as worker:
        worker.subscribe(*topic.values())
        assert [seen for seen, _ in worker.fence()] == [topic[bystander.name]]


def test_renew_clears_what_is_left_and_says_so(broker, chip, store):
    with Peer(broker.port, chip.context()) as peer:
        retain(peer, device_topic(COLLECTIVITY, DeviceId(chip.name), Kind.KEY))
    replace(store, chip)
    arguments = ["cloud", "renew", "--dir", str(broker.cloud), "--broker", str(broker.directory)]
    done = CliRunner().invoke(volet, arguments, catch_exceptions=False)
    assert "no longer keeps 1 message" in done.output
    again = CliRunner().invoke(volet, arguments, catch_exceptions=False)
    assert "no longer keeps" not in again.output
