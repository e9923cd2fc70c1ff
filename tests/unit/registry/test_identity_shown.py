"""A program shows its own certificate: of its name, its role, its authority, with its key."""

import errno
import fcntl
from contextlib import closing
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from cloud.commands.table import cloud as cloud_group
from cloud.registry.key_files import pki_path
from cloud.registry.pki import issue_role
from protocol.errors import ConfigError
from tests.support.broker import COLLECTIVITY, make_cloud
from trustee import directory as places
from trustee.commands.table import trustee as trustee_group


@pytest.fixture
def cloud(tmp_path):
    make_cloud(tmp_path / "cloud")
    for name in ("trustee-a", "trustee-b", "worker-release"):
        issue_role(tmp_path / "cloud", name, datetime.now(UTC))
    return tmp_path / "cloud"


@pytest.fixture
def home(cloud, tmp_path):
    config = places.new_config(COLLECTIVITY, "trustee-a", "The first", "localhost", 8883)
    places.initialise(tmp_path / "home", config, pki_path(cloud, "ca.pem"))
    return tmp_path / "home"


def install(home, certificate, key):
    command = ["install", "--dir", str(home), str(certificate), str(key)]
    return CliRunner().invoke(trustee_group, command)


@pytest.mark.parametrize(
    ("certificate", "key", "said"),
    [
        ("trustee-b", "trustee-b", "certificate of 'trustee-b', not of trustee-a"),
        ("worker", "worker", "certificate of 'worker', not of trustee-a"),
        ("trustee-a", "trustee-b", "is not the key of the certificate"),
        ("elsewhere", "elsewhere", "was not issued by the authority"),
    ],
)
def test_a_trustee_installs_its_own_certificate_and_key_alone(
    cloud, home, tmp_path, certificate, key, said
):
    if certificate == "elsewhere":
        make_cloud(tmp_path / "other")
        path = issue_role(tmp_path / "other", "trustee-a", datetime.now(UTC))
        done = install(home, path, path.with_suffix(".key"))
    else:
        files = pki_path(cloud, f"{certificate}.pem"), pki_path(cloud, f"{key}.key")
        done = install(home, *files)
    assert said in str(done.exception)
    assert not (home / places.CERTIFICATE).exists()
    assert not (home / places.TLS_KEY).exists()


def test_a_trustee_installs_what_was_issued_to_it(cloud, home):
    path = pki_path(cloud, "trustee-a.pem")
    assert "Installed" in install(home, path, path.with_suffix(".key")).output
    assert places.link_settings(home).client_id == "trustee-a"


@pytest.mark.parametrize("command", [("run",), ("release", "run")])
@pytest.mark.parametrize(
    ("name", "said"), [("monitor", "no worker's name"), ("worker-9", "volet cloud issue worker-9")]
)
def test_a_worker_shows_a_workers_certificate(cloud, command, name, said):
    arguments = [*command, "--dir", str(cloud), "--name", name]
    done = CliRunner().invoke(cloud_group, arguments)
    assert isinstance(done.exception, ConfigError)
    assert said in str(done.exception)
    assert "_started" not in done.output


def test_a_trustee_is_certified_under_a_name_of_its_own(cloud):
    with pytest.raises(ConfigError, match="trustee-"):
        issue_role(cloud, "trustee", datetime.now(UTC))


def test_a_second_worker_has_not_started(cloud):
    with closing(pki_path(cloud, "worker.key").open("rb")) as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = CliRunner().invoke(cloud_group, ["run", "--dir", str(cloud)])
    assert "worker runs already on this machine" in str(done.exception)
    assert "volet cloud issue worker-2" in str(done.exception)
    assert "_started" not in done.output


def test_a_second_trustee_has_not_started_and_is_told_what_trustees_do(cloud, home):
    path = pki_path(cloud, "trustee-a.pem")
    install(home, path, path.with_suffix(".key"))
    with closing((home / places.TLS_KEY).open("rb")) as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = CliRunner().invoke(trustee_group, ["run", "--dir", str(home)])
    assert "trustee-a runs already on this machine" in str(done.exception)
    assert "tell the collectivity" in str(done.exception)
    assert "worker" not in str(done.exception)
    assert "_started" not in done.output


@pytest.mark.parametrize("why", [errno.ENOLCK, errno.EINTR, errno.EIO])
def test_a_lock_that_fails_is_no_second_program(cloud, monkeypatch, why):
    def fail(*_):
        raise OSError(why, "the disk's own words")

    monkeypatch.setattr(fcntl, "flock", fail)
    done = CliRunner().invoke(cloud_group, ["run", "--dir", str(cloud)])
    assert isinstance(done.exception, ConfigError)
    assert "worker.key cannot be locked: the disk's own words" in str(done.exception)
    assert "runs already" not in str(done.exception)
