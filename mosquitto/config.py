"""The files of the broker's directory, and the command that starts the broker on it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from mosquitto.roles import device_rules, operator_rules, public_rules, role_rules

CONFIG = "mosquitto.conf"
ACL = "acl"
OPERATOR_ACL = "operator.acl"
OPENSSL = "openssl.cnf"
PID = "mosquitto.pid"
DATA = "data"
SAVED = "mosquitto.db"  # in DATA
CA = "ca.pem"
SERVER_CERTIFICATE = "server.pem"
SERVER_KEY = "server.key"
CRL = "crl.pem"
UNREAD = "unread.json"  # of a broker that has read other files
OPERATOR_CERTIFICATE = "operator.pem"


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """The settings of one broker.

    Attributes:
        collectivity: the collectivity in its topics.
        directory: the broker's directory, absolute.
        user: the system user that runs the broker.
        port: the port of the TLS listener, on the address `bind`, or on all if that is empty.
        operator_port: the port of the operator's listener, always on 127.0.0.1.
        memory_bytes: the most memory that the broker takes, as it counts it itself.
        roles: the common names of certificates that do not belong to devices.
    """

    collectivity: str
    directory: Path
    user: str
    port: int
    bind: str
    operator_port: int
    memory_bytes: int
    roles: Sequence[str]


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """One file of the broker's directory, which is not secret."""

    name: str
    text: str


def render(settings: BrokerSettings) -> tuple[ConfigFile, ...]:
    """Return the configuration, the ACLs and the TLS library's settings."""
    config = _template("mosquitto.conf.in").format(
        user=settings.user,
        directory=settings.directory,
        port=settings.port,
        bind=f" {settings.bind}" if settings.bind else "",
        operator_port=settings.operator_port,
        memory_bytes=settings.memory_bytes,
    )
    collectivity = settings.collectivity
    acl = _template("acl.in").format(
        collectivity=collectivity,
        devices=device_rules(collectivity),
        public=public_rules(collectivity),
        roles="".join(role_rules(name, collectivity) for name in sorted(settings.roles)),
    )
    operator_acl = _template("operator.acl.in").format(rules=operator_rules(collectivity))
    return (
        ConfigFile(CONFIG, config),
        ConfigFile(ACL, acl),
        ConfigFile(OPERATOR_ACL, operator_acl),
        ConfigFile(OPENSSL, _template(OPENSSL)),
    )


def broker_command(directory: Path) -> tuple[str, ...]:
    """Return the command that runs the broker on its directory, in the foreground."""
    return "mosquitto", "-c", str(directory / CONFIG)


def broker_environment(directory: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Return `environment` with the additions that the broker's process needs."""
    path = f"{environment.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
    return {**environment, "PATH": path, "OPENSSL_CONF": str(directory / OPENSSL)}


def _template(name: str) -> str:
    return files("mosquitto").joinpath(name).read_text("utf-8")
