"""A trustee's directory: its configuration, keys (0600), certificate and database."""

from pathlib import Path
from typing import Annotated

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mosquitto.roles import Role
from protocol.certificates import read_pem
from protocol.errors import ConfigError
from protocol.governance import TrusteeName
from protocol.ids import is_collectivity
from system.certificates import Lifetime
from system.files import (
    draw_secret,
    make_private_dir,
    read_document,
    read_secret,
    write_public,
)
from system.mqtt.identity import (
    CA,
    check_identity,
    draw_own_key,
    install_certificate,
    own_files,
    own_lifetimes,
)
from system.mqtt.link import LinkSettings
from system.shell import quoted
from trustee.database import FILE_NAME
from trustee.identity import TrusteeIdentity
from trustee.log import TrusteeLog

DEFAULT_DIRECTORY = Path("/var/lib/volet-trustee")
CONFIG_NAME = "trustee.toml"
PUBLIC_NAME = "trustee.json"
SIGNING_KEY = "signing.key"
_NEXT = "make it with `volet trustee init`."
_IF_DOUBLE = (
    "a trustee runs once, so end one of them; if you started only one, others have its key: "
    "tell the collectivity."
)
_INSTALL = "the collectivity issues it for the request tls.csr; put it in place with `volet trustee install`."


class TrusteeConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The contents of `trustee.toml`: the trustee's names and the broker's address."""

    collectivity: str
    name: TrusteeName
    title: str
    broker_host: str
    broker_port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 8883


def new_config(
    collectivity: str, name: str, title: str, broker_host: str, broker_port: int
) -> TrusteeConfig:
    """Return the checked configuration of a new trustee.

    Raises:
        ConfigError: a value is wrong.
    """
    if not is_collectivity(collectivity):
        raise ConfigError("volet trustee init: collectivity is 1 to 32 of a-z, 0-9 and '-'.")
    config = TrusteeConfig(collectivity, name, title, broker_host, broker_port)
    try:
        return msgspec.convert(msgspec.structs.asdict(config), TrusteeConfig)
    except msgspec.ValidationError as exc:
        raise ConfigError(
            f"volet trustee init: {exc}. A trustee is called trustee- and 1 to 24 of a-z and 0-9."
        ) from exc


def initialise(directory: Path, config: TrusteeConfig, ca: Path | None) -> bool:
    """Generate missing keys and write the public files; return whether a key is new.

    Raises:
        ConfigError: the directory is another trustee's, or cannot be written.
    """
    make_private_dir(directory)
    path = directory / CONFIG_NAME
    if path.exists():
        existing = load_config(directory)
        if (existing.collectivity, existing.name) != (config.collectivity, config.name):
            raise ConfigError(f"{path} is {existing.name}'s of {existing.collectivity}.")
    else:
        write_public(path, _toml(config))
    signing_key = Ed25519PrivateKey.generate().private_bytes_raw()
    is_new = draw_secret(directory / SIGNING_KEY, signing_key)
    is_new |= draw_own_key(directory, config.name, _NEXT)
    if ca is not None:
        write_public(directory / CA, read_document(ca, "ask the collectivity for it."))
    identity = load_identity(directory)
    write_public(directory / PUBLIC_NAME, msgspec.json.encode(identity.public))
    return is_new


def load_config(directory: Path) -> TrusteeConfig:
    """Read the configuration.

    Raises:
        ConfigError: the file is missing or wrong; the message names it.
    """
    path = directory / CONFIG_NAME
    data = read_document(path, _NEXT)
    try:
        return msgspec.toml.decode(data, type=TrusteeConfig)
    except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{path}: {exc}.") from exc


def load_identity(directory: Path) -> TrusteeIdentity:
    """Read the configuration and the signing key.

    Raises:
        ConfigError: a file is missing, readable by others, or not a key.
    """
    config = load_config(directory)
    try:
        return TrusteeIdentity(
            config.collectivity,
            config.name,
            config.title,
            Ed25519PrivateKey.from_private_bytes(read_secret(directory / SIGNING_KEY, _NEXT)),
        )
    except ValueError as exc:
        raise ConfigError(f"{directory}: a key's file holds no key: {exc}.") from exc


def install(directory: Path, certificate: Path, ca: Path | None) -> bool:
    """Install the certificate that the collectivity issued; return whether it is another one.

    Raises:
        ConfigError: the certificate is not for this trustee's key, and nothing was installed; or a
            file cannot be read or written.
    """
    name = load_config(directory).name
    return install_certificate(directory, name, Role.TRUSTEE, certificate, ca, _INSTALL)


def link_settings(directory: Path) -> LinkSettings:
    """Return the settings of the connection to the broker.

    Raises:
        ConfigError: the certificate is not installed, or not this trustee's.
    """
    config = load_config(directory)
    tls = own_files(directory)
    check_identity(tls, config.name, Role.TRUSTEE, _INSTALL)
    return LinkSettings(
        host=config.broker_host,
        port=config.broker_port,
        client_id=config.name,
        tls=tls,
        if_double=_IF_DOUBLE,
    )


def load_roots(directory: Path) -> tuple[x509.Certificate, ...]:
    """Return the collectivity's roots that this trustee was given.

    Raises:
        ConfigError: there are none, or the file is damaged.
    """
    path = directory / CA
    try:
        return tuple(read_pem(read_document(path, _INSTALL)))
    except ValueError as exc:
        raise ConfigError(f"{path} is no certificate; {_INSTALL}") from exc


def lifetimes(directory: Path) -> tuple[Lifetime, ...]:
    """Return the lifetimes of the installed certificates.

    Raises:
        ConfigError: a certificate is damaged.
    """
    return own_lifetimes(directory, load_config(directory).name)


def _toml(config: TrusteeConfig) -> bytes:
    title = msgspec.json.encode(config.title).decode()
    host = msgspec.json.encode(config.broker_host).decode()
    return f"""\
collectivity = "{config.collectivity}"
name = "{config.name}"
# What people call this trustee; part of what the set of trustees says.
title = {title}
broker_host = {host}
broker_port = {config.broker_port}
""".encode()


def open_existing_log(directory: Path) -> TrusteeLog:
    """Open the existing database of a trustee, for commands that only read.

    Raises:
        ConfigError: the directory has no database.
        StoreError: the file is damaged, of another version, or no trustee's.
    """
    if not (directory / FILE_NAME).is_file():
        raise ConfigError(
            f"{directory / FILE_NAME} is missing; start the trustee with "
            f"`volet trustee run --dir {quoted(directory)}`."
        )
    return TrusteeLog.open(directory)
