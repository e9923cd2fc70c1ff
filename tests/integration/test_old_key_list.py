"""A directory that is put back from before a roll-over lists no second successor at the broker."""

from datetime import UTC, datetime
from shutil import copytree, rmtree
from unittest.mock import ANY

import msgspec
import pytest
from click.testing import CliRunner

from cloud.commands.roll_over import roll_over as roll_over_group
from cloud.registry.broker import refresh_broker
from cloud.registry.key_files import load_key_list, load_signed_list
from cloud.registry.roll_over import roll_over_issuer, roll_over_platform
from protocol.calendar import legal_day
from protocol.errors import ConfigError
from protocol.topics import keys_topic
from tests.support.broker import COLLECTIVITY, Broker, make_cloud, wait_until
from tests.support.mqtt import Peer, role_pass
from tests.support.rolling_town import worker
from tests.support.sweeps import swept

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


@pytest.mark.parametrize("roll_over", swept([issuer, platform], 2))
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


def typed(cloud, *command):
    """Run `volet cloud roll-over`, and return whether the key list has changed."""
    before = listed(cloud)
    options = ["--dir", str(cloud), "--root", str(cloud / "root")]
    result = CliRunner().invoke(roll_over_group, [*command, *options], catch_exceptions=False)
    assert result.exit_code == 0
    return listed(cloud) != before, result.output


def test_the_command_asks_the_broker_before_it_lists_a_second_successor(tmp_path, monkeypatch):
    cloud, old = tmp_path / "cloud", tmp_path / "old"
    make_cloud(cloud)
    broker = Broker(cloud)
    broker.directory = tmp_path / "broker"
    broker.configure()
    broker.start()
    try:
        copytree(cloud, old)
        assert typed(cloud, "platform") == (True, ANY)
        with worker(broker):
            wait_until(lambda: retained(broker) == listed(cloud), "the list")
        assert typed(cloud, "issuer") == (True, ANY), "a directory that is ahead goes on"
        put_back(old, cloud)
        before = listed(cloud)
        with pytest.raises(ConfigError, match="was put back from before"):
            typed(cloud, "platform")
        with pytest.raises(ConfigError, match="Put the newest backup back"):
            typed(cloud, "issuer", "--withdraw")
        assert listed(cloud) == before
        with monkeypatch.context() as sabotage:
            sabotage.setattr("cloud.commands.roll_over.is_behind", lambda *_: False)
            assert typed(cloud, "issuer") == (True, ANY)
        put_back(old, cloud)
    finally:
        broker.kill()
    changed, said = typed(cloud, "platform")
    assert changed
    assert "No broker could be asked here" in said


def put_back(backup, cloud):
    rmtree(cloud)
    copytree(backup, cloud)
