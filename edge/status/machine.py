"""Figures of the machine that runs the chip, too coarse to follow life in the home."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import msgspec

from system.clock import Clock

BYTES_A_MB = 1_000_000
DAY_S = 86_400.0
DISK_STEP_MB = 100
WRITTEN_STEP_MB = 10
TEMPERATURE_STEP_C = 5
MEASURED_EVERY_S = 3_600.0
_ASKED_S = 2.0
# vcgencmd get_throttled: too little voltage now, and since the start of the machine.
_UNDERVOLTAGE = 1 << 0 | 1 << 16
_IO = Path("/proc/self/io")
_THERMAL = Path("/sys/class/thermal/thermal_zone0/temp")


class Machine(msgspec.Struct, frozen=True):
    """See `protocol.status.Status`; None if this machine does not provide the figure."""

    disk_free_mb: int | None = None
    written_mb_a_day: int | None = None
    temperature_c: int | None = None
    undervoltage: bool | None = None


class MachineWatch:
    """Measures the machine, at most once an hour."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        self._started_s = clock.monotonic_s()
        self._measured_s: float | None = None
        self._machine = Machine()

    def __call__(self) -> Machine:
        """Return the figures, at most an hour old."""
        now_s = self._clock.monotonic_s()
        if self._measured_s is None or now_s - self._measured_s >= MEASURED_EVERY_S:
            self._measured_s = now_s
            self._machine = Machine(
                disk_free_mb=_known(lambda: _disk_free_mb(self._directory)),
                written_mb_a_day=_known(lambda: _written_mb_a_day(now_s - self._started_s)),
                temperature_c=_known(_temperature_c),
                undervoltage=undervoltage(),
            )
        return self._machine


def undervoltage() -> bool | None:
    """Ask a Raspberry Pi's firmware for undervoltage; None on any other machine."""
    command = shutil.which("vcgencmd")
    if command is None:
        return None
    try:
        done = subprocess.run(
            [command, "get_throttled"], capture_output=True, text=True, timeout=_ASKED_S, check=True
        )
        return bool(int(done.stdout.strip().removeprefix("throttled="), 16) & _UNDERVOLTAGE)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None


def _known(measure: Callable[[], int | None]) -> int | None:
    try:
        return measure()
    except (OSError, ValueError, LookupError):
        return None


def _disk_free_mb(directory: Path) -> int:
    free_mb = shutil.disk_usage(directory).free // BYTES_A_MB
    return free_mb // DISK_STEP_MB * DISK_STEP_MB


def _written_mb_a_day(running_s: float) -> int | None:
    """Return how much this process writes a day (MB); None before a whole day has passed."""
    if running_s < DAY_S:
        return None
    fields = dict(line.split(": ") for line in _IO.read_text().splitlines())
    a_day_mb = int(fields["write_bytes"]) / BYTES_A_MB * DAY_S / running_s
    return round(a_day_mb / WRITTEN_STEP_MB) * WRITTEN_STEP_MB


def _temperature_c() -> int:
    celsius = int(_THERMAL.read_text()) / 1_000
    return round(celsius / TEMPERATURE_STEP_C) * TEMPERATURE_STEP_C
