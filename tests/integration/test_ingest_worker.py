"""The worker as a program on a real broker: stored, acknowledged, and killed all the time."""

import contextlib
import json
import os
import random
import secrets
import signal
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from cloud.registry.key_files import load_platform_key
from cloud.store import PublishedStatement, RequestState, StatementOrder
from cloud.store.sqlite import schema
from cloud.store.sqlite.store import SqliteStore
from protocol.envelope import Address, open_message, seal_message
from protocol.messages import Ack, Seen
from protocol.status import State, Status, encode_status
from protocol.topics import UP, Kind, own_down
from system.mqtt.message import Incoming
from tests.support.broker import COLLECTIVITY, enrol_chip, wait_until
from tests.support.fake_chip import FakeChip
from tests.support.mqtt import Peer, chip_pass, role_pass

DAY = date(2026, 10, 1)
# Blocks of two coefficients each, and one that closes the day.
A_DAY = 51


class WorkerProcess:
    """`volet cloud run` on a directory, to be stopped, killed and started again."""

    def __init__(self, cloud):
        self._cloud = cloud
        self.log_path = cloud / "worker.log"
        self.process = None

    def start(self):
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "volet.main", "cloud", "run", "--dir", str(self._cloud)],
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONWARNINGS": "error"},
            )

    def start_and_wait(self):
        """Start, and wait until the worker has its subscriptions."""
        before = self.events().count("broker_connected")
        self.start()
        wait_until(
            lambda: self.events().count("broker_connected") > before,
            f"the worker to connect; its log:\n{self.log_path.read_text()}",
        )

    def events(self):
        if not self.log_path.exists():
            return []
        lines = self.log_path.read_text().splitlines()
        return [json.loads(line)["event"] for line in lines if line.startswith("{")]

    def end(self, number):
        if self.process:
            if number is not None:
                self.process.send_signal(number)
            code = self.process.wait(20)
            self.process = None
            return code
        return None


class LinkedChip(FakeChip):
    """A chip with a TLS session of its own on the broker."""

    def __init__(self, cloud, directory):
        identity = enrol_chip(cloud, directory)
        super().__init__(COLLECTIVITY, identity.device, identity.signing_key, identity.household.id)
        self.received = []
        self._platform_key = identity.platform_key
        self._client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2, str(identity.device), protocol=mqtt.MQTTv5
        )
        self._client.tls_set_context(identity.tls_context())
        self._client.on_connect = self._on_connect
        self._client.on_message = lambda _c, _u, message: self.received.append(message)
        self.subscribed = False
        self._client.on_subscribe = lambda *_: setattr(self, "subscribed", True)
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = 3600
        self._client.connect(
            identity.broker_host, identity.broker_port, clean_start=False, properties=properties
        )

    def _on_connect(self, client, _userdata, _flags, _code, _properties):
        client.subscribe(own_down(COLLECTIVITY, self.device), qos=1)

    def __enter__(self):
        self._client.loop_start()
        wait_until(lambda: self.subscribed, "the chip to subscribe")
        return self

    def __exit__(self, *_):
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, message, **options):
        return self._client.publish(message.topic, message.payload, qos=1, **options)

    def down(self, kind):
        return [m.payload for m in list(self.received) if m.topic == self.topic(kind)]

    def all_acks(self):
        address = Address(COLLECTIVITY, self.device, Kind.ACK)
        return [
            open_message(address, payload, self._platform_key, Ack)
            for payload in self.down(Kind.ACK)
        ]

    def stored_through(self, incarnation=None):
        """The highest sequence that any ack has said is stored without a gap."""
        states = [s for ack in self.all_acks() for s in ack.states]
        wanted = incarnation or self.incarnation
        return max((s.stored_through for s in states if s.incarnation == wanted), default=0)


@pytest.fixture
def worker(broker):
    process = WorkerProcess(broker.cloud)
    yield process
    process.end(signal.SIGKILL)


