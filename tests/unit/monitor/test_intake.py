"""Whatever the broker delivers is taken or counted, and never ends the monitor."""

from collections import Counter
from datetime import UTC, date, datetime

import pytest
from structlog.testing import capture_logs

from monitor.broker import COUNTERS
from monitor.figures import FIGURES_MAX, LatestFigure
from monitor.intake import STATUSES_A_DAY, Intake, filters
from protocol.errors import Reason
from protocol.ids import DeviceId
from protocol.release import CurveSum, encode
from protocol.status import State, Status, encode_status
from protocol.topics import Kind, area_topic, device_topic
from system.mqtt.message import Incoming
from system.set_aside import SetAside
from tests.support.figures import CODE, curve_payload

CHIP = DeviceId("a" * 26)
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
STATUS = device_topic("ville", CHIP, Kind.STATUS)
FIGURE = area_topic("ville", "curve", CODE)
READY = encode_status(Status(state=State.READY, at=NOW))
DAY = date(2026, 3, 8)


@pytest.fixture
def intake():
    return Intake("ville", 10, SetAside(), lambda: NOW, lambda: 0.0)


def take(intake, topic, payload):
    intake.take(Incoming(topic, payload))


def test_statuses_figures_and_counters_are_taken(intake):
    take(intake, STATUS, READY)
    take(intake, FIGURE, curve_payload(DAY))
    take(intake, "$SYS/broker/uptime", b"17 seconds")
    take(intake, "$SYS/broker/clients/connected", b"5000")
    assert set(intake.fleet.chips) == {CHIP}
    assert intake.figures.latest == {("curve", CODE): LatestFigure(DAY, 0.8333)}
    assert intake.broker.values == {"uptime_seconds": 17, "clients_connected": 5000}
    assert intake.taken == Counter({"status": 1, "area": 1, "$SYS": 2})
    assert not intake.refused
    assert intake.last_at == NOW


@pytest.mark.parametrize(
    ("topic", "payload", "reason"),
    [
        (STATUS, b"{", Reason.MALFORMED),
        (STATUS, b'{"state":"novel"}', Reason.MALFORMED),
        (STATUS, READY + b" " * 2_000, Reason.OVERSIZE),
        (FIGURE, b"[]", Reason.MALFORMED),
        (FIGURE, curve_payload(DAY, day="yesterday"), Reason.MALFORMED),
        (FIGURE, curve_payload(DAY, code="75102"), Reason.TOPIC),
        (FIGURE, b" " * 70_000, Reason.OVERSIZE),
        ("$SYS/broker/uptime", b"-1", Reason.MALFORMED),
        ("$SYS/broker/uptime", b"9" * 40, Reason.MALFORMED),
        (device_topic("ville", CHIP, Kind.KEY), READY, Reason.TOPIC),
        (device_topic("another", CHIP, Kind.STATUS), READY, Reason.TOPIC),
        ("volet/v1/ville/area/a b/1", b"", Reason.TOPIC),
        ("", b"", Reason.TOPIC),
    ],
)
def test_what_cannot_be_used_is_counted_and_named_once(intake, topic, payload, reason):
    with capture_logs() as logs:
        take(intake, topic, payload)
        take(intake, topic, payload)
    assert intake.refused == {reason: 2}
    assert not intake.taken
    assert [entry["event"] for entry in logs] == ["message_refused"]
    take(intake, STATUS, READY)
    assert set(intake.fleet.chips) == {CHIP}


def test_a_defect_sets_one_message_aside(intake, monkeypatch):
    monkeypatch.setattr("monitor.fleet.decode_status", lambda _: 1 / 0)
    with capture_logs():
        take(intake, STATUS, READY)
    monkeypatch.undo()
    take(intake, STATUS, READY)
    assert [each.defect for each in intake.set_aside.messages] == ["ZeroDivisionError"]
    assert not intake.fleet.chips
    take(intake, STATUS, encode_status(Status(state=State.ALERT)))
    assert set(intake.fleet.chips) == {CHIP}


def test_the_coverage_of_a_parent_counts_too(intake):
    total = CurveSum("curve", CODE, DAY.isoformat(), 0, "Wh", (), (), (), 9, 12, 0.75, True, ())
    take(intake, FIGURE, encode(total))
    assert intake.figures.latest["curve", CODE].coverage == 0.75
    total = CurveSum("curve", CODE, DAY.isoformat(), 0, "Wh", (), (), (), 9, 12, 75.0, True, ())
    take(intake, FIGURE, encode(total))
    assert intake.refused == {Reason.BOUNDS: 1}


def test_a_later_day_replaces_an_earlier_one_and_an_empty_message_clears_it(intake):
    for day in (DAY, date(2026, 3, 9), date(2026, 3, 7)):
        take(intake, FIGURE, curve_payload(day))
    assert intake.figures.latest["curve", CODE].day == date(2026, 3, 9)
    take(intake, FIGURE, b"")
    assert not intake.figures.latest


def test_of_too_many_groups_no_more_are_kept(intake):
    known = LatestFigure(DAY, 0.5)
    intake.figures.latest = {("curve", str(number)): known for number in range(FIGURES_MAX)}
    take(intake, FIGURE, curve_payload(DAY))
    assert len(intake.figures.latest) == FIGURES_MAX
    assert intake.figures.dropped == 1


def test_a_chip_that_sends_too_many_waits_and_others_do_not(intake):
    admitted = sum(intake.admits(Incoming(STATUS, READY)) for _ in range(STATUSES_A_DAY))
    assert admitted == STATUSES_A_DAY / 4
    assert intake.refused[Reason.QUOTA] == STATUSES_A_DAY - admitted
    other = device_topic("ville", DeviceId("b" * 26), Kind.STATUS)
    assert intake.admits(Incoming(other, READY))
    assert all(intake.admits(Incoming(topic, b"1")) for topic in COUNTERS for _ in range(1_000))


def test_it_subscribes_to_what_a_monitor_may_read():
    assert filters("ville")[:2] == ("volet/v1/ville/d/+/status", "volet/v1/ville/area/+/+")
    assert all(topic.startswith("$SYS/broker/") for topic in filters("ville")[2:])
