"""Sends the worker's counts to InfluxDB: messages, refusals, durations.

They never concern a single household. Counts that cannot be written are dropped.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NoReturn

import structlog
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS

from cloud.config import MetricsConfig
from cloud.ingest.pipeline import Processed
from cloud.worker.gauges import Point
from protocol.topics import Kind
from system.conditions import Condition
from system.files import read_secret

WRITE_TIMEOUT_S = 5
MS = 1_000
# The outcome of a stored contribution; other outcomes are reasons of refusal.
STORED = "stored"

log = structlog.get_logger()


Gauges = Callable[[], Awaitable[list[Point]]]


async def _none() -> list[Point]:
    return []


class Tally:
    """Counts since the last write."""

    def __init__(self) -> None:
        self._counts = Counter[str]()
        self._refused = Counter[str]()
        self._contributions = Counter[str]()
        self._slowest_ms = 0.0

    def count(self, processed: Processed, duration_s: float) -> None:
        """Count a batch that took `duration_s` from verification to commit."""
        self._counts.update(
            batches=1,
            blocks=processed.stored[Kind.BLOCK],
            headers=processed.stored[Kind.EPOCH],
            again=processed.again,
            batch_ms=round(duration_s * MS),
        )
        self._refused.update({refused.label: refused.count for refused in processed.refused})
        for (kind, reason), count in processed.refused_by_kind.items():
            if kind is Kind.AREA:
                self._contributions[reason] += count
        if stored := processed.stored[Kind.AREA]:
            self._contributions[STORED] += stored
        self._slowest_ms = max(self._slowest_ms, duration_s * MS)

    def points(self, collectivity: str) -> list[Point]:
        """Return points for batches, each reason of refusal and each outcome of contributions."""
        tags = {"collectivity": collectivity}
        names = ("batches", "blocks", "headers", "again", "batch_ms")
        fields = {name: self._counts[name] for name in names}
        batches: Point = {
            "measurement": "volet_ingest",
            "tags": tags,
            "fields": {**fields, "batch_ms_max": self._slowest_ms},
        }
        return [
            batches,
            *_points("volet_refused", "reason", "messages", self._refused, tags),
            *_points("volet_contributions", "outcome", "contributions", self._contributions, tags),
        ]


def _points(
    measurement: str, tag: str, field: str, counts: Counter[str], tags: dict[str, str]
) -> list[Point]:
    """Return a point for each label that was counted."""
    return [
        {"measurement": measurement, "tags": {**tags, tag: label}, "fields": {field: count}}
        for label, count in sorted(counts.items())
    ]


class Metrics:
    """Writes counts every few seconds."""

    def __init__(
        self, config: MetricsConfig, directory: Path, collectivity: str, gauges: Gauges = _none
    ) -> None:
        """Read the token; `gauges` returns points to write beside the counts.

        Raises:
            ConfigError: the token's file is missing or open to others.
        """
        self._config = config
        self._collectivity = collectivity
        self._gauges = gauges
        self._tally = Tally()
        self._dropped = Condition()
        self._client = InfluxDBClient(
            config.url,
            token=_token(config, directory),
            org=config.org,
            timeout=WRITE_TIMEOUT_S * MS,
            retries=False,
        )

    def count(self, processed: Processed, duration_s: float) -> None:
        """Count a batch without waiting."""
        self._tally.count(processed, duration_s)

    async def run(self) -> NoReturn:
        """Write for ever; counts that cannot be written are dropped."""
        while True:
            await asyncio.sleep(self._config.interval_s)
            await self.write()

    async def write(self) -> bool:
        """Write the counts; return whether InfluxDB accepted them."""
        tally, self._tally = self._tally, Tally()
        try:
            points = [*tally.points(self._collectivity), *await self._gauges()]
            await asyncio.to_thread(self._write, points)
        except Exception as exc:  # noqa: BLE001 - whatever fails here must not touch ingest
            if self._dropped.begins(type(exc).__name__):
                log.warning("metrics_dropped", error=type(exc).__name__)
            return False
        if self._dropped.ends():
            log.info("metrics_written")
        return True

    def close(self) -> None:
        """Close the connections."""
        self._client.close()  # type: ignore[no-untyped-call]

    def _write(self, points: list[Point]) -> None:
        with self._client.write_api(write_options=SYNCHRONOUS) as api:
            api.write(bucket=self._config.bucket, record=points)


def _token(config: MetricsConfig, directory: Path) -> str:
    if not config.token_file:
        return ""
    path = directory / config.token_file
    return read_secret(path, "write the InfluxDB token there, mode 0600.").decode().strip()
