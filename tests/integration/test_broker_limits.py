"""What one certified chip may take of the broker, and that others are served and it is shut out."""

import socket
import time
from contextlib import ExitStack
from datetime import UTC, datetime

from paho.mqtt.client import Client
from paho.mqtt.subscribeoptions import SubscribeOptions

from cloud.registry.broker_session import end_session
from cloud.registry.revocation import revoke_everywhere
from cloud.store.sqlite.store import SqliteStore
from mosquitto.config import PID
from system.process_status import status_field
from tests.support.broker import Broker, make_cloud, running_broker, wait_until
from tests.support.mqtt import SUCCESS, Peer
from tests.support.town import ALICE, BOB, WORKER, Town, settle

MEMORY_MB = 32
# What mosquitto does not count: its code and its TLS library.
UNCOUNTED_MB = 32
FILTERS = 900
CONNECTIONS = 400


def _resident_mb(broker: Broker) -> float:
    """Return the broker's resident memory, in MB."""
    return int(status_field("VmRSS", int((broker.directory / PID).read_text()))) / 1024


def _subscribe_without_end(peer: Peer, packets: int) -> None:
    """Subscribe to invented documents until the broker ends the connection.

    Raises:
        TimeoutError: it has taken them all.
    """
    client: Client = peer._client
    options = SubscribeOptions(qos=1)
    for packet in range(packets):
        client.subscribe([(f"{packet:032x}{n:032x}", options) for n in range(FILTERS)])
        what, _ = peer._answers.get(timeout=15)
        if what == "lost":
            return
    raise TimeoutError


def _serves(town: Town) -> bool:
    topic = town.device(BOB, "up/block")
    with town.connect(WORKER) as worker, town.connect(BOB) as bob:
        worker.subscribe(topic)
        return {bob.publish(topic, bytes(2000)) for _ in range(100)} == {SUCCESS}


def test_one_chip_cannot_take_more_memory_than_the_broker_has(tmp_path):
    make_cloud(tmp_path / "cloud", broker_memory_mb=MEMORY_MB)
    with running_broker(tmp_path / "cloud") as broker:
        town = settle(broker, tmp_path)
        alice = town.connect(ALICE, session_expiry_s=3600, clean_start=False)
        _subscribe_without_end(alice, 200)
        alice.close()
        assert _resident_mb(broker) < MEMORY_MB + UNCOUNTED_MB
        # The broker's log names who was disconnected, so that it can be revoked.
        name = town.passes[ALICE].name
        said = f"Client {name} disconnected due to out of memory"
        wait_until(lambda: said in broker.log, f"the broker to name the chip\n{broker.log[-2000:]}")
        store = SqliteStore.open(broker.cloud, is_checked=False)
        try:
            revoke_everywhere(broker.cloud, store, name, broker.directory, datetime.now(UTC))
        finally:
            store.close()
        assert _serves(town)
        # Nor does it drop others for the session that it has lost: it looks every second.
        with town.connect(WORKER) as worker:
            time.sleep(2.5)
            assert worker.subscribe(town.device(BOB, "up/block")) == 1
        assert "Expiring client" not in broker.log


def test_silent_connections_keep_nobody_out(tmp_path):
    make_cloud(tmp_path / "cloud")
    with running_broker(tmp_path / "cloud") as broker, ExitStack() as stack:
        town = settle(broker, tmp_path)
        for _ in range(CONNECTIONS):
            stack.enter_context(socket.create_connection(("127.0.0.1", broker.port)))
        assert _serves(town)
        end_session(broker.cloud, town.passes[ALICE].name)


def test_a_certificate_has_one_connection(tmp_path):
    make_cloud(tmp_path / "cloud")
    with running_broker(tmp_path / "cloud") as broker:
        town = settle(broker, tmp_path)
        with town.connect(ALICE) as first, town.connect(ALICE, client_id="another") as second:
            first.wait_until_ended()
            assert second.fence() == []
