"""Signed releases on a Debian that is booted: from an archive to a chip, and back from bad ones.

All the while, what the cloud has not acknowledged waits in the chip's outbox: 500 blocks and more. In
the end the cloud has each of them once. No Pi is used, and no meter: the line is a pty.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.test_raspberry_pi_page import UID, answer, meter, quarter_hours, reported, worker
from tests.support.booted import USER, booted, make_root, skip_without_containers
from tests.support.broker import wait_until
from tests.support.chip_blocks import blocks_in_cloud, check_all_arrived, waiting_blocks
from tests.support.environments import ROOT, skip_without_registry

pytestmark = [pytest.mark.long, pytest.mark.timeout(3_600)]

UNIT = f"volet-edge@{USER}"
# Good releases may take long on a busy machine; in that time fewer blocks come than condemn one.
TRIAL, BAD_TRIAL = "--hold 8 --patience 150", "--hold 8 --patience 60"
WAITING = 500
# A quarter-hour a second, each in a block of its own that goes at once.
SETTINGS = (
    *("metering.is_simulated = true", 'rhythm = "quarter_hourly"', "send_window_s = 0"),
    *("sending.backlog_per_s = 100", "sending.ack_timeout_max_s = 60"),
)
UPGRADE_MAX_BYTES = 2_000_000
# What a release does that is bad, as a line of Python that runs when its programs start.
_IF_RUN = "import os, sys, socket; is_run = sys.orig_argv[-2:] == ['edge', 'run']; "
BAD = {
    "0.1.2": "is_run and os._exit(3)",
    "0.1.3": "setattr(socket.socket, 'connect', lambda *_: (_ for _ in ()).throw(OSError('none')))",
    "0.1.4": "setattr(sys, 'eaten', b'x' * 400_000_000 * is_run)",
}


def build(
    folder: Path,
    version: str,
    since: Path | None = None,
    architecture: str = platform.machine(),
    extra: str = "edge",
) -> Path:
    """Build a release for Debian 12, a chip's or another `extra`; return its archive."""
    command = [sys.executable, ROOT / "packaging/build.py", "--key", folder / "release.key"]
    command += ["--version", version, "--python", "3.11", "--out", folder]
    command += ["--architecture", architecture, "--extra", extra]
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


HANGING = """#!/bin/sh
case " $* " in *" restart "*) touch /srv/at-restart; exec sleep infinity ;; esac
exec /usr/bin/systemctl "$@"
"""


def cut_between_link_and_restart(machine, command: str) -> None:
    """Have a command switch the link and, before it starts the chip again, the power fail."""
    root = machine.root
    hanging, reached = root / "usr/local/bin/systemctl", root / "srv/at-restart"
    hanging.write_text(HANGING)
    hanging.chmod(0o755)
    reached.unlink(missing_ok=True)
    with machine.login() as typing:
        typing.type(f"(sudo {command} &) >/dev/null 2>&1")
        wait_until(reached.exists, "the chip's new start")
        machine.kill()
    hanging.unlink()


def running_release(machine) -> str:
    """Return the version of the program that runs as the chip, "" if none does."""
    process = machine.run("systemctl", "show", UNIT, "-P", "MainPID").stdout.strip()
    command = machine.run("cat", f"/proc/{process}/cmdline").stdout
    return command.partition("/releases/")[2].partition("/")[0]


def current(root: Path) -> str:
    return (root / "opt/volet/current").readlink().name


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
    home, chip = root / "home" / USER, root / "var/lib/volet"

    def depth(machine) -> int:
        return reported(machine).get("outbox_depth", -1)

    def is_back(machine, version: str) -> bool:
        return running_release(machine) == version and depth(machine) >= WAITING

    with ExitStack() as lines:
        line = lines.enter_context(meter(tmp_path / "tic", speed=900, frame_step_s=60))
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
                *(f"echo '{setting}' >> /var/lib/volet/edge.toml" for setting in SETTINGS),
                "volet edge request --out ~/request.json",
            )
            answer(broker.cloud, home)
            typed(machine, "volet edge enrol ~/enrolment.json")
            with worker(broker.cloud, tmp_path / "worker.log"):
                typed(machine, f"sudo systemctl enable --now {UNIT}")
                wait_until(lambda: blocks_in_cloud(broker.cloud, chip).total() >= 1, "a block")
            for archive in upgrades.values():
                typed(machine, f"sudo volet software install {archive.name}")
            wait_until(
                lambda: depth(machine) > WAITING, "500 blocks in the outbox", lambda: depth(machine)
            )
            waited = waiting_blocks(chip)
            assert len(waited) >= WAITING
            typed(machine, f"sudo volet software activate 0.1.1 {TRIAL}")
            assert known(machine)["current"] == running_release(machine) == "0.1.1"
            for version in BAD:
                spoil(root, version)
                with machine.login() as typing:
                    activate = f"sudo volet software activate {version} {BAD_TRIAL}"
                    status, output = typing.type(activate)
                assert status == 1, output
                assert "was taken back" in output
                assert known(machine)["current"] == "0.1.1"
                wait_until(lambda: is_back(machine, "0.1.1"), "the chip to run again")
                assert waited <= waiting_blocks(chip)
            assert set(known(machine)["condemned"]) == set(BAD)
            cut_between_link_and_restart(machine, f"volet software activate 0.1.5 {TRIAL}")
        assert current(root) == "0.1.5"
        with booted(root, log, bind) as machine:
            now = known(machine)
            assert (now["current"], now["trial"]) == ("0.1.1", None)
            assert "0.1.5" not in now["condemned"]
            wait_until(lambda: is_back(machine, "0.1.1"), "the chip to run again")
            before = quarter_hours(machine)
            wait_until(lambda: quarter_hours(machine) > before, "the chip to meter again")
            cut_between_link_and_restart(machine, "volet software rollback")
        assert current(root) == "0.1.0"
        with booted(root, log, bind) as machine:
            now = known(machine)
            assert (now["current"], now["previous"], now["rollback"]) == ("0.1.0", "0.1.1", None)
            wait_until(lambda: is_back(machine, "0.1.0"), "the chip to run again")
            assert waited <= waiting_blocks(chip)
            typed(machine, "sudo volet software rollback")
            wait_until(lambda: is_back(machine, "0.1.1"), "the release before to run")
            with worker(broker.cloud, tmp_path / "worker.log"):
                wait_until(
                    lambda: waited <= blocks_in_cloud(broker.cloud, chip).keys(),
                    "what had waited",
                    lambda: blocks_in_cloud(broker.cloud, chip).total(),
                )
                lines.close()  # so that no more blocks come
                wait_until(lambda: depth(machine) == 0, "an empty outbox", lambda: depth(machine))
            machine.run("systemctl", "stop", UNIT)
            machine.power_off()
    assert check_all_arrived(broker.cloud, chip, waited) > WAITING
