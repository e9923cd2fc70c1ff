"""One registry of metrics: for whoever reads `/metrics`, and for InfluxDB by its line protocol.

They are counts over chips, never of one, and nothing of a household's consumption is known here.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, time

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeHistogramMetricFamily,
    GaugeMetricFamily,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from monitor.broker import COUNTERS
from monitor.fleet import WatchedChip
from monitor.intake import Intake
from protocol.status import State
from system.certificates import Lifetime
from system.metrics import Point

PREFIX = "volet"
# A chip reports its software itself, so all but the most common versions are counted together.
SOFTWARES_MAX = 16
OTHERS, UNKNOWN = "other", "unknown"
# Upper bounds; what is beyond the last is counted too.
OUTBOX_DEPTHS = (0.0, 10.0, 100.0, 1_000.0, 10_000.0)
LINE_QUALITIES = (0.0, 0.5, 0.8, 0.9, 0.95, 0.99, 1.0)
# A chip's certificate holds 100 days, and half of them are left when it asks for the next.
DAYS_LEFT = (0.0, 5.0, 16.0, 33.0, 50.0, 100.0)
CLOCK_IS_OFF_S = 60
DAY_S = 86_400


class Connected:
    """Whether the program has a session at the broker, and since when."""

    def __init__(self) -> None:
        """Have none yet."""
        self.since: datetime | None = None


class MonitorMetrics(Collector):
    """Makes the metrics from what the monitor knows, when they are asked for."""

    def __init__(
        self,
        intake: Intake,
        connected: Connected,
        lifetimes: Callable[[], Iterable[Lifetime]],
        clock: Callable[[], datetime],
    ) -> None:
        """Read the given; `lifetimes` returns those of the monitor's own certificates."""
        self._intake = intake
        self._connected = connected
        self._lifetimes = lifetimes
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        """Yield each metric, for the registry."""
        chips = tuple(self._intake.fleet.chips.values())
        yield from self._of_chips(chips)
        yield from _by_software(chips)
        yield from self._of_figures()
        yield from self._of_broker()
        yield from self._of_itself()

    def _of_chips(self, chips: Sequence[WatchedChip]) -> Iterator[Metric]:
        now = self._clock()
        statuses = [chip.status for chip in chips]
        online = [status for status in statuses if status.state.is_online]
        yield _gauge("devices_known", "Chips of which the broker retains a status.", len(chips))
        yield _gauge("devices_online", "Chips with a session, by their word.", len(online))
        states = Counter(status.state for status in statuses)
        yield _gauges(
            "chips_by_state",
            "Chips in each state.",
            "state",
            {each: states[each] for each in State},
        )
        yield _gauge(
            "chips_overdue",
            "Chips with a session that have not reported for 50 hours.",
            sum(chip.is_overdue(now) for chip in chips),
        )
        yield _gauge(
            "chips_clock_off",
            "Chips whose machine's clock is off by more than a minute, by their meter's.",
            sum(abs(status.clock_offset_s or 0) > CLOCK_IS_OFF_S for status in online),
        )
        yield _gauge(
            "chips_undervoltage",
            "Chips whose supply was too weak since their machine's start.",
            sum(status.undervoltage is True for status in online),
        )
        yield _histogram(
            "outbox_depth",
            "Messages that the cloud has not acknowledged, over chips.",
            OUTBOX_DEPTHS,
            [float(chip.status.outbox_depth) for chip in chips if chip.heard_at is not None],
        )
        yield _histogram(
            "line_quality",
            "Share of good groups on the meter's line, over chips with a session.",
            LINE_QUALITIES,
            [status.line_quality for status in online if status.line_quality is not None],
        )
        yield _histogram(
            "chip_certificate_days",
            "Days until a chip's certificate ends, over chips; negative where it has.",
            DAYS_LEFT,
            [
                (status.not_after - now).total_seconds() / DAY_S
                for status in statuses
                if status.not_after is not None
            ],
        )
        yield _counter("chips_dropped", "Chips dropped as too many.", self._intake.fleet.dropped)

    def _of_figures(self) -> Iterator[Metric]:
        coverage = GaugeMetricFamily(
            f"{PREFIX}_area_coverage_ratio",
            "Share of a group's households in its latest figure.",
            labels=("measure", "cell"),
        )
        latest = dict[str, float]()
        for (measure, code), figure in self._intake.figures.latest.items():
            coverage.add_metric((measure, code), figure.coverage)
            begins = datetime.combine(figure.day, time(), UTC).timestamp()
            latest[measure] = max(latest.get(measure, begins), begins)
        yield coverage
        yield _gauges(
            "release_last_day_timestamp_seconds",
            "The latest day with a figure, at midnight in UTC.",
            "measure",
            latest,
        )
        yield _counter(
            "figures_dropped",
            "Figures not counted, of too many groups.",
            self._intake.figures.dropped,
        )

    def _of_broker(self) -> Iterator[Metric]:
        for counter in COUNTERS.values():
            if (value := self._intake.broker.values.get(counter.name)) is None:
                continue
            make = _counter if counter.is_total else _gauge
            yield make(f"broker_{counter.name}", counter.text, value)

    def _of_itself(self) -> Iterator[Metric]:
        intake, connected = self._intake, self._connected
        yield _gauge(
            "monitor_connected",
            "Whether the monitor has a session at the broker.",
            int(connected.since is not None),
        )
        if intake.last_at is not None:
            yield _gauge(
                "monitor_last_message_timestamp_seconds",
                "When the broker was last heard.",
                intake.last_at.timestamp(),
            )
        taken = CounterMetricFamily(
            f"{PREFIX}_monitor_messages", "Messages taken.", labels=("kind",)
        )
        for kind, count in sorted(intake.taken.items()):
            taken.add_metric((kind,), count)
        yield taken
        refused = CounterMetricFamily(
            f"{PREFIX}_monitor_refused_messages", "Messages not used.", labels=("reason",)
        )
        for reason, count in sorted(intake.refused.items()):
            refused.add_metric((reason,), count)
        yield refused
        yield _gauge(
            "monitor_set_aside",
            "Messages that met a defect of the monitor's.",
            len(intake.set_aside.messages),
        )
        yield _gauges(
            "certificate_not_after_timestamp_seconds",
            "When a certificate of the monitor's ends.",
            "name",
            {each.name: each.not_after.timestamp() for each in self._lifetimes()},
        )


