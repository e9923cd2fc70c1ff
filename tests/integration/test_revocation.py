"""A revoked chip or role has no session and gets none; everybody else goes on."""

import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cloud.registry.authority import OPERATOR_VALIDITY, new_operator
from cloud.registry.broker import refresh_broker
from cloud.registry.broker_session import end_session
from cloud.registry.key_files import OPERATOR_CERTIFICATE, load_ec_key, pem, pki_path
from cloud.registry.pki import issue_role, revoke
from cloud.registry.renewal import OPERATOR, renew
from cloud.registry.revocation import revoke_everywhere
from cloud.registry.roll_over import roll_over_issuer
from cloud.store.sqlite.store import SqliteStore
from mosquitto.config import DATA
from protocol.errors import ConfigError, DocumentRefused, TransportError
from protocol.ids import DeviceId
from protocol.topics import RETAINED, SENT_BY_CHIPS, TrusteeKind, device_topic, trustee_topic
from system.files import write_public
from tests.support.broker import COLLECTIVITY, Broker, enrol_chip, wait_until
from tests.support.mqtt import (
    NO_SUBSCRIBERS,
    SUCCESS,
    Pass,
    Peer,
    Refused,
    Will,
    chip_pass,
    role_pass,
)

ACCEPTED = (SUCCESS, NO_SUBSCRIBERS)
NOW = datetime.now(UTC)


@pytest.fixture
def chip(broker: Broker, tmp_path: Path) -> Pass:
    return chip_pass(enrol_chip(broker.cloud, tmp_path / "chip"))


@pytest.fixture
def store(broker: Broker) -> Iterator[SqliteStore]:
    opened = SqliteStore.open(broker.cloud)
    yield opened
    opened.close()


def test_open_session_of_a_revoked_chip_ends_and_none_begins(broker, chip, store):
    with Peer(broker.port, chip.context()) as peer:
        assert peer.publish(f"volet/v1/testville/d/{chip.name}/status") in ACCEPTED
        revoke_everywhere(broker.cloud, store, chip.name, broker.directory, NOW)
        peer.wait_until_ended()
    with pytest.raises(Refused):
        Peer(broker.port, chip.context())
    assert store.devices([chip.name])[0].is_revoked


def test_chip_that_connects_again_at_once_does_not_slip_through(broker, chip, store):
    """The broker has read the new list before the session ends, so there is no gap to use."""
    with Peer(broker.port, chip.context()) as peer:
        revoke_everywhere(broker.cloud, store, chip.name, broker.directory, NOW)
        peer.wait_until_ended()
        with pytest.raises(Refused):
            Peer(broker.port, chip.context())


def test_what_was_queued_for_a_revoked_chip_is_dropped(broker, chip, store):
    topic = f"volet/v1/testville/d/{chip.name}/down/ack"
    peer = Peer(broker.port, chip.context(), session_expiry_s=3600)
    peer.subscribe(topic)
    peer.drop()
    with Peer(broker.port, role_pass(broker.cloud, "worker").context()) as worker:
        assert worker.publish(topic) == SUCCESS
        revoke_everywhere(broker.cloud, store, chip.name, broker.directory, NOW)
        assert worker.publish(topic) == NO_SUBSCRIBERS


def _retain(peer: Peer, topic: str) -> None:
    assert peer.publish(topic, b"kept", retain=True) in ACCEPTED


def _is_kept(broker: Broker, name: str) -> bool:
    """Return whether the broker's file, which has sessions and retained messages, has a name."""
    broker.save()
    return name.encode() in (broker.directory / DATA / "mosquitto.db").read_bytes()


