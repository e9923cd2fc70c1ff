"""The chip's program on a pty, a TLS broker and the cloud's worker, each killed at random."""

import contextlib
import json
import random
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from cloud.store.sqlite.store import SqliteStore
from edge.identity.enrolment import load_identity
from edge.simulate.home import HomeSettings, build_home
from edge.simulate.household import synthetic_curve
from edge.simulate.link import PtyLink
from edge.simulate.tariff import MeterOption
from edge.vault.reader import read_vault
from protocol.calendar import QUARTER_HOUR, day_start
from protocol.layout import REGISTER_STEP
from protocol.status import State, decode_status
from protocol.topics import Kind, device_topic
from tests.support.broker import COLLECTIVITY, enrol_chip, wait_until
from tests.support.chip_cloud import opened
from tests.support.chip_town import MONTH, StoreView
from tests.support.mqtt import Peer, role_pass

DAYS = 8
CONFIG = """\
rhythm = "{rhythm}"
send_window_s = 0
metering.is_simulated = true
[sending]
backlog_per_s = 50
ack_timeout_s = 2
whole_pause_s = 0.5
"""


class Program:
    """A `volet` command that runs until it is told or killed."""

    def __init__(self, log: Path, *arguments: str) -> None:
        self._log = log
        self._command = [sys.executable, "-m", "volet.main", *arguments]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )

    def end(self, number: signal.Signals = signal.SIGKILL) -> int:
        if self.process is None:
            return 0
        self.process.send_signal(number)
        code = self.process.wait(20)
        self.process = None
        return code

    @property
    def log(self) -> str:
        return self._log.read_text() if self._log.exists() else ""


