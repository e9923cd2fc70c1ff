"""A monitor as a process at a real broker, beside chips that publish their status."""

import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from prometheus_client.parser import text_string_to_metric_families

from cloud.registry.key_files import pki_path
from cloud.registry.pki import issue_role, requested_key
from edge.identity.enrolment import Identity
from monitor import directory as places
from monitor.commands.status import MonitorStatus, read_status
from protocol.status import State, Status, encode_status
from protocol.topics import Kind, device_topic
from system.mqtt.identity import REQUEST
from tests.support.broker import COLLECTIVITY, Broker, free_ports, wait_until
from tests.support.mqtt import Peer, Will, chip_pass

NAME = "monitor-ops"
WITHIN_S = 60.0
PROGRAM = (sys.executable, "-m", "volet.main")


def hour() -> datetime:
    """Return the beginning of this hour."""
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


def status(state: State = State.READY, **facts: object) -> bytes:
    """Return what a chip publishes."""
    return encode_status(Status(state=state, **{"at": hour(), "software": "0.1.0", **facts}))


class ToldChip:
    """An enrolled chip with a session and a will, which says what it is told to say."""

    def __init__(self, broker: Broker, identity: Identity) -> None:
        self.identity = identity
        self.topic = device_topic(COLLECTIVITY, identity.device, Kind.STATUS)
        lost = encode_status(Status(state=State.LOST, software="0.1.0"))
        passed = chip_pass(identity)
        self.peer = Peer(
            broker.port, passed.context(), identity.device, will=Will(self.topic, lost)
        )

    def tell(self, payload: bytes) -> None:
        self.peer.publish(self.topic, payload, retain=True)


def make_monitor(broker: Broker, directory: Path, name: str = NAME) -> int:
    """Make a monitor whose key is certified by its request; returns its port."""
    (port,) = free_ports(1)
    ca = pki_path(broker.cloud, "ca.pem")
    config = places.new_config(COLLECTIVITY, name, "127.0.0.1", broker.port, port)
    places.initialise(directory, config, ca)
    key = requested_key((directory / REQUEST).read_bytes(), REQUEST)
    certificate = issue_role(broker.cloud, name, datetime.now(UTC), key)
    places.install(directory, certificate, None)
    broker.configure()
    return port


class MonitorProcess:
    """`volet monitor run` in a directory that `make_monitor` made."""

    def __init__(self, directory: Path, port: int) -> None:
        self.directory = directory
        self._port = port
        self._log = directory.parent / f"{directory.name}.log"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                (*PROGRAM, "monitor", "run", "--dir", str(directory)), stdout=log, stderr=log
            )

    def __enter__(self) -> Self:
        with ExitStack() as failed:
            failed.callback(self.kill)
            self.wait(lambda: self.health()[0] is not None, "to answer")
            failed.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    @property
    def log(self) -> str:
        return self._log.read_text("utf-8")

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(WITHIN_S)

    def stop(self) -> int:
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(WITHIN_S)

    def wait(self, condition, what: str) -> None:
        """Wait for a condition; the monitor may not have ended meanwhile."""
        wait_until(lambda: condition() or self._process.poll() is not None, f"the monitor {what}\n")
        assert self._process.poll() is None, self.log

    def get(self, path: str, **headers: str) -> tuple[int | None, bytes]:
        """Return status and body; None while nobody listens."""
        asked = urllib.request.Request(f"http://127.0.0.1:{self._port}{path}", headers=headers)
        try:
            with urllib.request.urlopen(asked, timeout=WITHIN_S) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as exc:
            with exc:
                return exc.code, exc.read()
        except (urllib.error.URLError, ConnectionError):
            return None, b""

    def health(self) -> tuple[int | None, dict]:
        code, body = self.get("/health")
        return code, json.loads(body) if body else {}

    def metrics(self) -> dict:
        """Return what `/metrics` says, by name and labels."""
        code, body = self.get("/metrics")
        assert code == 200
        return {
            (sample.name.removeprefix("volet_"), *sorted(sample.labels.values())): sample.value
            for family in text_string_to_metric_families(body.decode())
            for sample in family.samples
        }

    def status(self) -> MonitorStatus:
        return read_status(self.directory)
