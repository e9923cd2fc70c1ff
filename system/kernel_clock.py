"""The Linux kernel's state of its own clock, and the id of the boot."""

import ctypes
from functools import cache
from pathlib import Path
from uuid import uuid4

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
# The kernel's NTP_PHASE_LIMIT, which it reports if it does not know the clock's error.
UNKNOWN_ERROR_US = 16_000_000


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
    STA_UNSYNC is not enough: programs also set it just to protect the battery clock.) False if the
    process may not ask the kernel.
    """
    timex = _Timex(modes=0)  # nothing is changed
    state: int = _libc().adjtimex(ctypes.byref(timex))
    error_us: int = timex.maxerror
    return state >= 0 and error_us < UNKNOWN_ERROR_US


def boot_id() -> str:
    """Return the id of the machine's boot, or one for this process alone if there is none."""
    try:
        return BOOT_ID.read_text("ascii").strip()
    except OSError:
        return str(uuid4())


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
