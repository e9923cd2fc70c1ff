"""`volet cloud release run` and `once`: what people get wrong is a sentence."""

import fcntl
from contextlib import closing
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from cloud.commands.table import cloud as group
from cloud.registry.key_files import pki_path
from cloud.registry.pki import issue_role
from protocol.errors import ConfigError
from tests.support.broker import make_cloud

COMMANDS = (("run",), ("once", "--until", "2026-01-02"))


@pytest.fixture
def cloud(tmp_path):
    make_cloud(tmp_path / "cloud")
    return tmp_path / "cloud"


def run(cloud, *arguments):
    return CliRunner().invoke(group, ["release", *arguments, "--dir", str(cloud)])


@pytest.mark.parametrize("command", COMMANDS)
def test_a_certificate_that_is_missing_is_a_sentence_with_the_next_step(cloud, command):
    done = run(cloud, *command)
    assert f"`volet cloud issue worker-release --dir {cloud}`" in str(done.exception)
    assert isinstance(done.exception, ConfigError)
    assert "release_started" not in done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_a_second_one_is_a_sentence(cloud, command):
    issue_role(cloud, "worker-release", datetime.now(UTC))
    with closing(pki_path(cloud, "worker-release.key").open("rb")) as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = run(cloud, *command)
    assert "runs already on this machine" in str(done.exception)
    assert isinstance(done.exception, ConfigError)


def test_a_second_one_has_not_started_and_is_no_further_worker(cloud):
    issue_role(cloud, "worker-release", datetime.now(UTC))
    with closing(pki_path(cloud, "worker-release.key").open("rb")) as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = run(cloud, "run")
    assert "release_started" not in done.stderr
    assert "worker-2" not in str(done.exception)


def test_days_to_come_are_not_closed(cloud):
    issue_role(cloud, "worker-release", datetime.now(UTC))
    done = run(cloud, "once", "--until", "2199-01-01")
    assert done.exit_code == 2
    assert "2199-01-01 is still to come" in done.output