def test_nothing_of_a_revoked_chip_is_retained_not_even_after_a_restart(broker, chip, store):
    device = DeviceId(chip.name)
    will = Will(device_topic(COLLECTIVITY, device, "status"), b"gone")
    with (
        Peer(broker.port, role_pass(broker.cloud, "worker").context()) as worker,
        Peer(broker.port, chip.context(), will=will) as peer,
    ):
        for kind in SENT_BY_CHIPS:
            _retain(peer, device_topic(COLLECTIVITY, device, kind))
        for kind in set(RETAINED) - set(SENT_BY_CHIPS):
            for number in range(300):
                _retain(worker, device_topic(COLLECTIVITY, device, kind, f"{number:032x}"))
        assert _is_kept(broker, chip.name)
        revoke_everywhere(broker.cloud, store, chip.name, broker.directory, NOW)
        assert not _is_kept(broker, chip.name)
    broker.kill()
    broker.start()
    assert not _is_kept(broker, chip.name)


def test_nothing_of_a_revoked_trustee_is_retained(broker, store):
    issue_role(broker.cloud, "trustee-a", datetime.now(UTC))
    broker.configure()
    with (
        Peer(broker.port, role_pass(broker.cloud, "worker").context()) as worker,
        Peer(broker.port, role_pass(broker.cloud, "trustee-a").context()) as trustee,
    ):
        _retain(worker, trustee_topic(COLLECTIVITY, "trustee-a", TrusteeKind.REQUEST))
        for kind in (TrusteeKind.RESPONSE, TrusteeKind.LOG):
            _retain(trustee, trustee_topic(COLLECTIVITY, "trustee-a", kind))
        revoke_everywhere(broker.cloud, store, "trustee-a", broker.directory, NOW)
    assert not _is_kept(broker, "trustee-a")


def test_what_others_retain_stays(broker, chip, store, tmp_path):
    other = chip_pass(enrol_chip(broker.cloud, tmp_path / "other"))
    with Peer(broker.port, other.context()) as peer, Peer(broker.port, chip.context()) as revoked:
        for name, sender in ((other.name, peer), (chip.name, revoked)):
            _retain(sender, device_topic(COLLECTIVITY, DeviceId(name), "key"))
        revoke_everywhere(broker.cloud, store, chip.name, broker.directory, NOW)
    assert (_is_kept(broker, other.name), _is_kept(broker, chip.name)) == (True, False)


def test_revocation_while_the_broker_is_down_says_what_the_broker_keeps(broker, chip, store):
    with Peer(broker.port, chip.context()) as peer:
        _retain(peer, device_topic(COLLECTIVITY, DeviceId(chip.name), "key"))
    broker.stop()
    with pytest.raises(TransportError, match=f"{chip.name} is revoked.*start it"):
        revoke_everywhere(broker.cloud, store, chip.name, broker.directory, NOW)
    broker.start()
    assert _is_kept(broker, chip.name)
    revoke_everywhere(broker.cloud, store, chip.name, broker.directory, NOW)
    assert not _is_kept(broker, chip.name)


def test_others_keep_their_sessions(broker, chip, store, tmp_path):
    other = chip_pass(enrol_chip(broker.cloud, tmp_path / "other"))
    topic = f"volet/v1/testville/d/{other.name}/up/block"
    with (
        Peer(broker.port, other.context()) as peer,
        Peer(broker.port, role_pass(broker.cloud, "worker").context()) as worker,
    ):
        worker.subscribe(topic)
        revoke_everywhere(broker.cloud, store, chip.name, broker.directory, NOW)
        assert peer.publish(topic, b"still here") == SUCCESS
        assert worker.wait_for(topic) == b"still here"


def test_chips_revoked_within_one_second_are_all_shut_out(broker, store, tmp_path):
    """OpenSSL takes the newer of the lists it was given, and times them to the second."""
    chips = [chip_pass(enrol_chip(broker.cloud, tmp_path / f"chip{n}")) for n in range(3)]
    for chip in chips:
        revoke_everywhere(broker.cloud, store, chip.name, broker.directory, NOW)
    for chip in chips:
        with pytest.raises(Refused):
            Peer(broker.port, chip.context())


