"""What Linux tells of a process in `/proc/PID` (proc_pid_status(5), proc_pid_stat(5))."""

from pathlib import Path


def status_field(name: str, process: int | str = "self") -> str:
    """Return the first word of a field, such as "VmRSS" in KiB; empty if there is no such field.

    Raises:
        OSError: there is no such process.
    """
    status = Path(f"/proc/{process}/status").read_text("utf-8", "replace")
    value = status.partition(f"\n{name}:")[2].split(maxsplit=1)
    return value[0] if value else ""


def started_ticks(process: int) -> int:
    """Return when a process was started, in clock ticks since the boot.

    Raises:
        OSError: there is no such process.
    """
    told = Path(f"/proc/{process}/stat").read_text("utf-8", "replace")
    return int(told.rpartition(")")[2].split()[19])  # its name may have spaces
