"""The serial line: a UART, a USB adapter, or the pty of an emulator.

It is read raw and as 8N1: cooked terminals turn CR into LF and swallow ETX, and parity is checked
in software (see `parity`). The line survives unplugging: it is reopened after growing pauses, under
the name that stays the same when a USB adapter comes back with another number.
"""

import errno
import os
import select
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import serial
import structlog

from edge.tic.speed import SPEEDS, SpeedFinder
from protocol.backoff import RetryPolicy
from protocol.errors import ConfigError
from system.conditions import Condition

BY_ID = Path("/dev/serial/by-id")
_READ_BYTES = 4096
# Linux' numbers of terminals: the virtual ones, behind which UARTs follow; this one, console, ptmx.
_VIRTUAL_CONSOLES, _FIRST_UART, _CONSOLES = 4, 64, 5
# What the kernel says of a device that has no line to set up.
_NO_LINE = {errno.ENOTTY, errno.EINVAL, errno.EBADFD}
REOPEN = RetryPolicy()
_log = structlog.get_logger()


def stable_path(device: Path, by_id: Path = BY_ID) -> Path:
    """Return the link in `by_id` that points to `device`, or `device` if there is none."""
    if not by_id.is_dir():
        return device
    target = device.resolve()
    return next((link for link in sorted(by_id.iterdir()) if link.resolve() == target), device)


def serial_devices(root: Path = Path("/dev")) -> list[str]:
    """Return the names of the serial devices under which a meter may be."""
    names = ("serial/by-id/*", "serial[0-9]", "ttyUSB*", "ttyACM*", "ttyAMA*")
    return [str(path) for name in names for path in sorted(root.glob(name))]


def no_serial_device(device: Path) -> ConfigError:
    """Return the error of what is there and is no serial device."""
    found = serial_devices()
    if not found:
        return ConfigError(
            f"{device} is no serial device, and there is none here: plug the adapter in, or turn a "
            "Pi's UART on with `sudo volet edge setup --apply`."
        )
    return ConfigError(f"{device} is no serial device; there are {', '.join(found)}.")


def is_console(device: Path) -> bool:
    """Return whether a device is a terminal on which a person types, which no meter is on."""
    try:
        number = device.stat().st_rdev
    except OSError:
        return False
    return os.major(number) == _CONSOLES or (
        os.major(number) == _VIRTUAL_CONSOLES and os.minor(number) < _FIRST_UART
    )


class Timing(msgspec.Struct, frozen=True):
    """The clock of a serial source; tests pass their own."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


class SerialSource:
    """Bytes of a serial device, at the speed at which groups can be decoded.

    Attributes:
        fault: why the device is not open, as a sentence; None while it is.
    """

    def __init__(
        self,
        device: Path,
        accepted_groups: Callable[[], int],
        *,
        speeds: tuple[int, ...] = SPEEDS,
        is_patient: bool = True,
        delays: Callable[[], Iterator[float]] = REOPEN.waits_s,
        timing: Timing | None = None,
    ) -> None:
        """Use a device that need not exist yet.

        Args:
            device: the path of the device.
            accepted_groups: returns the number of groups decoded so far.
            speeds: the line speeds to try, in bit/s.
            is_patient: wait for a device that another program holds even if it was never open. A
                device that was open once is always waited for.
            delays: makes the pauses between attempts, in seconds; called again after each success.
            timing: the clock.
        """
        self.fault: str | None = None
        self._device = device
        self._accepted_groups = accepted_groups
        self._finder = SpeedFinder(speeds)
        self._is_patient = is_patient
        self._new_delays = delays
        self._delays_s = delays()
        self._timing = timing or Timing()
        self._lost = Condition(self._timing.monotonic)
        self._port: serial.Serial | None = None
        self._retry_at_s = 0.0
        self._was_open = False
        self._is_recovering = False

    @property
    def speed(self) -> int:
        """The present line speed, in bit/s."""
        return self._finder.speed

    def fileno(self) -> int:
        """Return the device's descriptor, -1 while it is not open."""
        return int(self._port.fileno()) if self._port else -1

    def read(self, timeout_s: float) -> bytes:
        """Return the received bytes, b"" if nothing came in time or the device is away.

        Raises ConfigError if the device is no serial one, if the first attempt to open it is not
        permitted, or if another program holds it and this source is not patient.
        """
        if self._port is None and not self._reopen(timeout_s):
            return b""
        descriptor = self.fileno()
        ready, _, _ = select.select([descriptor], [], [], timeout_s)
        if not ready:
            return b""
        try:
            data = os.read(descriptor, _READ_BYTES)
        except OSError as exc:
            self._lose(exc.strerror or "read error")
            return b""
        if not data:
            self._lose("hung up")
            return b""
        if self._is_recovering:
            self._is_recovering = False
            self._delays_s = self._new_delays()
        self._follow_speed(len(data))
        return data

    def close(self) -> None:
        """Close the device."""
        if self._port is not None:
            self._port.close()
            self._port = None

    def _follow_speed(self, size_bytes: int) -> None:
        now_s = self._timing.monotonic()
        if not self._finder.observe(size_bytes, self._accepted_groups(), now_s):
            return
        _log.info("line_speed_changed", device=str(self._device), speed=self.speed)
        if self._port is not None:
            try:
                self._port.baudrate = self.speed
            except (OSError, serial.SerialException) as exc:
                self._lose(str(exc))

    def _reopen(self, timeout_s: float) -> bool:
        wait_s = self._retry_at_s - self._timing.monotonic()
        if wait_s > 0:
            self._timing.sleep(min(wait_s, timeout_s))
            if wait_s > timeout_s:
                return False
        if is_console(self._device):
            raise no_serial_device(self._device)
        try:
            self._port = serial.Serial(
                str(self._device), baudrate=self.speed, timeout=0, exclusive=True
            )
        except (OSError, serial.SerialException, ValueError) as exc:
            # pyserial tells only in words what the kernel said while the line was set up.
            cause = exc.__context__
            is_line = not (isinstance(cause, termios.error) and cause.args[0] in _NO_LINE)
            if not is_line and not self._was_open:
                raise no_serial_device(self._device) from exc
            number = getattr(exc, "errno", None)
            if number in (errno.EACCES, errno.EPERM) and not self._was_open:
                raise ConfigError(
                    f"{self._device} may not be read; add this user to the group dialout "
                    "(`sudo usermod -aG dialout $USER`) and log in again."
                ) from exc
            if number == errno.EWOULDBLOCK and not (self._was_open or self._is_patient):
                raise ConfigError(
                    f"{self._device} is held by another program, as by a running chip, whose "
                    "`volet edge status` says how the line is; stop it first to decode here."
                ) from exc
            self._lose(os.strerror(number) if number else str(exc))
            return False
        if not self._was_open:
            self._device = stable_path(self._device)
        is_news = self._lost.ends() or not self._was_open
        self._was_open = True
        self.fault = None
        if is_news:
            _log.info("serial_line_opened", device=str(self._device), speed=self.speed)
        return True

    def _lose(self, why: str) -> None:
        """Close the device and set the time of the next attempt; log this once, not each time."""
        self.close()
        delay_s = next(self._delays_s)
        self._is_recovering = True
        self._retry_at_s = self._timing.monotonic() + delay_s
        if self._lost.begins():
            _log.warning("serial_line_lost", device=str(self._device), why=why)
        self.fault = f"{self._device} is away: {why}."