def ended(broker: Broker, name: str) -> int:
    """How often the broker says that it has ended the session of a name."""
    return broker.log.count(f"Client {name} disconnected")


def test_a_revocation_leaves_the_sessions_of_absent_clients_alone(broker, store, tmp_path):
    """Ended a second time, mosquitto 2.0.11 lists them twice, and aborts once they have come back."""
    absent, chip = (chip_pass(enrol_chip(broker.cloud, tmp_path / name)) for name in "ab")
    keeps = {"session_expiry_s": 3_600, "clean_start": False}
    Peer(broker.port, absent.context(), **keeps).close()
    wait_until(lambda: ended(broker, absent.name), "the broker to have let it go")
    revoke_everywhere(broker.cloud, store, chip.name, broker.directory, NOW)
    with pytest.raises(Refused):
        Peer(broker.port, chip.context())
    assert ended(broker, absent.name) == 1


def test_all_certificates_a_chip_ever_got_are_revoked(broker, store, tmp_path):
    first = chip_pass(enrol_chip(broker.cloud, tmp_path / "chip"))
    old = tmp_path / "old.pem"
    old.write_bytes(first.certificate.read_bytes())
    again = chip_pass(enrol_chip(broker.cloud, tmp_path / "chip"))
    assert again.name == first.name
    assert again.certificate.read_bytes() != old.read_bytes()
    revoke_everywhere(broker.cloud, store, again.name, broker.directory, NOW)
    for certificate in (old, again.certificate):
        with pytest.raises(Refused):
            Peer(broker.port, Pass(again.name, again.ca, certificate, again.key).context())


def test_revoked_worker_is_shut_out_and_issued_anew(broker, store, tmp_path):
    lost = tmp_path / "lost"
    lost.mkdir()
    for name in ("worker.pem", "worker.key"):
        (lost / name).write_bytes(pki_path(broker.cloud, name).read_bytes())
    revoke_everywhere(broker.cloud, store, "worker", broker.directory, NOW)
    thief = Pass("worker", broker.directory / "ca.pem", lost / "worker.pem", lost / "worker.key")
    with pytest.raises(Refused):
        Peer(broker.port, thief.context())
    issue_role(broker.cloud, "worker", datetime.now(UTC))
    with Peer(broker.port, role_pass(broker.cloud, "worker").context()) as worker:
        assert worker.publish("volet/v1/testville/area/curve/1") in ACCEPTED


def test_revocation_holds_after_a_restart(broker, chip, store):
    revoke_everywhere(broker.cloud, store, chip.name, broker.directory, NOW)
    broker.restart()
    with pytest.raises(Refused):
        Peer(broker.port, chip.context())


def test_revocation_while_the_broker_is_down_holds_from_its_start(broker, chip, store):
    broker.stop()
    revoke_everywhere(broker.cloud, store, chip.name, broker.directory, NOW)
    broker.start()
    with pytest.raises(Refused):
        Peer(broker.port, chip.context())


def test_revocation_without_the_broker_at_hand_says_so_and_can_be_finished(
    broker, chip, store, tmp_path
):
    with Peer(broker.port, chip.context()) as peer:
        with pytest.raises(ConfigError, match=f"{chip.name} is revoked, but.*broker-config"):
            revoke_everywhere(broker.cloud, store, chip.name, tmp_path / "nowhere", NOW)
        assert store.devices([chip.name])[0].is_revoked
        revoke_everywhere(broker.cloud, store, chip.name, broker.directory, NOW)
        peer.wait_until_ended()


def test_session_cannot_be_ended_when_the_operator_listener_is_away(broker, chip):
    broker.stop()
    with pytest.raises(TransportError, match="cannot be reached"):
        end_session(broker.cloud, chip.name)


def test_unknown_name_is_refused_in_a_sentence(broker, store):
    with pytest.raises(DocumentRefused, match="Nobody named"):
        revoke_everywhere(broker.cloud, store, "a" * 26, broker.directory, NOW)


