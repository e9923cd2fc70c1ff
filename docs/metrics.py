"""The table of a monitor's metrics in docs/reference/monitor.md, from what it says of an example."""

from collections.abc import Callable
from datetime import UTC, datetime

from monitor.broker import COUNTERS
from monitor.figures import LatestFigure
from monitor.intake import Intake
from monitor.metrics import Connected, MonitorMetrics
from protocol.errors import Reason
from protocol.ids import DeviceId
from protocol.status import State, Status, encode_status
from system.certificates import Lifetime
from system.set_aside import SetAside

_AT = datetime(2026, 1, 1, tzinfo=UTC)


def monitor_metrics(table: Callable[..., str]) -> str:
    """Return each metric with its kind, its labels and what it says."""
    intake = Intake("example", 1, SetAside(), lambda: _AT)
    status = encode_status(Status(state=State.READY, at=_AT))
    intake.fleet.take(DeviceId("a" * 26), status, _AT, 0.0)
    intake.figures.latest = {("curve", "75056"): LatestFigure(_AT.date(), 1.0)}
    intake.broker.values = {counter.name: 0 for counter in COUNTERS.values()}
    intake.taken["status"], intake.refused[Reason.MALFORMED], intake.last_at = 1, 1, _AT
    lifetimes = [Lifetime("monitor-ops", _AT, _AT)]
    metrics = MonitorMetrics(intake, Connected(), lambda: lifetimes, lambda: _AT)
    rows = []
    for family in metrics.collect():
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        is_total = family.type == "counter"
        kind = {"gaugehistogram": "histogram"}.get(family.type, family.type)
        name = f"`{family.name}{'_total' if is_total else ''}`"
        listed = ", ".join(f"`{label}`" for label in sorted(labels))
        rows.append((name, kind, listed, family.documentation))
    return table(("metric", "kind", "labels", "what it says"), rows)
