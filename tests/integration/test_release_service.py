"""The release worker as a program on a real broker, with trustees that speak its pages."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from cloud.registry.key_files import load_platform_key
from cloud.registry.pki import issue_role
from cloud.store.area import FigureStage
from cloud.store.sqlite.store import SqliteStore
from protocol.calendar import day_of_number
from protocol.release import decode
from protocol.topics import TrusteeKind, area_topic, trustee_topic
from tests.support.area_release import DAY, FarTrustee, SmallArea
from tests.support.broker import COLLECTIVITY, wait_until
from tests.support.mqtt import Peer, role_pass
from volet.main import volet

CURVE = area_topic(COLLECTIVITY, "classes", "dep-75")
VOLET = (sys.executable, "-m", "volet.main")
UNTIL = str(day_of_number(DAY + 1))


class Trustees:
    """Trustees on the broker, each with a certificate of its own; answers from one thread."""

    def __init__(self, broker, area, present):
        self.far = [FarTrustee(area, number) for number in present]
        self.peers = [
            Peer(broker.port, role_pass(broker.cloud, each.name).context()) for each in self.far
        ]
        for each, peer in zip(self.far, self.peers, strict=True):
            peer.subscribe(trustee_topic(COLLECTIVITY, each.name, TrusteeKind.REQUEST))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._answer)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        for peer in self.peers:
            peer.close()

    def _answer(self):
        while not self._stop.is_set():
            for far, peer in zip(self.far, self.peers, strict=True):
                with contextlib.suppress(queue.Empty):
                    _, payload = peer._arrived.get(timeout=0.01)
                    topic = trustee_topic(COLLECTIVITY, far.name, TrusteeKind.RESPONSE)
                    for answer in far.take(payload):
                        peer.send(topic, answer)


class Place:
    """A collectivity's directory with an area in its store."""

    def __init__(self, broker):
        self.broker = broker
        now = datetime.now(UTC)
        for name in ("worker-release", "trustee-a", "trustee-b", "trustee-c", "trustee-d"):
            issue_role(broker.cloud, name, now)
        broker.configure()
        self.store = SqliteStore.open(broker.cloud, is_checked=False)
        self.area = SmallArea(
            store=self.store.area,
            collectivity=COLLECTIVITY,
            platform=load_platform_key(broker.cloud),
        )
        self.area.contribute_all()

    def start(self, *words):
        log = (self.broker.cloud / "release.log").open("ab")
        with log:
            return subprocess.Popen(
                [*VOLET, "cloud", "release", *words, "--dir", str(self.broker.cloud)],
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONWARNINGS": "error"},
            )

    def read(self, *words):
        done = CliRunner().invoke(volet, words, standalone_mode=False)
        assert done.exception is None, done.output
        return done.output

    @property
    def log(self):
        return (self.broker.cloud / "release.log").read_text()


@pytest.fixture
def place(broker):
    place = Place(broker)
    yield place
    place.store.close()


def test_a_day_is_released_on_the_broker_and_read_by_all_commands(place, tmp_path):
    monitor = Peer(place.broker.port, role_pass(place.broker.cloud, "monitor").context())
    with Trustees(place.broker, place.area, range(4)):
        process = place.start("once", "--until", UNTIL, "--wait", "40")
        assert process.wait(60) == 0, place.log
    monitor.subscribe(CURVE)
    release = decode(monitor.wait_for(CURVE))
    monitor.close()
    assert release.terms.households == 120
    plain = place.area.plain_sum(place.area.members)
    assert release.values[0].value == pytest.approx(plain[0] / 2**16 / 1e-4, abs=1e-3)
    cloud = str(place.broker.cloud)
    listed = json.loads(place.read("cloud", "release", "list", "--dir", cloud, "--json"))
    assert [each["stage"] for each in listed["figures"]] == ["released"]
    verified = json.loads(place.read("cloud", "release", "verify", "--dir", cloud, "--json"))
    assert verified == {"releases": 1, "differ": []}
    found = json.loads(
        place.read(
            *("provider", "area", "dep-75", "--cloud", cloud, "--measure", "classes"),
            *("--from", str(day_of_number(DAY)), "--to", UNTIL, "--json"),
        )
    )
    assert found["releases"][0]["terms"]["households"] == 120
    csv = tmp_path / "out.csv"
    place.read(
        *("cloud", "release", "export", "--dir", cloud, "--measure", "classes"),
        *("--code", "dep-75", "--out", str(csv)),
    )
    assert len(csv.read_text().splitlines()) == 19
    assert place.area.members[0].household_key.hex() not in place.log


def test_the_service_killed_while_it_waits_goes_on_with_the_same_requests(place):
    with Trustees(place.broker, place.area, (0, 1)) as two:
        process = place.start("run")
        wait_until(lambda: all(each.asked for each in two.far), "two trustees to be asked")
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    assert place.area.store.figure(place.area.key()).stage is FigureStage.FIXED
    with Trustees(place.broker, place.area, range(4)) as four:
        process = place.start("run")
        key = place.area.key()
        wait_until(lambda: place.area.store.figure(key).stage is FigureStage.RELEASED, "a release")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0, place.log
    # Answers to the killed worker may reach its heir, which then asks less; never another set.
    asked = {request for each in (*two.far, *four.far) for request in each.asked}
    assert len(asked) == 2
