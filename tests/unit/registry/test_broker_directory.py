"""The broker's directory: whose it is, and what is never touched in it."""

import os
import pwd
import subprocess
import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from cloud.commands.table import cloud as cloud_group
from cloud.registry.broker import current_user, refresh_broker, save_broker, write_broker
from cloud.registry.broker_process import is_running
from mosquitto.config import CONFIG, CRL, DATA, PID, SAVED, SERVER_KEY
from protocol.errors import ConfigError
from tests.support.broker import Broker, make_cloud, skip_without_mosquitto, wait_until

ANOTHER = "nobody"


@pytest.fixture
def cloud(tmp_path) -> Path:
    make_cloud(tmp_path / "cloud")
    return tmp_path / "cloud"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_everything_is_given_to_the_brokers_user(cloud, open_place):
    write_broker(cloud, open_place / "broker", ANOTHER)
    for path in (open_place / "broker", *(open_place / "broker").rglob("*")):
        assert path.owner() == ANOTHER, path
    refresh_broker(cloud, open_place / "broker")
    assert (open_place / "broker" / CRL).owner() == ANOTHER


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_link_planted_by_the_broker_is_not_given_away(cloud, open_place):
    """Or a broken-into broker would have root give it any file."""
    broker, treasure = open_place / "broker", open_place / "treasure"
    treasure.write_text("root's")
    write_broker(cloud, broker, ANOTHER)
    for planted in (broker / "data" / "link", broker / CRL, broker / SERVER_KEY):
        planted.unlink(missing_ok=True)
        planted.symlink_to(treasure)
    refresh_broker(cloud, broker)
    write_broker(cloud, broker, ANOTHER)
    assert treasure.owner() == current_user()
    assert treasure.read_text() == "root's"


@pytest.fixture
def open_place():
    """A directory that other users may enter; pytest's own is closed to them."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_directory_that_the_brokers_user_cannot_enter_is_refused(cloud):
    with pytest.raises(ConfigError, match=r"closed to the user nobody.*--out"):
        write_broker(cloud, cloud / "broker", ANOTHER)
    assert not (cloud / "broker").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_the_user_that_was_named_once_is_remembered(cloud, open_place):
    command = ["broker-config", "--dir", str(cloud), "--out", str(open_place / "broker")]
    for options in (["--user", ANOTHER], []):
        done = CliRunner().invoke(cloud_group, [*command, *options])
        assert done.exit_code == 0, done.output
        assert (open_place / "broker").owner() == ANOTHER
        assert f"user {ANOTHER}\n" in (open_place / "broker" / CONFIG).read_text()


def test_a_broker_that_was_started_elsewhere_is_told_apart(cloud, tmp_path):
    skip_without_mosquitto()
    write_broker(cloud, cloud / "broker", current_user())
    broker = Broker(cloud)
    broker.start()
    try:
        assert is_running(cloud / "broker")
        cloud.rename(tmp_path / "moved")
        with pytest.raises(ConfigError, match="was not started on"):
            is_running(tmp_path / "moved" / "broker")
    finally:
        (tmp_path / "moved").rename(cloud)
        broker.stop()


def test_unknown_user_is_a_sentence(cloud, tmp_path):
    with pytest.raises(ConfigError, match="There is no user no-one"):
        write_broker(cloud, tmp_path / "broker", "no-one")


def test_process_that_is_no_broker_is_not_signalled(tmp_path):
    """A stale file may name a process that lives now: here ourselves, whom SIGUSR1 would end."""
    (tmp_path / PID).write_text(f"{os.getpid()}\n")
    assert not is_running(tmp_path)
    save_broker(tmp_path)


@pytest.mark.parametrize("content", ["", "rubbish", "-1", "999999999"])
def test_broker_that_does_not_run_is_told_apart(tmp_path, content):
    (tmp_path / PID).write_text(content)
    assert not is_running(tmp_path)
    (tmp_path / PID).unlink()
    assert not is_running(tmp_path)


STARTING = """#!/bin/sh
sleep 1
trap 'echo > "$1"' USR1
while true; do sleep 0.05; done
"""


def test_a_broker_that_still_starts_is_not_ended_when_it_is_to_save(tmp_path):
    """Mosquitto listens before it handles SIGUSR1, which ends it until then."""
    program, saved = tmp_path / "mosquitto", tmp_path / DATA / SAVED
    saved.parent.mkdir()
    program.write_text(STARTING)
    program.chmod(0o700)
    with subprocess.Popen([program, saved]) as starting:
        try:
            (tmp_path / PID).write_text(str(starting.pid))
            own = Path(f"/proc/{starting.pid}/comm")
            wait_until(lambda: own.read_text() == "mosquitto\n", "the program to bear its name")
            save_broker(tmp_path)
            assert saved.exists()
            assert starting.poll() is None
        finally:
            starting.kill()


def test_refreshing_a_directory_that_is_not_there_says_what_next(cloud, tmp_path):
    with pytest.raises(ConfigError, match="broker-config"):
        refresh_broker(cloud, tmp_path / "gone")


def test_current_user_is_who_we_are():
    assert pwd.getpwnam(current_user()).pw_uid == os.geteuid()
