"""Finds the broker's process, which runs on the broker's directory."""

import os
from pathlib import Path

from mosquitto.config import CONFIG, OPENSSL, PID
from protocol.errors import ConfigError


def start_command(broker: Path) -> str:
    """Return the shell command that starts the broker on its directory."""
    return f"OPENSSL_CONF={broker / OPENSSL} mosquitto -c {broker / CONFIG}"


def is_running(broker: Path) -> bool:
    """Return whether a broker runs on a directory.

    Raises:
        ConfigError: it was started on another directory, or is another user's.
    """
    return running(broker) is not None


def running(broker: Path) -> int | None:
    """Return the process of the broker that runs on a directory, None if none does.

    Raises:
        ConfigError: it was started on another directory, or is another user's.
    """
    try:
        pid = int((broker / PID).read_text("ascii"))
        name = Path(f"/proc/{pid}/comm").read_text("utf-8").strip()
        if name != "mosquitto":  # the PID file may be stale; never signal another process
            return None
        if not _is_started_on(pid, broker.resolve()):
            raise ConfigError(
                f"The broker that runs (process {pid}) was not started on {broker} and has not "
                f"read what stands there; end it, then start it: `{start_command(broker)}`."
            )
    except PermissionError as exc:
        raise not_ours(broker) from exc
    except (OSError, ValueError):
        return None
    return pid


def not_ours(broker: Path) -> ConfigError:
    """Return the error of a broker that we may not look at or signal."""
    return ConfigError(f"The broker of {broker} is another user's; run this command as root.")


def _is_started_on(pid: int, broker: Path) -> bool:
    """Return whether a broker's configuration is in `broker` (absolute), or names it."""
    arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    if b"-c" not in arguments[:-1]:
        return True  # its command line does not name a configuration
    given = os.fsdecode(arguments[arguments.index(b"-c") + 1])
    path = Path(f"/proc/{pid}/cwd").readlink() / given
    try:
        return path.resolve() == broker / CONFIG or str(broker) in path.read_text(
            "utf-8", "replace"
        )
    except FileNotFoundError:  # moved since
        return False
