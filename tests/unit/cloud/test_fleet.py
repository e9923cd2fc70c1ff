"""What chips say of themselves, taken in by the worker: the last word of each, whatever comes."""

import contextlib
import json
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from cloud.ingest.pipeline import Ingest
from cloud.store import Count
from cloud.store.sqlite.store import SqliteStore
from cloud.worker.gauges import SOFTWARES_MAX, chip_points
from protocol.errors import MessageRefused
from protocol.status import (
    STATUS_MAX_BYTES,
    State,
    Status,
    decode_status,
    encode_status,
    whole_hour,
)
from protocol.topics import Kind
from system.mqtt.message import Incoming
from tests.support.fake_chip import FakeChip

NOW = datetime(2026, 11, 24, 12, 34, 56, tzinfo=UTC)
END = datetime(2031, 11, 24, 12, tzinfo=UTC)
READY = Status(state=State.READY, at=whole_hour(NOW), software="0.1.0", not_after=END)


class Cloud:
    """Ingest at a time that tests set."""

    def __init__(self, directory):
        self.store = SqliteStore.open(directory)
        self.now = NOW
        key = Ed25519PrivateKey.generate()
        self._ingest = Ingest(self.store, "testville", key, lambda: self.now)
        self.chip = self.enrolled()

    def enrolled(self):
        chip = FakeChip()
        self.store.enrol(chip.enrolment)
        return chip

    def hear(self, payload, chip=None):
        """Take a payload on a chip's status topic; returns why it was refused, if it was."""
        topic = (chip or self.chip).topic(Kind.STATUS)
        processed = self._ingest.process([Incoming(topic, payload)])
        assert processed.outgoing == ()
        return [each.label for each in processed.refused]

    def take(self, *messages):
        return self._ingest.process(list(messages))

    def report(self):
        return {each.device: each.last_heard for each in self.store.fleet.devices()}[
            self.chip.device
        ]


@pytest.fixture
def cloud(tmp_path):
    cloud = Cloud(tmp_path)
    yield cloud
    cloud.store.close()


def test_the_last_word_is_kept_with_its_hour(cloud):
    assert cloud.hear(encode_status(READY)) == []
    report = cloud.report()
    assert (report.state, report.software, report.not_after) == ("ready", "0.1.0", END)
    assert report.heard_at == whole_hour(NOW)
    cloud.now += timedelta(days=1)
    cloud.hear(encode_status(msgspec.structs.replace(READY, state=State.ALERT)))
    assert (cloud.report().state, cloud.report().heard_at) == ("alert", whole_hour(cloud.now))


def test_a_lost_chip_was_not_heard_and_loses_nothing_else(cloud):
    cloud.hear(encode_status(READY))
    cloud.now += timedelta(days=1)
    cloud.hear(encode_status(Status(state=State.LOST, software="0.1.0")))
    report = cloud.report()
    assert (report.state, report.heard_at, report.not_after) == ("lost", whole_hour(NOW), END)


def test_whatever_a_chip_sends_is_heard(cloud):
    cloud.take(cloud.chip.fetch(None))
    assert cloud.report().heard_at == whole_hour(NOW)
    assert cloud.report().state is None
    cloud.now += timedelta(minutes=30)
    cloud.take(cloud.chip.fetch(None))
    assert cloud.report().heard_at == whole_hour(cloud.now)


def test_an_hour_of_messages_is_noted_once(cloud, monkeypatch):
    cloud.take(cloud.chip.fetch(None))
    monkeypatch.setattr(
        type(cloud.store.fleet), "put_heard", lambda *_: pytest.fail("noted a second time")
    )
    for _ in range(5):
        cloud.take(cloud.chip.fetch(None))


@pytest.mark.parametrize(
    "payload",
    [
        b"online",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b"\xff\xfe",
        b'{"state":"well"}',
        b'{"state":"ready","line_quality":2}',
        b'{"state":"ready","outbox_depth":-1}',
        b'{"state":"ready","not_after":"2026-01-01T00:00:00"}',
        b'{"state":"ready","not_after":"never"}',
        b'{"state":"ready","software":"<b>0.1</b> "}',
        json.dumps({"state": "ready", "software": "\x1b[31mred"}).encode(),
        json.dumps({"state": "ready", "software": "v" * 33}).encode(),
        b'{"state":"ready","software":["0.1"]}',
        b"[" * 1_000,
    ],
)
def test_an_odd_status_is_refused_and_changes_nothing(cloud, payload):
    cloud.hear(encode_status(READY))
    assert cloud.hear(payload) == ["malformed"]
    assert cloud.report().software == "0.1.0"


def test_an_oversized_status_a_stranger_and_a_revoked_chip_are_refused(cloud):
    assert cloud.hear(b" " * (STATUS_MAX_BYTES + 1)) == ["oversize"]
    assert cloud.hear(encode_status(READY), FakeChip()) == ["unknown_device"]
    other = cloud.enrolled()
    cloud.store.revoke(other.device)
    assert cloud.hear(encode_status(READY), other) == ["unknown_device"]
    assert cloud.hear(b"") == []
    assert cloud.report().state is None


def test_a_newer_chip_may_say_more(cloud):
    told = json.loads(encode_status(READY)) | {"mood": "good"}
    assert cloud.hear(json.dumps(told).encode()) == []


@given(st.binary(max_size=2_000))
def test_no_bytes_do_worse_than_be_refused(payload):
    with contextlib.suppress(MessageRefused):
        decode_status(payload)


@given(st.builds(Status, state=st.sampled_from(State), outbox_depth=st.integers(0, 2**40)))
def test_what_is_written_is_read_and_is_small(status):
    assert decode_status(encode_status(status)) == status
    assert len(encode_status(status)) <= STATUS_MAX_BYTES


def test_metrics_are_counts_and_bounded(cloud):
    cloud.hear(encode_status(READY))
    for number in range(SOFTWARES_MAX + 4):
        other = cloud.enrolled()
        lost = Status(state=State.LOST, software=f"9.{number}")
        cloud.hear(encode_status(lost), other)
    cloud.enrolled()
    fleet = cloud.store.fleet
    chips, *softwares = chip_points("testville", fleet.states(), fleet.softwares())
    assert chips["fields"] == {"enrolled": SOFTWARES_MAX + 6, "online": 1}
    assert len(softwares) == SOFTWARES_MAX + 1
    assert sum(each["fields"]["chips"] for each in softwares) == SOFTWARES_MAX + 5
    assert chip_points("testville", [Count("", 2)], [])[0]["fields"]["online"] == 0
