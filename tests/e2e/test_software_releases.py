"""Signed releases on a Debian that is booted: from an archive to a chip, and back from bad ones.

No Pi is used, and no meter: the line is a pty.
"""

import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.e2e.test_raspberry_pi_page import UID, answer, meter, quarter_hours, worker
from tests.support.booted import USER, booted, make_root, skip_without_containers
from tests.support.broker import wait_until
from tests.support.environments import ROOT, skip_without_registry

pytestmark = [pytest.mark.long, pytest.mark.timeout(3_600)]

UNIT = f"volet-edge@{USER}"
TRIAL = "--hold 8 --patience 60"
UPGRADE_MAX_BYTES = 2_000_000
# What a release does that is bad, as a line of Python that runs when its programs start.
_IF_RUN = "import os, sys, socket; is_run = sys.orig_argv[-2:] == ['edge', 'run']; "
BAD = {
    "0.1.2": "is_run and os._exit(3)",
    "0.1.3": "setattr(socket.socket, 'connect', lambda *_: (_ for _ in ()).throw(OSError('none')))",
    "0.1.4": "setattr(sys, 'eaten', b'x' * 400_000_000 * is_run)",
}


def build(folder: Path, version: str, since: Path | None = None) -> Path:
    """Build a release for this machine's kind of Debian; return its archive."""
    command = [sys.executable, ROOT / "packaging/build.py", "--key", folder / "release.key"]
    command += ["--version", version, "--python", "3.11", "--out", folder]
    command += ["--since", since] if since else []
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.splitlines()[-2].partition(".tar: ")[0] + ".tar")


def hand_over(archive: Path, home: Path) -> None:
    to = home / archive.name
    shutil.copyfile(archive, to)
    os.chown(to, UID, UID)


def known(machine) -> dict:
    return json.loads(machine.run("/usr/local/bin/volet", "software", "status", "--json").stdout)


def typed(machine, *commands: str) -> None:
    with machine.login() as typing:
        for command in commands:
            status, output = typing.type(command)
            assert status == 0, (command, output)


def spoil(root: Path, version: str) -> None:
    """Make an installed release a bad one."""
    packages = root / "opt/volet/releases" / version / "venv/lib/python3.11/site-packages"
    (packages / "spoilt.pth").write_text(f"{_IF_RUN}{BAD[version]}\n")


def test_from_an_archive_to_a_chip_that_comes_back_from_each_bad_release(broker, tmp_path):
    skip_without_containers()
    skip_without_registry(tmp_path)
    first = build(tmp_path, "0.1.0")
    with tarfile.open(first) as tar:
        (tmp_path / "manifest.json").write_bytes(tar.extractfile("manifest.json").read())
    upgrades = {
        version: build(tmp_path, version, tmp_path / "manifest.json")
        for version in ("0.1.1", *BAD, "0.1.5")
    }
    assert upgrades["0.1.1"].stat().st_size < UPGRADE_MAX_BYTES
    root, log = tmp_path / "root", tmp_path / "console.log"
    make_root(root)
    home = root / "home" / USER
    with meter(tmp_path / "tic") as line, worker(broker.cloud, tmp_path / "worker.log"):
        bind = f"--bind={line}:/dev/serial0"
        with booted(root, log, bind) as machine:
            for archive in (first, *upgrades.values()):
                hand_over(archive, home)
            typed(
                machine,
                f"mkdir volet && tar xf {first.name} -C volet",
                "sudo volet/install",
            )
            typed(
                machine,
                "volet edge init",
                "echo 'metering.is_simulated = true' >> /var/lib/volet/edge.toml",
                "volet edge request --out ~/request.json",
            )
            answer(broker.cloud, home)
            typed(machine, "volet edge enrol ~/enrolment.json")
            typed(machine, f"sudo systemctl enable --now {UNIT}")
            wait_until(lambda: quarter_hours(machine) >= 1, "a quarter-hour")
            for archive in upgrades.values():
                typed(machine, f"sudo volet software install {archive.name}")
            typed(machine, f"sudo volet software activate 0.1.1 {TRIAL}")
            assert known(machine)["current"] == "0.1.1"
            for version in BAD:
                spoil(root, version)
                with machine.login() as typing:
                    status, output = typing.type(f"sudo volet software activate {version} {TRIAL}")
                assert status == 1, output
                assert "was taken back" in output
                assert known(machine)["current"] == "0.1.1"
                wait_until(
                    lambda: machine.run("systemctl", "is-active", UNIT).stdout == "active\n",
                    "the chip to run again",
                )
            assert set(known(machine)["condemned"]) == set(BAD)
            with machine.login() as typing:
                typing.type(f"(sudo volet software activate 0.1.5 {TRIAL} &) >/dev/null 2>&1")
                wait_until((root / "opt/volet/trial.json").exists, "the trial")
                machine.kill()  # the power fails
        assert (root / "opt/volet/current").readlink().name == "0.1.5"
        with booted(root, log, bind) as machine:
            now = known(machine)
            assert (now["current"], now["trial"]) == ("0.1.1", None)
            assert "0.1.5" not in now["condemned"]
            before = quarter_hours(machine)
            wait_until(lambda: quarter_hours(machine) > before, "the chip to meter again")
            typed(machine, "sudo volet software rollback")
            assert known(machine)["current"] == "0.1.0"
