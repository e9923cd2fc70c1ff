"""The machine on which the figures were measured."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import msgspec

_PACKAGES = ("volet", "tenseal", "numpy", "phe", "gmpy2", "cryptography", "msgspec", "paho-mqtt")


class Machine(msgspec.Struct, frozen=True):
    """The machine and the versions that the figures depend on."""

    at: datetime
    cpu: str
    cores: int
    memory_mb: int
    system: str
    python: str
    packages: tuple[str, ...]
    load_1min: float


def this_machine() -> Machine:
    """Describe the machine that runs this."""
    memory_bytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return Machine(
        at=datetime.now(UTC),
        cpu=_cpu(),
        cores=os.cpu_count() or 1,
        memory_mb=memory_bytes // 2**20,
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        packages=tuple(f"{name} {version(name)}" for name in _PACKAGES),
        load_1min=os.getloadavg()[0],
    )


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("model name", "Model"):
            return value.strip()
    return platform.processor() or "unknown"