def test_blocks_are_stored_and_acknowledged_over_tls_and_sigterm_ends_the_worker(
    broker, worker, tmp_path
):
    worker.start_and_wait()
    with LinkedChip(broker.cloud, tmp_path / "chip") as chip:
        chip.publish(chip.epoch(DAY))
        for n in range(5):
            chip.publish(chip.block(DAY + timedelta(days=n), n + 1))
        wait_until(lambda: chip.stored_through() == 5, "five blocks to be acknowledged")
        assert chip.all_acks()[-1].refused == ()
    assert worker.end(signal.SIGTERM) == 0
    store = SqliteStore.open(broker.cloud)
    assert store.figures().blocks == 5
    store.close()


def test_what_a_chip_says_of_itself_reaches_the_operators_list(broker, worker, tmp_path):
    worker.start_and_wait()
    with LinkedChip(broker.cloud, tmp_path / "chip") as chip:
        for payload in (encode_status(Status(state=State.READY, software="0.1.0")), b"forged"):
            chip.publish(Incoming(chip.topic(Kind.STATUS), payload), retain=True)
        chip.publish(chip.epoch(DAY))
        wait_until(chip.all_acks, "the worker to have read all three")
    assert worker.end(signal.SIGTERM) == 0
    listed = subprocess.run(
        [
            *(sys.executable, "-m", "volet.main", "cloud", "devices", "--json"),
            *("--dir", str(broker.cloud), "--state", "ready"),
        ],
        capture_output=True,
        check=True,
    )
    found = {each["device"]: each for each in json.loads(listed.stdout)["devices"]}
    assert found[chip.device]["software"] == "0.1.0"
    assert found[chip.device]["heard_at"] is not None
    store = SqliteStore.open(broker.cloud)
    assert [each.reason for each in store.dead_letters()] == ["malformed"]
    store.close()


def test_what_a_chip_retains_against_the_protocol_is_cleared(broker, worker, tmp_path):
    with LinkedChip(broker.cloud, tmp_path / "chip") as chip:
        worker.start_and_wait()
        kept = Incoming(chip.topic(Kind.KEY), b"letters")
        chip.publish(kept, retain=True).wait_for_publish(15)
        for kind in UP:
            chip.publish(Incoming(chip.topic(kind), secrets.token_bytes(60_000)), retain=True)
        chip.publish(chip.epoch(DAY), retain=True)
        chip.publish(chip.block(DAY, 1))
        wait_until(lambda: chip.stored_through() == 1, "a block to be acknowledged")
        operator = role_pass(broker.cloud, "operator").context()
        topics = [chip.topic(kind) for kind in (*UP, Kind.KEY)]

        def retained():
            with Peer(broker.config.operator_port, operator, "watching") as watching:
                watching.subscribe(*topics)
                return [topic for topic, payload in watching.fence() if payload]

        wait_until(lambda: retained() == [kept.topic], f"them to be cleared {retained()}")
    assert worker.end(signal.SIGTERM) == 0
    store = SqliteStore.open(broker.cloud)
    assert (store.figures().blocks, len(store.dead_letters())) == (1, len((*UP, Kind.KEY)))
    store.close()


def test_a_chip_that_guesses_at_the_workers_share_takes_no_message_from_them(
    broker, worker, tmp_path
):
    worker.start_and_wait()
    thief = enrol_chip(broker.cloud, tmp_path / "thief")
    with (
        LinkedChip(broker.cloud, tmp_path / "chip") as chip,
        Peer(broker.port, chip_pass(thief).context()) as peer,
    ):
        peer.subscribe(f"$share/workers/volet/v1/{COLLECTIVITY}/d/+/up/block")
        chip.publish(chip.epoch(DAY))
        for n in range(20):
            chip.publish(chip.block(DAY + timedelta(days=n), n + 1))
        wait_until(lambda: chip.stored_through() == 20, "twenty blocks, each sent once")


def test_a_worker_killed_between_receipt_and_commit_loses_nothing(broker, worker, tmp_path):
    with LinkedChip(broker.cloud, tmp_path / "chip") as chip:
        worker.start_and_wait()
        chip.publish(chip.epoch(DAY))
        wait_until(chip.all_acks, "the header to be acknowledged")
        store = SqliteStore.open(broker.cloud, is_checked=False)
        with schema.transaction(store._db):  # nobody else can commit now
            for n in range(1, 9):
                chip.publish(chip.block(DAY, n, j0=n, count=1))
            wait_until(lambda: "store_busy" in worker.events(), "the worker to hold a batch")
            worker.end(signal.SIGKILL)
        assert store.figures().blocks == 0
        worker.start_and_wait()
        wait_until(lambda: chip.stored_through() == 8, "the blocks to come again by themselves")
        assert store.figures().blocks == 8
        store.close()


