"""What the kernel says of its clock decides whether the host's time counts."""

import ctypes
import subprocess
import sys
from types import SimpleNamespace

import pytest

from system import kernel_clock
from system.clock import SystemClock

# The size of `struct timex` on 64-bit Linux; what the kernel writes must have room.
TIMEX_BYTES = 208


@pytest.mark.parametrize(
    ("state", "maxerror_us", "is_synchronised"),
    [
        (0, 450_000, True),
        (5, 450_000, True),  # TIME_ERROR by STA_UNSYNC alone: chrony keeps the battery clock so
        (5, 16_000_000, False),  # after a boot, or after `date -s`
        (0, 16_000_000, False),
        (-1, 0, False),  # a filter of system calls forbids to ask
    ],
)
def test_the_host_counts_while_the_kernel_bounds_its_error(
    monkeypatch, state, maxerror_us, is_synchronised
):
    def adjtimex(reference):
        timex = reference._obj
        assert timex.modes == 0, "nothing may be set"
        timex.maxerror = maxerror_us
        return state

    monkeypatch.setattr(kernel_clock, "_libc", lambda: SimpleNamespace(adjtimex=adjtimex))
    assert kernel_clock.is_synchronised() is is_synchronised


def test_the_real_kernel_answers_and_has_room_to():
    assert ctypes.sizeof(kernel_clock._Timex) >= TIMEX_BYTES
    host = SystemClock().host_time()
    assert host.is_synchronised in (True, False)
    assert host.at.utcoffset().total_seconds() == 0


def test_a_boot_has_one_name_for_all_processes():
    command = "from system.kernel_clock import boot_id; print(boot_id())"
    other = subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, check=True
    )
    assert other.stdout.strip() == kernel_clock.boot_id()
    assert SystemClock().host_time().boot == kernel_clock.boot_id()


def test_without_a_boot_id_a_process_has_a_name_of_its_own(monkeypatch, tmp_path):
    monkeypatch.setattr(kernel_clock, "BOOT_ID", tmp_path / "none")
    assert kernel_clock.boot_id() != kernel_clock.boot_id()
