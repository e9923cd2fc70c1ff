"""Fills the broker's directory from the collectivity's, and makes a broker save its data."""

import mmap
import os
import pwd
import signal
import stat
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from cloud.config import load_config
from cloud.registry.broker_process import is_running, not_ours, running
from cloud.registry.broker_restart import note_unread
from cloud.registry.key_files import FORMER_OPERATOR, pki_path
from cloud.registry.offered_lists import offer_lists
from cloud.registry.pki import roles
from cloud.registry.revoked import adopt_revocations
from mosquitto.config import (
    CA,
    CONFIG,
    CRL,
    DATA,
    OPERATOR_CERTIFICATE,
    SAVED,
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
from system.patience import Patience, wait_until
from system.process_status import status_field

DEFAULT_NAME = "broker"
_DOCUMENTS = (CA, SERVER_CERTIFICATE, CRL, OPERATOR_CERTIFICATE)
_NEXT = "make it with `volet cloud init`."
# A signal that it does not handle yet ends a mosquitto that starts.
_STARTING_S = 5.0
# A broker with a full queue writes some 256 MiB.
_SAVING_S = 60.0


def current_user() -> str:
    """Return the name of the user of this process."""
    return pwd.getpwuid(os.geteuid()).pw_name


def default_user() -> str:
    """Return the broker's default user: Debian's `mosquitto` if we are root, else ourselves."""
    return "mosquitto" if os.geteuid() == 0 else current_user()


def user_of(broker: Path) -> str:
    """Return the user of a directory's broker, which is its owner once it is filled.

    Raises:
        ConfigError: its owner is not a user of this machine.
    """
    if not (broker / CONFIG).exists():
        return default_user()
    try:
        return broker.owner()
    except KeyError as exc:
        raise ConfigError(f"{broker} is nobody's; name the broker's user with --user.") from exc


def write_broker(directory: Path, broker: Path, user: str) -> bool:
    """Fill the broker's directory (0700, owned by `user`): configuration, ACL, certificates, key.

    Returns whether any of them, or their owner, is another one than before.

    Raises:
        ConfigError: the collectivity's directory lacks a file, the user does not exist or cannot
            enter the directory, or the broker that runs there was started on another one.
    """
    files = _configuration(directory, broker, user)
    _check_way(broker.resolve(), user)
    make_private_dir(broker)
    make_private_dir(broker / DATA)
    adopt_revocations(directory, broker / CRL)
    has_changed = _fill(broker, files | _documents(directory) | _key(directory))
    lists = offer_lists(broker, is_read_anew=not is_running(broker))
    return _give(broker, (*files, *_DOCUMENTS, *lists, SERVER_KEY, DATA, "."), user) or has_changed


def behind(directory: Path, broker: Path) -> list[str]:
    """Return the files of the broker's directory that are not as `write_broker` would write them.

    Raises:
        ConfigError: the collectivity's directory lacks a file, or the broker's is nobody's.
        OSError: we may not read the broker's.
    """
    files = _configuration(directory, broker, user_of(broker))
    wanted = files | _documents(directory) | _key(directory)
    return [name for name, data in wanted.items() if not _has(broker / name, data)]


def refresh_broker(directory: Path, broker: Path) -> bool:
    """Copy certificates and revocation lists to the broker; return whether one runs there.

    It takes new lists without being told, and other certificates at its next start.

    Raises:
        ConfigError: there is no broker's directory at `broker`, or we may not change it.
    """
    if not broker.is_dir():
        raise ConfigError(
            f"{broker} is no broker's directory; fill it with `volet cloud broker-config`, or name "
            "it with --broker."
        )
    adopt_revocations(directory, broker / CRL)
    _fill(broker, _documents(directory))
    is_up = is_running(broker)
    lists = offer_lists(broker, is_read_anew=not is_up)
    _give(broker, (*_DOCUMENTS, *lists), broker.owner())
    return is_up


def _configuration(directory: Path, broker: Path, user: str) -> dict[str, bytes]:
    """Return the configuration and the rules by their names in the broker's directory."""
    config = load_config(directory)
    settings = BrokerSettings(
        collectivity=config.collectivity,
        directory=broker.resolve(),
        user=user,
        port=config.broker_port,
        bind=config.broker_bind,
        operator_port=config.operator_port,
        memory_bytes=config.broker_memory_mb << 20,
        roles=roles(directory),
    )
    return {file.name: file.text.encode() for file in render(settings)}


def _key(directory: Path) -> dict[str, bytes]:
    return {SERVER_KEY: read_secret(pki_path(directory, SERVER_KEY), _NEXT)}


def _documents(directory: Path) -> dict[str, bytes]:
    """Return certificates and revocation lists by their names in the broker's directory."""
    documents = {name: read_document(pki_path(directory, name), _NEXT) for name in _DOCUMENTS}
    if (former := pki_path(directory, FORMER_OPERATOR)).exists():
        documents[OPERATOR_CERTIFICATE] += former.read_bytes()
    return documents


def _fill(broker: Path, files: Mapping[str, bytes]) -> bool:
    """Write files to the broker's directory; return whether any is another one than before.

    All but the revocation list are read at a start.
    """
    other = {name for name, data in files.items() if not _has(broker / name, data)}
    if other - {CRL}:
        note_unread(broker)
    for name, data in files.items():
        (write_secret if name == SERVER_KEY else write_public)(broker / name, data)
    return bool(other)


def _has(path: Path, data: bytes) -> bool:
    """Return whether a file has these bytes; a link or pipe that the broker has put there has not."""
    return path.exists() and stat.S_ISREG(path.lstat().st_mode) and path.read_bytes() == data


def save_broker(broker: Path) -> None:
    """Make a running broker save its data now, and wait until it has.

    Without this, a kill within the next seconds would bring back retained messages just cleared.

    Raises:
        ConfigError: we may not signal it, or it does not save.
    """
    saved = broker / DATA / SAVED
    before = _version(saved)
    pid = running(broker)
    if pid is None:
        return
    try:
        wait_until(lambda: _handles(pid, signal.SIGUSR1), Patience(_STARTING_S))
        os.kill(pid, signal.SIGUSR1)
    except PermissionError as exc:
        raise not_ours(broker) from exc
    except OSError:  # it has ended, and saved then
        return
    if not wait_until(lambda: _version(saved) != before, Patience(_SAVING_S)):
        raise ConfigError(f"The broker of {broker} did not save its data; see its log.")


def is_in_saved_data(broker: Path, name: str) -> bool:
    """Return whether the data of a stopped broker, its sessions and messages, has a name."""
    saved = broker / DATA / SAVED
    if not saved.exists() or not saved.stat().st_size:
        return False
    with saved.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return data.find(name.encode()) >= 0


def _version(path: Path) -> tuple[int, int]:
    """Return what differs once a file was replaced."""
    status = path.stat() if path.exists() else None
    return (status.st_mtime_ns, status.st_ino) if status else (0, 0)


def _handles(pid: int, number: signal.Signals) -> bool:
    """Return whether a process handles a signal, which ends a mosquitto that still starts."""
    return bool(int(status_field("SigCgt", pid), 16) & 1 << (number - 1))


def _check_way(broker: Path, user: str) -> None:
    """Check that `user` may enter all directories above `broker`, which is absolute.

    Raises:
        ConfigError: names the first that `user` may not enter.
    """
    if user == current_user() or os.geteuid() != 0:
        return
    try:
        account = pwd.getpwnam(user)
    except KeyError as exc:
        raise _no_user(user) from exc
    groups = os.getgrouplist(user, account.pw_gid)
    for parent in reversed(broker.parents):
        if not parent.exists():
            return  # it will be created, open to all
        enter = subprocess.run(  # covers mode, groups and access control lists
            ["/usr/bin/test", "-x", parent],
            user=account.pw_uid,
            group=account.pw_gid,
            extra_groups=groups,
            check=False,
        )
        if enter.returncode:
            raise ConfigError(
                f"{parent} is closed to the user {user}, whom the broker runs as; name a directory "
                "that it may enter with --out, such as /etc/mosquitto/volet, or another user with "
                "--user."
            )


def _no_user(user: str) -> ConfigError:
    return ConfigError(f"There is no user {user}; name another with --user.")


def _give(broker: Path, names: Sequence[str], user: str) -> bool:
    """Make `user` the owner of our files, without following links that the broker may have made.

    Returns whether the directory was another's.
    """
    if user == current_user():
        return False
    try:
        is_anothers = broker.stat().st_uid != pwd.getpwnam(user).pw_uid
        uid = pwd.getpwnam(user).pw_uid
        for name in names:
            os.chown(broker / name, uid, -1, follow_symlinks=False)
    except KeyError as exc:
        raise _no_user(user) from exc
    except PermissionError as exc:
        raise ConfigError(
            f"{broker} cannot be given to the user {user}; run the command as root."
        ) from exc
    return is_anothers
