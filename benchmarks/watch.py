"""`volet monitor run` over a town: what it takes to know all chips, to follow them, and to be asked.

Broker and monitor run as deployed, over TLS. The statuses are a town's; the operator's certificate
publishes them in the chips' place, since the monitor cannot tell who has a session of its own.
"""

import secrets
import ssl
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from benchmarks.row import Bound, Row, Rows
from benchmarks.stack import (
    HOST,
    Process,
    Stack,
    end,
    need_mosquitto,
    running,
    volet,
    wait_until,
)
from benchmarks.timing import scaled
from cloud.config import load_config
from cloud.registry.key_files import OPERATOR_CERTIFICATE, pki_path
from monitor.desk import ask_desk
from monitor.directory import initialise, install, new_config
from monitor.report import FleetReport
from protocol.ids import DeviceId, new_device_id
from protocol.status import State, Status, encode_status, whole_hour
from protocol.topics import Kind, device_topic
from system.files import make_private_dir, write_secret
from system.mqtt.identity import TLS_KEY
from system.tls import client_context
from volet.demo.ports import free_ports

COLLECTIVITY, NAME = "benchville", "monitor"
CHIPS = 5_000
# Each chip reports twice a day on average; so many days are followed at once.
ROUNDS = 4
SCRAPES = 20
RESIDENT_MAX_MB = 100
CPU_MAX_MS = 1.0
MS = 1_000


@dataclass(frozen=True, slots=True)
class Watched:
    """A running monitor, its directory, its port and its log."""

    process: Process
    directory: Path
    port: int
    log: Path

    def report(self) -> FleetReport | None:
        """Return what it knows; None while it does not answer."""
        return ask_desk(self.directory)

    def metrics(self) -> bytes:
        """Return what it serves."""
        with urllib.request.urlopen(f"http://{HOST}:{self.port}/metrics") as answer:
            body: bytes = answer.read()
        return body


def run(scale: float) -> list[Row]:
    """Measure; raises AssertionError if a chip is not known as it told of itself."""
    need_mosquitto()
    rows, count = Rows("watch"), scaled(CHIPS, scale)
    devices = [new_device_id() for _ in range(count)]
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        with running(directory, COLLECTIVITY) as stack:
            end(stack.worker.popen)  # it would refuse chips that are not enrolled
            with _publisher(stack) as publisher:
                _publish(publisher, devices, State.READY)
                with _monitor(stack, directory) as watched:
                    _measure(rows, watched, publisher, devices)
    return rows.rows


def _measure(rows: Rows, watched: Watched, publisher: Client, devices: Sequence[DeviceId]) -> None:
    count, process = len(devices), watched.process
    _wait_for(watched, State.READY, count)
    rows.add("a start, until all chips are known", process.cpu_s, "s of CPU", note=f"{count} chips")
    before_s = process.cpu_s
    for number in range(ROUNDS):
        state = State.ALERT if number % 2 == 0 else State.READY
        _publish(publisher, devices, state)
        _wait_for(watched, state, count)
    cpu_s = process.cpu_s - before_s
    rows.add(
        "a status that is followed",
        cpu_s / (ROUNDS * count) * MS,
        "ms of CPU",
        bound=Bound("below", CPU_MAX_MS),
        note=f"{ROUNDS * count} statuses; the questions for all chips meanwhile included",
    )
    before_s = process.cpu_s
    for _ in range(SCRAPES):
        body = watched.metrics()
    rows.add("/metrics", (process.cpu_s - before_s) / SCRAPES * MS, "ms of CPU", note="a question")
    rows.add("/metrics, its text", len(body) / MS, "kB")
    assert f"volet_devices_online {float(count)}".encode() in body
    rows.add(
        "memory",
        process.resident_mb,
        "MB resident",
        bound=Bound("below", RESIDENT_MAX_MB),
        note=f"{count} chips, after all of this",
    )
    rows.add("memory, at most", process.peak_mb, "MB resident")


def _wait_for(watched: Watched, state: State, count: int) -> None:
    def is_known() -> bool:
        report = watched.report()
        return report is not None and sum(c.state is state for c in report.chips) == count

    wait_until(is_known, f"all chips are {state}", watched.log)


@contextmanager
def _monitor(stack: Stack, directory: Path) -> Iterator[Watched]:
    """Run the monitor that the collectivity was founded with."""
    home, log, (port,) = directory / "watch", directory / "watch.log", free_ports(1)
    make_private_dir(home)
    write_secret(home / TLS_KEY, pki_path(stack.cloud, f"{NAME}.key").read_bytes())
    ca = pki_path(stack.cloud, "ca.pem")
    initialise(home, new_config(COLLECTIVITY, NAME, HOST, stack.port, port), ca)
    install(home, pki_path(stack.cloud, f"{NAME}.pem"), None)
    with log.open("wb") as output:
        command = volet("monitor", "run", "--dir", str(home))
        process = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            yield Watched(Process(process), home, port, log)
        finally:
            end(process)


@contextmanager
def _publisher(stack: Stack) -> Iterator[Client]:
    """Connect as the operator, who may write the topics of all chips."""
    client = Client(CallbackAPIVersion.VERSION2, "bench", protocol=MQTTProtocolVersion.MQTTv5)
    client.max_inflight_messages_set(512)
    client.tls_set_context(_operators(stack.cloud))
    client.connect(HOST, load_config(stack.cloud).operator_port)
    client.loop_start()
    try:
        yield client
    finally:
        client.disconnect()
        client.loop_stop()


def _operators(cloud: Path) -> ssl.SSLContext:
    context = client_context(
        pki_path(cloud, "ca.pem"),
        pki_path(cloud, OPERATOR_CERTIFICATE),
        pki_path(cloud, "operator.key"),
    )
    context.check_hostname = False  # the broker's certificate names its public host
    return context


def _publish(client: Client, devices: Sequence[DeviceId], state: State) -> None:
    """Publish a status of each chip, as full as a chip's is, and wait for the broker."""
    now = datetime.now(UTC)
    sent = [
        client.publish(
            device_topic(COLLECTIVITY, device, Kind.STATUS),
            encode_status(
                Status(
                    state=state,
                    at=whole_hour(now),
                    software="0.1.0",
                    boot=secrets.token_hex(6),
                    tic_mode="standard",
                    line_quality=0.9987,
                    clock_offset_s=1,
                    outbox_depth=number % 50,
                    not_after=whole_hour(now + timedelta(days=1 + number % 99)),
                    disk_free_mb=21_400,
                    written_mb_a_day=60,
                    temperature_c=45,
                    undervoltage=False,
                )
            ),
            qos=1,
            retain=True,
        )
        for number, device in enumerate(devices)
    ]
    for each in sent:
        each.wait_for_publish()
