"""What a monitor reads of running chips after their broker was stopped, or killed."""

import signal
from contextlib import ExitStack

import pytest

from protocol.status import State, decode_status
from protocol.topics import Kind, device_topic
from tests.support.broker import COLLECTIVITY, enrol_chip, wait_until
from tests.support.chip_process import ChipProcess
from tests.support.mqtt import Peer, chip_pass, role_pass
from tests.support.sweeps import swept


@pytest.fixture
def chips(broker, tmp_path):
    """Two chips' programs, whose meters are silent, by topic of their status."""
    running = {}
    with ExitStack() as opened:
        for name in ("one", "two"):
            identity = enrol_chip(broker.cloud, tmp_path / name)
            topic = device_topic(COLLECTIVITY, identity.device, Kind.STATUS)
            running[topic] = opened.enter_context(ChipProcess(tmp_path / name))
        yield running


@pytest.fixture
def monitor(broker):
    """Connect a monitor to the broker that runs now."""
    with ExitStack() as opened:

        def connect(topics):
            context = role_pass(broker.cloud, "monitor").context()
            peer = opened.enter_context(Peer(broker.port, context))
            for topic in topics:
                peer.subscribe(topic)
            return peer

        yield connect


def wait_for(peer, topic, state):
    """Wait until the newest status on a topic has this state; return it."""

    def newest():
        told = [decode_status(payload) for name, payload in peer.fence() if name == topic]
        return told[-1] if told else None

    wait_until(lambda: (told := newest()) is not None and told.state is state, f"{state}, {topic}")
    return newest()


def sessions(chip):
    return chip.log.count('"session_began"')


def come_back(chips, begun):
    for topic, chip in chips.items():
        wait_until(lambda chip=chip, topic=topic: sessions(chip) > begun[topic], chip.log)


@pytest.mark.parametrize("end", swept(["stop", "kill"], 2))
def test_a_broker_that_comes_back_shows_what_it_showed(broker, chips, monitor, end):
    """It publishes all wills when it is stopped (SIGTERM, as systemd does), and none if killed."""
    before = monitor(chips)
    told = {topic: wait_for(before, topic, State.INIT) for topic in chips}
    for _ in range(2):
        begun = {topic: sessions(chip) for topic, chip in chips.items()}
        broker.save()
        getattr(broker, end)()
        broker.start()
        come_back(chips, begun)
        after = monitor(chips)
        for topic in chips:
            shown = wait_for(after, topic, State.INIT)
            assert shown.boot == told[topic].boot


def test_a_broker_that_is_stopped_does_publish_wills_at_once(broker, tmp_path, monitor):
    """Else the test above would hold by itself."""
    identity = enrol_chip(broker.cloud, tmp_path / "chip")
    topic = device_topic(COLLECTIVITY, identity.device, Kind.STATUS)
    with ChipProcess(tmp_path / "chip") as chip:
        wait_for(monitor([topic]), topic, State.INIT)
        chip.end(signal.SIGKILL)
        broker.restart()
        wait_for(monitor([topic]), topic, State.LOST)


def test_a_chip_reads_its_own_status_and_no_other(broker, tmp_path):
    own, other = (enrol_chip(broker.cloud, tmp_path / name) for name in ("own", "other"))
    topics = [device_topic(COLLECTIVITY, each.device, Kind.STATUS) for each in (own, other)]
    for identity, topic in zip((own, other), topics, strict=True):
        with Peer(broker.port, chip_pass(identity).context()) as chip:
            chip.publish(topic, b"{}", retain=True)
    with Peer(broker.port, chip_pass(own).context()) as chip:
        for topic in topics:
            chip.subscribe(topic)
        assert [topic for topic, _ in chip.fence()] == topics[:1]
