"""Durable blocks per second: the cloud's core alone, and end to end over the broker and TLS."""

import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.load import Batch, Load, LoadChip
from benchmarks.row import Row, Rows
from benchmarks.stack import HOST, Stack, need_mosquitto, running
from benchmarks.timing import cpu_s, per, scaled
from cloud.ingest.handlers import SIGNED_KINDS
from cloud.ingest.pipeline import Ingest
from cloud.ingest.verify import address_of, open_up
from cloud.store.sqlite.store import SqliteStore
from cloud.worker.worker import BATCH_MAX
from protocol.layout import DAY_COEFFICIENTS
from protocol.messages import Block
from system.mqtt.message import Incoming

COLLECTIVITY = "benchville"
FIRST = date(2020, 1, 1)
CORE_CHIPS, CORE_DAYS = 128, 31
CHIPS, DAYS = 16, 125
RUNS = 5
US = 1_000_000


def run(scale: float) -> list[Row]:
    """Measure; raises AssertionError if a block is not stored."""
    rows = Rows("ingest")
    runs = scaled(RUNS, scale, 2)
    _core(rows, scaled(CORE_CHIPS, scale, 2), runs)
    _end_to_end(rows, scaled(CHIPS, scale, 2), scaled(DAYS, scale, 4), runs)
    return rows.rows


def batches(chips: Sequence[LoadChip], days: int, number: int) -> list[Batch]:
    """Make each chip's batch for run `number`, with days that no other run uses."""
    first = FIRST + timedelta(days=days * number)
    return [
        chip.batch(first, days, np.random.default_rng([number, at]))
        for at, chip in enumerate(chips)
    ]


def _core(rows: Rows, chip_count: int, runs: int) -> None:
    chips = [LoadChip(COLLECTIVITY) for _ in range(chip_count)]
    blocks = chip_count * CORE_DAYS
    wall_s, taken_s = [], []
    with tempfile.TemporaryDirectory() as directory:
        store = SqliteStore.open(Path(directory))
        for chip in chips:
            store.enrol(chip.enrolment)
        key = Ed25519PrivateKey.generate()
        ingest = Ingest(store, COLLECTIVITY, key, lambda: datetime.now(UTC))
        for number in range(runs):
            messages = _mixed(batches(chips, CORE_DAYS, number))
            cpu, wall = time.process_time(), time.perf_counter()
            for at in range(0, len(messages), BATCH_MAX):
                processed = ingest.process(messages[at : at + BATCH_MAX])
                assert not processed.refused, processed.refused
            wall_s.append(time.perf_counter() - wall)
            taken_s.append(time.process_time() - cpu)
            assert store.figures().blocks == blocks * (number + 1)
        enrolled = chips[0].enrolment
        message = next(iter(chips[0].batch(FIRST, 1, np.random.default_rng(0)).messages[1:]))
        store.close()
    note = f"{blocks} blocks of {DAY_COEFFICIENTS} values, batches of {BATCH_MAX}, one commit each"
    rows.add(
        "core: verified, stored, acknowledged", [blocks / s for s in wall_s], "blocks/s", note=note
    )
    rows.add("core, a core's time alone", [blocks / s for s in taken_s], "blocks/s and core")
    address, _ = address_of(COLLECTIVITY, message.topic, SIGNED_KINDS)
    verify_s = cpu_s(
        lambda: open_up(address, message.payload, enrolled, Block), runs=runs, times=200
    )
    rows.add("of which the signature and decoding", per(verify_s, 1 / US), "µs a block")


def _mixed(parts: Sequence[Batch]) -> list[Incoming]:
    """Interleave the messages of many chips, one of each in turn."""
    longest = max(len(part.messages) for part in parts)
    return [part.messages[at] for at in range(longest) for part in parts if at < len(part.messages)]


def _end_to_end(rows: Rows, chip_count: int, days: int, runs: int) -> None:
    need_mosquitto()
    chips = [LoadChip(COLLECTIVITY) for _ in range(chip_count)]
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        with (
            running(directory, COLLECTIVITY, chips) as stack,
            Load(chips, stack.contexts, stack.platform_key, (HOST, stack.port)) as load,
        ):
            _measure(rows, stack, load, [batches(chips, days, n) for n in range(runs + 1)])
        store = SqliteStore.open(directory / "cloud")
        assert store.figures().blocks == chip_count * days * (runs + 1)
        store.close()


def _measure(rows: Rows, stack: Stack, load: Load, sent: Sequence[Sequence[Batch]]) -> None:
    """Send one run after another; the first is a warm-up."""
    load.send(sent[0])
    blocks = sum(batch.blocks for batch in sent[0])
    rates, worker_us, broker_us, load_us = [], [], [], []
    for parts in sent[1:]:
        worker_s, broker_s, load_s = stack.worker.cpu_s, stack.broker.cpu_s, time.process_time()
        rates.append(blocks / load.send(parts))
        worker_us.append((stack.worker.cpu_s - worker_s) * US / blocks)
        broker_us.append((stack.broker.cpu_s - broker_s) * US / blocks)
        load_us.append((time.process_time() - load_s) * US / blocks)
    note = f"{len(sent[0])} chips, {blocks} blocks at once, first publish to last ack"
    rows.add("end to end over TLS", rates, "blocks/s", note=note)
    rows.add("worker", [US / us for us in worker_us if us], "blocks/s and core")
    rows.add("worker", worker_us, "µs of CPU a block")
    rows.add("broker", broker_us, "µs of CPU a block", note="TLS, queue, two deliveries")
    rows.add("load generator", load_us, "µs of CPU a block", note="not Volet's; shares the cores")
    rows.add("worker, memory at most", stack.worker.peak_mb, "MB")
    rows.add("broker, memory at most", stack.broker.peak_mb, "MB")
