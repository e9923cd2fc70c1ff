"""The broker's directory: filled from the collectivity's, and the broker told to read it again."""

import os
import pwd
import signal
from collections.abc import Sequence
from pathlib import Path

from cloud.config import load_config
from cloud.registry.pki import pki_path, roles
from cloud.registry.revoked import adopt_revocations
from mosquitto.config import (
    CA,
    CRL,
    DATA,
    OPERATOR_CERTIFICATE,
    PID,
    SERVER_CERTIFICATE,
    SERVER_KEY,
    BrokerSettings,
    render,
)
from protocol.errors import ConfigError
from system.files import (
    make_private_dir,
    read_document,
    read_secret,
    write_public,
    write_secret,
)

DEFAULT_NAME = "broker"
_DOCUMENTS = (CA, SERVER_CERTIFICATE, CRL, OPERATOR_CERTIFICATE)
_NEXT = "make it with `volet cloud init`."


def current_user() -> str:
    """Return the name of the user whom this process runs as."""
    return pwd.getpwuid(os.geteuid()).pw_name


def default_user() -> str:
    """Return whom the broker should run as: Debian's `mosquitto` if we may choose, else ourselves."""
    return "mosquitto" if os.geteuid() == 0 else current_user()


def write_broker(directory: Path, broker: Path, user: str) -> bool:
    """Fill the broker's directory, mode 0700 and `user`'s: configuration, ACL, certificates, key.

    Returns whether a broker runs there, which then reads it again.

    Raises:
        ConfigError: the collectivity's directory lacks a file, or there is no such user.
    """
    config = load_config(directory)
    settings = BrokerSettings(
        collectivity=config.collectivity,
        directory=broker.resolve(),
        user=user,
        port=config.broker_port,
        bind=config.broker_bind,
        operator_port=config.operator_port,
        roles=roles(directory),
    )
    make_private_dir(broker)
    make_private_dir(broker / DATA)
    adopt_revocations(directory, broker / CRL)
    files = render(settings)
    for file in files:
        write_public(broker / file.name, file.text.encode())
    for name in _DOCUMENTS:
        write_public(broker / name, read_document(pki_path(directory, name), _NEXT))
    write_secret(broker / SERVER_KEY, read_secret(pki_path(directory, SERVER_KEY), _NEXT))
    names = (*(file.name for file in files), *_DOCUMENTS, SERVER_KEY, DATA, ".")
    _give(broker, names, user)
    return reload_broker(broker)


def refresh_broker(directory: Path, broker: Path) -> bool:
    """Bring certificates and revocation list to the broker; say whether one runs and has read them.

    Raises:
        ConfigError: there is no broker's directory at `broker`, or it is not ours to change.
    """
    if not broker.is_dir():
        raise ConfigError(
            f"{broker} is no broker's directory; fill it with `volet cloud broker-config`, or name "
            "it with --broker."
        )
    adopt_revocations(directory, broker / CRL)
    for name in _DOCUMENTS:
        write_public(broker / name, read_document(pki_path(directory, name), _NEXT))
    _give(broker, _DOCUMENTS, broker.owner())
    return reload_broker(broker)


def reload_broker(broker: Path) -> bool:
    """Have the broker read configuration, ACL, certificates and revocation list again.

    Returns whether one runs there; one that does not reads all at its start.

    Raises:
        ConfigError: it is not ours to signal.
    """
    try:
        pid = int((broker / PID).read_text("ascii"))
        name = Path(f"/proc/{pid}/comm").read_text("utf-8").strip()
        if name != "mosquitto":  # a stale file must not have us signal another process
            return False
        os.kill(pid, signal.SIGHUP)
    except PermissionError as exc:
        raise ConfigError(
            f"The broker of {broker} is another user's; run this command as root."
        ) from exc
    except (OSError, ValueError):
        return False
    return True


def _give(broker: Path, names: Sequence[str], user: str) -> None:
    """Make what we wrote the user's; a link that the broker may have put there is not followed."""
    if user == current_user():
        return
    try:
        uid = pwd.getpwnam(user).pw_uid
        for name in names:
            os.chown(broker / name, uid, -1, follow_symlinks=False)
    except KeyError as exc:
        raise ConfigError(f"There is no user {user}; name another with --user.") from exc
    except PermissionError as exc:
        raise ConfigError(
            f"{broker} cannot be given to the user {user}; run the command as root."
        ) from exc
