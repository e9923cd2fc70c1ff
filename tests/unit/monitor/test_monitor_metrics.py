"""One registry feeds `/metrics` and InfluxDB; it has counts over chips, and nothing of one."""

from datetime import UTC, date, datetime, timedelta

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from monitor.intake import Intake
from monitor.metrics import OTHERS, SOFTWARES_MAX, Connected, MonitorMetrics, make_registry, points
from protocol.ids import DeviceId
from protocol.status import State, Status, encode_status
from protocol.topics import Kind, area_topic, device_topic
from system.certificates import Lifetime
from system.mqtt.message import Incoming
from system.set_aside import SetAside
from tests.support.figures import CODE, curve_payload

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Watch:
    """A monitor's knowledge, without a broker."""

    def __init__(self):
        self.intake = Intake("ville", 1_000, SetAside(), lambda: NOW, lambda: 0.0)
        self.connected = Connected()
        self.lifetimes = [Lifetime("monitor-a", NOW, NOW + timedelta(days=1))]
        metrics = MonitorMetrics(self.intake, self.connected, lambda: self.lifetimes, lambda: NOW)
        self.registry = make_registry(metrics)

    def chip(self, number, state=State.READY, **facts):
        device = DeviceId(LETTERS[number] * 26)
        status = Status(state=state, **{"at": NOW, "software": "0.1.0"} | facts)
        topic = device_topic("ville", device, Kind.STATUS)
        self.intake.take(Incoming(topic, encode_status(status)))

    def value(self, metric, /, **labels):
        return self.registry.get_sample_value(f"volet_{metric}", labels)


@pytest.fixture
def watch():
    return Watch()


def test_chips_are_counted_by_state_and_software(watch):
    watch.chip(0)
    watch.chip(1, State.ALERT, software="0.2.0")
    watch.chip(2, State.LOST, at=None)
    assert watch.value("devices_known") == 3
    assert watch.value("devices_online") == 2
    assert watch.value("chips_by_state", state="alert") == 1
    assert watch.value("chips_by_state", state="sleeping") == 0
    assert watch.value("chips_by_software", software="0.1.0") == 2
    assert watch.value("update_unhealthy_ratio", software="0.1.0") == 0.5
    assert watch.value("update_unhealthy_ratio", software="0.2.0") == 1


def test_rare_versions_are_counted_together(watch):
    for number in range(SOFTWARES_MAX + 3):
        watch.chip(number, software=f"0.{number:02}.0")
    assert watch.value("chips_by_software", software=OTHERS) == 3
    families = {family.name: family for family in watch.registry.collect()}
    assert len(families["volet_chips_by_software"].samples) == SOFTWARES_MAX + 1


def test_depth_quality_and_ends_are_histograms_over_chips(watch):
    for number, (depth, quality) in enumerate([(0, 1.0), (10, 0.95), (11, 0.2), (20_000, None)]):
        watch.chip(
            number,
            outbox_depth=depth,
            line_quality=quality,
            not_after=NOW + timedelta(days=10 * number),
        )
    watch.chip(4, State.LOST, at=None)
    of_depth = [watch.value("outbox_depth_bucket", le=le) for le in ("0", "10", "100", "+Inf")]
    assert of_depth == [1, 2, 3, 4]
    assert watch.value("line_quality_bucket", le="0.95") == 2
    assert watch.value("line_quality_gcount") == 3
    assert watch.value("chip_certificate_days_bucket", le="16") == 2
    assert watch.value("outbox_depth_gsum") == 20_021


def test_what_operators_mend_is_counted(watch):
    watch.chip(0, clock_offset_s=-90, undervoltage=True)
    watch.chip(1, clock_offset_s=60, software_rolled_back_from="0.3.0")
    watch.chip(2, at=NOW - timedelta(hours=60))
    assert watch.value("chips_clock_off") == 1
    assert watch.value("chips_undervoltage") == 1
    assert watch.value("chips_rolled_back") == 1
    assert watch.value("chips_overdue") == 1


def test_areas_and_broker_are_told_once_they_are_known(watch):
    assert watch.value("broker_uptime_seconds") is None
    watch.intake.take(Incoming("$SYS/broker/uptime", b"17 seconds"))
    watch.intake.take(Incoming("$SYS/broker/publish/messages/dropped", b"3"))
    day = date(2026, 3, 8)
    watch.intake.take(Incoming(area_topic("ville", "curve", CODE), curve_payload(day)))
    assert watch.value("broker_uptime_seconds") == 17
    assert watch.value("broker_dropped_messages_total") == 3
    assert watch.value("area_coverage_ratio", measure="curve", cell=CODE) == 0.8333
    begins = datetime(2026, 3, 8, tzinfo=UTC).timestamp()
    assert watch.value("release_last_day_timestamp_seconds", measure="curve") == begins


def test_it_tells_of_itself(watch):
    assert watch.value("monitor_connected") == 0
    watch.connected.since = NOW
    assert watch.value("monitor_connected") == 1
    ends = (NOW + timedelta(days=1)).timestamp()
    assert watch.value("certificate_not_after_timestamp_seconds", name="monitor-a") == ends
    watch.intake.take(Incoming("nonsense", b""))
    assert watch.value("monitor_refused_messages_total", reason="topic_does_not_fit") == 1


def filled(watch):
    watch.chip(0, outbox_depth=12, line_quality=0.5, not_after=NOW)
    watch.chip(1, State.LOST)
    watch.intake.take(Incoming("$SYS/broker/uptime", b"17 seconds"))
    topic = area_topic("ville", "curve", CODE)
    watch.intake.take(Incoming(topic, curve_payload(date(2026, 3, 8))))
    return watch


def test_the_line_protocol_has_what_metrics_has_under_the_same_names(watch):
    filled(watch)
    text, town = generate_latest(watch.registry).decode(), {("collectivity", "ville")}
    scraped = {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    written = {
        (f"{point['measurement']}_{field}", frozenset(point["tags"].items() - town)): value
        for point in points(watch.registry, "ville")
        for field, value in point["fields"].items()
    }
    assert written == scraped


def test_no_measure_names_a_chip_or_a_value_of_a_figure(watch):
    text = generate_latest(filled(watch).registry).decode()
    assert "a" * 26 not in text
    for value in (250 * 50.0, 250 * 51.0):
        assert f"{value:g}" not in text
    assert {"state", "software", "le", "measure", "cell", "kind", "reason", "name"} >= {
        label
        for family in watch.registry.collect()
        for sample in family.samples
        for label in sample.labels
    }
