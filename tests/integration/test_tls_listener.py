"""Who gets as far as MQTT: TLS 1.3, a certificate of this authority, for the right purpose."""

import contextlib
import socket
import ssl
from pathlib import Path

import pytest

from cloud.registry.key_files import pki_path
from protocol.errors import ConfigError
from system.tls import client_context
from tests.support.broker import Broker, enrol_chip, make_cloud
from tests.support.mqtt import Pass, Peer, Refused, chip_pass


@pytest.fixture(scope="module")
def chip(shared_broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Pass:
    return chip_pass(enrol_chip(shared_broker.cloud, tmp_path_factory.mktemp("tls") / "chip"))


def test_enrolled_chip_gets_in(shared_broker, chip):
    with Peer(shared_broker.port, chip.context()) as peer:
        assert peer.subscribe("anything") < 0x80


def test_nothing_but_tls_is_spoken(shared_broker):
    with pytest.raises(Refused):
        Peer(shared_broker.port, None, "in-clear")


def test_no_certificate_is_refused(shared_broker, chip):
    context = ssl.create_default_context(cafile=chip.ca)
    with pytest.raises(Refused):
        Peer(shared_broker.port, context)


def test_certificate_of_another_collectivity_is_refused(shared_broker, chip, tmp_path):
    make_cloud(tmp_path / "elsewhere")
    stranger = chip_pass(enrol_chip(tmp_path / "elsewhere", tmp_path / "stranger"))
    context = client_context(chip.ca, stranger.certificate, stranger.key)
    with pytest.raises(Refused):
        Peer(shared_broker.port, context)


def test_certificate_with_the_name_of_a_worker_from_another_authority_is_refused(
    shared_broker, chip, tmp_path
):
    make_cloud(tmp_path / "elsewhere")
    pki = tmp_path / "elsewhere" / "pki"
    context = client_context(chip.ca, pki / "worker.pem", pki / "worker.key")
    with pytest.raises(Refused):
        Peer(shared_broker.port, context)


def test_broker_of_another_collectivity_is_not_spoken_to(shared_broker, tmp_path):
    make_cloud(tmp_path / "elsewhere")
    stranger = chip_pass(enrol_chip(tmp_path / "elsewhere", tmp_path / "stranger"))
    with pytest.raises(ssl.SSLCertVerificationError):
        _shake_hands(shared_broker.port, stranger.context())


def test_certificate_of_the_broker_is_none_for_a_client(shared_broker, chip):
    pki = shared_broker.cloud / "pki"
    context = client_context(chip.ca, pki / "server.pem", pki / "server.key")
    with pytest.raises(Refused):
        Peer(shared_broker.port, context)


def test_tls_1_2_is_refused(shared_broker, chip):
    context = chip.context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError, match="alert protocol version"):
        _shake_hands(shared_broker.port, context)


def test_no_session_ticket_is_given_that_could_skip_the_revocation_list(shared_broker, chip):
    context = chip.context()
    address = ("127.0.0.1", shared_broker.port)
    with (
        socket.create_connection(address) as raw,
        context.wrap_socket(raw, server_hostname="127.0.0.1") as tls,
    ):
        client_id = chip.name.encode()
        body = b"\x00\x04MQTT\x05\x02\x00\x3c\x00" + len(client_id).to_bytes(2, "big") + client_id
        tls.sendall(b"\x10" + bytes([len(body)]) + body)
        assert tls.recv(1) == b"\x20"  # CONNACK: tickets would have come before it
        assert tls.session is None or not tls.session.has_ticket


def test_chip_cannot_pose_as_the_broker(chip):
    context = chip.context()
    context.check_hostname = False  # its purpose alone must be reason enough
    impostor = _server(chip.certificate, chip.key)
    with pytest.raises(ssl.SSLCertVerificationError, match="unsuitable certificate purpose"):
        _in_memory(context, impostor)


def test_chip_does_not_speak_tls_1_2_to_anyone(shared_broker, chip):
    pki = shared_broker.cloud / "pki"
    server = _server(pki / "server.pem", pki / "server.key")
    _in_memory(chip.context(), server)
    server.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError, match=r"unsupported protocol|protocol version"):
        _in_memory(chip.context(), server)


def test_name_of_the_broker_is_checked(shared_broker, chip):
    with pytest.raises(ssl.SSLCertVerificationError, match="not valid for"):
        _shake_hands(shared_broker.port, chip.context(), "broker.example")


def test_context_of_files_that_do_not_fit_is_a_sentence(chip, tmp_path):
    make_cloud(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="does not load"):
        client_context(chip.ca, chip.certificate, pki_path(tmp_path / "elsewhere", "worker.key"))
    with pytest.raises(ConfigError, match="No such file"):
        client_context(chip.ca, chip.certificate, tmp_path / "gone")


def _shake_hands(port: int, context: ssl.SSLContext, name: str = "127.0.0.1") -> None:
    with (
        socket.create_connection(("127.0.0.1", port)) as raw,
        context.wrap_socket(raw, server_hostname=name, do_handshake_on_connect=False) as tls,
    ):
        tls.do_handshake()


def _server(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def _in_memory(client: ssl.SSLContext, server: ssl.SSLContext) -> None:
    """Let two contexts shake hands without a network."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = (
        client.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1"),
        server.wrap_bio(outgoing, incoming, server_side=True),
    )
    for side in sides * 3:
        with contextlib.suppress(ssl.SSLWantReadError):
            side.do_handshake()
