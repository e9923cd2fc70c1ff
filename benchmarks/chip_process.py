"""What one chip's memory is made of, told by a process that is nothing else.

`python -m benchmarks.chip_process DIRECTORY` imports what a chip imports, part by part, then lets
`chip_metering` open a vault and meter the frames in DIRECTORY/frames; its report goes to standard
output. Nothing that a chip does not import may be imported here.
"""

import importlib
import sys
from pathlib import Path

# In the order in which they are imported; what a later one shares with an earlier one is the
# earlier one's.
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
    """Return what this process has resident, MB, shared libraries included."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


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
