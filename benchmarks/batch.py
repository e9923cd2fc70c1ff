"""A month's statements for a whole town in one batch: submitted, computed, killed, resumed.

The batch comes through the API as from a provider. The worker is a separate process that is killed
several times. At the end every statement exists once, and those of real households open.
"""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import msgspec
import numpy as np

from benchmarks.batch_worker import Sent, Spent, statement_of
from benchmarks.household import register_steps
from benchmarks.provider_town import DAYS, END, MONTH, TARIFF, Home, ProviderTown, make_town
from benchmarks.row import Row, Rows
from benchmarks.timing import scaled
from cloud.api.access import draw_token
from cloud.api.app import make_gate
from cloud.api.gate import RateLimits
from cloud.api.service import ApiService
from cloud.store import RequestState
from cloud.store.providers import Provider, Scope
from cloud.store.sqlite.store import SqliteStore
from protocol.messages import Statement
from protocol.provider_api import Batch, document_of
from protocol.schedule import Schedules
from protocol.seal import open_sum
from protocol.statement import components
from system.patience import Patience, wait_until
from system.store_thread import StoreThread

HOUSEHOLDS = 100_000
REAL = 3
KILLS = 5
KEY = "2026-01"
PATIENCE_S = 600.0
LOOK_EVERY_S = 0.05
US, MS = 1_000_000, 1_000
LINE_BYTES = len(msgspec.json.encode(Sent("0" * 32, "0" * 64))) + 1


def run(scale: float) -> list[Row]:
    """Measure; raises AssertionError if a statement is missing, duplicate or wrong."""
    rows = Rows("batch")
    households = scaled(HOUSEHOLDS, scale, 20)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        town = make_town(directory, households, REAL, np.random.default_rng(5))
        batch = _hand_in(rows, directory, town)
        spent, kills = _compute(directory, households)
        _count(directory, households)
        _open_real_ones(directory, town)
    note = f"{households} households, a month, {len(TARIFF.energy)} energy lines, 1 process"
    rows.add("statements computed", households / spent.wall_s, "statements/s", note=note)
    rows.add("statement, recorded and published", spent.cpu_s * MS / households, "ms of CPU")
    rows.add("all of them", spent.wall_s, "s", note=f"over {kills} SIGKILLs, starts included")
    rows.add("worker, memory at most", spent.peak_mb, "MB")
    rows.add("missing or double", 0, "statements", note=f"of {batch.total}, after {kills} kills")
    return rows.rows


def _hand_in(rows: Rows, directory: Path, town: ProviderTown) -> Batch:
    """Sign the requests and send them through the API; sending them again changes nothing."""
    begun = time.process_time()
    lines = [msgspec.json.encode(document_of(town.request(c, KEY))) for c in town.contracts]
    rows.add("request, signed", (time.process_time() - begun) * US / len(lines), "µs of CPU")
    begun, wall = time.process_time(), time.perf_counter()
    batch = asyncio.run(_send(directory, town, lines))
    taken_s, wall_s = time.process_time() - begun, time.perf_counter() - wall
    assert (batch.total, batch.pending) == (len(lines), len(lines))
    rows.add("request, through the API", taken_s * US / len(lines), "µs of CPU")
    rows.add("batch handed in", wall_s, "s", note=f"{sum(map(len, lines)) / 1e6:.1f} MB")
    again = asyncio.run(_send(directory, town, lines))
    assert again == batch, "the same batch again changed something"
    return batch


async def _send(directory: Path, town: ProviderTown, lines: list[bytes]) -> Batch:
    thread = StoreThread()
    store = await thread.run(SqliteStore.open, directory, is_checked=False)
    service = ApiService(thread, store)
    now = datetime.now(UTC)
    await thread.run(store.providers.put_provider, Provider("bench", town.public_key, "Bench", now))
    token, _ = await thread.run(
        draw_token, store.providers, "bench", [Scope.STATEMENTS], now, timedelta(days=1)
    )
    gate = make_gate(service, thread, store, RateLimits(), lambda: datetime.now(UTC))
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/x-ndjson",
        "Idempotency-Key": KEY,
    }

    async def body() -> AsyncIterator[bytes]:
        for first in range(0, len(lines), 500):
            yield b"".join(line + b"\n" for line in lines[first : first + 500])

    try:
        transport = httpx.ASGITransport(gate)
        async with httpx.AsyncClient(transport=transport, base_url="https://bench") as client:
            answer = await client.post("/v1/batches", headers=headers, content=body(), timeout=None)
        assert answer.status_code in {200, 201}, answer.text
        return msgspec.json.decode(answer.content, type=Batch)
    finally:
        service.close()
        await thread.run(store.close)
        thread.close()


