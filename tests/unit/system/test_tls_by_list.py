"""Which servers are believed by whoever has the key list: a replaced root vouches for nothing new."""

import socket
import ssl
import threading
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from cloud.registry.authority import (
    Authority,
    issue_server,
    new_issuer,
    new_root,
    vouch_for,
)
from cloud.registry.key_files import draw_ec_key, load_authority, load_key_list, load_root
from cloud.registry.roll_over import roll_over_issuer, roll_over_root
from system.tls import client_context, server_context
from tests.support.broker import COLLECTIVITY, enrol_chip, make_cloud

NOW = datetime.now(UTC)
HOST = "broker.example"


class Town:
    """A collectivity whose root was replaced, and what the thief of the first root can sign."""

    def __init__(self, folder):
        self.folder, self.cloud = folder, folder / "cloud"
        make_cloud(self.cloud)
        self.first_root = load_root(self.cloud / "root")
        self.first_issuer = load_authority(self.cloud)
        self.ca = folder / "first-ca.pem"
        self.ca.write_bytes((self.cloud / "pki" / "ca.pem").read_bytes())
        self.root_directory = folder / "stick"
        roll_over_root(self.cloud, self.cloud / "root", self.root_directory, NOW)

    @property
    def listed(self):
        return load_key_list(self.cloud)

    def believes(self, authority, listed=None, ca=None):
        """Return whether a client takes a server of this authority for its own."""
        path = self.folder / "server.pem"
        key = draw_ec_key(path.with_suffix(".key"))
        path.write_bytes(authority.chained(issue_server(authority, (HOST,), key.public_key(), NOW)))
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(path, path.with_suffix(".key"))
        shown = self.cloud / "pki" / "worker"
        contexts = (
            server_context(ca or self.ca, listed),
            client_context(
                ca or self.ca, shown.with_suffix(".pem"), shown.with_suffix(".key"), listed
            ),
        )
        (found,) = {shakes_hands(server, context) for context in contexts}
        return found


def shakes_hands(server, client):
    """Return whether a client believes a server."""
    near, far = socket.socketpair()

    def serve():
        with suppress(OSError), server.wrap_socket(far, server_side=True) as served:
            served.recv(1)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        client.wrap_socket(near, server_hostname=HOST).close()
    except ssl.SSLCertVerificationError:
        return False
    finally:
        near.close()
        thread.join()
        far.close()
    return True


def signed_by(root, above=()):
    key = ec.generate_private_key(ec.SECP256R1())
    return Authority(key, new_issuer(root, key.public_key(), COLLECTIVITY, NOW), above)


@pytest.fixture
def town(tmp_path):
    return Town(tmp_path)


def test_a_replaced_root_signs_no_further_issuer(town):
    rogue = signed_by(town.first_root)
    assert town.believes(rogue), "what the list protects from"
    assert not town.believes(rogue, town.listed)


def test_a_replaced_root_vouches_for_no_further_root(town):
    key = ec.generate_private_key(ec.SECP256R1())
    other = Authority(key, new_root(key, COLLECTIVITY, NOW))
    rogue = signed_by(other, (vouch_for(town.first_root, other.certificate, NOW),))
    assert town.believes(rogue), "what the list protects from"
    assert not town.believes(rogue, town.listed)


def test_what_a_listed_issuer_signed_holds_although_its_root_was_replaced(town):
    """So the broker need not change its certificate at the moment at which the list arrives."""
    assert town.believes(town.first_issuer, town.listed)
    assert town.believes(load_authority(town.cloud), town.listed)


def test_an_issuer_that_the_list_does_not_name_yet_is_believed_by_the_newest_root(town):
    above = load_authority(town.cloud).above
    assert town.believes(signed_by(load_root(town.root_directory), above), town.listed)


def test_a_root_that_the_list_does_not_name_yet_is_believed_through_the_newest(town):
    known = town.listed
    roll_over_root(town.cloud, town.root_directory, town.folder / "third", NOW)
    assert town.believes(load_authority(town.cloud), known)


@pytest.mark.parametrize("number", [0, 1])
def test_an_issuer_that_was_withdrawn_is_believed_no_more(town, number):
    former = (town.first_issuer, load_authority(town.cloud))[number]
    assert town.believes(former, town.listed)
    roll_over_issuer(town.cloud, town.root_directory, NOW, withdraws=True)
    assert not town.believes(former, town.listed)
    assert town.believes(load_authority(town.cloud), town.listed)


def test_a_new_root_is_what_protects_a_new_chip_from_a_stolen_issuer(town):
    """It has no list before its first session, and trusts the root of its enrolment alone."""
    stolen = load_authority(town.cloud)
    roll_over_issuer(town.cloud, town.root_directory, NOW, withdraws=True)
    enrolled = enrol_chip(town.cloud, town.folder / "withdrawn").ca_path
    assert town.believes(stolen, ca=enrolled), "what remains: decision 0033"
    roll_over_root(town.cloud, town.root_directory, town.folder / "third", NOW)
    enrolled = enrol_chip(town.cloud, town.folder / "replaced").ca_path
    assert not town.believes(stolen, ca=enrolled)
    assert town.believes(load_authority(town.cloud), ca=enrolled)
