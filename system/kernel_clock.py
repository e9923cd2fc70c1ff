"""The Linux kernel's state of its own clock, and the id of the boot.

A sandbox that protects the clock forbids even to ask the kernel about it. A process in one goes by a
file instead, which a process outside keeps fresh as long as the kernel's answer is yes.
"""

import ctypes
import time
from functools import cache
from pathlib import Path
from uuid import uuid4

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
# The kernel's NTP_PHASE_LIMIT, which it reports if it does not know the clock's error.
UNKNOWN_ERROR_US = 16_000_000
# In memory; systemd makes the directory with the process that keeps it, and removes it with that.
MARK = Path("/run/volet-edge-clock/synchronised")
MARK_EVERY_S, MARK_COUNTS_S = 5.0, 15.0


class _Timex(ctypes.Structure):
    """`struct timex` up to the last field used, with room for the rest."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("rest", ctypes.c_byte * 256),
    )


def is_synchronised() -> bool:
    """Return whether a program keeps the kernel's clock right, and has done so recently.

    The kernel reports a bound of the clock's error. It has none after a boot or after the time was
    set by hand, nor about nine hours after the last update by such a program. (The status bit
    STA_UNSYNC is not enough: programs also set it just to protect the battery clock.) A process that
    may not ask the kernel goes by the file; without a fresh one the answer is no.
    """
    answer = _kernel_says()
    return _is_marked() if answer is None else answer


def keep_marked() -> None:
    """Ask the kernel from now on, and let the file say what it answers."""
    while True:
        if _kernel_says():
            MARK.touch()
        else:
            MARK.unlink(missing_ok=True)
        time.sleep(MARK_EVERY_S)


def _kernel_says() -> bool | None:
    """Return the kernel's answer, None if this process may not ask it."""
    timex = _Timex(modes=0)  # nothing is changed
    state: int = _libc().adjtimex(ctypes.byref(timex))
    error_us: int = timex.maxerror
    return None if state < 0 else error_us < UNKNOWN_ERROR_US


def _is_marked() -> bool:
    """Return whether the file is fresh.

    Its time is the wall clock's, so it is not from the moment on at which somebody sets the clock.
    """
    try:
        marked_s = MARK.stat().st_mtime
    except OSError:
        return False
    return abs(time.time() - marked_s) < MARK_COUNTS_S


def boot_id() -> str:
    """Return the id of the machine's boot, or one for this process alone if there is none."""
    try:
        return BOOT_ID.read_text("ascii").strip()
    except OSError:
        return str(uuid4())


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
