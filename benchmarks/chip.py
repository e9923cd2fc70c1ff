"""A chip's memory, its quarter-hour transaction, and what it writes to its SD card."""

import os
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

import msgspec

from benchmarks.chip_metering import MONTH, Report
from benchmarks.row import Bound, Row, Rows
from benchmarks.timing import per, scaled
from edge.simulate.home import Home, HomeSettings, build_home
from edge.simulate.household import synthetic_curve
from edge.simulate.player import QUARTER_HOUR_S, frames
from edge.simulate.tariff import Option
from protocol.calendar import day_start, quarter_hours

MEMORY_LIMIT_MB = 100
RUNS = 3
DAYS = 7
MS = 1_000
KB = 1_000


def run(scale: float) -> list[Row]:
    """Measure; raises AssertionError where what was metered is not what the meter counted."""
    rows = Rows("chip")
    days = scaled(DAYS, scale)
    reports = [_report(days) for _ in range(scaled(RUNS, scale))]
    _memory(rows, reports)
    _quarter_hours(rows, reports, days)
    return rows.rows


def _home(days: int) -> Home:
    curve = synthetic_curve(5, MONTH, MONTH + timedelta(days=days))
    return build_home(curve, HomeSettings(option=Option.HPHC, seed=5))


def _report(days: int) -> Report:
    """Run a chip's process over some days of frames, one a quarter-hour."""
    home = _home(days)
    start, end = day_start(MONTH), day_start(MONTH + timedelta(days=days))
    data = b"".join(frame.data for frame in frames(home, start, end, QUARTER_HOUR_S))
    # Beside the results rather than in /tmp, which may be no disk.
    with tempfile.TemporaryDirectory(dir=Path(__file__).parent) as directory:
        (Path(directory) / "frames").write_bytes(data)
        command = [sys.executable, "-m", "benchmarks.chip_process", directory]
        root = Path(__file__).parents[1]
        done = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, check=True)
    report = msgspec.json.decode(done.stdout, type=Report)
    counted_wh = sum(home.meter_at(end).registers_wh(end)) - sum(
        home.meter_at(start).registers_wh(start)
    )
    assert report.metered.energy_wh == counted_wh, (report.metered.energy_wh, counted_wh)
    return report


def _memory(rows: Rows, reports: list[Report]) -> None:
    rows.add(
        "resident, everything imported, a week metered",
        [report.rest_mb for report in reports],
        "MB",
        bound=Bound("below", MEMORY_LIMIT_MB),
        note=f"{reports[0].threads} threads on {os.cpu_count()} cores",
    )
    rows.add("the most it was", [report.peak_mb for report in reports], "MB")
    before = [0.0] * len(reports)
    for number, (name, _) in enumerate(reports[0].parts):
        after = [report.parts[number][1] for report in reports]
        added = [one - other for one, other in zip(after, before, strict=True)]
        rows.add(f"of it {name}", added, "MB")
        before = after


def _quarter_hours(rows: Rows, reports: list[Report], days: int) -> None:
    """Show what an ordinary quarter-hour and a day take; each run gives its medians."""
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
    note = "as the kernel counts; whole pages, checkpoints included"
    if any(written_kb):
        rows.add("written to disk, a day", written_kb, "kB", note=note)
