"""Notifies systemd that the chip is ready, alive or stopping (sd_notify(3)), if systemd asks."""

import os
import socket
from collections.abc import Mapping

from system.clock import Clock

MICROSECONDS = 1_000_000


class Notifier:
    """Sends to the socket that the service manager names; `progress` feeds the watchdog."""

    def __init__(self, clock: Clock, environment: Mapping[str, str] = os.environ) -> None:
        """Read NOTIFY_SOCKET and WATCHDOG_USEC."""
        self._clock = clock
        self._address = environment.get("NOTIFY_SOCKET", "")
        watchdog_us = environment.get("WATCHDOG_USEC", "")
        self._interval_s = int(watchdog_us) / MICROSECONDS / 3 if watchdog_us.isdecimal() else None
        self._next_s = 0.0

    def ready(self) -> None:
        """Report that the chip has started."""
        self._send("READY=1")

    def progress(self) -> None:
        """Report a round of the main loop, as often as the watchdog needs it."""
        now_s = self._clock.monotonic_s()
        if self._interval_s is not None and now_s >= self._next_s:
            self._next_s = now_s + self._interval_s
            self._send("WATCHDOG=1")

    def stopping(self) -> None:
        """Report that the chip is about to stop."""
        self._send("STOPPING=1")

    def _send(self, text: str) -> None:
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            channel.sendto(text.encode(), address)
