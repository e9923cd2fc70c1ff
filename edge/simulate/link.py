"""A pseudo-terminal that replaces a serial line, linked from a chosen path."""

import errno
import fcntl
import os
import pty
import select
import struct
import termios
import time
import tty
from pathlib import Path
from types import TracebackType
from typing import Self

from protocol.errors import ConfigError
from system.patience import Patience

TERMINALS = Path("/dev/pts")
POLL_MS = 50
DRAIN_S = 5.0
# During a reader's call the kernel counts neither the bytes delivered nor those still in transit.
EMPTY_LOOKS = 2


class PtyLink:
    """A raw pty with a symbolic link to its slave.

    A stale link is replaced; a link to a live terminal is refused. Like on a wire, bytes are lost
    while nobody reads. A slow reader blocks the sender, so that accelerated play loses nothing.
    """

    def __init__(self, path: Path) -> None:
        if path.exists() and not path.is_symlink():
            raise ConfigError(f"--link {path}: there is a file already; choose another path")
        if path.is_symlink() and _is_terminal(path.readlink()):
            raise ConfigError(
                f"--link {path}: another program still sends there ({path.readlink()}); end it, "
                "or choose another path. If it is none of yours, remove the link."
            )
        self._path = path
        self._master, slave = pty.openpty()
        try:
            tty.setraw(slave)
            self.device = os.ttyname(slave)
        finally:
            os.close(slave)
        os.set_blocking(self._master, False)
        self._poll = select.poll()
        self._poll.register(self._master, select.POLLOUT)
        try:
            path.unlink(missing_ok=True)
            path.symlink_to(self.device)
        except OSError as exc:
            os.close(self._master)
            raise ConfigError(f"--link {path}: cannot be made: {exc.strerror}") from exc

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def wait_for_reader(self) -> None:
        """Return once a reader has opened the line."""
        while not self._has_reader():
            time.sleep(POLL_MS / 1_000)

    def send(self, data: bytes) -> None:
        """Send bytes to the reader; without a reader they are lost."""
        while data and self._has_reader():
            try:
                data = data[os.write(self._master, data) :]
            except BlockingIOError:
                self._poll.poll(POLL_MS)
            except OSError as exc:
                if exc.errno != errno.EIO:
                    raise
                return

    def drain(self) -> None:
        """Return once the reader has read everything, has gone, or has read nothing for 5 s."""
        patience, empty_looks = Patience(DRAIN_S), 0
        while empty_looks < EMPTY_LOOKS and self._has_reader():
            unread = self._unread_bytes()
            if not patience.lasts(unread):
                return
            empty_looks = 0 if unread else empty_looks + 1
            time.sleep(POLL_MS / 1_000)

    def close(self) -> None:
        """Close the line, and remove the symbolic link if it is still ours."""
        if self._path.is_symlink() and self._path.readlink() == Path(self.device):
            self._path.unlink()
        os.close(self._master)

    def _has_reader(self) -> bool:
        return not any(events & select.POLLHUP for _, events in self._poll.poll(0))

    def _unread_bytes(self) -> int:
        slave = os.open(self.device, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
        arrivals = select.poll()
        arrivals.register(slave, select.POLLIN)
        try:
            arrivals.poll(
                0
            )  # makes the kernel deliver bytes in transit, which FIONREAD does not count
            answer = fcntl.ioctl(slave, termios.FIONREAD, b"\0" * 4)
        finally:
            os.close(slave)
        count: int = struct.unpack("i", answer)[0]
        return count


def _is_terminal(device: Path) -> bool:
    """Return whether a pseudo-terminal exists, which it does as long as its creator lives."""
    return device.parent == TERMINALS and device.is_char_device()
