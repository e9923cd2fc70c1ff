"""A home with its page: meter, chip and page here, broker and worker of the collectivity there.

The meter has counted for three days when the page opens, and goes on each second. A day left in
blocks of a quarter-hour, those after it in a block each. The neighbourhood's curve of yesterday has
been released.
"""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np

from edge.area.figure import FILE_NAME as FIGURES
from edge.area.figure import load_kept
from edge.simulate.curve import Curve
from edge.simulate.home import HomeSettings, build_home
from edge.simulate.household import synthetic_curve
from edge.simulate.tariff import MeterOption
from edge.vault.reader import read_vault
from protocol.calendar import QUARTER_HOUR, day_start, legal_day
from tests.support.broker import enrol_chip, running_broker, wait_until
from tests.support.chip_process import ChipProcess
from tests.support.page_area import certify_release, publish_curve, settle_in_area
from tests.support.page_process import PageProcess

DAYS = 3
FRAME_EVERY_S = 1.0
STEP_S = 2
# Seed of a household that heats water at night and cooks in the evening.
SEED = 3
CONFIG = """\
rhythm = "{rhythm}"
send_window_s = 0
metering.is_simulated = true
"""


def restless(curve: Curve) -> Curve:
    """Return the curve in steps of two seconds, each up to a tenth higher or lower."""
    steps = curve.step_s // STEP_S
    share = np.random.default_rng(SEED).uniform(0.9, 1.1, steps * len(curve.power_w))
    return Curve(curve.start_s, STEP_S, (curve.power_w.repeat(steps) * share).astype(np.int64))


class Meter:
    """A simulated meter whose line is the chip's standard input."""

    def __init__(self) -> None:
        today = legal_day(datetime.now(UTC))
        self.since = today - timedelta(days=DAYS)
        curve = restless(synthetic_curve(SEED, self.since, today + timedelta(days=2)))
        self._home = build_home(curve, HomeSettings(option=MeterOption.HPHC, seed=SEED))
        self._at = day_start(self.since)
        self._chip: ChipProcess | None = None
        self._plugging = threading.Lock()

    def catch_up(self, chip: ChipProcess, until: datetime) -> None:
        """Send a frame for each quarter-hour until then."""
        while self._at < until:
            chip.feed(self._home.frame_at(self._at))
            self._at += QUARTER_HOUR

    def plug(self, chip: ChipProcess | None) -> None:
        """Send what comes to this chip, or to none."""
        with self._plugging:
            self._chip = chip

    @contextmanager
    def running(self) -> Iterator[None]:
        """Send a frame each second."""
        stopped = threading.Event()

        def run() -> None:
            while not stopped.wait(FRAME_EVERY_S):
                with self._plugging:
                    if self._chip is not None:
                        now = datetime.now(UTC).replace(microsecond=0)
                        self._chip.feed(self._home.frame_at(now))

        thread = threading.Thread(target=run, name="meter")
        thread.start()
        try:
            yield
        finally:
            stopped.set()
            thread.join()


class PageHome:
    """A home as its page shows it."""

    def __init__(self, directory: Path, page: PageProcess, meter: Meter) -> None:
        self.directory = directory
        self.page = page
        self._meter = meter
        self._chip = ExitStack()

    @property
    def chip_directory(self) -> Path:
        return self.directory / "chip"

    def start_chip(self) -> None:
        """Start the chip, and its meter, which first makes up for the time without a chip."""
        chip = self._started("daily")
        self._meter.catch_up(chip, datetime.now(UTC))
        self._meter.plug(chip)

    def meter_first_day(self) -> None:
        """Meter the first day with a block for each quarter-hour, then stop the chip."""
        first = self._meter.since
        chip = self._started("quarter_hourly")
        self._meter.catch_up(chip, day_start(first + timedelta(days=1)) + 2 * QUARTER_HOUR)
        wait_until(lambda: self.has_sent(first), "the city to have the first day", self._left)
        self.stop_chip()

    def stop_chip(self) -> None:
        """Unplug the meter and kill the chip."""
        self._meter.plug(None)
        self._chip.close()

    @property
    def first_day(self) -> date:
        return self._meter.since

    def has_sent(self, day: date) -> bool:
        """Return whether that day is closed, and the city has acknowledged all that left."""
        if not (self.chip_directory / "vault.db").exists():
            return False
        with read_vault(self.chip_directory) as vault:
            figures = vault.figures()
        return figures.last_day_closed == day and not self._left()

    def _left(self) -> int:
        """Return how much is still to be sent."""
        with read_vault(self.chip_directory) as vault:
            figures = vault.figures()
        return figures.outbox_depth + figures.intervals_to_encrypt

    def _started(self, rhythm: str) -> ChipProcess:
        (self.chip_directory / "edge.toml").write_text(CONFIG.format(rhythm=rhythm))
        return self._chip.enter_context(ChipProcess(self.chip_directory))


@contextmanager
def page_home(directory: Path) -> Iterator[PageHome]:
    """Run a home whose chip has sent what it metered, and its page."""
    chip = directory / "chip"
    with ExitStack() as opened:
        broker = opened.enter_context(running_broker(directory / "cloud"))
        certify_release(broker)
        enrol_chip(broker.cloud, chip)
        opened.enter_context(_worker(broker.cloud, directory / "worker.log"))
        page = PageProcess(chip)
        meter = Meter()
        opened.enter_context(meter.running())
        home = PageHome(directory, page, meter)
        opened.callback(home.stop_chip)
        home.meter_first_day()
        settle_in_area(broker.cloud, chip)
        home.start_chip()
        yesterday = legal_day(datetime.now(UTC)) - timedelta(days=1)
        wait_until(lambda: home.has_sent(yesterday), "the city to have what the chip metered")
        publish_curve(broker, yesterday)
        wait_until(lambda: load_kept(chip / FIGURES).days, "the chip to have yesterday's curve")
        opened.enter_context(page)
        yield home


@contextmanager
def _worker(cloud: Path, log_path: Path) -> Iterator[None]:
    with log_path.open("ab") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "volet.main", "cloud", "run", "--dir", cloud],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        yield
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait()
