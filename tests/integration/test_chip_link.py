"""The chip's link on a real broker: what it is told, and what it does when nobody answers."""

import contextlib
import ipaddress
import select
import socket
import ssl
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from paho.mqtt.client import Client
from structlog.testing import capture_logs

from edge.chip.agent import link_settings
from edge.mqtt.link import ChipLink, ChipLinkSettings
from edge.mqtt.message import (
    Absence,
    Arrived,
    Connected,
    Disconnected,
    Publish,
    Published,
    PublishRefused,
    Unreachable,
)
from protocol.ids import new_device_id
from protocol.status import State, decode_status
from protocol.topics import Kind, device_topic
from system.patience import Patience
from system.tls import client_context
from tests.support.broker import WITHIN_S, enrol_chip, make_cloud, wait_until
from tests.support.mqtt import NO_SUBSCRIBERS, NOT_AUTHORIZED, SUCCESS, Peer, role_pass


class Listener:
    """Collects a link's events."""

    def __init__(self, link):
        self.link = link
        self.events = []

    def wait_for(self, kind):
        """Return the next event of a kind."""
        patience = Patience(WITHIN_S)
        while patience.lasts():
            for event in self.events:
                if isinstance(event, kind):
                    self.events.remove(event)
                    return event
            select.select([self.link.fileno()], [], [], 0.2)
            self.events += self.link.events()
        pytest.fail(f"no {kind.__name__} within {WITHIN_S} s; {self.events}")
        raise AssertionError


@pytest.fixture
def identity(broker, tmp_path):
    return enrol_chip(broker.cloud, tmp_path / "chip")


@pytest.fixture
def monitor(broker, identity):
    with Peer(broker.port, role_pass(broker.cloud, "monitor").context()) as monitor:
        monitor.subscribe(own(identity, Kind.STATUS))
        yield monitor


def cut(link):
    """End the connection without a word, as a dead network does."""
    link._client.socket().shutdown(socket.SHUT_RDWR)


@pytest.fixture
def listener(identity):
    link = ChipLink(link_settings(identity), identity.tls_context)
    link.start()
    yield Listener(link)
    link.stop()


def own(identity, kind, rest=""):
    return device_topic(identity.collectivity, identity.device, kind, rest)


def test_what_nobody_listens_to_is_told_apart_from_what_somebody_gets(broker, identity, listener):
    listener.wait_for(Connected)
    publish = Publish(own(identity, Kind.EPOCH), b"payload")
    listener.link.publish(publish)
    assert listener.wait_for(Published) == Published(publish, has_subscribers=False)
    with Peer(broker.port, role_pass(broker.cloud, "worker").context()) as worker:
        worker.subscribe(publish.topic)
        listener.link.publish(publish)
        assert listener.wait_for(Published) == Published(publish, has_subscribers=True)
        assert worker.wait_for(publish.topic) == b"payload"


def test_one_thread_alone_touches_the_connection(identity, monkeypatch):
    """Two of them on one TLS connection break its records; it shows now and then, under load."""
    users = set()

    def watched(method):
        def noted(client, argument):
            users.add(threading.current_thread().name)
            return method(client, argument)

        return noted

    monkeypatch.setattr(Client, "_sock_send", watched(Client._sock_send))
    monkeypatch.setattr(Client, "_sock_recv", watched(Client._sock_recv))
    link = ChipLink(link_settings(identity), identity.tls_context)
    link.start()
    listener = Listener(link)
    listener.wait_for(Connected)
    for _ in range(20):
        link.publish(Publish(own(identity, Kind.EPOCH), b"payload"))
    for _ in range(20):
        listener.wait_for(Published)
    link.stop(Publish(own(identity, Kind.STATUS), b"goodbye"))
    assert users == {"chip-link"}


def test_a_refusal_of_the_broker_is_an_event_with_its_code(identity, listener):
    listener.wait_for(Connected)
    other = device_topic(identity.collectivity, new_device_id(), Kind.BLOCK)
    publish = Publish(other, b"payload")
    listener.link.publish(publish)
    assert listener.wait_for(PublishRefused) == PublishRefused(publish, NOT_AUTHORIZED)


def test_what_the_cloud_sends_arrives(broker, identity, listener):
    listener.wait_for(Connected)
    topic = own(identity, Kind.ACK)
    with Peer(broker.port, role_pass(broker.cloud, "worker").context()) as worker:
        worker.publish(topic, b"ack")
    assert listener.wait_for(Arrived) == Arrived(topic, b"ack")


def test_a_killed_broker_ends_the_session_and_a_new_one_follows_by_itself(broker, listener):
    listener.wait_for(Connected)
    broker.kill()
    listener.wait_for(Disconnected)
    broker.start()
    listener.wait_for(Connected)


def test_the_goodbye_is_retained_for_whoever_may_monitor(broker, identity):
    link = ChipLink(link_settings(identity), identity.tls_context)
    link.start()
    listener = Listener(link)
    listener.wait_for(Connected)
    topic = own(identity, Kind.STATUS)
    link.stop(Publish(topic, msgspec.json.encode({"online": False}), retain=True))
    with Peer(broker.port, role_pass(broker.cloud, "monitor").context()) as monitor:
        monitor.subscribe(topic)
        assert msgspec.json.decode(monitor.wait_for(topic)) == {"online": False}


def test_a_short_cut_is_told_to_nobody_and_the_session_goes_on(identity, listener, monitor):
    assert listener.wait_for(Connected) == Connected(is_resumed=False)
    cut(listener.link)
    listener.wait_for(Disconnected)
    assert listener.wait_for(Connected) == Connected(is_resumed=True)
    listener.link.publish(Publish(own(identity, Kind.STATUS), b"still here"))
    monitor.wait_for_count(1)
    assert [payload for _, payload in monitor.received] == [b"still here"]


