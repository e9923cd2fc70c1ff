"""The page's own authority and certificate, since nobody else vouches for an address at home.

The authority may vouch for names of a home alone, for no address, and for servers only (RFC 5280,
4.2.1.10 and 4.2.1.12), so that a household that lets its browser trust it risks nothing elsewhere. Times follow the host's clock.
"""

import socket
from datetime import datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from edge.page.names import AUTHORITY, AUTHORITY_KEY, CERTIFICATE, CERTIFICATE_KEY
from protocol.certificates import read_pem
from protocol.errors import ConfigError
from system.files import read_secret, write_public, write_secret

AUTHORITY_LASTS = timedelta(days=3_650)
# Browsers take no longer ones (CA/Browser Forum, since 2020).
LASTS = timedelta(days=398)
RENEWED_BEFORE = timedelta(days=60)
# A Pi without a clock may be somewhat ahead when it makes its certificate.
BACKDATED = timedelta(days=1)


def certify(directory: Path, names: tuple[str, ...], now: datetime) -> bool:
    """Make the authority and certificate in `directory` where they lack; return if any was made.

    A certificate that ends soon, or is for other names, is made anew. The authority stays, so that
    a browser that trusts it goes on.

    Raises:
        ConfigError: a file cannot be read or written.
    """
    authority = _authority(directory, now)
    if _is_usable(directory, authority[0], names, now):
        return False
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _builder(names[0], authority[0].subject, key.public_key(), now, LASTS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(authority[1], hashes.SHA256())
    )
    write_secret(directory / CERTIFICATE_KEY, _pem_key(key))
    write_public(directory / CERTIFICATE, _pem(certificate))
    return True


def fingerprint(directory: Path) -> str:
    """Return the SHA-256 fingerprint of the page's certificate, as browsers show it.

    Raises:
        ConfigError: there is none yet.
    """
    digest = _read(directory / CERTIFICATE).fingerprint(hashes.SHA256()).hex().upper()
    return ":".join(digest[start : start + 2] for start in range(0, len(digest), 2))


def _authority(
    directory: Path, now: datetime
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    if (directory / AUTHORITY).exists() and (directory / AUTHORITY_KEY).exists():
        authority = _read(directory / AUTHORITY)
        # One of the future was made by a clock that was ahead; no browser believes it yet.
        if authority.not_valid_before_utc <= now < authority.not_valid_after_utc - LASTS:
            return authority, _read_key(directory / AUTHORITY_KEY)
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"Volet, {socket.gethostname()}")
    authority = (
        _builder(f"Volet, {socket.gethostname()}", name, key.public_key(), now, AUTHORITY_LASTS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.NameConstraints(
                [x509.DNSName("local"), x509.DNSName("localhost")],
                [x509.IPAddress(ip_network(each)) for each in ("0.0.0.0/0", "::/0")],
            ),
            critical=True,
        )
        # The constraint of names says nothing of mail and programs.
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    write_secret(directory / AUTHORITY_KEY, _pem_key(key))
    write_public(directory / AUTHORITY, _pem(authority))
    return authority, key


def _is_usable(
    directory: Path, authority: x509.Certificate, names: tuple[str, ...], now: datetime
) -> bool:
    if not (directory / CERTIFICATE).exists() or not (directory / CERTIFICATE_KEY).exists():
        return False
    certificate = _read(directory / CERTIFICATE)
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return (
        _is_signed_by(authority, certificate)
        and tuple(found.get_values_for_type(x509.DNSName)) == names
        and certificate.not_valid_before_utc <= now
        and certificate.not_valid_after_utc - now > RENEWED_BEFORE
        and _read_key(directory / CERTIFICATE_KEY).public_key() == certificate.public_key()
    )


def _is_signed_by(authority: x509.Certificate, certificate: x509.Certificate) -> bool:
    """Return whether this authority has signed it; the one before had the same name."""
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _builder(
    name: str,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    now: datetime,
    lasts: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + lasts - BACKDATED)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:64])])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _pem_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _read(path: Path) -> x509.Certificate:
    try:
        return read_pem(path.read_bytes())[0]
    except (OSError, ValueError) as exc:
        raise ConfigError(f"{path} cannot be read: {exc}; start the page once more.") from exc


def _read_key(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(read_secret(path, "delete it."), None)
    except ValueError as exc:
        raise ConfigError(f"{path} is damaged; delete it, and start the page once more.") from exc
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ConfigError(f"{path} is no key of the page; delete it, and start the page once more.")
    return key