def blocks_through_kills(broker, worker, tmp_path, kills, days):
    """Publish every block once, at most, while the worker is killed `kills` times at random."""
    rng = random.Random(kills)
    with contextlib.ExitStack() as stack:
        chips = [
            stack.enter_context(LinkedChip(broker.cloud, tmp_path / f"chip{n}")) for n in range(3)
        ]
        worker.start_and_wait()
        for chip in chips:
            chip.publish(chip.epoch(DAY))
        pending = [
            (
                chip,
                chip.block(DAY + timedelta(days=day), day * A_DAY + n + 1, j0=2 * n, count=count),
            )
            for day in range(days)
            for n, count in enumerate([2] * (A_DAY - 1) + [28])
            for chip in chips
        ]
        share = len(pending) // (kills + 1) + 1
        for start in range(0, len(pending), share):
            for chip, message in pending[start : start + share]:
                chip.publish(message)
            if start + share < len(pending):
                aim = rng.random()
                wait_until(
                    lambda at=start, aim=aim: (
                        sum(chip.stored_through() for chip in chips) >= at * aim
                    ),
                    "some blocks to be stored before the next kill",
                )
                worker.end(signal.SIGKILL)
                worker.start()
        for chip in chips:
            wait_until(
                lambda chip=chip: chip.stored_through() == days * A_DAY,
                "every block",
                chip.stored_through,
            )
        assert not any(ack.refused for chip in chips for ack in chip.all_acks())
    store = SqliteStore.open(broker.cloud)
    assert store.figures().blocks == len(pending)
    assert store.figures().dead_letters == ()
    for chip in chips:
        (held,) = store.holdings([chip.household_key])
        assert held.states[0].stored_through == days * A_DAY
        stored = store.blocks_of_days(chip.household_key, DAY, DAY + timedelta(days=days))
        assert [block.j0 for block in stored] == [2 * n for n in range(A_DAY)] * days
    store.close()


def test_a_worker_killed_at_random_stores_every_block_once(broker, worker, tmp_path):
    blocks_through_kills(broker, worker, tmp_path, kills=6, days=5)


@pytest.mark.long
def test_a_worker_killed_40_times_stores_every_block_once(broker, worker, tmp_path):
    blocks_through_kills(broker, worker, tmp_path, kills=40, days=31)


def test_a_chip_fetches_back_what_is_stored_byte_for_byte(broker, worker, tmp_path):
    worker.start_and_wait()
    with LinkedChip(broker.cloud, tmp_path / "chip") as chip:
        header = chip.epoch(DAY)
        blocks = [chip.block(DAY, n + 1, j0=n, count=1) for n in range(10)]
        for message in (header, *blocks):
            chip.publish(message)
        wait_until(lambda: chip.stored_through() == 10, "the blocks to be stored")
        chip.publish(chip.fetch(None))
        wait_until(lambda: any(ack.is_whole for ack in chip.all_acks()), "a whole ack")
        chip.publish(chip.fetch(chip.incarnation, sequence=4, count=5))
        wait_until(lambda: len(chip.down(Kind.STORED_BLOCK)) == 5, "five blocks")
        assert chip.down(Kind.STORED_EPOCH) == [header.payload]
        assert chip.down(Kind.STORED_BLOCK) == [block.payload for block in blocks[3:8]]


def test_another_chips_topic_and_a_revoked_chip_are_refused_and_nothing_else_is_disturbed(
    broker, worker, tmp_path
):
    worker.start_and_wait()
    with (
        LinkedChip(broker.cloud, tmp_path / "good") as good,
        LinkedChip(broker.cloud, tmp_path / "bad") as bad,
    ):
        store = SqliteStore.open(broker.cloud, is_checked=False)
        store.revoke(bad.device)
        bad.publish(bad.epoch(DAY))
        bad.publish(good.epoch(DAY))  # the broker lets nobody write there
        good.publish(good.epoch(DAY))
        good.publish(Incoming(good.topic(Kind.BLOCK), b"nothing of the kind"))
        wait_until(good.all_acks, "the good chip's ack")
        wait_until(lambda: len(store.figures().dead_letters) == 2, "two reasons")
        reasons = {one.label: one.count for one in store.figures().dead_letters}
        assert reasons == {"malformed": 1, "unknown_device": 1}
        assert store.figures().epochs == 1
        store.close()


