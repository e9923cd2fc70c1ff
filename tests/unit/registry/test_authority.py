"""What the CA signs, and for how long."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cloud.registry.authority import (
    DEVICE_VALIDITY,
    Authority,
    is_fresh,
    issue_client,
    issue_server,
    new_issuer,
    new_operator,
    new_root,
    revocation_list,
)

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def key():
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(scope="module")
def root():
    root_key = ec.generate_private_key(ec.SECP256R1())
    return Authority(root_key, new_root(root_key, "town", NOW))


@pytest.fixture(scope="module")
def authority(key, root):
    return Authority(key, new_issuer(root, key.public_key(), "town", NOW))


def _extension(certificate, kind):
    return certificate.extensions.get_extension_for_class(kind).value


def test_root_lasts_twenty_years_and_an_issuer_two_and_signs_end_entities_only(root, authority):
    for certificate, below, years in ((root.certificate, 2, 20), (authority.certificate, 0, 2.2)):
        constraints = _extension(certificate, x509.BasicConstraints)
        assert (constraints.ca, constraints.path_length) == (True, below)
        lasts = (certificate.not_valid_after_utc - NOW) / timedelta(days=365.25)
        assert years - 0.1 < lasts < years + 0.1
        certificate.verify_directly_issued_by(root.certificate)


def test_device_certificate_is_for_a_client_of_that_name_and_no_authority(authority):
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    certificate = issue_client(authority, "name", public, NOW, DEVICE_VALIDITY)
    certificate.verify_directly_issued_by(authority.certificate)
    assert certificate.subject.rfc4514_string() == "CN=name"
    assert certificate.public_key() == public
    assert not _extension(certificate, x509.BasicConstraints).ca
    purposes = list(_extension(certificate, x509.ExtendedKeyUsage))
    assert purposes == [ExtendedKeyUsageOID.CLIENT_AUTH]


def test_server_certificate_names_hosts_and_addresses_and_is_for_servers_only(authority, key):
    hosts = ("broker.example", "127.0.0.1", "::1")
    certificate = issue_server(authority, hosts, key.public_key(), NOW)
    names = _extension(certificate, x509.SubjectAlternativeName)
    assert names.get_values_for_type(x509.DNSName) == ["broker.example"]
    assert [str(ip) for ip in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    purposes = list(_extension(certificate, x509.ExtendedKeyUsage))
    assert purposes == [ExtendedKeyUsageOID.SERVER_AUTH]


def test_long_host_name_fits(authority, key):
    host = ".".join(["label" * 10] * 4)
    names = _extension(
        issue_server(authority, (host,), key.public_key(), NOW), x509.SubjectAlternativeName
    )
    assert names.get_values_for_type(x509.DNSName) == [host]


def test_nothing_outlives_the_authority(authority, key):
    late = authority.certificate.not_valid_after_utc - timedelta(days=10)
    certificate = issue_client(authority, "name", key.public_key(), late, DEVICE_VALIDITY)
    assert certificate.not_valid_after_utc == authority.certificate.not_valid_after_utc


def test_clock_that_is_some_minutes_late_still_accepts_a_new_certificate(authority, key):
    certificate = issue_client(authority, "name", key.public_key(), NOW, DEVICE_VALIDITY)
    assert certificate.not_valid_before_utc <= NOW - timedelta(minutes=30)


def test_operator_certificate_is_not_from_the_authority(key):
    certificate = new_operator(key, NOW)
    assert certificate.issuer == certificate.subject
    (name,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert name.value == "operator"


def test_revocation_list_grows_and_is_signed_by_the_authority(authority):
    first = revocation_list(authority, [5], NOW)
    second = revocation_list(authority, [7, 5], NOW + timedelta(days=1), first)
    assert second.is_signature_valid(authority.key.public_key())
    assert [entry.serial_number for entry in second] == [5, 7]
    assert second.get_revoked_certificate_by_serial_number(5).revocation_date_utc == NOW


def test_each_revocation_list_is_newer_than_the_one_before_even_at_one_instant(authority):
    crl = revocation_list(authority, [], NOW)
    for serial in range(1, 5):
        newer = revocation_list(authority, [serial], NOW, crl)
        assert newer.last_update_utc >= crl.last_update_utc + timedelta(seconds=1)
        assert newer.last_update_utc < NOW
        crl = newer


def test_revocation_list_lasts_as_long_as_the_authority(authority):
    crl = revocation_list(authority, [], NOW)
    assert crl.next_update_utc == authority.certificate.not_valid_after_utc


def test_certificate_is_fresh_until_half_of_its_time(authority, key):
    certificate = issue_client(authority, "name", key.public_key(), NOW, timedelta(days=300))
    assert is_fresh(certificate, NOW + timedelta(days=149))
    assert not is_fresh(certificate, NOW + timedelta(days=151))
