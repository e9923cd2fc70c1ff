"""The collectivity's certificate authorities: certificates and revocation lists, without files.

The *root* is offline and signs issuers only. An *issuer* is online, ends after two years, and signs
the certificates of broker, roles and chips, and their revocation list. ECDSA on P-256 throughout.
An issuer signs only names that it draws or checks itself, and ignores everything else in a signing
request.
"""

import ipaddress
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from protocol.errors import ConfigError

ROOT_VALIDITY = timedelta(days=7305)
# Twice the validity of what it signs, so that it is replaced once a year, at leisure.
ISSUER_VALIDITY = timedelta(days=800)
OPERATOR_VALIDITY = timedelta(days=3653)
# The operator has the broker and the roles at hand and renews their certificates.
ROLE_VALIDITY = timedelta(days=397)
# A chip renews its certificate itself, once about half of this has passed.
DEVICE_VALIDITY = timedelta(days=100)
# The clocks of chips and hosts differ, so a list is backdated to be valid for all of them. Each
# list must be newer than the previous one by whole seconds (OpenSSL keeps both and takes the
# newer).
BACKDATED = timedelta(hours=1)

# Certificates of authorities between a certificate and its end: an issuer, and while there are two
# roots the newer one as the older one has signed it.
_BELOW_ROOT, _BELOW_NEWER_ROOT, _BELOW_ISSUER = 2, 1, 0
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
    """The key and certificate of a root or an issuer.

    `above` leads from an issuer to an older root than its own, while there are two.
    """

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    above: tuple[x509.Certificate, ...] = ()

    def chained(self, certificate: x509.Certificate) -> bytes:
        """Return a certificate that it signed and those that lead to a root, as PEM."""
        chain = (certificate, self.certificate, *self.above)
        return b"".join(each.public_bytes(Encoding.PEM) for each in chain)


def new_root(key: ec.EllipticCurvePrivateKey, collectivity: str, now: datetime) -> x509.Certificate:
    """Sign a root's own certificate, valid for 20 years and for issuers only."""
    name = _name(f"Volet {collectivity} root {_short_id(key.public_key())}")
    builder = _builder(name, name, key.public_key(), now, now + ROOT_VALIDITY)
    return _authority(builder, _BELOW_ROOT).sign(key, SHA256())


def new_issuer(
    root: Authority, public_key: ec.EllipticCurvePublicKey, collectivity: str, now: datetime
) -> x509.Certificate:
    """Certify an issuer, for end entities only. Raises ConfigError as `check_holds`."""
    check_holds(root, now)
    name = issuer_name(collectivity, public_key)
    end = min(now + ISSUER_VALIDITY, root.certificate.not_valid_after_utc)
    builder = _builder(name, root.certificate.subject, public_key, now, end)
    return _authority(builder, _BELOW_ISSUER, root).sign(root.key, SHA256())


def issuer_name(collectivity: str, public_key: ec.EllipticCurvePublicKey) -> x509.Name:
    """Return the name of an issuer with this key."""
    return _name(f"Volet {collectivity} issuer {_short_id(public_key)}")


def vouch_for(root: Authority, newer: x509.Certificate, now: datetime) -> x509.Certificate:
    """Certify a newer root, for those who know the older one only.

    Raises:
        ConfigError: `newer` has no key of ours, or as `check_holds`.
    """
    check_holds(root, now)
    key = newer.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise ConfigError("The newer root's key is no elliptic-curve key.")
    end = root.certificate.not_valid_after_utc
    builder = _builder(newer.subject, root.certificate.subject, key, now, end)
    return _authority(builder, _BELOW_NEWER_ROOT, root).sign(root.key, SHA256())


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
    """Sign the operator's own certificate; the operator's listener trusts it and the former one."""
    name = _name("operator")
    builder = _builder(name, name, key.public_key(), now, now + OPERATOR_VALIDITY)
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

    It is valid as long as the issuer. The list lies beside the broker, so an earlier expiry would
    not protect anything and would lock everyone out.
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
    """Check that a root or an issuer is still valid.

    Raises:
        ConfigError: it has expired.
    """
    end = authority.certificate.not_valid_after_utc
    if now >= end:
        raise ConfigError(
            f"This authority ended on {end:%Y-%m-%d}, and nothing that it signs holds any more; "
            "`volet cloud roll-over issuer` replaces an issuer, `volet cloud roll-over root` a root."
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
        .add_extension(_signed_by(authority), critical=False)
        .sign(authority.key, SHA256())
    )


def _authority(
    builder: x509.CertificateBuilder, authorities_below: int, signer: Authority | None = None
) -> x509.CertificateBuilder:
    constraints = x509.BasicConstraints(ca=True, path_length=authorities_below)
    builder = builder.add_extension(constraints, critical=True)
    builder = builder.add_extension(_usage("key_cert_sign", "crl_sign"), critical=True)
    return builder.add_extension(_signed_by(signer), critical=False) if signer else builder


def _signed_by(authority: Authority) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())


def _short_id(key: ec.EllipticCurvePublicKey) -> str:
    """Return what tells authorities of one collectivity apart: a revocation list names its own."""
    return x509.SubjectKeyIdentifier.from_public_key(key).digest.hex()[:8]


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
