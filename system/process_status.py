"""What Linux tells of a process in `/proc/PID/status` (proc_pid_status(5))."""

from pathlib import Path


def status_field(name: str, process: int | str = "self") -> str:
    """Return the first word of a field, such as "VmRSS" in KiB; empty if there is no such field.

    Raises:
        OSError: there is no such process.
    """
    status = Path(f"/proc/{process}/status").read_text("utf-8", "replace")
    value = status.partition(f"\n{name}:")[2].split(maxsplit=1)
    return value[0] if value else ""
