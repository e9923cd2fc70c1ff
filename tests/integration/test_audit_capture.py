"""A capture at a real broker has what chips send, while the running worker keeps its session."""

import signal
import stat
import subprocess
import sys
from datetime import UTC, datetime

import msgspec
import pytest

from cloud.audit.capture import Captured, read_capture
from cloud.registry.pki import issue_role
from tests.support.broker import WITHIN_S, running_broker, wait_until
from tests.support.town import ALICE, BOB, WORKER, settle


def ends(line: bytes) -> bool:
    """Say whether a line of a file that is being written has come to its end."""
    return line.endswith(b"\n")


@pytest.mark.usefixtures("mosquitto_available")
def test_everything_that_chips_send_is_captured_beside_the_worker(tmp_path):
    out = tmp_path / "capture.jsonl"
    with running_broker(tmp_path / "cloud") as broker:
        issue_role(broker.cloud, "worker-audit", datetime.now(UTC))
        town = settle(broker, tmp_path)
        broker.restart()
        sent = {
            (town.device(who, kind), f"{who} {kind}".encode())
            for who in (ALICE, BOB)
            for kind in ("up/block", "up/area", "key")
        }
        with town.connect(WORKER) as worker, town.connect(ALICE) as alice, town.connect(BOB) as bob:
            worker.subscribe(town.device(ALICE, "up/block"))
            command = [sys.executable, "-m", "volet.main", "cloud", "audit", "capture"]
            arguments = ["--dir", str(broker.cloud), "--out", str(out)]
            process = subprocess.Popen([*command, *arguments], stderr=subprocess.DEVNULL)
            peers = {ALICE: alice, BOB: bob}

            def is_captured() -> bool:
                for topic, payload in sorted(sent):
                    peers[payload.decode().split()[0]].publish(topic, payload)
                lines = out.read_bytes().splitlines(keepends=True) if out.exists() else []
                found = [msgspec.json.decode(line, type=Captured) for line in lines if ends(line)]
                return sent <= {(each.topic, each.payload) for each in found}

            try:
                wait_until(is_captured, "the capture to hold every message")
            finally:
                process.send_signal(signal.SIGTERM)
                assert process.wait(WITHIN_S) == 0
            assert worker.wait_for(town.device(ALICE, "up/block")) == b"alice up/block"
    messages = list(read_capture(out))
    assert all(abs(each.at_s - out.stat().st_mtime) < 60 for each in messages)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
