"""Honest chips beside one hostile party of each kind: is anything lost, how late, at what cost?

The same parties then burn as much CPU as their attack took, without sending: they share the cores
with the town here, and elsewhere would not.
"""

import sqlite3
import ssl
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles

import httpx

from benchmarks.row import Bound, Row, Rows
from benchmarks.stack import HOST, need_mosquitto
from benchmarks.storm_attacks import (
    HOSTILE_CHIPS,
    Attacked,
    Attacker,
    attackers,
    hostile_chips,
)
from benchmarks.storm_fleet import Fleet, Played
from benchmarks.storm_town import HONEST, TRUSTEE, StormTown, storm_town
from benchmarks.timing import scaled
from cloud.config import CloudConfig
from cloud.registry.broker_session import clear_retained
from cloud.store.sqlite.store import FILE_NAME, SqliteStore
from protocol.calendar import legal_day
from protocol.topics import Kind, TrusteeKind
from trustee.commands.status import read_status

CHIPS, SECONDS, EVERY_S = 1_000, 600.0, 60.0
LEAST_CHIPS, LEAST_S = 30, 20.0
# Days before today of the first blocks.
DAYS_BACK = 300
# Of the latency beside the storm by that beside the same CPU burnt.
TIMES_MAX = 2.0
# A message of a flood at most, in ms of a core, whether it is dropped or not.
BROKER_MS, WORKER_MS, TRUSTEE_MS = 0.1, 0.3, 0.5
# Resident at most, in MB; of the broker beside what it counts itself, its code and its TLS library.
BROKER_UNCOUNTED_MB = 32
WORKER_MB, TRUSTEE_MB, API_MB = 400, 400, 400
_CALL_EVERY_S = 1.0
_CALL_S = 10.0
_SETTLE_S = 5.0
# The attackers have another one.
_ITS_ADDRESS = "127.0.0.2"
MS = 1_000


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the play: what honest chips and provider saw, and the seconds of a core taken."""

    played: Played
    calls: Counter[int]
    cpu_s: dict[str, float]
    attacked: dict[str, Attacked] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Storm:
    """The storm, the same CPU burnt without it, and what the town held afterwards.

    Attributes:
        peak_mb: resident memory, by process.
        stored: blocks of honest chips.
        refused: messages that worker and trustee refused, by reason.
        retained: messages that the broker retained of the chip that retains all that it can.
    """

    storm: Part
    burnt: Part
    peak_mb: dict[str, float]
    stored: int
    refused: dict[str, dict[str, int]]
    retained: int


def run(scale: float) -> list[Row]:
    """Measure; raises AssertionError if something was lost."""
    need_mosquitto()
    chips = scaled(CHIPS, scale, LEAST_CHIPS)
    every_s = EVERY_S if scale >= 1 else EVERY_S / 10
    seconds = max(SECONDS * scale, LEAST_S)
    return rows_of(play(chips, seconds, every_s, seconds), chips)


def play(chips: int, seconds: float, every_s: float, burnt_s: float) -> Storm:
    """Play the storm for so long, then `burnt_s` of burning, over one town."""
    with (
        tempfile.TemporaryDirectory() as name,
        storm_town(Path(name), chips + HOSTILE_CHIPS) as town,
        attackers(town) as hostile,
    ):
        fleet = Fleet(
            town.chips[:chips],
            town.stack.contexts[:chips],
            town.stack.platform_key,
            (HOST, town.stack.port),
            legal_day(datetime.now(UTC)) - timedelta(days=DAYS_BACK),
        )
        with closing(fleet):
            fleet.connect(town.letters[:chips])
            storm = _storm(town, fleet, hostile, seconds, every_s)
            time.sleep(_SETTLE_S)
            peak_mb = {name: each.peak_mb for name, each in town.processes().items()}
            burnt = _burnt(town, fleet, hostile, storm, (seconds, burnt_s), every_s)
        return Storm(
            storm,
            burnt,
            peak_mb,
            _stored(town, chips),
            _refused(town),
            clear_retained(town.stack.cloud, hostile_chips(town)[0].device),
        )


def rows_of(result: Storm, chips: int) -> list[Row]:
    """Return the rows; raises AssertionError if something was lost."""
    rows = Rows("storm")
    sent = result.storm.played.sent + result.burnt.played.sent
    for part in (result.storm, result.burnt):
        assert not part.played.unacknowledged, f"{part.played.unacknowledged} blocks have no ack"
        assert set(part.calls) == {200}, f"an honest provider got {dict(part.calls)}"
    assert result.stored == sent, f"{result.stored} blocks are stored, {sent} were sent"
    _latencies(rows, result, chips)
    for name, limit_mb in _limits_mb().items():
        rows.add(
            f"{name}, memory at most", result.peak_mb[name], "MB", bound=Bound("below", limit_mb)
        )
    _costs(rows, result)
    for name, attacked in result.storm.attacked.items():
        said = ", ".join(f"{count} {what}" for what, count in sorted(attacked.counts.items()))
        rows.add(name, attacked.cpu_s, "s of a core", note=said)
    return rows.rows


def _costs(rows: Rows, result: Storm) -> None:
    """Add the CPU that the storm took beyond that of honest chips, in all and for a message."""
    attacked = result.storm.attacked
    counts = sum((each.counts for each in attacked.values()), Counter[str]())
    from_chips = sum(
        each.counts["accepted"] for name, each in attacked.items() if name.startswith("chip")
    )
    received = {
        "broker": (counts["accepted"] + counts["subscriptions"], BROKER_MS),
        "worker": (from_chips, WORKER_MS),
        "trustee": (counts[f"trustee/{TrusteeKind.LOG}"] + counts[Kind.KEY], TRUSTEE_MS),
    }
    for name in result.storm.cpu_s:
        seconds = result.storm.cpu_s[name] - result.burnt.cpu_s[name]
        rows.add(f"{name}, for the storm", seconds, "s of a core")
        messages, limit_ms = received.get(name, (0, 0.0))
        if messages:
            rows.add(
                f"{name}, for a hostile message",
                seconds * MS / messages,
                "ms of a core",
                bound=Bound("below", limit_ms),
                note=f"of {messages}",
            )


def _limits_mb() -> dict[str, float]:
    broker_mb = CloudConfig("", "").broker_memory_mb + BROKER_UNCOUNTED_MB
    return {"broker": broker_mb, "worker": WORKER_MB, "trustee": TRUSTEE_MB, "API": API_MB}


def _latencies(rows: Rows, result: Storm, chips: int) -> None:
    """Compare the blocks' latencies; the median is judged."""
    shown = {}
    for what, part in (("in the storm", result.storm), ("with the CPU burnt", result.burnt)):
        played, seconds = part.played, part.played.seconds
        shown[what] = median(seconds)
        note = f"{played.sent} blocks of {chips} chips, {played.again} published again"
        rows.add(f"block to ack {what}", shown[what] * MS, "ms", note=note)
        *_, tail = quantiles(seconds, n=20)
        rows.add(f"block to ack {what}, 19 of 20 within", tail * MS, "ms")
        rows.add(f"connections lost {what}", played.lost_connections, "connections")
    storm, burnt = shown.values()
    rows.add("latency, times", storm / burnt, "times", bound=Bound("below", TIMES_MAX))


