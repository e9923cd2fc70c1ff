"""Keeps a process's memory, which holds keys and readings, out of core dumps and of swap.

Every command does so when it starts, so this imports nothing that takes time.
"""

import contextlib
import ctypes
import resource
from pathlib import Path

LIMITS = Path("/proc/self/limits")
# <sys/mman.h>: what is mapped now and later, each page once it is used.
_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4
# Less than any dump. Linux gives a process of limit 0 to a handler such as systemd-coredump even so,
# but never one of limit 1 (core(5), fs/coredump.c).
_CORE_MAX_BYTES = 1


def protect_memory() -> bool:
    """Forbid core dumps of this process, and lock its memory where the system lets it.

    Returns whether the memory is locked. Under a limit of locked memory it is not: the first
    allocation beyond the limit would fail.
    """
    # A sandbox that forbids either has limits of its own.
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (_CORE_MAX_BYTES, _CORE_MAX_BYTES))
    with contextlib.suppress(OSError, ValueError):
        infinity = resource.RLIM_INFINITY
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (infinity, infinity))
    if not _is_unlimited(LIMITS.read_text("ascii")):
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT) == 0)


def _is_unlimited(limits: str) -> bool:
    """Return whether the text of /proc/self/limits sets no limit to locked memory."""
    return limits.partition("Max locked memory")[2].split()[0] == "unlimited"
