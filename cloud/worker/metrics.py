"""The worker's counts, for InfluxDB: messages, refusals, durations."""

from collections import Counter
from pathlib import Path
from typing import NoReturn

from cloud.ingest.pipeline import Processed
from protocol.topics import Kind
from system.metrics import MS, MetricsConfig, MetricsWriter, Point, Points

# The outcome of a stored contribution; other outcomes are reasons of refusal.
STORED = "stored"


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
        self, config: MetricsConfig, directory: Path, collectivity: str, gauges: Points = _none
    ) -> None:
        """Read the token; `gauges` returns points to write beside the counts.

        Raises:
            ConfigError: the token's file is missing or open to others.
        """
        self._collectivity = collectivity
        self._gauges = gauges
        self._tally = Tally()
        self._writer = MetricsWriter(config, directory)

    def count(self, processed: Processed, duration_s: float) -> None:
        """Count a batch without waiting."""
        self._tally.count(processed, duration_s)

    async def run(self) -> NoReturn:
        """Write for ever; counts that cannot be written are dropped."""
        await self._writer.run(self._points)

    async def write(self) -> bool:
        """Write the counts; return whether InfluxDB accepted them."""
        return await self._writer.write(self._points)

    def close(self) -> None:
        """Close the connections."""
        self._writer.close()

    async def _points(self) -> list[Point]:
        tally, self._tally = self._tally, Tally()
        return [*tally.points(self._collectivity), *await self._gauges()]
