"""What chips, workers and the broker tell a monitor."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from monitor.broker import COUNTERS
from monitor.directory import load_config
from monitor.intake import Intake
from monitor.metrics import Connected, MonitorMetrics, make_registry, points
from monitor.report import make_report
from protocol.ids import DeviceId
from protocol.status import State, Status, encode_status
from protocol.topics import Kind, area_topic, device_topic
from system.mqtt.message import Incoming
from tests.fuzz.files import of_file
from tests.fuzz.target import Prepared, Samples, Strict, Target
from tests.support.figures import CODE, curve_payload

COLLECTIVITY, CHIP = "ville", DeviceId("a" * 26)
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
TOPICS = (
    device_topic(COLLECTIVITY, CHIP, Kind.STATUS),
    area_topic(COLLECTIVITY, "curve", CODE),
    next(iter(COUNTERS)),
)


def prepare_message(directory: Path) -> Prepared:
    """Take one payload on each topic, and tell of it in every way."""
    del directory

    def run(payload: bytes) -> None:
        intake = Intake(COLLECTIVITY, 10, Strict(), lambda: NOW, lambda: 1.0)
        metrics = MonitorMetrics(intake, Connected(), tuple, lambda: NOW)
        for topic in TOPICS:
            intake.take(Incoming(topic, payload))
        assert intake.taken.total() + intake.refused.total() == len(TOPICS)
        points(make_registry(metrics), COLLECTIVITY)
        msgspec.json.encode(make_report(intake, None, NOW))

    status = Status(state=State.READY, at=NOW, software="0.1.0", boot="ab", not_after=NOW)
    made = Samples().value(msgspec.inspect.type_info(Status), 1)
    seeds = (encode_status(status), encode_status(made), curve_payload(NOW.date()), b"12 seconds")
    return Prepared(run, (*seeds, b"", b"[" * 10_000, b'{"state":"lost"}'))


TARGETS = (
    Target("monitor-message", prepare_message, is_packed=False),
    Target(
        "monitor-config",
        of_file(load_config, "monitor.toml", b'name = "monitor-a"\n', in_directory=True),
        frozenset(["_MonitorFile"]),
        is_packed=False,
    ),
)
