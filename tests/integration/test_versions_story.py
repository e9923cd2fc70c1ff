"""A fleet that is upgraded in rings and goes back: old chip with new cloud, new chip with old cloud.

The next version exists in tests alone (`tests.support.next_version`), by the means of a real one.
Chip and worker run as programs over a TLS broker; what the cloud has in the end is compared with
what the meter counted.
"""

import json
import signal
import subprocess
import sys
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from cloud.store.sqlite.store import SqliteStore
from protocol import versions
from protocol.calendar import QUARTER_HOUR, day_start
from protocol.envelope import Address, open_message, seal_message, version_of
from protocol.layout import REGISTER_STEP
from protocol.messages import Block, Epoch
from protocol.topics import Kind, device_topic, hub_topic
from tests.integration.test_chip_process import CONFIG, Program, Wire, is_drained, metered_to
from tests.support.broker import COLLECTIVITY, enrol_chip, wait_until
from tests.support.chip_cloud import opened
from tests.support.chip_town import MONTH, StoreView
from tests.support.mqtt import Peer, role_pass
from tests.support.next_version import NEXT

SLOTS_A_STEP = 30
LAST = 127
THIS = (sys.executable, "-m", "volet.main")
LATER = (sys.executable, "-m", "tests.support.next_version")


class Release(Program):
    """A program that is stopped as one release and started as another."""

    def become(self, release: tuple[str, ...]) -> None:
        self.end(signal.SIGTERM)
        self._command = [*release, *self._command[3:]]
        self.start()


class City:
    """One chip, one worker and a broker; each of the programs may be of either release."""

    def __init__(self, broker, tmp_path: Path) -> None:
        self.broker = broker
        self.directory = tmp_path / "chip"
        self.identity = enrol_chip(broker.cloud, self.directory)
        (self.directory / "edge.toml").write_text(CONFIG.format(rhythm="quarter_hourly"))
        self.wire = Wire(tmp_path / "tic", days=10)
        at = ("--dir", str(broker.cloud))
        self.worker = Release(tmp_path / "worker.log", "cloud", "run", *at)
        chip = ("--dir", str(self.directory), "--source", str(self.wire.path))
        self.chip = Release(tmp_path / "chip.log", "edge", "run", *chip)

    def close(self) -> None:
        self.chip.end()
        self.worker.end()
        self.wire.link.close()

    def begin(self) -> None:
        """Meter until the month has begun."""
        while (metered_to(self.directory) or (MONTH, -1)) < (MONTH, 0):
            self.wire.link.wait_for_reader()
            self.wire.send()
            self.wire.link.drain()

    def meter(self) -> None:
        """Let the chip meter some quarter-hours."""
        self.wire.link.wait_for_reader()
        before = metered_to(self.directory)
        for _ in range(SLOTS_A_STEP):
            self.wire.send()
        self.wire.link.drain()
        wait_until(lambda: metered_to(self.directory) != before, self.chip.log[-2_000:])

    def drain(self) -> None:
        """Wait until the cloud has acknowledged everything."""
        wait_until(
            lambda: is_drained(self.directory),
            f"the outbox to drain\n{self.chip.log[-2_000:]}\n{self.worker.log[-2_000:]}",
        )

    def send_some(self) -> None:
        self.meter()
        self.drain()

    def use_newest(self) -> None:
        """Put the newest version in use, and wait until the worker has told everybody."""
        directory = str(self.broker.cloud)
        told = volet(LATER, "cloud", "wire", "--newest", "--yes", "--json", "--dir", directory)
        assert (json.loads(told)["in_use"], json.loads(told)["changed"]) == (2, True)
        with Peer(self.broker.port, role_pass(self.broker.cloud, "monitor").context()) as peer:
            peer.subscribe(hub_topic(COLLECTIVITY))
            wait_until(lambda: 2 in [_hub_version(each) for _, each in peer.fence()], "the hub")

    @contextmanager
    def stored(self):
        """Open the store as the later release, which reads both versions."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(versions, "VERSIONS", NEXT)
            store = SqliteStore.open(self.broker.cloud, is_checked=False)
            try:
                yield store
            finally:
                store.close()

    def versions_stored(self) -> set[int]:
        with self.stored() as store:
            epochs, blocks = StoreView(store, self.directory).payloads()
            return {version_of(payload) for payload in (*epochs, *blocks)}

    def check_all_is_there(self) -> None:
        """Compare the whole days that the cloud stores with what the meter counted."""
        with self.stored() as store:
            view = StoreView(store, self.directory)
            values = opened(_Rewritten(view), view.identity)
            assert [each.reason for each in store.dead_letters()] == []
        days = sorted({day for day, j in values if j == LAST and day >= MONTH})
        assert len(days) >= 2
        assert days == [MONTH + timedelta(days=n) for n in range(len(days))]
        risen_wh, steps_kwh = self.wire.risen(day_start(days[-1] + timedelta(days=1)))
        assert sum(v for (day, j), v in values.items() if j < 100 and day in days) == sum(risen_wh)
        steps = [sum(values[day, REGISTER_STEP + n] for day in days) for n in range(2)]
        assert steps == steps_kwh


class _Rewritten:
    """What a store holds, written in the first version, which the test's own reading knows."""

    def __init__(self, view: StoreView) -> None:
        self._view = view

    def payloads(self) -> tuple[list[bytes], list[bytes]]:
        epochs, blocks = self._view.payloads()
        return (
            [self._first(Kind.EPOCH, each, Epoch) for each in epochs],
            [self._first(Kind.BLOCK, each, Block) for each in blocks],
        )

    def _first(self, kind: Kind, payload: bytes, body_type: type) -> bytes:
        identity = self._view.identity
        address = Address(identity.collectivity, identity.device, kind)
        body = open_message(address, payload, identity.signing_key.public_key(), body_type)
        return seal_message(address, body, identity.signing_key, 1)


