"""The broker's directory: whose it is, and what is never touched in it."""

import os
import pwd
from pathlib import Path

import pytest

from cloud.registry.broker import current_user, refresh_broker, reload_broker, write_broker
from mosquitto.config import CRL, PID, SERVER_KEY
from protocol.errors import ConfigError
from tests.support.broker import make_cloud

ANOTHER = "nobody"


@pytest.fixture
def cloud(tmp_path) -> Path:
    make_cloud(tmp_path / "cloud")
    return tmp_path / "cloud"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_everything_is_given_to_the_brokers_user(cloud, tmp_path):
    write_broker(cloud, tmp_path / "broker", ANOTHER)
    for path in (tmp_path / "broker", *(tmp_path / "broker").rglob("*")):
        assert path.owner() == ANOTHER, path
    refresh_broker(cloud, tmp_path / "broker")
    assert (tmp_path / "broker" / CRL).owner() == ANOTHER


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_link_planted_by_the_broker_is_not_given_away(cloud, tmp_path):
    """Or a broken-into broker would have root give it any file."""
    broker, treasure = tmp_path / "broker", tmp_path / "treasure"
    treasure.write_text("root's")
    write_broker(cloud, broker, ANOTHER)
    for planted in (broker / "data" / "link", broker / CRL, broker / SERVER_KEY):
        planted.unlink(missing_ok=True)
        planted.symlink_to(treasure)
    refresh_broker(cloud, broker)
    write_broker(cloud, broker, ANOTHER)
    assert treasure.owner() == current_user()
    assert treasure.read_text() == "root's"


def test_unknown_user_is_a_sentence(cloud, tmp_path):
    with pytest.raises(ConfigError, match="There is no user no-one"):
        write_broker(cloud, tmp_path / "broker", "no-one")


def test_process_that_is_no_broker_is_not_signalled(tmp_path):
    """A stale file may name a process that lives now: here ourselves, whom a SIGHUP would end."""
    (tmp_path / PID).write_text(f"{os.getpid()}\n")
    assert not reload_broker(tmp_path)


@pytest.mark.parametrize("content", ["", "rubbish", "-1", "999999999"])
def test_broker_that_does_not_run_is_told_apart(tmp_path, content):
    (tmp_path / PID).write_text(content)
    assert not reload_broker(tmp_path)
    (tmp_path / PID).unlink()
    assert not reload_broker(tmp_path)


def test_refreshing_a_directory_that_is_not_there_says_what_next(cloud, tmp_path):
    with pytest.raises(ConfigError, match="broker-config"):
        refresh_broker(cloud, tmp_path / "gone")


def test_current_user_is_who_we_are():
    assert pwd.getpwnam(current_user()).pw_uid == os.geteuid()
