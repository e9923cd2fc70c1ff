"""The developers' part of the page for the Raspberry Pi, typed by a plain user of a booted Debian.

No Pi is used, and no meter: the line is a pty. The households' part: test_raspberry_pi_archive.py.
"""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from cloud.registry.enrolment import enrol
from cloud.store.sqlite.store import SqliteStore
from protocol.contract import Signed
from tests.support.booted import USER, booted, make_root, skip_without_containers
from tests.support.broker import wait_until
from tests.support.typed_page import HOW_TO, ROOT

PAGE = HOW_TO / "run-on-a-raspberry-pi.md"
UNIT = f"volet-edge@{USER}"
UID, DIALOUT = 1000, 20
LINE = "/dev/ttyAMA0"
SIMULATED = "echo 'metering.is_simulated = true' >> /var/lib/volet/edge.toml"
DEVELOPERS = "From a checkout, to develop"
pytestmark = pytest.mark.long


@contextmanager
def meter(link: Path, *, speed: int = 60, frame_step_s: int = 2):
    """Run an emulated meter, fast enough for quarter-hours, whose line is of group dialout."""
    command = (sys.executable, "-m", "volet.main", "edge", "simulate", "--option", "hphc")
    times = ("--from", "2026-03-01", "--speed", str(speed), "--frame-step", str(frame_step_s))
    process = subprocess.Popen((*command, *times, "--link", str(link)), stderr=subprocess.DEVNULL)
    try:
        wait_until(link.exists, "the meter's line")
        os.chown(link, 0, DIALOUT)
        link.chmod(0o660)
        yield link.resolve()
    finally:
        process.kill()
        process.wait()


@contextmanager
def worker(cloud: Path, log: Path):
    command = (sys.executable, "-m", "volet.main", "cloud", "run", "--dir", str(cloud))
    with log.open("ab") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def source(home: Path) -> tuple[str, str]:
    """Put the project, as it is committed, where the user finds it; what the page is to say."""
    to = home / "source.git"
    subprocess.run(("git", "clone", "--quiet", "--bare", ROOT, to), check=True)
    for path in (to, *to.rglob("*")):
        os.chown(path, UID, UID)
    return "<this repository>", "~/source.git"


def answer(cloud: Path, home: Path) -> None:
    """Enrol the chip by the request that the user hands over."""
    request = msgspec.json.decode((home / "request.json").read_bytes(), type=Signed)
    store = SqliteStore.open(cloud, is_checked=False)
    try:
        enrolled = enrol(cloud, store, request, datetime.now(UTC))
    finally:
        store.close()
    path = home / "enrolment.json"
    path.write_bytes(msgspec.json.encode(enrolled.answer))
    os.chown(path, UID, UID)


def reported(machine) -> dict:
    """Return what the chip reports of itself, nothing while it cannot."""
    with machine.login() as typing:
        status, output = typing.type("volet edge status --json")
    return json.loads(output) if status == 0 else {}


def quarter_hours(machine) -> int:
    return reported(machine).get("intervals", 0)


def test_a_developer_gets_from_a_checkout_to_a_chip(broker, tmp_path):
    skip_without_containers()
    root, log = tmp_path / "root", tmp_path / "console.log"
    make_root(root)
    home = root / "home" / USER
    replaced = (source(home),)
    with meter(tmp_path / "tic") as line, worker(broker.cloud, tmp_path / "worker.log"):
        bind = f"--bind={line}:{LINE}"
        with booted(root, log, bind) as machine:
            with machine.login() as typing:
                typing.type_page(PAGE, replaced, since=DEVELOPERS)
            with machine.login() as typing:
                typing.type_page(PAGE, since="Look at the line", until="Run")
                answer(broker.cloud, home)
                typing.type(f"echo 'source = \"{LINE}\"' >> /var/lib/volet/edge.toml")
                typing.type(SIMULATED)
                typing.type_page(PAGE, since="Run", until="Lights and a button")
            wait_until(lambda: quarter_hours(machine) >= 1, "a quarter-hour")
            before = quarter_hours(machine)
            machine.power_off()
        with booted(root, log, bind) as machine:
            wait_until(lambda: quarter_hours(machine) > before, "the chip to meter again")