def _hub_version(payload: bytes) -> int:
    return msgspec.msgpack.decode(msgspec.msgpack.decode(payload)[1])[0]


def volet(release: tuple[str, ...], *arguments: str) -> bytes:
    done = subprocess.run([*release, *arguments], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def city(broker, tmp_path):
    city = City(broker, tmp_path)
    yield city
    city.close()


@pytest.mark.long
def test_a_ring_upgrade_and_the_way_back_lose_nothing(city):
    """The cloud first, then the chip, which goes back twice with a full outbox."""
    city.worker.start()
    city.chip.start()
    city.begin()
    city.send_some()
    city.worker.become(LATER)
    city.send_some()  # an old chip, a new cloud
    city.worker.end()
    city.chip.become(LATER)
    city.meter()
    city.chip.become(THIS)  # back, with what the later release has signed
    city.worker.start()
    city.send_some()
    assert city.versions_stored() == {1}, "nothing of the next version before it is in use"
    city.use_newest()
    city.send_some()  # an old chip, and the next version is in use
    assert city.versions_stored() == {1}
    city.chip.become(LATER)
    city.send_some()
    assert city.versions_stored() == {1, 2}
    city.worker.end()
    city.meter()
    city.chip.become(THIS)  # back, with blocks of the next version in its vault
    city.worker.start()
    city.send_some()
    city.chip.become(LATER)
    city.send_some()
    city.check_all_is_there()


@pytest.mark.long
def test_a_new_chip_follows_an_old_cloud_without_a_start(city):
    """The chip first: it writes what the old cloud reads, and what the new one uses from then on."""
    city.worker.start()
    city.chip._command = [*LATER, *city.chip._command[3:]]
    city.chip.start()
    city.begin()
    city.send_some()
    city.send_some()
    assert city.versions_stored() == {1}
    city.worker.become(LATER)
    city.send_some()
    assert city.versions_stored() == {1}
    city.use_newest()
    wait_until(lambda: '"version_in_use"' in city.chip.log, city.chip.log[-2_000:])
    city.send_some()
    assert city.versions_stored() == {1, 2}
    while city.wire.at < day_start(MONTH + timedelta(days=2)) + 8 * QUARTER_HOUR:
        city.meter()
    city.drain()
    city.check_all_is_there()


def test_a_program_of_the_collectivity_that_does_not_read_the_version_in_use_does_not_start(city):
    city.worker._command = [*LATER, *city.worker._command[3:]]
    city.worker.start()
    city.use_newest()
    assert city.worker.end(signal.SIGTERM) == 0
    told = json.loads(volet(LATER, "cloud", "wire", "--json", "--dir", str(city.broker.cloud)))
    assert (told["in_use"], told["newest"], told["changed"]) == (2, 2, False)
    command = [*THIS, "cloud", "run", "--dir", str(city.broker.cloud)]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 6
    assert b"version 2 of the wire is in use here, this Volet reads up to 1" in done.stderr


def test_a_message_of_a_later_form_costs_a_chip_nothing(city):
    city.worker.start()
    city.chip.start()
    city.begin()
    city.drain()
    topic = device_topic(COLLECTIVITY, city.identity.device, Kind.ACK)
    operator = role_pass(city.broker.cloud, "operator").context()
    with Peer(city.broker.config.operator_port, operator) as peer:
        peer.publish(topic, b"of a later form")
    wait_until(lambda: '"malformed"' in city.chip.log, city.chip.log[-2_000:])
    city.send_some()
