"""The collectivity's configuration: `cloud.toml` in its directory."""

import ipaddress
from pathlib import Path
from typing import Annotated

import msgspec

from protocol.errors import ConfigError
from protocol.ids import is_collectivity
from system.files import read_document
from system.metrics import MetricsConfig, check_metrics
from system.shell import quoted

CONFIG_NAME = "cloud.toml"
DEFAULT_DIRECTORY = Path("/var/lib/volet-cloud")
# What a program of the collectivity, by its certificate's name, could not handle.
SET_ASIDE = "set-aside-{program}.json"

# Settings without an option of `volet cloud init`, which writes their defaults.
ONLY_EDITED = ("broker_memory_mb",)

Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]


class CloudConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The operator's settings.

    Attributes:
        collectivity: `[a-z0-9-]{1,32}`, part of every topic.
        broker_host: the host name or address at which chips and workers reach the broker.
        broker_port: its port.
        broker_bind: the address on which it listens; empty means all.
        broker_names: further names in the broker's certificate.
        operator_port: the loopback port through which sessions are ended.
        api_port: the port of the API at the broker's host, at which chips that were away long
            renew their certificates.
        broker_memory_mb: the most memory that the broker takes for sessions and messages; whoever
            would exceed it is disconnected. A new value counts from its next start.
    """

    collectivity: str
    broker_host: str
    broker_port: Port = 8883
    broker_bind: str = ""
    broker_names: tuple[str, ...] = ()
    operator_port: Port = 8884
    api_port: Port = 8443
    broker_memory_mb: Annotated[int, msgspec.Meta(ge=32)] = 2_048


class _ConfigFile(CloudConfig, frozen=True, forbid_unknown_fields=True):
    metrics: MetricsConfig | None = None


def load_config(directory: Path) -> CloudConfig:
    """Read a collectivity's configuration.

    Raises:
        ConfigError: names the file, the key and what is wrong with it.
    """
    file = _read(directory)
    return CloudConfig(**{key: getattr(file, key) for key in CloudConfig.__struct_fields__})


def load_metrics(directory: Path) -> MetricsConfig | None:
    """Read where the worker sends counts; None if it sends none.

    Raises:
        ConfigError: names the file, the key and what is wrong with it.
    """
    metrics = _read(directory).metrics
    check_metrics(metrics, str(directory / CONFIG_NAME))
    return metrics


def check_config(config: CloudConfig, origin: str) -> None:
    """Check what the types cannot express.

    Raises:
        ConfigError: names `origin` and the key.
    """
    if not is_collectivity(config.collectivity):
        raise ConfigError(f"{origin}: collectivity is 1 to 32 of a-z, 0-9 and '-'.")
    for host in (config.broker_host, *config.broker_names):
        if not _is_host(host):
            raise ConfigError(f"{origin}: {host!r} is no host name and no address.")
    if config.broker_bind and not _is_address(config.broker_bind):
        raise ConfigError(f"{origin}: broker_bind is an address of this machine, or empty.")
    if len({config.broker_port, config.operator_port, config.api_port}) < 3:  # noqa: PLR2004
        raise ConfigError(f"{origin}: broker_port, operator_port and api_port must differ.")


def config_toml(config: CloudConfig) -> bytes:
    """Return the text of a new configuration file."""
    names = ", ".join(f'"{name}"' for name in config.broker_names)
    return f"""\
collectivity = "{config.collectivity}"
# Name or address under which chips and workers reach the broker; after a change `volet cloud renew`.
broker_host = "{config.broker_host}"
broker_port = {config.broker_port}
# The address on which the broker listens; empty: on all.
broker_bind = "{config.broker_bind}"
# Further names that stand in the broker's certificate.
broker_names = [{names}]
# The port, on loopback, at which a revoked chip's session is ended.
operator_port = {config.operator_port}
# The port of `volet cloud api run` at the same host; chips that were away long come there.
api_port = {config.api_port}
# The most memory of the broker; a new value counts from its next start.
broker_memory_mb = {config.broker_memory_mb}
""".encode()


def _read(directory: Path) -> _ConfigFile:
    path = directory / CONFIG_NAME
    # If another directory was meant, `init` would found a second authority.
    next_step = (
        "is this the right directory (`--dir`)? For a new collectivity, make it with "
        f"`volet cloud init --dir {quoted(directory)}`."
    )
    data = read_document(path, next_step)
    try:
        file = msgspec.toml.decode(data, type=_ConfigFile)
    except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{path}: {exc}.") from exc
    check_config(file, str(path))
    return file


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_host(text: str) -> bool:
    labels = text.removesuffix(".").split(".")
    return _is_address(text) or all(
        0 < len(label) < 64 and label.isascii() and label.replace("-", "a").isalnum()  # noqa: PLR2004
        for label in labels
    )
