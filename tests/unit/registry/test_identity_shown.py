"""A program shows its own certificate: of its name, its role, its authority, with its key."""

import errno
import fcntl
from contextlib import closing
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from cloud.commands.table import cloud as cloud_group
from cloud.registry import renewal
from cloud.registry.key_files import pki_path
from cloud.registry.pki import issue_role
from protocol.errors import ConfigError
from system.mqtt.identity import CERTIFICATE, REQUEST, TLS_KEY
from tests.support.broker import COLLECTIVITY, make_cloud
from trustee import directory as places
from trustee.commands.table import trustee as trustee_group


@pytest.fixture
def cloud(tmp_path):
    make_cloud(tmp_path / "cloud")
    for name in ("trustee-b", "worker-release"):
        issue_role(tmp_path / "cloud", name, datetime.now(UTC))
    return tmp_path / "cloud"


@pytest.fixture
def home(cloud, tmp_path):
    config = places.new_config(COLLECTIVITY, "trustee-a", "The first", "localhost", 8883)
    places.initialise(tmp_path / "home", config, pki_path(cloud, "ca.pem"))
    return tmp_path / "home"


def install(home, certificate):
    return CliRunner().invoke(trustee_group, ["install", "--dir", str(home), str(certificate)])


def certified(cloud, home, name="trustee-a"):
    """Have the home's key certified; return the certificate's path."""
    command = ["issue", "--dir", str(cloud), name, "--request", str(home / REQUEST)]
    done = CliRunner().invoke(cloud_group, command)
    assert done.exit_code == 0, done.exception
    return pki_path(cloud, f"{name}.pem")


@pytest.mark.parametrize(
    ("certificate", "said"),
    [
        ("trustee-b", "certificate of 'trustee-b', not of trustee-a"),
        ("worker", "certificate of 'worker', not of trustee-a"),
        ("trustee-a", "is not the key of the certificate"),
        ("elsewhere", "was not issued by the authority"),
    ],
)
def test_a_trustee_installs_its_own_certificate_alone(cloud, home, tmp_path, certificate, said):
    before = (home / TLS_KEY).read_bytes()
    path = pki_path(cloud, f"{certificate}.pem")
    if certificate == "elsewhere":
        make_cloud(tmp_path / "other")
        path = certified(tmp_path / "other", home)
    elif certificate == "trustee-a":  # for a key that somebody else has drawn
        issue_role(cloud, "trustee-a", datetime.now(UTC))
    assert said in str(install(home, path).exception)
    assert not (home / CERTIFICATE).exists()
    assert (home / TLS_KEY).read_bytes() == before


def test_a_trustee_installs_what_was_issued_to_it_and_nobody_else_has_its_key(cloud, home):
    assert "Installed" in install(home, certified(cloud, home)).output
    assert places.link_settings(home).client_id == "trustee-a"
    assert not pki_path(cloud, "trustee-a.key").exists()
    assert renewal.renew(cloud, datetime.now(UTC), is_forced=True)
    assert "Installed" in install(home, pki_path(cloud, "trustee-a.pem")).output


def test_no_key_is_drawn_for_a_trustee(cloud):
    done = CliRunner().invoke(cloud_group, ["issue", "--dir", str(cloud), "trustee-a"])
    assert done.exit_code == 2
    assert "draws its key itself" in done.output
    assert not pki_path(cloud, "trustee-a.key").exists()


def test_a_request_that_does_not_hold_is_refused(cloud, home, tmp_path):
    request = (home / REQUEST).read_bytes()
    bits = bytearray(x509.load_pem_x509_csr(request).public_bytes(Encoding.DER))
    bits[-1] ^= 1
    forged = x509.load_der_x509_csr(bytes(bits)).public_bytes(Encoding.PEM)
    weak = ec.generate_private_key(ec.SECP192R1())
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    weakly = builder.sign(weak, SHA256()).public_bytes(Encoding.PEM)
    for data, said in (
        (b"", "no certificate signing request"),
        (request[:-60], "no certificate signing request"),
        (forged, "not signed by the key"),
        (weakly, "of another kind than P-256"),
    ):
        (tmp_path / "odd.csr").write_bytes(data)
        command = [
            "issue",
            "--dir",
            str(cloud),
            "trustee-a",
            "--request",
            str(tmp_path / "odd.csr"),
        ]
        done = CliRunner().invoke(cloud_group, command)
        assert said in str(done.exception), data
        assert not pki_path(cloud, "trustee-a.pem").exists()


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
    install(home, certified(cloud, home))
    with closing((home / TLS_KEY).open("rb")) as held:
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
