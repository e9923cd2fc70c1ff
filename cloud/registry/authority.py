"""The collectivity's certificate authority: certificates and the revocation list, without files.

ECDSA on P-256 throughout. The CA signs only names that it draws or checks itself, and ignores
everything else in a signing request.
"""

import ipaddress
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from protocol.errors import ConfigError

CA_VALIDITY = timedelta(days=3653)
# The operator has the broker and the roles at hand and renews their certificates.
ROLE_VALIDITY = timedelta(days=397)
# The revocation list shuts a chip out within a minute, so expiry is not needed for that. A short
# validity would end unattended chips on one day, since renewal takes a new enrolment by hand.
DEVICE_VALIDITY = timedelta(days=1826)
# The clocks of chips and hosts differ, so a list is backdated to be valid for all of them. Each
# list must be newer than the previous one by whole seconds (OpenSSL keeps both and takes the
# newer).
BACKDATED = timedelta(hours=1)

_KEY_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


@dataclass(frozen=True, slots=True)
class Authority:
    """The CA's key and certificate."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


def new_authority(
    key: ec.EllipticCurvePrivateKey, collectivity: str, now: datetime
) -> x509.Certificate:
    """Sign the CA's own certificate, valid for 10 years and for end entities only."""
    name = _name(f"Volet {collectivity} authority")
    builder = _builder(name, name, key.public_key(), now, now + CA_VALIDITY)
    return (
        builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage("key_cert_sign", "crl_sign"), critical=True)
        .sign(key, SHA256())
    )


def issue_client(
    authority: Authority,
    name: str,
    public_key: ec.EllipticCurvePublicKey,
    now: datetime,
    validity: timedelta,
) -> x509.Certificate:
    """Certify the key of a device or role under a common name that the caller has checked.

    It expires with the authority at the latest. Raises ConfigError as `check_holds`.
    """
    return _end_entity(authority, name, public_key, now, validity)


def issue_server(
    authority: Authority,
    hosts: Sequence[str],
    public_key: ec.EllipticCurvePublicKey,
    now: datetime,
) -> x509.Certificate:
    """Certify the broker's key for its names and addresses. Raises ConfigError as `check_holds`."""
    return _end_entity(authority, "broker", public_key, now, ROLE_VALIDITY, hosts)


def new_operator(key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    """Sign the operator's own certificate, the only one that the operator's listener trusts."""
    name = _name("operator")
    builder = _builder(name, name, key.public_key(), now, now + CA_VALIDITY)
    return (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage("digital_signature"), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(key, SHA256())
    )


def revocation_list(
    authority: Authority,
    serials: Collection[int],
    now: datetime,
    previous: x509.CertificateRevocationList | None = None,
) -> x509.CertificateRevocationList:
    """Sign the list of all in `previous` and `serials`. Raises ConfigError as `check_holds`.

    It is valid as long as the CA. The list lies beside the broker, so an earlier expiry would not
    protect anything and would lock everyone out.
    """
    check_holds(authority, now)
    revoked = {entry.serial_number: entry for entry in previous or ()}
    for serial in serials:
        revoked.setdefault(
            serial,
            x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now).build(),
        )
    issued = now - BACKDATED
    if previous is not None:
        issued = max(issued, previous.last_update_utc + timedelta(seconds=1))
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(issued)
        .next_update(authority.certificate.not_valid_after_utc)
    )
    for serial in sorted(revoked):
        builder = builder.add_revoked_certificate(revoked[serial])
    return builder.sign(authority.key, SHA256())


def is_fresh(certificate: x509.Certificate, now: datetime) -> bool:
    """Return whether more than half of a certificate's validity is left.

    Programs warn when a third is left, so a monthly renewal keeps them silent.
    """
    lifetime = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    return certificate.not_valid_after_utc - now > lifetime / 2


def check_holds(authority: Authority, now: datetime) -> None:
    """Check that the authority is still valid.

    Raises:
        ConfigError: it has expired.
    """
    end = authority.certificate.not_valid_after_utc
    if now >= end:
        raise ConfigError(
            f"This authority ended on {end:%Y-%m-%d}, and nothing that it signs holds any more; "
            "`volet cloud renew --authority` gives it another ten years, after which each chip is "
            "to be enrolled again."
        )


def _end_entity(
    authority: Authority,
    name: str,
    public_key: ec.EllipticCurvePublicKey,
    now: datetime,
    validity: timedelta,
    hosts: Sequence[str] = (),
) -> x509.Certificate:
    check_holds(authority, now)
    end = min(now + validity, authority.certificate.not_valid_after_utc)
    builder = _builder(_name(name), authority.certificate.subject, public_key, now, end)
    purpose = ExtendedKeyUsageOID.SERVER_AUTH if hosts else ExtendedKeyUsageOID.CLIENT_AUTH
    if hosts:
        names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
        builder = builder.add_extension(names, critical=False)
    return (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage("digital_signature"), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()),
            critical=False,
        )
        .sign(authority.key, SHA256())
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    now: datetime,
    end: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _usage(*allowed: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{usage: usage in allowed for usage in _KEY_USAGES})


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
