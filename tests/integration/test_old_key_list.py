"""A directory that is put back from before a roll-over lists no second successor at the broker."""

from datetime import UTC, datetime
from shutil import copytree, rmtree

import msgspec
import pytest

from cloud.registry.broker import refresh_broker
from cloud.registry.key_files import load_key_list, load_signed_list
from cloud.registry.roll_over import roll_over_issuer, roll_over_platform
from protocol.calendar import legal_day
from protocol.topics import keys_topic
from tests.support.broker import COLLECTIVITY, Broker, make_cloud, wait_until
from tests.support.mqtt import Peer, role_pass
from tests.support.rolling_town import worker

pytestmark = pytest.mark.usefixtures("mosquitto_available")


def issuer(cloud):
    roll_over_issuer(cloud, cloud / "root", datetime.now(UTC))


def platform(cloud):
    now = datetime.now(UTC)
    roll_over_platform(cloud, cloud / "root", now, legal_day(now))


def listed(cloud):
    return msgspec.msgpack.encode(load_signed_list(cloud))


def retained(broker):
    with Peer(broker.port, role_pass(broker.cloud, "monitor").context()) as peer:
        peer.subscribe(keys_topic(COLLECTIVITY))
        return peer.wait_for(keys_topic(COLLECTIVITY))


@pytest.mark.parametrize("roll_over", [issuer, platform])
def test_a_restored_directory_replaces_no_longer_list_and_a_newer_one_goes_on(tmp_path, roll_over):
    cloud = tmp_path / "cloud"
    make_cloud(cloud)
    broker = Broker(cloud)
    broker.directory = tmp_path / "broker"
    broker.configure()
    broker.start()
    log = tmp_path / "worker.log"
    try:
        old, new = tmp_path / "old", tmp_path / "new"
        copytree(cloud, old)
        roll_over(cloud)
        refresh_broker(cloud, broker.directory)
        copytree(cloud, new)
        with worker(broker):
            wait_until(lambda: retained(broker) == listed(new), "the list")
        put_back(old, cloud)
        with worker(broker):
            wait_until(lambda: "key_list_behind" in log.read_text(), "the refusal of the old list")
        roll_over(cloud)
        refresh_broker(cloud, broker.directory)
        assert not load_key_list(cloud).begins_with(load_key_list(new))
        refusals = log.read_text().count("key_list_behind")
        with worker(broker):
            wait_until(
                lambda: log.read_text().count("key_list_behind") > refusals, "the fork's refusal"
            )
        assert retained(broker) == listed(new)
        put_back(new, cloud)
        refresh_broker(cloud, broker.directory)
        broker.restart()  # what it trusted of the fork is gone
        with worker(broker):
            roll_over(cloud)
            refresh_broker(cloud, broker.directory)
            wait_until(lambda: retained(broker) == listed(cloud), "the next list")
    finally:
        broker.kill()


def put_back(backup, cloud):
    rmtree(cloud)
    copytree(backup, cloud)
