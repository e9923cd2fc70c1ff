"""Certificates that are odd in one part are unreadable, whatever part that is."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import example, given
from hypothesis import strategies as st

from protocol.certificates import (
    UnreadableCertificate,
    read_all_der,
    read_der,
    read_pem,
    read_request_der,
    read_request_pem,
)
from system.certificates import is_issued_by

KEY = ec.generate_private_key(ec.SECP256R1())
NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "volet")])
NOW = datetime.now(UTC)
GOOD = (
    x509.CertificateBuilder()
    .subject_name(NAME)
    .issuer_name(NAME)
    .public_key(KEY.public_key())
    .serial_number(7)
    .not_valid_before(NOW)
    .not_valid_after(NOW + timedelta(days=1))
    .add_extension(x509.BasicConstraints(True, None), critical=True)
    .add_extension(x509.SubjectKeyIdentifier.from_public_key(KEY.public_key()), critical=False)
    .add_extension(x509.SubjectAlternativeName([x509.DNSName("volet.test")]), critical=False)
    .sign(KEY, SHA256())
)
DER = GOOD.public_bytes(Encoding.DER)
REQUEST = x509.CertificateSigningRequestBuilder().subject_name(NAME).sign(KEY, SHA256())
REQUEST_DER = REQUEST.public_bytes(Encoding.DER)
# What stands in DER, and what makes that part one that cryptography reads late, or not at all.
ODD = {
    "version": (bytes.fromhex("a003020102"), bytes.fromhex("a003020109")),
    "extension twice": (bytes.fromhex("0603551d0e"), bytes.fromhex("0603551d13")),
    "kind of name": (b"\x82\x0avolet.test", b"\xa3\x0avolet.test"),
    "kind of key": (bytes.fromhex("06072a8648ce3d0201"), bytes.fromhex("06072a8648ce3d0209")),
    "curve": (bytes.fromhex("06082a8648ce3d030107"), bytes.fromhex("06082a8648ce3d03017f")),
    "text of a name": (b"\x0c\x05volet", b"\x0c\x05\xff\xffxyz"),
    "bytes of an extension": (b"\x30\x0c\x82\x0avolet", b"\x30\x0d\x82\x0avolet"),
    "an address of no length": (b"\x82\x0avolet.test", b"\x87\x0avolet.test"),
}


def pem_of(der: bytes, what: str = "CERTIFICATE") -> bytes:
    text = base64.encodebytes(der).decode()
    return f"-----BEGIN {what}-----\n{text}-----END {what}-----\n".encode()


def test_what_is_whole_is_read():
    assert read_der(DER) == GOOD
    assert read_pem(pem_of(DER) * 2) == read_all_der([DER, DER]) == [GOOD, GOOD]
    assert read_request_der(REQUEST_DER).public_key() == KEY.public_key()
    assert read_request_pem(pem_of(REQUEST_DER, "CERTIFICATE REQUEST")).is_signature_valid
    assert is_issued_by(GOOD, GOOD)


@pytest.mark.parametrize("part", ODD)
def test_an_odd_part_makes_it_unreadable(part):
    good, odd = ODD[part]
    assert good in DER
    der = DER.replace(good, odd)
    for read, given_ in ((read_der, der), (read_pem, pem_of(der)), (read_all_der, [DER, der])):
        with pytest.raises(UnreadableCertificate):
            read(given_)


@pytest.mark.parametrize("part", ["kind of key", "curve"])
def test_a_request_with_an_odd_key_is_unreadable(part):
    good, odd = ODD[part]
    assert good in REQUEST_DER
    der = REQUEST_DER.replace(good, odd)
    with pytest.raises(UnreadableCertificate):
        read_request_der(der)
    with pytest.raises(UnreadableCertificate):
        read_request_pem(pem_of(der, "CERTIFICATE REQUEST"))


@given(st.integers(0, len(DER) - 1), st.integers(0, 255))
@example(DER.index(b"\x06\x03\x55\x1d\x0e") + 4, 0x13)
@example(DER.index(b"\x02\x01\x02\x02\x01") + 5, 0)
def test_whatever_byte_is_wrong_there_is_one_kind_of_error(place, value):
    der = DER[:place] + bytes([value]) + DER[place + 1 :]
    try:
        certificate = read_der(der)
    except UnreadableCertificate:
        return
    # What was read can be used: nothing of it is parsed later.
    is_issued_by(GOOD, certificate)
    is_issued_by(certificate, GOOD)
    certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)


@given(st.binary(max_size=200))
def test_other_bytes_are_no_certificate(data):
    for read in (read_der, read_pem, read_request_der, read_request_pem):
        with pytest.raises(UnreadableCertificate):
            read(data)
