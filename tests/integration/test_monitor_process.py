"""`volet monitor run` as a process at a real broker, over TLS and by the broker's own rules."""

import json
import subprocess

import pytest

from protocol.status import State
from protocol.topics import Kind, device_topic
from system.mqtt.identity import own_files
from tests.support.broker import COLLECTIVITY, enrol_chip, running_broker
from tests.support.monitoring import (
    NAME,
    PROGRAM,
    MonitorProcess,
    ToldChip,
    hour,
    make_monitor,
    status,
)
from tests.support.mqtt import NOT_AUTHORIZED, Pass, Peer


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """A broker, three chips, and a monitor's directory with its port."""
    folder = tmp_path_factory.mktemp("town")
    with running_broker(folder / "cloud") as broker:
        identities = [enrol_chip(broker.cloud, folder / f"chip-{number}") for number in range(3)]
        port = make_monitor(broker, folder / "monitor")
        chips = [ToldChip(broker, identity) for identity in identities]
        yield broker, folder / "monitor", port, chips
        for chip in chips:
            chip.peer.close()


def ask(directory, *arguments):
    """Ask with a command of `volet monitor`; returns its JSON."""
    command = (*PROGRAM, "monitor", *arguments, "--dir", str(directory), "--json")
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)


def test_the_fleet_is_known_by_what_chips_publish(town):
    _, directory, port, chips = town
    chips[0].tell(status(outbox_depth=12, line_quality=0.5, not_after=hour()))
    chips[1].tell(status(State.ALERT, software="0.2.0"))
    chips[2].tell(b"{ no status")
    with MonitorProcess(directory, port) as monitor:
        monitor.wait(lambda: monitor.status().refused, "to refuse what is no status")
        monitor.wait(lambda: monitor.status().chips == 2, "to know two chips")
        monitor.wait(lambda: monitor.health()[0] == 200, "to hear the broker")
        metrics = monitor.metrics()
        assert metrics["devices_online",] == 2
        assert metrics["chips_by_software", "0.2.0"] == 1
        assert metrics["outbox_depth_bucket", "10"] == 1
        assert metrics["outbox_depth_bucket", "100"] == 2
        assert metrics["monitor_refused_messages_total", "malformed"] == 1
        assert metrics["certificate_not_after_timestamp_seconds", NAME] > 0
        chips[1].tell(b"")
        monitor.wait(lambda: monitor.status().chips == 1, "to forget a chip")
        assert monitor.get("/metrics", Host="evil.example")[0] == 400
        assert monitor.get("/chips")[0] == 404
        openmetrics = monitor.get("/metrics", Accept="application/openmetrics-text")[1]
        assert openmetrics.endswith(b"# EOF\n")
        assert monitor.stop() == 0
    assert not any(chip.identity.device in monitor.log for chip in chips)


@pytest.mark.long
def test_it_knows_all_again_after_a_kill_and_commands_tell_it(town):
    _, directory, port, chips = town
    chips[0].tell(status())
    chips[1].tell(status(State.ALERT))
    chips[2].tell(b"")
    for _ in range(2):
        with MonitorProcess(directory, port) as monitor:
            monitor.wait(lambda: ("broker_uptime_seconds",) in monitor.metrics(), "to know more")
            monitor.wait(lambda: monitor.status().chips == 2, "to know two chips")
            assert ask(directory, "status")["states"] == {"ready": 1, "alert": 1}
            rows = ask(directory, "chips", "--state", "alert")["chips"]
            assert [row["device"] for row in rows] == [chips[1].identity.device]
            assert ask(directory, "chips", "--silent")["chips"] == []
    assert not ask(directory, "status")["is_running"]


@pytest.mark.long
def test_changes_are_known_while_it_runs_and_after_the_broker_was_away(town):
    broker, directory, port, chips = town
    chips[0].tell(status())
    with MonitorProcess(directory, port) as monitor:
        monitor.wait(lambda: monitor.status().states.get("ready"), "to know a chip")
        broker.stop()
        monitor.wait(lambda: monitor.health()[0] == 503, "to miss the broker")
        assert monitor.metrics()["monitor_connected",] == 0
        broker.start()
        monitor.wait(lambda: monitor.health()[0] == 200, "to hear the broker again")
        again = ToldChip(broker, chips[0].identity)
        again.tell(status(State.SLEEPING))
        monitor.wait(lambda: monitor.status().states.get("sleeping"), "to know of the change")
        again.peer.close()


@pytest.mark.long
def test_a_second_one_with_its_certificate_ends_with_what_to_do(town):
    _, directory, port, _ = town
    with MonitorProcess(directory, port):
        second = subprocess.run(
            (*PROGRAM, "monitor", "run", "--dir", str(directory)),
            capture_output=True,
            text=True,
            check=False,
        )
    assert second.returncode == 5
    assert f"{NAME} runs already on this machine" in second.stderr


def test_its_certificate_reads_and_writes_nothing_else(town):
    broker, directory, _, chips = town
    files = own_files(directory)
    passed = Pass(NAME, files.ca, files.certificate, files.key)
    peer = Peer(broker.port, passed.context(), NAME)
    try:
        for kind in (Kind.STATUS, Kind.STATEMENT, Kind.BLOCK):
            topic = device_topic(COLLECTIVITY, chips[0].identity.device, kind)
            assert peer.publish(topic) == NOT_AUTHORIZED
    finally:
        peer.close()
