"""Certificates that chips renew themselves: how many a hostile one gets, and for which key."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from cloud.registry.key_files import load_authority
from cloud.registry.pki import issued_certificates, revoke
from cloud.registry.reissuing import reissue
from cloud.registry.roll_over import roll_over_issuer
from cloud.store.sqlite.store import SqliteStore
from edge.identity.enrolment import load_identity
from edge.renewal.certificates import Certificates
from protocol.errors import DocumentRefused
from tests.support.broker import enrol_chip, make_cloud

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


def csr_of(key):
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    return builder.sign(key, SHA256()).public_bytes(Encoding.DER)


class Enrolled:
    """One chip, and the collectivity that certifies it."""

    def __init__(self, folder):
        self.cloud = folder / "cloud"
        make_cloud(self.cloud)
        enrol_chip(self.cloud, folder / "chip")
        self.identity = load_identity(folder / "chip")
        self.own = Certificates(self.identity).signing_request()
        self.store = SqliteStore.open(self.cloud)

    def ask(self, csr, now=NOW):
        """Return the certificate that a request brings."""
        (device,) = self.store.devices()
        chain = reissue(self.cloud, self.store, device, csr, now)
        return x509.load_der_x509_certificate(chain[0])

    def issued(self):
        return len(issued_certificates(self.cloud, self.identity.device))


@pytest.fixture
def enrolled(tmp_path):
    made = Enrolled(tmp_path)
    yield made
    made.store.close()


def test_repeated_requests_cost_one_certificate_in_half_its_time(enrolled):
    first = enrolled.ask(enrolled.own)
    assert enrolled.ask(enrolled.own, NOW + 49 * DAY) == first
    assert enrolled.issued() == 1
    second = enrolled.ask(enrolled.own, NOW + 51 * DAY)
    assert second == enrolled.ask(enrolled.own, NOW + 52 * DAY) != first
    assert enrolled.issued() == 2


def test_a_chip_that_asks_for_ever_new_keys_gets_none(enrolled):
    """Each would be signed, kept for ever, and named in each revocation list."""
    for _ in range(3):
        with pytest.raises(DocumentRefused, match="another key"):
            enrolled.ask(csr_of(ec.generate_private_key(ec.SECP256R1())))
    assert enrolled.issued() == 1


def test_another_issuer_in_force_brings_one_more(enrolled):
    roll_over_issuer(enrolled.cloud, enrolled.cloud / "root", NOW)
    for _ in range(3):
        renewed = enrolled.ask(enrolled.own)
        assert renewed.issuer == load_authority(enrolled.cloud).certificate.subject
    assert enrolled.issued() == 2


def test_a_chip_that_was_revoked_under_an_issuer_that_was_withdrawn_gets_none(enrolled):
    """Only the directory has it: a store that was put back from a backup may lack it."""
    assert revoke(enrolled.cloud, enrolled.identity.device, NOW)
    roll_over_issuer(enrolled.cloud, enrolled.cloud / "root", NOW, withdraws=True)
    with pytest.raises(DocumentRefused, match="revoked"):
        enrolled.ask(enrolled.own)
