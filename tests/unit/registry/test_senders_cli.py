"""`volet cloud senders`: a chip that misbehaves is found, whether it stays under its quota or not."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.commands.table import cloud
from cloud.ingest.pipeline import Ingest
from cloud.store.sqlite.store import SqliteStore
from protocol.topics import Kind, device_topic
from system.mqtt.message import Incoming
from tests.support.broker import make_cloud
from tests.support.fake_chip import FakeChip

NOW = datetime(2026, 10, 6, 12, tzinfo=UTC)
DAY = date(2026, 10, 5)


def run(*args):
    done = CliRunner().invoke(cloud, ["senders", *(str(each) for each in args)])
    assert done.exit_code == 0, (done.output, done.exception)
    return done.output


@pytest.fixture
def town(tmp_path):
    """A quiet chip, one that stores days to come, one that sends rubbish, and a silent one."""
    directory = tmp_path / "cloud"
    make_cloud(directory)
    store = SqliteStore.open(directory)
    quiet, ahead, rubbish, silent = (FakeChip() for _ in range(4))
    for chip in (quiet, ahead, rubbish, silent):
        store.enrol(chip.enrolment)
    to_come = (datetime.now(UTC).date() + timedelta(days=40)).replace(day=10)
    ingest = Ingest(store, "testville", Ed25519PrivateKey.generate(), lambda: NOW)
    ingest.process([quiet.epoch(DAY), quiet.block(DAY, 1)])
    ingest.process(
        [ahead.epoch(to_come), *(ahead.block(to_come + n * timedelta(days=1), n) for n in (1, 2))]
    )
    topic = device_topic("testville", rubbish.device, Kind.BLOCK)
    ingest.process([Incoming(topic, b"x" * n) for n in range(3)])
    store.revoke(ahead.device)
    store.close()
    return directory, quiet.device, ahead.device, rubbish.device


def test_chips_are_listed_by_what_they_had_stored_and_refused(town):
    directory, quiet, ahead, rubbish = town
    senders = json.loads(run("--dir", directory, "--json"))["senders"]
    assert [each["device"] for each in senders] == [ahead, rubbish, quiet]
    found = {each["device"]: each for each in senders}
    assert (found[ahead]["blocks"], found[ahead]["blocks_ahead"]) == (2, 2)
    assert (found[quiet]["blocks"], found[quiet]["blocks_ahead"]) == (1, 0)
    assert found[ahead]["stored_bytes"] > found[quiet]["stored_bytes"] > 0
    assert (found[ahead]["is_enrolled"], found[rubbish]["is_enrolled"]) == (False, True)
    assert sum(found[rubbish]["refused"].values()) == 3
    assert found[rubbish]["last_refused_at"] == "2026-10-06T12:00:00Z"


def test_the_table_names_the_worst_first(town):
    directory, quiet, ahead, rubbish = town
    said = run("--dir", directory)
    assert said.index(ahead) < said.index(rubbish) < said.index(quiet)
    assert f"{ahead} (not enrolled)" in said
    assert "malformed 3" in said
    assert "3 of 3 senders." in said
    short = run("--dir", directory, "--top", 1)
    assert quiet not in short
    assert "1 of 3 senders." in short
