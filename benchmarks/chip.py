"""A chip's memory, its quarter-hour transaction, and its writes to the SD card."""

import os
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

import msgspec

from benchmarks.chip_metering import MONTH, Report
from benchmarks.household import COLLECTIVITY
from benchmarks.live_chip import EnrolledChip, lacking_days, live, over_a_file
from benchmarks.row import Bound, Row, Rows
from benchmarks.stack import Stack, need_mosquitto, running
from benchmarks.timing import per, scaled
from edge.simulate.home import HomeSettings, SimulatedHome, build_home
from edge.simulate.household import synthetic_curve
from edge.simulate.player import QUARTER_HOUR_S, frames
from edge.simulate.tariff import MeterOption
from protocol.calendar import day_start, quarter_hours

MEMORY_LIMIT_MB = 100
# Beside the results, since a temporary directory may not be on a disk.
HERE = Path(__file__).parent
LIVE_S, LIVE_LOOKS = 5.0, 5
RUNS = 3
DAYS = 7
MS = 1_000
KB = 1_000


def run(scale: float) -> list[Row]:
    """Measure; raises AssertionError if the chip metered something else than the meter counted."""
    rows = Rows("chip")
    days = scaled(DAYS, scale)
    runs = scaled(RUNS, scale)
    need_mosquitto()
    with (
        tempfile.TemporaryDirectory(dir=HERE) as directory,
        running(Path(directory), COLLECTIVITY) as stack,
    ):
        _live(rows, stack, Path(directory), max(0.2, LIVE_S * scale))
        _days(rows, stack, Path(directory), days, runs)
    reports = [_report(days) for _ in range(runs)]
    _memory(rows, reports)
    _quarter_hours(rows, reports, days)
    return rows.rows


def _live(rows: Rows, stack: Stack, directory: Path, seconds: float) -> None:
    """Measure a complete chip in real time."""
    seen = live(EnrolledChip.enrol(stack, directory / "live"), seconds, LIVE_LOOKS)
    rows.add(
        "`volet edge run` on a live line at 9600 baud",
        seen.resident_mb,
        "MB resident",
        bound=Bound("below", MEMORY_LIMIT_MB),
        note=f"{seen.threads} threads on {os.cpu_count()} cores",
    )
    rows.add(
        "`volet edge run` on a live line at 9600 baud",
        [100 * share for share in seen.cpu_shares],
        "% of a core",
        note=f"{seconds:.1f} s each",
    )


def _days(rows: Rows, stack: Stack, directory: Path, days: int, runs: int) -> None:
    """Run complete chips over twice `days`."""
    peaks_mb = [_lived(stack, directory / f"{number}", 2 * days) for number in range(runs)]
    rows.add(
        "`volet edge run`, the most it was",
        peaks_mb,
        "MB resident",
        bound=Bound("below", MEMORY_LIMIT_MB),
        note=f"{2 * days} days of frames in seconds, broker and acks included",
    )


def _lived(stack: Stack, directory: Path, days: int) -> float:
    chip = EnrolledChip.enrol(stack, directory)
    peak_mb = over_a_file(chip, _frames(_home(days), days))
    assert not lacking_days(stack, chip, MONTH, MONTH + timedelta(days=days))
    return peak_mb


def _home(days: int) -> SimulatedHome:
    curve = synthetic_curve(5, MONTH, MONTH + timedelta(days=days))
    return build_home(curve, HomeSettings(option=MeterOption.HPHC, seed=5))


def _frames(home: SimulatedHome, days: int) -> bytes:
    """Return the meter's frames at each start of a quarter-hour, and at the end of the last."""
    start, end = day_start(MONTH), day_start(MONTH + timedelta(days=days))
    return b"".join(frame.data for frame in frames(home, start, end, QUARTER_HOUR_S))


def _report(days: int) -> Report:
    """Run a chip's process over some days of frames, one per quarter-hour."""
    home = _home(days)
    with tempfile.TemporaryDirectory(dir=HERE) as directory:
        (Path(directory) / "frames").write_bytes(_frames(home, days))
        command = [sys.executable, "-m", "benchmarks.chip_process", directory]
        done = subprocess.run(command, cwd=HERE.parent, stdout=subprocess.PIPE, check=True)
    report = msgspec.json.decode(done.stdout, type=Report)
    start, end = day_start(MONTH), day_start(MONTH + timedelta(days=days))
    counted_wh = sum(home.meter_at(end).registers_wh(end)) - sum(
        home.meter_at(start).registers_wh(start)
    )
    assert report.metered.energy_wh == counted_wh, (report.metered.energy_wh, counted_wh)
    return report


def _memory(rows: Rows, reports: list[Report]) -> None:
    rows.add(
        "everything imported, keys loaded, days metered",
        [report.rest_mb for report in reports],
        "MB resident",
        bound=Bound("below", MEMORY_LIMIT_MB),
        note=f"{reports[0].threads} threads on {os.cpu_count()} cores",
    )
    before = [0.0] * len(reports)
    for number, (name, _) in enumerate(reports[0].parts):
        after = [report.parts[number][1] for report in reports]
        added = [one - other for one, other in zip(after, before, strict=True)]
        rows.add(f"of this {name}", added, "MB")
        before = after


def _quarter_hours(rows: Rows, reports: list[Report], days: int) -> None:
    """Add the time of an ordinary quarter-hour, over all runs, and what a day takes and writes."""
    count = quarter_hours(MONTH)
    assert all(len(report.metered.cpu_s) == days * count for report in reports)
    for name, runs in (
        ("a quarter-hour's transaction, CPU", [report.metered.cpu_s for report in reports]),
        ("a quarter-hour's transaction, wall, on this disk", [r.metered.wall_s for r in reports]),
    ):
        rows.add(name, per([second for run in runs for second in run], 1 / MS), "ms")
    day_cpu_s = [sum(report.metered.cpu_s) / days for report in reports]
    rows.add("a day's transactions, CPU", per(day_cpu_s, 1 / MS), "ms", note="the close included")
    written_kb = [report.metered.written_bytes / days / KB for report in reports]
    if any(written_kb):  # a file system in memory writes nothing
        rows.add(
            "a day's transactions, written to disk",
            written_kb,
            "kB",
            note="as the kernel counts: whole pages, checkpoints included",
        )
