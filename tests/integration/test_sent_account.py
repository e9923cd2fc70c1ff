"""What a chip's account says it sent is what a real broker had of it: kinds, counts and bytes."""

import signal
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from cloud.registry.pki import issue_role
from edge.mqtt.sent import FOLDER, LAST_WILL, SentDay
from edge.simulate.home import HomeSettings, build_home
from edge.simulate.household import synthetic_curve
from protocol.calendar import QUARTER_HOUR, day_start
from protocol.json_text import read_json
from protocol.topics import SENT_BY_CHIPS, Kind, all_devices, kind_of
from tests.support.broker import COLLECTIVITY, WITHIN_S, enrol_chip, running_broker, wait_until
from tests.support.chip_process import ChipProcess
from tests.support.chip_town import MONTH
from tests.support.mqtt import Peer, role_pass

CONFIG = """\
rhythm = "quarter_hourly"
send_window_s = 0
metering.is_simulated = true
[sending]
ack_timeout_s = 1
whole_pause_s = 0.5
"""


def sums(messages):
    """Return the count and the bytes of each kind."""
    counts, sizes = Counter(), Counter()
    for topic, payload in messages:
        counts[kind_of(topic)] += 1
        sizes[kind_of(topic)] += len(payload)
    return {kind: (counts[kind], sizes[kind]) for kind in counts}


def account(directory):
    """Return the same as the chip counted it, over all days, and how many connections."""
    found = Counter(), Counter()
    for path in (directory / FOLDER).iterdir():
        for kind, sent in read_json(path.read_bytes(), SentDay).kinds.items():
            found[0][kind] += sent.count
            found[1][kind] += sent.size_bytes
    kinds = {kind: (found[0][kind], found[1][kind]) for kind in found[0]}
    connections, _ = kinds.pop(LAST_WILL)
    return kinds, connections


@pytest.mark.usefixtures("mosquitto_available")
def test_the_account_is_what_the_broker_had_over_restarts_resends_and_a_kill(tmp_path):
    directory = tmp_path / "chip"
    curve = synthetic_curve(3, MONTH - timedelta(days=1), MONTH + timedelta(days=2))
    home = build_home(curve, HomeSettings(seed=3))
    at = day_start(MONTH)
    with running_broker(tmp_path / "cloud") as broker:
        issue_role(broker.cloud, "worker-audit", datetime.now(UTC))
        enrol_chip(broker.cloud, directory)
        (directory / "edge.toml").write_text(CONFIG)
        broker.configure()
        with Peer(broker.port, role_pass(broker.cloud, "worker-audit").context()) as recorder:
            recorder.subscribe(*(all_devices(COLLECTIVITY, kind) for kind in SENT_BY_CHIPS))

            def has_come(kind, count):
                return lambda: sums(recorder.fence()).get(kind, (0, 0))[0] >= count

            with ChipProcess(directory) as chip:  # without an answer, it asks again and again
                wait_until(has_come(Kind.FETCH, 3), "questions that are sent again")
                chip.feed(home.frame_at(at))
                assert chip.end(signal.SIGTERM) == 0
            wait_until(lambda: sums(recorder.fence()) == account(directory)[0], "as many")
            with (tmp_path / "worker.log").open("wb") as log:
                command = [sys.executable, "-m", "volet.main", "cloud", "run"]
                worker = subprocess.Popen([*command, "--dir", broker.cloud], stderr=log, stdout=log)
            try:
                with ChipProcess(directory) as chip:
                    for _ in range(9):
                        chip.feed(home.frame_at(at))
                        at += QUARTER_HOUR
                    wait_until(has_come(Kind.BLOCK, 4), f"blocks\n{chip.log[-2_000:]}")
                    assert chip.end(signal.SIGTERM) == 0
            finally:
                worker.send_signal(signal.SIGTERM)
                worker.wait(WITHIN_S)
            wait_until(lambda: sums(recorder.fence()) == account(directory)[0], "as many")
            before, connections = account(directory)
            assert connections == 2
            assert {Kind.FETCH, Kind.EPOCH, Kind.BLOCK, Kind.STATUS} <= before.keys()
            with ChipProcess(directory) as chip:
                for _ in range(4):
                    chip.feed(home.frame_at(at))
                    at += QUARTER_HOUR
                fetches, _ = before[Kind.FETCH]
                wait_until(has_come(Kind.FETCH, fetches + 2), f"questions\n{chip.log[-2_000:]}")
                chip.end(signal.SIGKILL)
            assert account(directory)[0].keys() >= before.keys()
            assert all(account(directory)[0][kind] >= each for kind, each in before.items())
            had = sums(recorder.fence())
            assert all(had[kind] >= each for kind, each in account(directory)[0].items())