class Wire:
    """A pty on which a simulated meter sends one frame a quarter-hour."""

    def __init__(self, path: Path, days: int) -> None:
        curve = synthetic_curve(3, MONTH - timedelta(days=1), MONTH + timedelta(days=days))
        self.home = build_home(curve, HomeSettings(option=MeterOption.HPHC, seed=3))
        self.link = PtyLink(path)
        self.path = path
        self.at = day_start(MONTH) - 8 * QUARTER_HOUR  # so that the first midnight is read

    def send(self) -> None:
        """Send the frame of the moment; it is lost where nobody listens."""
        self.link.send(self.home.frame_at(self.at))
        self.at += QUARTER_HOUR

    def risen(self, end) -> tuple[list[int], list[int]]:
        """Return by how much each register rose from the start, in Wh and in whole kWh."""
        after, before = (self.home.meter_at(at).registers_wh(at) for at in (end, day_start(MONTH)))
        pairs = list(zip(after, before, strict=True))
        return [a - b for a, b in pairs], [a // 1000 - b // 1000 for a, b in pairs]


@pytest.fixture
def wire(tmp_path):
    wire = Wire(tmp_path / "tic", days=10)
    yield wire
    wire.link.close()


@pytest.fixture(params=["daily", pytest.param("quarter_hourly", marks=pytest.mark.long)])
def chip_directory(request, broker, tmp_path):
    directory = tmp_path / "chip"
    enrol_chip(broker.cloud, directory)
    (directory / "edge.toml").write_text(CONFIG.format(rhythm=request.param))
    return directory


@pytest.fixture
def worker(broker, tmp_path):
    worker = Program(tmp_path / "worker.log", "cloud", "run", "--dir", str(broker.cloud))
    worker.start()
    yield worker
    worker.end()


@pytest.fixture
def chip(chip_directory, wire, tmp_path):
    chip = Program(
        tmp_path / "chip.log",
        "edge",
        "run",
        "--dir",
        str(chip_directory),
        "--source",
        str(wire.path),
    )
    chip.start()
    wire.link.wait_for_reader()
    yield chip
    chip.end()


def metered_to(directory):
    """Up to when the chip has accounted for the meter, by its own word."""
    with contextlib.suppress(Exception), read_vault(directory) as vault:
        return vault.figures().last_quarter_hour
    return None


def has_closed(directory):
    """Whether a day has closed that saw no kill."""
    with read_vault(directory) as vault:
        last = vault.figures().last_day_closed
    return last is not None and last >= MONTH + timedelta(days=DAYS)


def is_drained(directory):
    """Whether everything is encrypted and acknowledged."""
    with read_vault(directory) as vault:
        figures = vault.figures()
    return not (figures.outbox_depth or figures.intervals_to_encrypt)


@pytest.mark.long
def test_what_the_cloud_holds_is_what_the_meter_counted_though_everything_is_killed(
    broker, worker, chip, chip_directory, wire
):
    """Kill chip, broker and worker again and again; nothing is lost and nothing counted twice."""
    rng = random.Random(1)
    kills = 0
    while (metered_to(chip_directory) or (MONTH, -1)) < (MONTH, 0):
        wire.send()
        wire.link.drain()
    end = day_start(MONTH + timedelta(days=DAYS))
    while wire.at < end:
        before = metered_to(chip_directory)
        for _ in range(rng.randrange(8, 40)):
            wire.send()
        if kills == 0 or rng.random() < 0.7:
            wait_until(
                lambda before=before: metered_to(chip_directory) != before,
                f"the chip to meter\n{chip.log[-2000:]}",
            )
        victim = rng.choice((chip, chip, broker, worker))
        kills += 1
        if victim is broker:
            broker.kill()
            broker.start()
        else:
            victim.end()
            victim.start()
            wire.link.wait_for_reader()
    while not has_closed(chip_directory):
        wire.send()
        wire.link.drain()
    wait_until(lambda: is_drained(chip_directory), f"the outbox to drain\n{chip.log[-2000:]}")
    assert chip.end(signal.SIGTERM) == 0
    assert kills >= 20
    store = SqliteStore.open(broker.cloud, is_checked=False)
    try:
        view = StoreView(store, chip_directory)
        values = opened(view, view.identity)
        assert not [each for each in store.dead_letters() if each.reason != "no_epoch"]
    finally:
        store.close()
    days = sorted({day for day, j in values if j == 127 and day >= MONTH})
    assert days == [MONTH + timedelta(days=n) for n in range(len(days))]
    risen_wh, steps_kwh = wire.risen(day_start(days[-1] + timedelta(days=1)))
    assert sum(v for (day, j), v in values.items() if j < 100 and day in days) == sum(risen_wh)
    assert [sum(values[day, REGISTER_STEP + n] for day in days) for n in range(2)] == steps_kwh


@pytest.mark.usefixtures("worker")
def test_a_stopped_chip_says_goodbye_and_status_still_tells(chip, chip_directory, wire):
    for _ in range(107):
        wire.send()
    wait_until(lambda: metered_to(chip_directory) == (MONTH + timedelta(days=1), 1), chip.log)
    assert chip.end(signal.SIGTERM) == 0
    assert '"chip_stopped"' in chip.log
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "volet.main",
            "edge",
            "status",
            "--dir",
            str(chip_directory),
            "--json",
        ],
        stdout=subprocess.PIPE,
        check=True,
    )
    told = json.loads(done.stdout)
    assert told["intervals"] >= 98
    assert told["last_day_closed"] == str(MONTH)


def test_a_second_chip_process_on_the_same_directory_is_refused(chip, chip_directory):
    wait_until(lambda: metered_to(chip_directory) is None and "chip_started" in chip.log, chip.log)
    done = subprocess.run(
        [sys.executable, "-m", "volet.main", "edge", "run", "--dir", str(chip_directory)],
        stderr=subprocess.PIPE,
        check=False,
    )
    assert done.returncode == 5
    assert b"in use by another chip process" in done.stderr


def test_what_a_monitor_hears_of_a_chip_that_is_killed_started_and_stopped(
    broker, chip, chip_directory, wire
):
    """A kill and a start within fifteen minutes are nobody's business; a stop is told at once."""
    topic = device_topic(COLLECTIVITY, load_identity(chip_directory).device, Kind.STATUS)
    monitor_pass = role_pass(broker.cloud, "monitor")
    with Peer(broker.port, monitor_pass.context()) as monitor:
        monitor.subscribe(topic)
        assert decode_status(monitor.wait_for(topic)).state is State.INIT
        chip.end()
        chip.start()
        wire.link.wait_for_reader()
        wait_until(lambda: chip.log.count('"session_began"') == 2, chip.log)
        assert chip.end(signal.SIGTERM) == 0
        monitor.wait_for_count(2)
        states = [decode_status(payload).state for _, payload in monitor.received]
        assert states == [State.INIT, State.DISCONNECTED]
