"""What the Linux kernel knows of its own clock."""

import ctypes
from functools import cache
from pathlib import Path
from uuid import uuid4

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
# The kernel's NTP_PHASE_LIMIT: what it says where it does not know how wrong the clock is.
UNKNOWN_ERROR_US = 16_000_000


class _Timex(ctypes.Structure):
    """`struct timex` up to the field that is read, and room for the rest."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("rest", ctypes.c_byte * 256),
    )


def is_synchronised() -> bool:
    """Say whether a program keeps the kernel's clock right, and has done so lately.

    The kernel bounds the clock's error: not after a boot or where the time was set by hand, and no
    longer some nine hours after it last heard from such a program. (Its status bit STA_UNSYNC is
    also set where a program only wants to keep it from the battery clock.) False where the kernel
    may not be asked.
    """
    timex = _Timex(modes=0)  # nothing is changed
    state: int = _libc().adjtimex(ctypes.byref(timex))
    error_us: int = timex.maxerror
    return state >= 0 and error_us < UNKNOWN_ERROR_US


def boot_id() -> str:
    """Return the name of the machine's boot; one of this process alone where there is none."""
    try:
        return BOOT_ID.read_text("ascii").strip()
    except OSError:
        return str(uuid4())


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
