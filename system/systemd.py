"""What systemd gives a program, and what it wants to be told: that it is ready, alive or stopping.

Without systemd nothing is given, and nobody is told.
"""

import os
import re
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

from system.clock import Clock

MICROSECONDS = 1_000_000
UNITS = Path("/etc/systemd/system")
# sd_listen_fds(3).
_FIRST_SOCKET = 3
_ASK_WITHIN_S = 10.0
# As `[::]:443 (Stream)` or `192.168.1.2:8443 (Stream)`.
_STREAM_PORT = re.compile(r":(\d{1,5}) \(Stream\)")


class Notifier:
    """Sends to the socket that systemd names (sd_notify(3)); `progress` feeds the watchdog."""

    def __init__(self, clock: Clock, environment: Mapping[str, str] = os.environ) -> None:
        """Read NOTIFY_SOCKET and WATCHDOG_USEC."""
        self._clock = clock
        self._address = environment.get("NOTIFY_SOCKET", "")
        watchdog_us = environment.get("WATCHDOG_USEC", "")
        self._interval_s = int(watchdog_us) / MICROSECONDS / 3 if watchdog_us.isdecimal() else None
        self._next_s = 0.0

    def ready(self) -> None:
        """Report that the program has started."""
        self._send("READY=1")

    def progress(self) -> None:
        """Report a round of the main loop, as often as the watchdog needs it."""
        now_s = self._clock.monotonic_s()
        if self._interval_s is not None and now_s >= self._next_s:
            self._next_s = now_s + self._interval_s
            self._send("WATCHDOG=1")

    def stopping(self) -> None:
        """Report that the program is about to stop."""
        self._send("STOPPING=1")

    def _send(self, text: str) -> None:
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            channel.sendto(text.encode(), address)


def given_sockets(environment: Mapping[str, str] = os.environ) -> list[socket.socket]:
    """Return the listening sockets that were opened for this process."""
    if environment.get("LISTEN_PID") != str(os.getpid()):
        return []
    count = int(environment.get("LISTEN_FDS", "0"))
    return [socket.socket(fileno=_FIRST_SOCKET + number) for number in range(count)]


def ports_of(unit: str) -> list[int]:
    """Return the ports at which systemd listens for a socket unit; none without systemd or unit."""
    command = ["systemctl", "show", unit, "--property=Listen", "--value"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=_ASK_WITHIN_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [int(port) for port in _STREAM_PORT.findall(done.stdout)]


def show(unit: str, *properties: str) -> dict[str, str]:
    """Return properties of a unit, "" for what it has not; all are "" without systemd."""
    command = ("systemctl", "show", unit, *(f"--property={name}" for name in properties))
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return dict.fromkeys(properties, "")
    shown = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    return {name: shown.get(name, "") for name in properties}


def has_unit(name: str) -> bool:
    """Return whether a unit is installed on this machine."""
    return (UNITS / name).exists()


def runtime_directory(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return the directory in /run that was made for this process."""
    given = environment.get("RUNTIME_DIRECTORY")
    return Path(given) if given else None
