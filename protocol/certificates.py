"""Reads X.509 certificates and signing requests that somebody else made: whole, or not at all.

cryptography reads most of a certificate only when that part is asked for, and raises errors of six
kinds then, of which four are no `ValueError`. Here all parts are read at once, so that whoever holds
a certificate may ask for any of them.
"""

from collections.abc import Callable, Iterable
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.utils import CryptographyDeprecationWarning

Given = TypeVar("Given")
Read = TypeVar("Read")

_ERRORS = (
    ValueError,
    TypeError,
    InvalidSignature,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
    # Of a serial number that is not positive; an error where warnings are.
    CryptographyDeprecationWarning,
)


class UnreadableCertificate(ValueError):
    """No certificate or signing request, or one with a part that cannot be read."""


def read_pem(data: bytes) -> list[x509.Certificate]:
    """Read certificates, at least one. Raises UnreadableCertificate."""
    certificates = _tried(x509.load_pem_x509_certificates, data)
    return [_whole(each) for each in certificates]


def read_der(encoded: bytes) -> x509.Certificate:
    """Read a certificate. Raises UnreadableCertificate."""
    return _whole(_tried(x509.load_der_x509_certificate, encoded))


def read_all_der(encoded: Iterable[bytes]) -> list[x509.Certificate]:
    """Read certificates, each by itself. Raises UnreadableCertificate."""
    return [read_der(each) for each in encoded]


def read_request_pem(data: bytes) -> x509.CertificateSigningRequest:
    """Read a signing request but for its names. Raises UnreadableCertificate."""
    return _with_key(_tried(x509.load_pem_x509_csr, data))


def read_request_der(encoded: bytes) -> x509.CertificateSigningRequest:
    """Read a signing request but for its names. Raises UnreadableCertificate."""
    return _with_key(_tried(x509.load_der_x509_csr, encoded))


def _whole(certificate: x509.Certificate) -> x509.Certificate:
    def parts(certificate: x509.Certificate) -> object:
        return (
            *(certificate.subject, certificate.issuer, certificate.extensions),
            *(certificate.not_valid_before_utc, certificate.not_valid_after_utc),
            *(certificate.public_key(), certificate.signature_hash_algorithm),
        )

    _tried(parts, certificate)
    if certificate.serial_number <= 0:
        raise UnreadableCertificate("its serial number is not positive (RFC 5280, 4.1.2.2)")
    return certificate


def _with_key(request: x509.CertificateSigningRequest) -> x509.CertificateSigningRequest:
    def parts(request: x509.CertificateSigningRequest) -> object:
        return request.public_key(), request.is_signature_valid

    _tried(parts, request)
    return request


def _tried(read: Callable[[Given], Read], given: Given) -> Read:
    try:
        return read(given)
    except _ERRORS as exc:
        raise UnreadableCertificate(str(exc)) from exc