def make_registry(metrics: MonitorMetrics) -> CollectorRegistry:
    """Return a registry with these metrics and no others."""
    registry = CollectorRegistry()
    registry.register(metrics)
    return registry


def points(registry: CollectorRegistry, collectivity: str) -> list[Point]:
    """Return the registry's metrics for InfluxDB: one point for each set of labels.

    Measurement and field together have the metric's name, with `_` in between.
    """
    fields = dict[tuple[tuple[str, str], ...], dict[str, float]]()
    for family in registry.collect():
        for sample in family.samples:
            labels = tuple(sorted(sample.labels.items()))
            name = sample.name.removeprefix(f"{PREFIX}_")
            fields.setdefault(labels, {})[name] = float(sample.value)
    return [
        {
            "measurement": PREFIX,
            "tags": {"collectivity": collectivity, **dict(labels)},
            "fields": values,
        }
        for labels, values in fields.items()
    ]


def _by_software(chips: Iterable[WatchedChip]) -> Iterator[Metric]:
    every, unwell, back = Counter[str](), Counter[str](), Counter[str]()
    for chip in chips:
        status = chip.status
        software = status.software or UNKNOWN
        every[software] += 1
        unwell[software] += status.state is State.ALERT or not status.state.is_online
        if status.software_rolled_back_from:
            back[status.software_rolled_back_from] += 1
    common = [name for name, _ in sorted(every.items(), key=lambda each: (-each[1], each[0]))]
    label = {name: name for name in common[:SOFTWARES_MAX]}
    counts, ratios = Counter[str](), Counter[str]()
    for name, count in every.items():
        counts[label.get(name, OTHERS)] += count
        ratios[label.get(name, OTHERS)] += unwell[name]
    yield _gauges("chips_by_software", "Chips of each version.", "software", counts)
    yield _gauges(
        "update_unhealthy_ratio",
        "Share of a version's chips that have no session, or whose line is not good.",
        "software",
        {name: ratios[name] / count for name, count in counts.items()},
    )
    yield _gauge(
        "chips_rolled_back",
        "Chips that went back from a release that did not do well.",
        back.total(),
    )


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"{PREFIX}_{name}", text, value=value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"{PREFIX}_{name}", text, value=value)


def _gauges(name: str, text: str, label: str, values: dict[str, float] | Counter[str]) -> Metric:
    family = GaugeMetricFamily(f"{PREFIX}_{name}", text, labels=(label,))
    for each, value in sorted(values.items()):
        family.add_metric((each,), value)
    return family


def _histogram(name: str, text: str, bounds: Sequence[float], values: Sequence[float]) -> Metric:
    """Return how many values are at most each bound."""
    at = Counter(bisect_left(bounds, value) for value in values)
    reached, buckets = 0, list[tuple[str, float]]()
    for number, bound in enumerate((*bounds, float("inf"))):
        reached += at[number]
        buckets.append(("+Inf" if number == len(bounds) else f"{bound:g}", float(reached)))
    return GaugeHistogramMetricFamily(
        f"{PREFIX}_{name}", text, buckets=buckets, gsum_value=float(sum(values))
    )
