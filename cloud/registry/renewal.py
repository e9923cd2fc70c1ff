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
    ISSUER,
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

    A certificate is renewed if less than half of its validity is left; the broker's also if its
    names have changed in cloud.toml. None outlasts the issuer.

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
        if is_forced or not is_fresh(server, now) or _names(server) != _names(fresh):
            write_public(path, authority.chained(fresh))
            renewed.append(BROKER)
        path = pki_path(directory, "operator.pem")
        if is_forced or not is_fresh(load_certificate(path), now):
            write_public(path, pem(new_operator(load_ec_key(directory, "operator.key"), now)))
            renewed.append(OPERATOR)
        for name in roles(directory):
            path = pki_path(directory, f"{name}.pem")
            certificate = load_certificate(path)
            if is_forced or not is_fresh(certificate, now):
                renewed_one = _reissue(authority, certificate, name, now)
                write_public(path, authority.chained(renewed_one))
                renewed.append(name)
    return tuple(renewed)


def _reissue(
    authority: Authority, certificate: x509.Certificate, name: str, now: datetime
) -> x509.Certificate:
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise ConfigError(f"{name}.pem holds no elliptic-curve key.")
    return issue_client(authority, name, key, now, ROLE_VALIDITY)


def _names(certificate: x509.Certificate) -> x509.SubjectAlternativeName:
    return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