@pytest.mark.parametrize("end", ["cut", "stopped in silence"])
def test_a_chip_that_stays_away_is_called_lost_after_the_delay(identity, monitor, end):
    settings = msgspec.structs.replace(link_settings(identity), will_delay_s=1)
    link = ChipLink(settings, identity.tls_context)
    link.start()
    listener = Listener(link)
    listener.wait_for(Connected)
    if end == "cut":
        link._stopping.set()
        cut(link)
    link.stop()
    assert decode_status(monitor.wait_for(own(identity, Kind.STATUS))).state is State.LOST


def test_topics_of_a_process_before_are_left_when_they_speak(broker, identity, listener):
    """The session outlives the process, and what was heard in it would be heard for ever."""
    listener.wait_for(Connected)
    topic = f"volet/v1/{identity.collectivity}/catalogue/{'ab' * 32}"
    listener.link.listen(frozenset((topic,)))
    with Peer(broker.port, role_pass(broker.cloud, "worker").context()) as worker:
        wait_until(lambda: worker.publish(topic, b"one") == SUCCESS, "the subscription")
        assert listener.wait_for(Arrived) == Arrived(topic, b"one")
        listener.link._subscribed = frozenset()
        worker.publish(topic, b"two")
        assert listener.wait_for(Arrived) == Arrived(topic, b"two")
        wait_until(lambda: worker.publish(topic, b"three") == NO_SUBSCRIBERS, "the end of it")


# paho leaves the socket of a failed handshake to the collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_broker_of_another_authority_is_refused_and_named(broker, identity, tmp_path):
    stranger = tmp_path / "stranger"
    make_cloud(stranger)
    theirs = enrol_chip(stranger, tmp_path / "other-chip")
    link = ChipLink(link_settings(identity), theirs.tls_context)
    with capture_logs() as logs:
        link.start()
        wait_until(lambda: any("refused" in each["event"] for each in logs), "a refusal")
        assert Listener(link).wait_for(Unreachable) == Unreachable(Absence.AUTHORITY)
        link.stop()
    assert broker.port
    assert next(each["event"] for each in logs) == "broker_tls_refused"
    assert logs[0]["log_level"] == "error"


def test_a_broker_that_is_away_is_no_error(identity, broker):
    broker.kill()
    link = ChipLink(link_settings(identity), identity.tls_context)
    with capture_logs() as logs:
        link.start()
        wait_until(lambda: link._session > 2, "three attempts")
        assert Listener(link).wait_for(Unreachable) == Unreachable(Absence.NETWORK)
        link.stop()
    assert [each["event"] for each in logs] == ["broker_away"]  # once, not each time
    assert {each["log_level"] for each in logs} == {"info"}


def test_stopping_a_link_that_was_never_started_is_no_error(identity):
    ChipLink(link_settings(identity), identity.tls_context).stop()


def test_two_chips_with_the_same_keys_say_so_and_pause(identity):
    links = [ChipLink(link_settings(identity), identity.tls_context) for _ in range(2)]
    with capture_logs() as logs:
        for link in links:
            link.start()
        wait_until(
            lambda: any(each["event"] == "session_taken_over" for each in logs), "one to say so"
        )
        for link in links:
            link.stop()


# paho leaves the socket of a failed handshake to the collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("of_server", "of_chip", "why"),
    [
        ((1, 30), (-30, 30), Absence.CLOCK),
        ((-30, -1), (-30, 30), Absence.CITY_EXPIRED),
        ((-30, 30), (-30, -1), Absence.EXPIRED),
        ((-30, 30), (-30, 30), None),
    ],
)
def test_certificates_out_of_their_time_are_told_apart(tmp_path, of_server, of_chip, why):
    """`of_server` and `of_chip` are the days from now between which a certificate is valid."""
    authority = Authority(tmp_path)
    server, chip = authority.issue("127.0.0.1", *of_server), authority.issue("chip", *of_chip)
    with hanging_up(authority, server) as port:
        settings = ChipLinkSettings(
            host="127.0.0.1", port=port, client_id="chip", subscription="x", will=Publish("y", b"")
        )
        link = ChipLink(settings, lambda: client_context(authority.path, *chip))
        link.start()
        said = Listener(link).wait_for(Unreachable)
        link.stop()
    assert said == Unreachable(why or Absence.REFUSED)


class Authority:
    """An authority of a test's own."""

    def __init__(self, directory):
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")])
        self.path = directory / "authority.pem"
        made = self._build(self._name, self._key, -60, 60).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        self.path.write_bytes(made.sign(self._key, SHA256()).public_bytes(Encoding.PEM))

    def issue(self, name, first, last):
        """Return the paths of a certificate, valid between these days from now, and of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = self._build(subject, key, first, last)
        if name[0].isdigit():
            address = x509.IPAddress(ipaddress.ip_address(name))
            builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
        paths = self._directory / f"{name}.pem", self._directory / f"{name}.key"
        paths[0].write_bytes(builder.sign(self._key, SHA256()).public_bytes(Encoding.PEM))
        paths[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return paths

    def _build(self, subject, key, first, last):
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + timedelta(days=first))
            .not_valid_after(now + timedelta(days=last))
        )


@contextmanager
def hanging_up(authority, server):
    """Listen with TLS, as a broker does that refuses everybody; gives the port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*server)
    context.load_verify_locations(authority.path)
    context.verify_mode = ssl.CERT_REQUIRED
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve():
            with contextlib.suppress(OSError):
                connection, _ = listening.accept()
                with context.wrap_socket(connection, server_side=True) as wrapped:
                    wrapped.recv(1)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        thread.join()
