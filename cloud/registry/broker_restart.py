"""Restarts a broker that goes by files of before.

mosquitto reads its rules and its own certificate at its start. Nothing makes it reload them:
mosquitto 2.0.11 that reloads may abort once absent clients have come back. Before such a file
changes, the process that has read the former one is noted. So it is known until another process
runs, also if this one was killed, or was not allowed to restart it.
"""

import os
import subprocess
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from cloud.registry.broker_process import running, start_command
from mosquitto.config import SERVER_CERTIFICATE, UNREAD
from protocol.errors import ConfigError
from protocol.json_text import read_json
from system.certificates import read_lifetime
from system.files import write_public
from system.process_status import started_ticks
from system.shell import quoted

# The lines of proc_pid_cgroup(5) that systemd is responsible for: HIERARCHY:CONTROLLERS:PATH.
_OF_SYSTEMD = ("", "name=systemd")


class Unread(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The broker's process that has not read all of its directory.

    Attributes:
        process: its number, and since when it runs, in clock ticks since the boot.
        until: the end of the certificate that it shows, None if that cannot be read.
    """

    process: tuple[int, int]
    until: datetime | None


def note_unread(broker: Path) -> None:
    """Note that the broker which runs there, if any, has read other files than it will find now."""
    try:
        process = _process(broker)
    except ConfigError:  # whoever asks for the process once all is written is told
        return
    if process is None or _of(broker, process) is not None:
        return
    try:
        until = read_lifetime("broker", broker / SERVER_CERTIFICATE).not_after
    except ConfigError:
        until = None
    write_public(broker / UNREAD, msgspec.json.encode(Unread(process, until)))


class Restart(NamedTuple):
    """Whether a broker was restarted, and a sentence of it or of what is to be done, empty if nothing."""

    is_done: bool = False
    told: str = ""


def restart_if_due(broker: Path) -> Restart:
    """Restart a broker that has not read all of its directory, if systemd runs it and we are root.

    Raises:
        ConfigError: systemd cannot restart it, or the broker is another user's.
    """
    due = _due(broker)
    if due is None:
        return Restart()
    unread, service = due
    if service is not None and os.geteuid() == 0:
        _restart(service)
        return Restart(is_done=True, told=f"Restarted {service}, which had not read all of it.")
    shown = f" and shows a certificate that ends on {unread.until:%Y-%m-%d}" if unread.until else ""
    next_step = (
        f"end it, then start it: `{start_command(broker)}`"
        if service is None
        else f"restart it as root: `systemctl restart {quoted(service)}`"
    )
    return Restart(told=f"The broker that runs there has not read all of it{shown}; {next_step}.")


def process_behind(broker: Path) -> tuple[int, str | None] | None:
    """Return the broker's process, and its service, if it has not read all of its directory.

    Raises:
        ConfigError: the broker is another user's, or was started on another directory.
    """
    due = _due(broker)
    return None if due is None else (due[0].process[0], due[1])


def _due(broker: Path) -> tuple[Unread, str | None] | None:
    """Return what a running broker has not read and its service, None if it has read all."""
    process = _process(broker)
    unread = None if process is None else _of(broker, process)
    return None if unread is None else (unread, _service(unread.process[0]))


def service_of(cgroup: str) -> str | None:
    """Return the service of systemd in a text of `/proc/PID/cgroup`, None if there is none."""
    for line in cgroup.splitlines():
        controllers, _, path = line.partition(":")[2].partition(":")
        name = path.rpartition("/")[2]
        if controllers in _OF_SYSTEMD and name.endswith(".service"):
            return name
    return None


def _process(broker: Path) -> tuple[int, int] | None:
    """Return the broker's process as `Unread` names it, None if none runs; raises ConfigError."""
    pid = running(broker)
    try:
        return None if pid is None else (pid, started_ticks(pid))
    except OSError:  # it has ended
        return None


def _of(broker: Path, process: tuple[int, int]) -> Unread | None:
    """Return what was noted of a process, None if nothing was."""
    try:
        unread = read_json((broker / UNREAD).read_bytes(), Unread)
    except (OSError, msgspec.MsgspecError):  # the broker may write there as well
        return None
    return unread if unread.process == process else None


def _service(pid: int) -> str | None:
    """Return the service of the machine's systemd that a process is the main one of.

    Whoever types a command may be in a service as well, such as a terminal's.
    """
    try:
        name = service_of(Path(f"/proc/{pid}/cgroup").read_text("utf-8"))
        if name is None:
            return None
        shown = _systemctl("show", "--property=MainPID", "--value", "--", name)
    except OSError:
        return None
    return name if shown.stdout.strip() == str(pid) else None


def _restart(service: str) -> None:
    """Have systemd restart a service; mosquitto saves its sessions when it is stopped."""
    done = _systemctl("restart", "--", service)
    if done.returncode:
        why = done.stderr.partition("\n")[0].strip()
        raise ConfigError(
            f"{service} was not restarted ({why}); see "
            f"`journalctl -u {quoted(service)}`, then type `systemctl restart {quoted(service)}`."
        )


def _systemctl(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemctl", *arguments], capture_output=True, text=True, check=False)
