"""Issuers and roots that are replaced, on a real broker: chips of before and after get in."""

import socket
import ssl
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from cloud.registry.authority import ROLE_VALIDITY, Authority, issue_client, new_issuer
from cloud.registry.broker import DEFAULT_NAME, refresh_broker
from cloud.registry.key_files import load_authority, load_ec_key, load_key_list, load_root
from cloud.registry.pki import revoke
from cloud.registry.roll_over import roll_over_issuer, roll_over_root
from edge.chip.agent import link_settings
from edge.mqtt.link import ChipLink
from edge.mqtt.message import Absence, Connected, Unreachable
from edge.renewal.certificates import Certificates
from system.tls import client_context
from tests.support.broker import enrol_chip, wait_until
from tests.support.mqtt import SUCCESS, Peer, Refused, chip_pass, role_pass


def issuer(cloud, _):
    roll_over_issuer(cloud, cloud / "root", datetime.now(UTC))


def root(cloud, folder):
    roll_over_root(cloud, cloud / "root", folder / "next root", datetime.now(UTC))


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("roll_over", [issuer, root])
def test_a_successor_shuts_nobody_out(broker, tmp_path, roll_over, restarts):
    before = enrol_chip(broker.cloud, tmp_path / "before")
    roll_over(broker.cloud, tmp_path)
    after = enrol_chip(broker.cloud, tmp_path / "after")
    assert refresh_broker(broker.cloud, broker.cloud / DEFAULT_NAME)
    passes = [chip_pass(before), chip_pass(after), role_pass(broker.cloud, "monitor")]
    if restarts:
        broker.kill()
        broker.start()
    elif roll_over is root:  # who was enrolled since knows no other root, and waits for the restart
        context = passes.pop(1).context()
        with (
            socket.create_connection(("127.0.0.1", broker.port)) as raw,
            pytest.raises(ssl.SSLCertVerificationError),
        ):
            context.wrap_socket(raw, server_hostname="127.0.0.1")
    for each in passes:
        with Peer(broker.port, each.context()) as peer:
            assert peer.subscribe("volet/v1/town/#") in {SUCCESS, 1}


@pytest.mark.parametrize("roll_over", [issuer, root])
def test_a_chip_revoked_before_or_after_stays_out(broker, tmp_path, roll_over):
    chips = [enrol_chip(broker.cloud, tmp_path / name) for name in ("one", "two")]
    revoke(broker.cloud, chips[0].device, datetime.now(UTC))
    roll_over(broker.cloud, tmp_path)
    chips.append(enrol_chip(broker.cloud, tmp_path / "three"))
    for chip in chips[1:]:
        revoke(broker.cloud, chip.device, datetime.now(UTC))
    refresh_broker(broker.cloud, broker.cloud / DEFAULT_NAME)
    if roll_over is root:
        broker.restart()  # or the third chip would be the one to refuse
    for chip in chips:
        wait_until(lambda chip=chip: is_refused(broker, chip), "the broker to refuse it")


def test_a_withdrawn_issuer_lets_nobody_in_and_comes_back_with_no_list(broker, tmp_path):
    before = enrol_chip(broker.cloud, tmp_path / "before")
    now = datetime.now(UTC)
    roll_over_issuer(broker.cloud, broker.cloud / "root", now, withdraws=True)
    after = enrol_chip(broker.cloud, tmp_path / "after")
    other = enrol_chip(broker.cloud, tmp_path / "other")
    revoke(broker.cloud, other.device, now)
    refresh_broker(broker.cloud, broker.cloud / DEFAULT_NAME)
    broker.restart()  # what it has read before, it keeps
    assert is_refused(broker, before)
    assert is_refused(broker, other)
    Peer(broker.port, chip_pass(after).context()).close()


def test_a_chip_refuses_a_broker_by_a_withdrawn_issuer(broker, tmp_path, monkeypatch):
    """The running broker keeps its certificate, as a thief of the issuer's key has one."""
    chip = enrol_chip(broker.cloud, tmp_path / "chip")
    chip.platform_key.key_list = load_key_list(broker.cloud)
    assert first_event(chip) == Connected()
    now = datetime.now(UTC)
    roll_over_issuer(broker.cloud, broker.cloud / "root", now)
    chip.platform_key.key_list = load_key_list(broker.cloud)
    assert first_event(chip) == Connected(is_resumed=True), "a former issuer counts"
    roll_over_issuer(broker.cloud, broker.cloud / "root", now, withdraws=True)
    listed = load_key_list(broker.cloud)
    chip.platform_key.key_list = listed
    assert first_event(chip) == Unreachable(Absence.AUTHORITY)
    with monkeypatch.context() as sabotage:
        sabotage.setattr("system.tls._refuse_issuers", lambda *_: None)
        assert isinstance(first_event(chip), Connected)

    refresh_broker(broker.cloud, broker.cloud / DEFAULT_NAME)
    broker.restart()
    after = enrol_chip(broker.cloud, tmp_path / "after")
    after.platform_key.key_list = listed
    assert first_event(after) == Connected()


@pytest.mark.parametrize("is_replaced", [False, True])
@pytest.mark.parametrize("takes_its_name", [False, True])
def test_who_has_stolen_a_root_gets_nobody_in(broker, tmp_path, is_replaced, takes_its_name):
    """The broker has no revocation list of an issuer that is not the collectivity's."""
    stolen, present = load_root(broker.cloud / "root"), load_authority(broker.cloud)
    if is_replaced:
        root(broker.cloud, tmp_path)
        refresh_broker(broker.cloud, broker.cloud / DEFAULT_NAME)
        broker.restart()
    rogue = issuer_of(stolen, present.certificate.subject if takes_its_name else None)
    own = load_ec_key(broker.cloud, "worker.key").public_key()
    forged = tmp_path / "forged.pem"
    now = datetime.now(UTC)
    forged.write_bytes(rogue.chained(issue_client(rogue, "worker", own, now, ROLE_VALIDITY)))
    genuine = role_pass(broker.cloud, "worker")
    with pytest.raises(Refused):
        Peer(broker.port, client_context(genuine.ca, forged, genuine.key))
    Peer(broker.port, genuine.context()).close()


def issuer_of(signer, name):
    """Return an issuer that nobody has listed, by its own name or that of a genuine one."""
    key = ec.generate_private_key(ec.SECP256R1())
    made = new_issuer(signer, key.public_key(), "testville", datetime.now(UTC))
    if name is not None:
        builder = x509.CertificateBuilder(
            made.issuer,
            name,
            key.public_key(),
            made.serial_number,
            made.not_valid_before_utc.replace(tzinfo=None),
            made.not_valid_after_utc.replace(tzinfo=None),
            list(made.extensions),
        )
        made = builder.sign(signer.key, SHA256())
    return Authority(key, made)


def first_event(chip):
    """Return what a chip's link reports first, with the certificates that the chip shows."""
    link = ChipLink(link_settings(chip), Certificates(chip).tls_context)
    link.start()
    events = []
    wait_until(lambda: events.extend(link.events()) or events != [], "a session or none")
    link.stop()
    return events[0]


def is_refused(broker, chip):
    try:
        Peer(broker.port, chip_pass(chip).context()).close()
    except Refused:
        return True
    return False