def test_list_without_a_newer_time_would_not_count(broker, chip):
    """Why each list is at least a second newer: mosquitto keeps the earlier ones it has read."""
    crl = pki_path(broker.cloud, "crl.pem")
    before = crl.read_bytes()
    revoke(broker.cloud, chip.name, NOW)
    refresh_broker(broker.cloud, broker.directory)
    wait_until(lambda: _is_refused(broker, chip), "the broker to have read the new list")
    crl.write_bytes(before)
    refresh_broker(broker.cloud, broker.directory)
    with pytest.raises(Refused):
        Peer(broker.port, chip.context())


def _is_refused(broker: Broker, chip: Pass) -> bool:
    try:
        Peer(broker.port, chip.context()).close()
    except Refused:
        return True
    return False


def test_renewed_broker_certificate_is_shown_after_a_restart(broker, chip):
    assert "broker" in renew(broker.cloud, datetime.now(UTC), is_forced=True)
    refresh_broker(broker.cloud, broker.directory)
    renewed = (broker.cloud / "pki" / "server.pem").read_text("ascii")
    assert not renewed.startswith(_shown(broker, chip))
    broker.restart()
    assert renewed.startswith(_shown(broker, chip))


def _shown(broker: Broker, chip: Pass) -> str:
    """Return the certificate that the broker shows, as PEM."""
    with (
        socket.create_connection(("127.0.0.1", broker.port)) as raw,
        chip.context().wrap_socket(raw, server_hostname="127.0.0.1") as tls,
    ):
        return ssl.DER_cert_to_PEM_cert(tls.getpeercert(binary_form=True))


def _in_the_first_year(broker: Broker) -> None:
    roll_over_issuer(broker.cloud, broker.cloud / "root", datetime.now(UTC))


def _after_half_its_time(broker: Broker) -> None:
    """The broker was started with a certificate that is to be renewed."""
    key = load_ec_key(broker.cloud, "operator.key")
    old = new_operator(key, datetime.now(UTC) - OPERATOR_VALIDITY * 0.6)
    write_public(pki_path(broker.cloud, OPERATOR_CERTIFICATE), pem(old))
    broker.configure()
    assert renew(broker.cloud, datetime.now(UTC)) == (OPERATOR,)
    assert renew(broker.cloud, datetime.now(UTC)) == ()


def _by_force(broker: Broker) -> None:
    renew(broker.cloud, datetime.now(UTC), is_forced=True)


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("replace", [_in_the_first_year, _after_half_its_time, _by_force])
def test_sessions_can_be_ended_when_certificates_were_replaced(
    broker, chip, store, replace, restarts
):
    """The broker reads whom the operator's listener trusts at its start only."""
    replace(broker)
    refresh_broker(broker.cloud, broker.directory)
    if restarts:
        broker.restart()
    with Peer(broker.port, chip.context()) as peer:
        revoke_everywhere(broker.cloud, store, chip.name, broker.directory, NOW)
        peer.wait_until_ended()
    with pytest.raises(Refused):
        Peer(broker.port, chip.context())


def test_a_broker_that_does_not_let_the_operator_in_is_named_and_so_is_what_was_done(
    broker, chip, store
):
    path = pki_path(broker.cloud, OPERATOR_CERTIFICATE)
    known = path.read_bytes()
    other = new_operator(load_ec_key(broker.cloud, "operator.key"), datetime.now(UTC))
    write_public(path, pem(other))
    why = rf"{chip.name} is revoked, but an open session.*does not let the operator in.*start"
    with Peer(broker.port, chip.context()) as peer:
        with pytest.raises(TransportError, match=why):
            revoke_everywhere(broker.cloud, store, chip.name, broker.directory, NOW)
        assert store.devices([chip.name])[0].is_revoked
        write_public(path, known)
        revoke_everywhere(broker.cloud, store, chip.name, broker.directory, NOW)
        peer.wait_until_ended()
