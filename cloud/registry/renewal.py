"""Lists the collectivity's certificates and renews those of broker, operator and roles.

Keys stay. Issuer and root are replaced with their keys, which takes the root (`roll_over`).
"""

from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from cloud.config import load_config
from cloud.registry.authority import (
    ROLE_VALIDITY,
    Authority,
    is_fresh,
    issue_client,
    new_operator,
)
from cloud.registry.key_files import (
    FORMER_OPERATOR,
    ISSUER,
    OPERATOR_CERTIFICATE,
    ROOT,
    exclusive,
    load_authority,
    load_certificate,
    load_ec_key,
    load_trusted,
    pem,
    pki_path,
)
from cloud.registry.pki import roles, server_certificate
from protocol.errors import ConfigError
from system.certificates import Lifetime, lifetime_of
from system.files import write_public

BROKER = "broker"
OPERATOR = "operator"


def lifetimes(directory: Path) -> tuple[Lifetime, ...]:
    """Return the validity of the collectivity's certificates, other than chips'.

    Raises:
        ConfigError: one is missing or damaged.
    """
    files = {BROKER: "server", OPERATOR: "operator"} | {name: name for name in roles(directory)}
    return (
        lifetime_of(ROOT, load_trusted(directory)[0]),
        lifetime_of(ISSUER, load_authority(directory).certificate),
        *(
            lifetime_of(name, load_certificate(pki_path(directory, f"{file}.pem")))
            for name, file in files.items()
        ),
    )


def renew(directory: Path, now: datetime, *, is_forced: bool = False) -> tuple[str, ...]:
    """Renew the certificates of broker, operator and roles under their keys; return which ones.

    A certificate is renewed if less than half of its validity is left, or if a former issuer signed
    it; the broker's also if its names have changed in cloud.toml. None outlasts the issuer.

    Raises:
        ConfigError: a file is missing, or the issuer has ended.
    """
    config = load_config(directory)
    renewed = []
    with exclusive(directory):
        authority = load_authority(directory)
        path = pki_path(directory, "server.pem")
        server = load_certificate(path)
        fresh = server_certificate(directory, authority, config, now)
        is_kept = _holds(server, authority, now) and _names(server) == _names(fresh)
        if is_forced or not is_kept:
            write_public(path, authority.chained(fresh))
            renewed.append(BROKER)
        if _renew_operator(directory, now):
            renewed.append(OPERATOR)
        for name in roles(directory):
            path = pki_path(directory, f"{name}.pem")
            certificate = load_certificate(path)
            if is_forced or not _holds(certificate, authority, now):
                renewed_one = _reissue(authority, certificate, name, now)
                write_public(path, authority.chained(renewed_one))
                renewed.append(name)
    return tuple(renewed)


def _holds(certificate: x509.Certificate, authority: Authority, now: datetime) -> bool:
    """Return whether the present issuer signed a certificate of which more than half is left."""
    is_of_issuer = certificate.issuer == authority.certificate.subject
    return is_of_issuer and is_fresh(certificate, now)


def _renew_operator(directory: Path, now: datetime) -> bool:
    """Renew the operator's certificate, which no issuer signs; False if it is fresh.

    A broker that runs goes on to trust the one that it was started with, and no other. So the
    former one is kept, and shown to such a broker.
    """
    path = pki_path(directory, OPERATOR_CERTIFICATE)
    if is_fresh(load_certificate(path), now):
        return False
    write_public(pki_path(directory, FORMER_OPERATOR), path.read_bytes())
    write_public(path, pem(new_operator(load_ec_key(directory, "operator.key"), now)))
    return True


def _reissue(
    authority: Authority, certificate: x509.Certificate, name: str, now: datetime
) -> x509.Certificate:
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise ConfigError(f"{name}.pem holds no elliptic-curve key.")
    return issue_client(authority, name, key, now, ROLE_VALIDITY)


def _names(certificate: x509.Certificate) -> x509.SubjectAlternativeName:
    return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
