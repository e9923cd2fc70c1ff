"""Reports what uses a chip's memory, from a process that does nothing else.

`python -m benchmarks.chip_process DIRECTORY` imports a chip's modules, part by part. Then
`chip_metering` opens a vault and meters the frames in DIRECTORY/frames. The report goes to standard
output. This module must not import anything that a chip does not import.
"""

import importlib
import sys
from pathlib import Path

from system.process_status import status_field

# In order of import; memory shared by two parts counts for the earlier one.
PARTS = (
    ("TLS, MQTT, serial line", ("ssl", "paho.mqtt.client", "serial")),
    ("numpy", ("numpy",)),
    ("SEAL", ("tenseal.sealapi", "zstandard")),
    ("cryptography", ("cryptography.x509",)),
    ("SQLite", ("sqlite_utils",)),
    ("logs, command line, GPIO", ("structlog", "click", "msgspec", "gpiozero")),
    (
        "Volet",
        (
            "volet.main",
            "edge.commands.table",
            "edge.chip.chip",
            "edge.bills.judge",
            "edge.tic.serial_line",
        ),
    ),
)


def resident_mb() -> float:
    """Return this process's resident memory in MB, shared libraries included."""
    return int(status_field("VmRSS")) / 1024


def main() -> None:
    """Import, meter, report."""
    parts = [("the interpreter", resident_mb())]
    for name, modules in PARTS:
        for module in modules:
            importlib.import_module(module)
        parts.append((name, resident_mb()))
    metering = importlib.import_module("benchmarks.chip_metering")
    directory = Path(sys.argv[1])
    vault = metering.open_vault(directory)
    parts.append(("keys, vault, a month's pad", resident_mb()))
    metered = metering.meter(vault, (directory / "frames").read_bytes())
    rest_mb, threads = resident_mb(), len(list(Path("/proc/self/task").iterdir()))
    vault.close()
    report = metering.Report(tuple(parts), rest_mb, threads, metered)
    sys.stdout.buffer.write(metering.encode(report))


if __name__ == "__main__":
    main()
