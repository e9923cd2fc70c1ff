"""`volet edge run` as in a home: on a live line, and over days of frames from a file.

Broker, worker and emulator run in other processes.
"""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec

from benchmarks.stack import Process, Stack, end, volet, wait_until
from cloud.billing.statements import missing_days
from cloud.registry.enrolment import enrol
from cloud.store.sqlite.store import SqliteStore
from edge.contracts.enrolling import draw_keys, install, make_request, write_request
from edge.identity.keys import load_keys
from edge.stage import CONFIG_NAME, REQUEST
from protocol.calendar import days_between
from protocol.ids import HouseholdKeyId
from system.files import write_public
from system.patience import Patience

SETTLE_S = 2.0
LOOK_EVERY_S = 0.01
PATIENCE_S = 120.0
CONFIG = b"send_window_s = 0.0\nmetering.is_simulated = true\n"


@dataclass(frozen=True, slots=True)
class EnrolledChip:
    """A chip's directory, enrolled with the stack's collectivity."""

    directory: Path
    household_key: HouseholdKeyId

    @classmethod
    def enrol(cls, stack: Stack, directory: Path) -> "EnrolledChip":
        """Draw keys, enrol and install; blocks are sent without a random delay."""
        draw_keys(directory)
        write_public(directory / CONFIG_NAME, CONFIG)
        keys = load_keys(directory)
        request = make_request(keys, None, None)
        write_request(directory, directory / REQUEST, request)
        store = SqliteStore.open(stack.cloud, is_checked=False)
        enrolled = enrol(stack.cloud, store, request, datetime.now(UTC))
        store.close()
        answer = directory / "answer.json"
        write_public(answer, msgspec.json.encode(enrolled.answer))
        install(directory, answer)
        return cls(directory, keys.household.id)

    def command(self, source: Path) -> list[str]:
        """Return the command that runs the chip on a source."""
        return volet("edge", "run", "--dir", str(self.directory), "--source", str(source))


@dataclass(frozen=True, slots=True)
class Live:
    """A running chip on a live line: shares of a core in [0, 1], memory, threads."""

    cpu_shares: tuple[float, ...]
    resident_mb: float
    threads: int


def live(chip: EnrolledChip, seconds: float, looks: int) -> Live:
    """Run a chip on a line at 9600 baud in real time; measure it `looks` times for `seconds`."""
    link, log = chip.directory / "line", chip.directory / "log"
    with _meter(link), log.open("wb") as output:
        process = subprocess.Popen(chip.command(link), stdout=output, stderr=output)
        try:
            wait_until(lambda: b"session_began" in log.read_bytes(), "the chip has a session", log)
            time.sleep(SETTLE_S)  # leave the start out
            seen = Process(process)
            shares = tuple(_cpu_share(seen, seconds) for _ in range(looks))
            threads = len(list(Path(f"/proc/{process.pid}/task").iterdir()))
            return Live(shares, seen.resident_mb, threads)
        finally:
            end(process)


def _cpu_share(process: Process, seconds: float) -> float:
    cpu_s, begun = process.cpu_s, time.monotonic()
    time.sleep(seconds)
    return (process.cpu_s - cpu_s) / (time.monotonic() - begun)


@contextmanager
def _meter(link: Path) -> Iterator[None]:
    command = volet(
        "edge", "simulate", "--mode", "standard", "--option", "hphc", "--link", str(link)
    )
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        wait_until(link.exists, "the emulator's line", Path(os.devnull))
        yield
    finally:
        end(process)


def over_a_file(chip: EnrolledChip, data: bytes) -> float:
    """Run a chip over frames in a file until the cloud has acknowledged all blocks.

    Returns its peak memory in MB. What it writes says nothing of a chip on a line: of a file it
    takes many frames at once, and commits once for all that they close.
    """
    capture, log = chip.directory / "capture", chip.directory / "log"
    capture.write_bytes(data)
    with log.open("wb") as output:
        process = subprocess.Popen(chip.command(capture), stdout=output, stderr=output)
        try:
            peak_mb = _until_ended(process)
        except BaseException:
            end(process)
            raise
    assert process.returncode == 0, log.read_text("utf-8")
    return peak_mb


def _until_ended(process: subprocess.Popen[bytes]) -> float:
    """Wait for a process and poll its peak memory, since ru_maxrss starts with its parent's."""
    seen, peak_mb, patience = Process(process), 0.0, Patience(PATIENCE_S)
    while patience.lasts(seen.cpu_s):
        peak_mb = max(peak_mb, seen.peak_mb)
        time.sleep(LOOK_EVERY_S)
        if process.poll() is not None:
            return peak_mb
    raise TimeoutError(f"the chip has not ended, and has done nothing for {PATIENCE_S:.0f} s")


def lacking_days(stack: Stack, chip: EnrolledChip, start: date, end: date) -> list[date]:
    """Return the days of [start, end) for which the cloud lacks some of the 128 coefficients."""
    store = SqliteStore.open(stack.cloud, is_checked=False)
    blocks = store.blocks_of_days(chip.household_key, start, end)
    store.close()
    return missing_days(blocks, days_between(start, end))
