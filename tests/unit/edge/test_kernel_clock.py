"""What the kernel says of its clock decides whether the host's time counts."""

import ctypes
import os
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from system import kernel_clock
from system.clock import SystemClock

# The size of `struct timex` on 64-bit Linux; what the kernel writes must have room.
TIMEX_BYTES = 208


@pytest.fixture
def mark(monkeypatch, tmp_path):
    monkeypatch.setattr(kernel_clock, "MARK", tmp_path / "synchronised")
    return tmp_path / "synchronised"


def kernel_answers(monkeypatch, state, maxerror_us):
    def adjtimex(reference):
        timex = reference._obj
        assert timex.modes == 0, "nothing may be set"
        timex.maxerror = maxerror_us
        return state

    monkeypatch.setattr(kernel_clock, "_libc", lambda: SimpleNamespace(adjtimex=adjtimex))


def forbid(monkeypatch):
    """Let a filter of system calls forbid to ask."""
    kernel_answers(monkeypatch, -1, 0)


def keep_once(monkeypatch):
    def stop(_seconds):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(kernel_clock.time, "sleep", stop)
        with pytest.raises(KeyboardInterrupt):
            kernel_clock.keep_marked()


@pytest.mark.parametrize(
    ("state", "maxerror_us", "is_synchronised"),
    [
        (0, 450_000, True),
        (5, 450_000, True),  # TIME_ERROR by STA_UNSYNC alone: chrony keeps the battery clock so
        (5, 16_000_000, False),  # after a boot, or after `date -s`
        (0, 16_000_000, False),
    ],
)
def test_the_host_counts_while_the_kernel_bounds_its_error(
    monkeypatch, mark, state, maxerror_us, is_synchronised
):
    kernel_answers(monkeypatch, state, maxerror_us)
    mark.touch()  # whoever may ask goes by the answer
    assert kernel_clock.is_synchronised() is is_synchronised


def test_a_sandbox_that_forbids_to_ask_goes_by_what_a_process_outside_keeps(monkeypatch, mark):
    kernel_answers(monkeypatch, 0, 450_000)
    keep_once(monkeypatch)
    forbid(monkeypatch)
    assert kernel_clock.is_synchronised()
    kernel_answers(monkeypatch, 5, 16_000_000)
    keep_once(monkeypatch)
    assert not mark.exists()
    forbid(monkeypatch)
    assert not kernel_clock.is_synchronised()


def test_nothing_is_marked_by_what_may_not_ask_either(monkeypatch, mark):
    mark.touch()
    forbid(monkeypatch)
    keep_once(monkeypatch)
    assert not mark.exists()


@pytest.mark.parametrize("age_s", [16, -16, 86_400, -86_400])
def test_a_mark_counts_no_longer_once_it_is_not_renewed_or_the_clock_was_set(
    monkeypatch, mark, age_s
):
    mark.touch()
    forbid(monkeypatch)
    assert kernel_clock.is_synchronised()
    at_s = time.time() - age_s
    os.utime(mark, (at_s, at_s))
    assert not kernel_clock.is_synchronised()


def test_a_mark_outlives_a_missed_turn_of_whatever_keeps_it():
    assert kernel_clock.MARK_COUNTS_S > 2 * kernel_clock.MARK_EVERY_S


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