def test_a_broker_that_is_killed_costs_a_resend_and_nothing_else(broker, worker, tmp_path):
    worker.start_and_wait()
    with LinkedChip(broker.cloud, tmp_path / "chip") as chip:
        chip.publish(chip.epoch(DAY))
        chip.publish(chip.block(DAY, 1))
        wait_until(lambda: chip.stored_through() == 1, "the first block")
        broker.kill()
        wait_until(lambda: "broker_lost" in worker.events(), "the worker to notice")
        chip.subscribed = False
        broker.start()
        wait_until(lambda: worker.events().count("broker_connected") == 2, "the worker to be back")
        wait_until(lambda: chip.subscribed, "the chip to be back")
        message = chip.block(DAY + timedelta(days=1), 2)
        chip.publish(message)
        chip.publish(message)
        wait_until(lambda: chip.stored_through() == 2, "the second block")


def test_status_counts_what_is_there(broker, worker, tmp_path):
    worker.start_and_wait()
    with LinkedChip(broker.cloud, tmp_path / "chip") as chip:
        chip.publish(chip.epoch(DAY))
        chip.publish(chip.block(DAY, 1))
        chip.publish(Incoming(chip.topic(Kind.BLOCK), b""))
        wait_until(lambda: chip.stored_through() == 1, "the block")
    command = [sys.executable, "-m", "volet.main", "cloud", "status", "--dir", str(broker.cloud)]
    figures = json.loads(subprocess.check_output([*command, "--json"]))
    assert figures["blocks"] == figures["epochs"] == figures["devices"] == 1
    assert figures["dead_letters"] == [{"word": "malformed", "count": 1}]
    table = subprocess.check_output(command, text=True)
    assert "refused: malformed" in table
    assert chip.device not in table


def test_a_directory_without_configuration_ends_the_worker_with_its_exit_code(tmp_path):
    command = [sys.executable, "-m", "volet.main", "cloud", "run", "--dir", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 5
    assert "cloud.toml" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_damaged_store_ends_the_worker_with_its_exit_code(broker, worker):
    SqliteStore.open(broker.cloud).close()
    path = broker.cloud / "store.db"
    path.write_bytes(b"SQLite format 3\0" + secrets.token_bytes(8192))
    worker.start()
    assert worker.end(None) == 6


def test_a_statement_outlives_the_memory_of_the_broker_until_the_chip_has_seen_it(
    broker, worker, tmp_path
):
    statement = b"i" * 16
    with LinkedChip(broker.cloud, tmp_path / "chip") as chip:
        store = SqliteStore.open(broker.cloud, is_checked=False)
        order = StatementOrder(statement, b"c" * 32, chip.household_key, b"request")
        store.put_request(order, datetime.now(UTC))
        address = Address(COLLECTIVITY, chip.device, Kind.STATEMENT)
        payload = seal_message(
            address, Seen(chip.household_key, statement), load_platform_key(broker.cloud)
        )
        published = PublishedStatement(statement, chip.device, payload)
        store.settle([published], [], datetime.now(UTC))
        topic = chip.topic(Kind.STATEMENT, statement.hex())

        def times_received():
            return [(m.topic, m.payload) for m in list(chip.received)].count((topic, payload))

        worker.start_and_wait()
        wait_until(lambda: times_received() == 1, "the statement")
        broker.kill()  # nothing was saved: what was retained is gone
        broker.start()
        wait_until(lambda: times_received() == 2, "the statement again")
        chip.publish(chip.seen(statement))
        wait_until(
            lambda: store.request(statement).state is RequestState.SEEN, "the statement to be seen"
        )
        wait_until(
            lambda: (topic, b"") in [(m.topic, m.payload) for m in list(chip.received)],
            "the retained message to be cleared",
        )
        store.close()
