"""Reports whether a process's memory, which holds keys and readings, may be written to a disk."""

from pathlib import Path

import structlog

from system.process_status import status_field

log = structlog.get_logger()

SWAPS = Path("/proc/swaps")
# Compressed memory, not a disk.
_ZRAM = "/dev/zram"


def report_swap() -> None:
    """Log a warning if this process's memory may be written to a disk."""
    if int(status_field("VmLck")):
        return
    disks = disks_of_swap(SWAPS.read_text("utf-8", "replace"))
    if disks:
        log.warning("memory_may_be_swapped", to=disks)


def disks_of_swap(swaps: str) -> list[str]:
    """Return the swap files and partitions that the text of /proc/swaps names, without zram."""
    names = [line.split()[0] for line in swaps.splitlines()[1:]]
    return [name for name in names if not name.startswith(_ZRAM)]