def _storm(
    town: StormTown, fleet: Fleet, hostile: Sequence[Attacker], seconds: float, every_s: float
) -> Part:
    before = _cpu_s(town)
    for each in hostile:
        each.attack(seconds)
    with _calling(town) as calls:
        played = fleet.play(seconds, every_s)
    attacked = {each.name: each.result() for each in hostile}
    return Part(played, calls, _since(town, before), attacked)


def _burnt(
    town: StormTown,
    fleet: Fleet,
    hostile: Sequence[Attacker],
    storm: Part,
    seconds: tuple[float, float],
    every_s: float,
) -> Part:
    stormed_s, burnt_s = seconds
    before = _cpu_s(town)
    for each in hostile:
        each.burn(storm.attacked[each.name].cpu_s / stormed_s, burnt_s)
    with _calling(town) as calls:
        played = fleet.play(burnt_s, every_s)
    for each in hostile:
        each.result()
    return Part(played, calls, _since(town, before))


def _cpu_s(town: StormTown) -> dict[str, float]:
    return {name: each.cpu_s for name, each in town.processes().items()}


def _since(town: StormTown, before: dict[str, float]) -> dict[str, float]:
    return {name: cpu_s - before[name] for name, cpu_s in _cpu_s(town).items()}


@contextmanager
def _calling(town: StormTown) -> Iterator[Counter[int]]:
    """Let the honest provider call beside the chips; gives its answers by status, 0 if none."""
    calls, is_over = Counter[int](), threading.Event()
    ca = town.access(TRUSTEE).ca

    def call() -> None:
        headers = {"Authorization": f"Bearer {town.providers.tokens[HONEST]}"}
        context = ssl.create_default_context(cafile=str(ca))
        transport = httpx.HTTPTransport(verify=context, local_address=_ITS_ADDRESS)
        url = f"https://{HOST}:{town.api_port}/v1/me"
        with httpx.Client(headers=headers, transport=transport, timeout=_CALL_S) as http:
            while not is_over.wait(_CALL_EVERY_S):
                try:
                    calls[http.get(url).status_code] += 1
                except httpx.HTTPError:
                    calls[0] += 1

    thread = threading.Thread(target=call)
    thread.start()
    try:
        yield calls
    finally:
        is_over.set()
        thread.join()


def _refused(town: StormTown) -> dict[str, dict[str, int]]:
    store = SqliteStore.open_existing(town.stack.cloud)
    counts = {each.label: each.count for each in store.figures().dead_letters}
    store.close()
    return {"worker": counts, "trustee": read_status(town.directory / TRUSTEE).refused}


def _stored(town: StormTown, chips: int) -> int:
    """Return how many blocks of the honest chips the store holds."""
    keys = [bytes(chip.household_key) for chip in town.chips[:chips]]
    with closing(sqlite3.connect(town.stack.cloud / FILE_NAME)) as database:
        return sum(
            database.execute(
                "SELECT count(*) FROM block JOIN household ON household.id = block.household"
                " WHERE key = ?",
                (key,),
            ).fetchone()[0]
            for key in keys
        )
