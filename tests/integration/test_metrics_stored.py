"""A monitor's metrics in a real VictoriaMetrics, by influxdb-client: read back under the same names."""

import asyncio
import json
import shutil
import subprocess
import urllib.parse
import urllib.request
from datetime import UTC, datetime

import pytest

from monitor.intake import Intake
from monitor.metrics import Connected, MonitorMetrics, make_registry, points
from protocol.ids import DeviceId
from protocol.status import State
from protocol.topics import Kind, device_topic
from system.metrics import MetricsConfig, MetricsWriter
from system.mqtt.message import Incoming
from system.set_aside import SetAside
from tests.support.broker import free_ports, wait_until
from tests.support.monitoring import status


@pytest.fixture
def store(tmp_path):
    """VictoriaMetrics on loopback; yields its address."""
    if shutil.which("victoria-metrics") is None:
        pytest.skip("victoria-metrics is not installed; `./run test --all` installs it")
    (port,) = free_ports(1)
    address = f"http://127.0.0.1:{port}"
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            (
                "victoria-metrics",
                f"-storageDataPath={tmp_path / 'data'}",
                f"-httpListenAddr=127.0.0.1:{port}",
                "-search.latencyOffset=0s",
            ),
            stdout=log,
            stderr=log,
        )
    try:
        wait_until(lambda: answers(f"{address}/health"), "VictoriaMetrics to answer")
        yield address
    finally:
        process.terminate()
        process.wait()


def answers(url):
    try:
        with urllib.request.urlopen(url) as answer:
            return answer.status == 200
    except OSError:
        return False


def export(address):
    """Return the last value of each series, by its labels."""
    match = urllib.parse.quote('{collectivity="ville"}')
    with urllib.request.urlopen(f"{address}/api/v1/export?match[]={match}") as answer:
        series = [json.loads(line) for line in answer.read().splitlines()]
    return {frozenset(each["metric"].items()): each["values"][-1] for each in series}


@pytest.mark.long
def test_what_is_written_is_read_back_under_the_names_of_the_metrics(store, tmp_path):
    intake = Intake("ville", 10, SetAside())
    for letter, payload in (("a", status(outbox_depth=12)), ("b", status(State.ALERT))):
        topic = device_topic("ville", DeviceId(letter * 26), Kind.STATUS)
        intake.take(Incoming(topic, payload))
    registry = make_registry(MonitorMetrics(intake, Connected(), tuple, lambda: datetime.now(UTC)))
    writer = MetricsWriter(MetricsConfig(store, "city", "volet"), tmp_path)

    async def made():
        return points(registry, "ville")

    assert asyncio.run(writer.write(made))
    writer.close()
    expected = {
        frozenset({"__name__": sample.name, "collectivity": "ville", **sample.labels}.items()): (
            sample.value
        )
        for family in registry.collect()
        for sample in family.samples
    }
    wait_until(lambda: len(export(store)) >= len(expected), "all series to be stored")
    # Which database was named is a label of its own there.
    found = {
        frozenset((key, value) for key, value in labels if key != "db"): value
        for labels, value in export(store).items()
    }
    assert found == expected
