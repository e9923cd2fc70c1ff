"""Refuses a broker that is the collectivity's, or that is not on the home network.

A smart home is told when somebody is at home. A slip in edge.toml must not send that to the
collectivity, nor to anybody on the internet.
"""

import ipaddress
import socket
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from edge.home.settings import HomeConfig
from edge.identity.enrolment import Identity
from protocol.certificates import read_pem
from protocol.errors import ConfigError

Address = str


def check_broker(config: HomeConfig, identity: Identity) -> None:
    """Check what can be known of the household's broker without the network.

    Raises:
        ConfigError: it is the collectivity's, by its name or its authority, or the authority cannot be
            read.
    """
    city = (_plain(identity.broker_host), identity.broker_port)
    if (_plain(config.broker), config.port) == city:
        raise _is_city(config)
    if config.ca and _authorities(Path(config.ca)) & _authorities(identity.ca_path):
        raise ConfigError(
            f"home.ca = {config.ca} is the authority of your collectivity's broker; name that of your "
            "own broker in edge.toml."
        )


def check_address(config: HomeConfig, identity: Identity, address: Address) -> None:
    """Check the address (numeric) that a connection has reached, before anything is said there.

    Raises:
        ConfigError: it is not on a home network, or is where the collectivity's broker is.
    """
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    if not found.is_private or found.is_unspecified:
        raise ConfigError(
            f"home.broker = {config.broker} is at {found}, which is not on a home network; name a broker "
            "of your own there."
        )
    if config.port == identity.broker_port and str(found) in _resolved(identity.broker_host):
        raise _is_city(config)


def _is_city(config: HomeConfig) -> ConfigError:
    return ConfigError(
        f"home.broker = {config.broker}:{config.port} is your collectivity's broker; name that of your "
        "own home in edge.toml."
    )


def _plain(host: str) -> str:
    return host.rstrip(".").lower()


def _resolved(host: str) -> set[Address]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return set()  # who cannot be reached is not who was reached
    return {str(address[0]).partition("%")[0] for *_, address in found}


def _authorities(path: Path) -> set[bytes]:
    """Return the public keys of the certificates in a file, so that a renewed one counts as well."""
    try:
        certificates = read_pem(path.read_bytes())
    except (OSError, ValueError) as exc:
        raise ConfigError(
            f"{path} holds no certificate in PEM: {exc}; name the right file."
        ) from exc
    return {
        certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        for certificate in certificates
    }
