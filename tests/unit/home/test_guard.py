"""A broker that is not the household's own is refused before anything is said there."""

import socket
import threading

import pytest

from edge.home.guard import check_address, check_broker
from edge.home.link import HomeLink
from edge.home.settings import HomeConfig, read_password
from protocol.errors import ConfigError
from tests.support.broker import enrol_chip, make_cloud, wait_until


@pytest.fixture(scope="module")
def identity(tmp_path_factory):
    directory = tmp_path_factory.mktemp("town")
    make_cloud(directory / "cloud")
    return enrol_chip(directory / "cloud", directory / "chip")


def test_the_collectivitys_name_and_port_are_refused(identity):
    for name in (identity.broker_host, identity.broker_host.upper() + "."):
        with pytest.raises(ConfigError, match="is your collectivity's broker"):
            check_broker(HomeConfig(name, port=identity.broker_port), identity)
    check_broker(HomeConfig(identity.broker_host, port=1883), identity)


def test_the_collectivitys_authority_is_refused(identity, tmp_path):
    copy = tmp_path / "home-ca.pem"
    copy.write_bytes(identity.ca_path.read_bytes())
    with pytest.raises(ConfigError, match="is the authority of your collectivity's broker"):
        check_broker(HomeConfig("home.local", ca=str(copy)), identity)


def test_an_authority_that_is_none_is_named(identity, tmp_path):
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(ConfigError, match="holds no certificate in PEM"):
        check_broker(HomeConfig("home.local", ca=str(tmp_path / "ca.pem")), identity)


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8", "100.64.0.1", "224.0.0.1", "0.0.0.0"],
)
def test_an_address_of_the_internet_is_refused(identity, address):
    with pytest.raises(ConfigError, match="is not on a home network"):
        check_address(HomeConfig("home.local"), identity, address)


@pytest.mark.parametrize(
    "address", ["192.168.1.10", "10.0.0.2", "172.16.3.4", "127.0.0.1", "fe80::1%eth0", "fd00::5"]
)
def test_an_address_at_home_is_taken(identity, address):
    check_address(HomeConfig("home.local"), identity, address)


def test_another_name_of_the_collectivitys_broker_is_refused(identity):
    config = HomeConfig("other-name.local", port=identity.broker_port)
    with pytest.raises(ConfigError, match="is your collectivity's broker"):
        check_address(config, identity, "127.0.0.1")


class Ear:
    """Listens on loopback, and keeps the first bytes that come."""

    def __init__(self):
        self.heard, self.calls = b"", 0
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.thread = threading.Thread(target=self.listen, name="ear")
        self.thread.start()

    def listen(self):
        connection, _ = self.server.accept()
        with connection:
            self.calls += 1
            connection.settimeout(10)
            self.heard = connection.recv(1_000)

    def close(self):
        self.thread.join()
        self.server.close()


@pytest.mark.parametrize("is_guarded", [True, False])
def test_nothing_is_said_at_a_refused_address(is_guarded):
    """Without its check the link says its name and password."""
    ear = Ear()

    def check(address):
        if is_guarded:
            raise ConfigError(f"{address} is refused.")

    config = HomeConfig("127.0.0.1", port=ear.port, user="me")
    link = HomeLink(config, "0123456789abcdef", "a secret word", check)
    link.start()
    try:
        wait_until(lambda: ear.calls > 0, "the link to call")
        ear.thread.join()
    finally:
        link.stop()
        ear.close()
    assert (b"a secret word" in ear.heard) is not is_guarded
    assert (ear.heard == b"") is is_guarded


def test_the_password_is_the_households_alone(tmp_path, monkeypatch):
    assert read_password(tmp_path) is None
    path = tmp_path / "home-broker.password"
    path.write_text("word\n")
    path.chmod(0o644)
    with pytest.raises(ConfigError):
        read_password(tmp_path)
    path.chmod(0o600)
    assert read_password(tmp_path) == "word"
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / path.name).write_bytes(b"another")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "given"))
    assert read_password(tmp_path) == "another"
    (tmp_path / "given" / path.name).write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="is no text"):
        read_password(tmp_path)
