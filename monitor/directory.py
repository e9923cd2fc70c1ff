"""A monitor's directory: its configuration, its key (0600) and its certificate."""

from pathlib import Path
from typing import Annotated

import msgspec

from mosquitto.roles import Role
from protocol.errors import ConfigError
from protocol.ids import is_collectivity
from system.certificates import Lifetime
from system.files import make_private_dir, read_document, write_public
from system.metrics import MetricsConfig, check_metrics
from system.mqtt.identity import (
    CA,
    check_identity,
    draw_own_key,
    install_certificate,
    own_files,
    own_lifetimes,
)
from system.mqtt.link import LinkSettings

DEFAULT_DIRECTORY = Path("/var/lib/volet-monitor")
CONFIG_NAME = "monitor.toml"
_NEXT = "make it with `volet monitor init`."
_IF_DOUBLE = (
    "end one of them, or give a further monitor a directory and a name of its own "
    "(`volet monitor init --dir NEW --name monitor-…`)."
)
_INSTALL = (
    "the collectivity issues it for the request tls.csr; put it in place with "
    "`volet monitor install`."
)

MonitorName = Annotated[str, msgspec.Meta(pattern=r"^monitor(-[a-z0-9]{1,24})?(?!\n)$")]


class MonitorConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The operator's settings.

    Attributes:
        collectivity: the collectivity's name in topics.
        name: the name in the certificate, `monitor-` and 1 to 24 of a-z and 0-9.
        broker_host: the host name or address at which the broker is reached.
        broker_port: its port.
        port: where `/metrics` and `/health` are served, on 127.0.0.1 only.
        chips_max: so many chips are kept; of more, those not heard of for longest are dropped.
    """

    collectivity: str
    name: MonitorName
    broker_host: str
    broker_port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 8883
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 8445
    chips_max: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 50_000


class _MonitorFile(MonitorConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    metrics: MetricsConfig | None = None


def new_config(
    collectivity: str, name: str, broker_host: str, broker_port: int, port: int
) -> MonitorConfig:
    """Return the checked configuration of a new monitor.

    Raises:
        ConfigError: a value is wrong.
    """
    if not is_collectivity(collectivity):
        raise ConfigError("volet monitor init: collectivity is 1 to 32 of a-z, 0-9 and '-'.")
    config = MonitorConfig(
        collectivity=collectivity,
        name=name,
        broker_host=broker_host,
        broker_port=broker_port,
        port=port,
    )
    try:
        return msgspec.convert(msgspec.structs.asdict(config), MonitorConfig)
    except msgspec.ValidationError as exc:
        raise ConfigError(
            f"volet monitor init: {exc}. A monitor is called monitor- and 1 to 24 of a-z and 0-9."
        ) from exc


def initialise(directory: Path, config: MonitorConfig, ca: Path | None) -> bool:
    """Draw the key if it is missing, and write configuration and request; return whether it is new.

    Raises:
        ConfigError: the directory is another monitor's, or cannot be written.
    """
    make_private_dir(directory)
    path = directory / CONFIG_NAME
    if path.exists():
        existing = load_config(directory)
        if (existing.collectivity, existing.name) != (config.collectivity, config.name):
            raise ConfigError(f"{path} is {existing.name}'s of {existing.collectivity}.")
    else:
        write_public(path, config_toml(config))
    is_new = draw_own_key(directory, config.name, _NEXT)
    if ca is not None:
        write_public(directory / CA, read_document(ca, "ask the collectivity for it."))
    return is_new


def install(directory: Path, certificate: Path, ca: Path | None) -> bool:
    """Install the certificate that the collectivity issued; return whether it is another one.

    Raises:
        ConfigError: the certificate is not for this monitor's key, and nothing was installed; or a
            file cannot be read or written.
    """
    name = load_config(directory).name
    return install_certificate(directory, name, Role.MONITOR, certificate, ca, _INSTALL)


def load_config(directory: Path) -> MonitorConfig:
    """Read the configuration.

    Raises:
        ConfigError: the file is missing or wrong; the message names it.
    """
    file = _read(directory)
    return MonitorConfig(**{key: getattr(file, key) for key in MonitorConfig.__struct_fields__})


def load_metrics(directory: Path) -> MetricsConfig | None:
    """Read where the monitor writes its metrics; None if it is asked for them only.

    Raises:
        ConfigError: the file is missing or wrong; the message names it.
    """
    return _read(directory).metrics


def link_settings(directory: Path) -> LinkSettings:
    """Return the settings of the connection to the broker.

    The broker keeps no session for a monitor that is away: all that counts is retained.

    Raises:
        ConfigError: the certificate is not installed, or not this monitor's.
    """
    config = load_config(directory)
    tls = own_files(directory)
    check_identity(tls, config.name, Role.MONITOR, _INSTALL)
    return LinkSettings(
        host=config.broker_host,
        port=config.broker_port,
        client_id=config.name,
        tls=tls,
        if_double=_IF_DOUBLE,
        session_expiry_s=0,
    )


def lifetimes(directory: Path) -> tuple[Lifetime, ...]:
    """Return the lifetimes of the installed certificates.

    Raises:
        ConfigError: a certificate is damaged.
    """
    return own_lifetimes(directory, load_config(directory).name)


def config_toml(config: MonitorConfig) -> bytes:
    """Return the text of a new configuration file."""
    host = msgspec.json.encode(config.broker_host).decode()
    return f"""\
collectivity = "{config.collectivity}"
name = "{config.name}"
broker_host = {host}
broker_port = {config.broker_port}
# Where /metrics and /health are served, on 127.0.0.1 only.
port = {config.port}
# Of more chips than these, those not heard of for longest are dropped.
chips_max = {config.chips_max}
""".encode()


def _read(directory: Path) -> _MonitorFile:
    path = directory / CONFIG_NAME
    data = read_document(path, _NEXT)
    try:
        file = msgspec.toml.decode(data, type=_MonitorFile)
    except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{path}: {exc}.") from exc
    check_metrics(file.metrics, str(path))
    return file