def _compute(directory: Path, households: int) -> tuple[Spent, int]:
    """Run workers, killing all but the last; returns their total use and the number of kills."""
    log, kills = directory / "sent", 0
    cpu_s = wall_s = peak_mb = 0.0
    for part in range(1, KILLS + 1):
        begun = time.perf_counter()
        process = _start(directory, log)
        is_killed, used_s = _kill_at(process, log, part * households // (KILLS + 1))
        kills += is_killed
        cpu_s, wall_s = cpu_s + used_s, wall_s + time.perf_counter() - begun
    process = _start(directory, log)
    out, _ = process.communicate()
    assert process.returncode == 0, "the worker has failed"
    last = msgspec.json.decode(out, type=Spent)
    peak_mb = max(peak_mb, last.peak_mb)
    return Spent(cpu_s + last.cpu_s, wall_s + last.wall_s, peak_mb), kills


def _start(directory: Path, log: Path) -> subprocess.Popen[bytes]:
    environment = dict(os.environ, OPENBLAS_NUM_THREADS="1")
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.batch_worker", str(directory), str(log)],
        cwd=Path(__file__).parents[1],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def _kill_at(process: subprocess.Popen[bytes], log: Path, sent: int) -> tuple[bool, float]:
    """Kill a worker once it has sent `sent`; returns whether it was alive, and its CPU seconds."""

    def size_bytes() -> int:
        return log.stat().st_size if log.exists() else 0

    wait_until(
        lambda: process.poll() is not None or size_bytes() >= sent * LINE_BYTES,
        Patience(PATIENCE_S),
        size_bytes,
        lambda: time.sleep(LOOK_EVERY_S),
    )
    is_alive = process.poll() is None
    used_s = _cpu_s(process.pid) if is_alive else 0.0
    if is_alive:
        process.send_signal(signal.SIGKILL)
    process.communicate()
    return is_alive, used_s


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _count(directory: Path, households: int) -> None:
    """Check that each statement was made only once, and is recorded as seen."""
    sent = Counter(_sent(directory / "sent"))
    names = Counter(statement.id for statement in sent)
    assert len(names) == households, "a statement is missing"
    assert set(names.values()) == {1}, "a request has two different statements"
    store = SqliteStore.open(directory, is_checked=False)
    states = {group.label: group.count for group in store.figures().requests}
    store.close()
    assert states == {str(RequestState.SEEN): households}, states


def _sent(log: Path) -> Iterator[Sent]:
    with log.open("rb") as lines:
        for line in lines:
            yield msgspec.json.decode(line, type=Sent)


def _open_real_ones(directory: Path, town: ProviderTown) -> None:
    store = SqliteStore.open(directory, is_checked=False)
    for home in town.homes:
        request = msgspec.msgpack.decode(town.request(home.contract, KEY).body)
        stored = store.request(request["id"])
        assert stored is not None
        assert stored.statement is not None
        _check(home, statement_of(stored.statement))
    store.close()


def _check(home: Home, statement: Statement) -> None:
    """Open each quantity and compare it with the meter's count."""
    steps = np.array([register_steps(day_wh) for day_wh in home.readings_wh]).sum(axis=0)
    expected = [int(steps[0]), int(steps[1]), int(steps.sum())]
    parts = components((TARIFF,), MONTH, END, Schedules())
    seal = home.chip.seal
    for part, line, quantity in zip(parts, statement.lines, expected, strict=True):
        ((month, sums),) = [(MONTH, line.months[0])]
        opened = open_sum(sums.quantity, [(seal, home.seed, part.weights(month).quantity)])
        assert opened == quantity, (part.line.name, opened, quantity, len(DAYS))
