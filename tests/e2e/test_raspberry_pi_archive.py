"""The page for the Raspberry Pi, typed as it stands by a plain user of a Debian that is booted.

No Pi is used, and no meter: the line is a pty in the place of a USB adapter.
"""

import os
from pathlib import Path

import pytest

from tests.e2e.test_raspberry_pi_page import (
    DEVELOPERS,
    PAGE,
    SIMULATED,
    UNIT,
    answer,
    meter,
    quarter_hours,
    worker,
)
from tests.e2e.test_software_releases import build, hand_over
from tests.support.booted import USER, booted, make_root, skip_without_containers
from tests.support.broker import wait_until
from tests.support.environments import skip_without_registry

EXPOSURE_MAX = 1.3
ARCHIVE = "volet-0.1.0-edge-aarch64-python3.11.tar"
ADAPTER = "/dev/serial/by-id/usb-emulated"
# What the installer would bring, so that files before and after can be compared.
NEEDED = (
    *("python3-venv", "libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0"),
    "fonts-dejavu-core",
)
PASSED_BY = {
    *("proc", "sys", "dev", "run", "tmp", "home", "root", "var/log", "var/cache", "var/tmp"),
    *("var/lib/apt", "var/lib/systemd"),
}
pytestmark = [pytest.mark.long, pytest.mark.timeout(3_600)]


def exposure(machine) -> float:
    shown = machine.run("systemd-analyze", "security", "--no-pager", UNIT).stdout
    return float(shown.split("exposure level for")[1].split(": ")[1].split()[0])


def files(root: Path) -> set[str]:
    """Return a machine's files, without those of users, of what runs, and of logs and caches."""
    found = set()
    for folder, folders, names in os.walk(root):
        at = str(Path(folder).relative_to(root))
        folders[:] = [
            name for name in folders if f"{at}/{name}".removeprefix("./") not in PASSED_BY
        ]
        found |= {f"{at}/{name}" for name in (*names, *folders)}
    return found


def test_a_plain_user_gets_from_an_archive_to_a_chip_and_back(broker, tmp_path):
    """Installed, set up, enrolled; the chip comes back after a reboot; nothing is left in the end."""
    skip_without_containers()
    skip_without_registry(tmp_path)
    archive = build(tmp_path, "0.1.0")
    root, log = tmp_path / "root", tmp_path / "console.log"
    make_root(root, *NEEDED)
    home = root / "home" / USER
    hand_over(archive, home)
    replaced = ((ARCHIVE, archive.name), ("--device /dev/ttyAMA0", f"--device {ADAPTER}"))
    with meter(tmp_path / "tic") as line, worker(broker.cloud, tmp_path / "worker.log"):
        bind = f"--bind={line}:{ADAPTER}"
        with booted(root, log, bind) as machine:
            before = files(root)
            with machine.login() as typing:
                typing.type_page(PAGE, replaced, since="Install", until="Look at the line")
            with machine.login() as typing:
                typing.type_page(PAGE, replaced, since="Look at the line", until="Run")
                answer(broker.cloud, home)
                typing.type(SIMULATED)
                typing.type_page(PAGE, since="Run", until="Take it off again")
            wait_until(lambda: quarter_hours(machine) >= 2, "two quarter-hours")
            assert exposure(machine) <= EXPOSURE_MAX
            door = machine.run("stat", "-c", "%U %G %a", "/run/volet-edge").stdout
            assert door == f"{USER} volet-page 710\n"
            metered = quarter_hours(machine)
            machine.power_off()
        with booted(root, log, bind) as machine:
            wait_until(lambda: quarter_hours(machine) > metered, "the chip to meter again")
            assert machine.run("systemctl", "is-active", UNIT).stdout == "active\n"
            assert f'source = "{ADAPTER}"' in (root / "var/lib/volet/edge.toml").read_text()
            with machine.login() as typing:
                typing.type_page(PAGE, since="Take it off again", until=DEVELOPERS)
            assert files(root) == before
            assert "dialout" not in machine.run("id", USER).stdout
            assert machine.run("id", "volet-page").returncode == 1
            assert machine.run("getent", "group", "volet-page").returncode == 2
