"""Has the C library give back memory that a program needed for a moment only."""

import ctypes

# Of malloc.h.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -2, -3, -8
# Glibc would raise both by itself, up to 32 MiB, by what a program frees.
_MAPPED_FROM_BYTES, _TRIMMED_FROM_BYTES = 32_768, 65_536


def give_back_memory() -> None:
    """Map what is large apart, so that it goes back once freed, and keep one heap for all threads.

    Costs a call of the kernel for each piece of 32 KiB or more. Another C library than glibc goes on as
    it does.
    """
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "mallopt"):
        return
    libc.mallopt(_ARENA_MAX, 1)
    libc.mallopt(_MMAP_THRESHOLD, _MAPPED_FROM_BYTES)
    libc.mallopt(_TRIM_THRESHOLD, _TRIMMED_FROM_BYTES)
    libc.mallopt(_TOP_PAD, 0)
