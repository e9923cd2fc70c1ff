"""Lists the collectivity's certificates and renews them under the same keys.

The authority's own certificate is renewed only on request, because its published fingerprint
changes, and a chip gets the new one only when it enrols again.
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
    new_authority,
    new_operator,
    revocation_list,
)
from cloud.registry.pki import (
    exclusive,
    load_authority,
    load_certificate,
    load_crl,
    load_ec_key,
    pem,
    pki_path,
    roles,
    server_certificate,
)
from protocol.errors import ConfigError
from system.certificates import Lifetime, lifetime_of
from system.files import write_public

AUTHORITY = "authority"
BROKER = "broker"
OPERATOR = "operator"


def lifetimes(directory: Path) -> tuple[Lifetime, ...]:
    """Return the validity of the collectivity's certificates, other than chips'.

    Raises:
        ConfigError: one is missing or damaged.
    """
    files = {AUTHORITY: "ca", BROKER: "server", OPERATOR: "operator"}
    files |= {name: name for name in roles(directory)}
    return tuple(
        lifetime_of(name, load_certificate(pki_path(directory, f"{file}.pem")))
        for name, file in files.items()
    )


def renew(directory: Path, now: datetime, *, is_forced: bool = False) -> tuple[str, ...]:
    """Renew the certificates of broker, operator and roles under their keys; return which ones.

    A certificate is renewed if less than half of its validity is left; the broker's also if its
    names have changed in cloud.toml. None outlasts the authority.

    Raises:
        ConfigError: a file is missing, or the authority has expired.
    """
    config = load_config(directory)
    renewed = []
    with exclusive(directory):
        authority = load_authority(directory)
        path = pki_path(directory, "server.pem")
        server = load_certificate(path)
        fresh = server_certificate(directory, authority, config, now)
        if is_forced or not is_fresh(server, now) or _names(server) != _names(fresh):
            write_public(path, pem(fresh))
            renewed.append(BROKER)
        path = pki_path(directory, "operator.pem")
        if is_forced or not is_fresh(load_certificate(path), now):
            write_public(path, pem(new_operator(load_ec_key(directory, "operator.key"), now)))
            renewed.append(OPERATOR)
        for name in roles(directory):
            path = pki_path(directory, f"{name}.pem")
            certificate = load_certificate(path)
            if is_forced or not is_fresh(certificate, now):
                write_public(path, pem(_reissue(authority, certificate, name, now)))
                renewed.append(name)
    return tuple(renewed)


def renew_authority(directory: Path, now: datetime) -> Lifetime:
    """Renew the authority's certificate for ten years under its key.

    What it signed before stays valid for those who have the new certificate. Those who have the old
    one accept its new signatures until that one expires. The revocation list, which expires with
    the authority, is signed again.

    Raises:
        ConfigError: a file is missing.
    """
    config = load_config(directory)
    with exclusive(directory):
        key = load_authority(directory).key
        certificate = new_authority(key, config.collectivity, now)
        path = pki_path(directory, "crl.pem")
        listed = revocation_list(Authority(key, certificate), (), now, load_crl(path))
        write_public(pki_path(directory, "ca.pem"), pem(certificate))
        write_public(path, pem(listed))
    return lifetime_of(AUTHORITY, certificate)


def _reissue(
    authority: Authority, certificate: x509.Certificate, name: str, now: datetime
) -> x509.Certificate:
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise ConfigError(f"{name}.pem holds no elliptic-curve key.")
    return issue_client(authority, name, key, now, ROLE_VALIDITY)


def _names(certificate: x509.Certificate) -> x509.SubjectAlternativeName:
    return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
