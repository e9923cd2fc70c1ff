"""Each benchmark runs, its checks hold, and they notice a wrong result; nothing here is timed."""

import math
import socket
from dataclasses import replace

import msgspec
import pytest
from click.testing import CliRunner
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from benchmarks import __main__ as command
from benchmarks import area, area_trustee, chip, cipher, ingest, live_chip, receipt, report, tic
from benchmarks.household import Month
from benchmarks.machine import this_machine
from benchmarks.mqtt_size import publish_bytes
from benchmarks.row import Bound, Row, Rows
from benchmarks.tic_peers import EnedisTic, SerialTeleinfo
from edge.simulate.tariff import MeterOption
from edge.tic.frame import Mode
from system.mqtt.message import Incoming

TINY = 0.001


@pytest.fixture(autouse=True)
def results_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "RESULTS", tmp_path / "results")


def assert_sound(rows, benchmark):
    assert rows
    assert {row.benchmark for row in rows} == {benchmark}
    assert len({(row.name, row.unit) for row in rows}) == len(rows)
    for row in rows:
        assert math.isfinite(row.value), row
        assert row.low <= row.value <= row.high, row
        assert row.is_kept, row


def value_of(rows, name):
    return next(row.value for row in rows if row.name == name)


@pytest.mark.long
def test_cipher_keeps_its_sizes_and_agrees_with_its_peers(monkeypatch):
    monkeypatch.setattr(cipher, "BFV_PARAMETERS", ((4096, 20),))
    rows = cipher.run(TINY)
    assert_sound(rows, "cipher")
    assert value_of(rows, "ciphertext, a reading") == 8
    assert sum(row.bound is not None for row in rows) == 2


def test_cipher_notices_a_wrong_sum(monkeypatch):
    right = cipher.weighted_sum
    monkeypatch.setattr(cipher, "weighted_sum", lambda c, w: right(c, w) + (1 << 30))
    month = Month.encrypted()
    with pytest.raises(AssertionError):
        cipher._ours(Rows("cipher"), month, 1)


def test_tic_finds_the_same_groups_as_its_peers():
    rows = tic.run(TINY)
    assert_sound(rows, "tic")
    assert value_of(rows, "historique: serial-teleinfo: frames reported") > 80


@pytest.mark.parametrize("peer", [EnedisTic(), SerialTeleinfo()], ids=lambda peer: peer.name)
def test_tic_notices_a_peer_that_reports_something_else(peer):
    line = tic.make_line(Mode.HISTORIQUE, MeterOption.HPHC, 0.5)
    found = tic.decode(line.data)
    reported = peer.decode(line.data)
    assert 0 < tic._check(line, found, reported) <= 1
    wrong = [{**reported[0], "PAPP": "99999"}, *reported[1:]]
    with pytest.raises(AssertionError):
        tic._check(line, found, wrong)


@pytest.mark.long
@pytest.mark.usefixtures("mosquitto_available")
def test_chip_stays_below_its_memory_and_meters_what_the_meter_counted(monkeypatch):
    monkeypatch.setattr(live_chip, "SETTLE_S", 0.1)
    rows = chip.run(TINY)
    assert_sound(rows, "chip")
    assert sum(row.bound is not None for row in rows) == 3


@pytest.mark.usefixtures("mosquitto_available")
def test_ingest_stores_every_block_with_and_without_the_broker():
    assert_sound(ingest.run(TINY), "ingest")


def test_ingest_notices_a_block_that_is_refused(monkeypatch):
    make = ingest.batches

    def spoilt(chips, days, number):
        (batch,) = make(chips, days, number)
        *rest, last = batch.messages
        message = Incoming(last.topic, last.payload[:-1] + bytes([last.payload[-1] ^ 1]))
        return [replace(batch, messages=(*rest, message))]

    monkeypatch.setattr(ingest, "batches", spoilt)
    with pytest.raises(AssertionError):
        ingest._core(Rows("ingest"), 1, 1)


def test_area_opens_what_it_sums_and_keeps_its_size(monkeypatch):
    # Speed is for the benchmark to judge.
    monkeypatch.setattr(area, "SUMS_AT_LEAST", 0)
    monkeypatch.setattr(area_trustee, "MASKS_AT_LEAST", 0)
    rows = area.run(TINY)
    assert_sound(rows, "area")
    assert sum(row.bound is not None for row in rows) == 3


def test_area_notices_a_wrong_sum(monkeypatch):
    right = area.add_up
    monkeypatch.setattr(area, "add_up", lambda words: right(words) + 1)
    with pytest.raises(AssertionError):
        area._sums(Rows("area"), 100, 1)


def test_area_notices_masks_that_are_not_the_protocols(monkeypatch):
    right = area_trustee.mask
    monkeypatch.setattr(area_trustee, "mask", lambda _key, *rest: right(bytes(32), *rest))
    with pytest.raises(AssertionError):
        area_trustee._masks(Rows("area"), 10, 1, 1.0)


@pytest.mark.parametrize("size", [0, 60, 61, 100, 1_130, 16_300, 20_000])
def test_mqtt_sizes_are_those_that_a_client_sends(size):
    topic, payload = "volet/v1/benchville/d/x/up/block", bytes(size)
    sent = []
    client = Client(CallbackAPIVersion.VERSION2, "x", protocol=MQTTProtocolVersion.MQTTv5)
    client._sock, other = socket.socketpair()
    client._packet_queue = lambda _command, packet, *_rest, **_named: sent.append(packet)
    client._send_publish(1, topic.encode(), payload, qos=1)
    client._reset_sockets()
    other.close()
    assert publish_bytes(topic, payload) == len(sent[0])


@pytest.mark.parametrize(
    ("side", "limit", "is_kept"),
    [("below", 10, False), ("below", 10.1, True), ("at least", 10, True), ("at least", 11, False)],
)
def test_a_bound_is_judged_on_the_median(side, limit, is_kept):
    rows = Rows("x")
    rows.add("y", [9, 10, 99], "z", bound=Bound(side, limit))
    assert rows.rows[0].value == 10
    assert rows.rows[0].is_kept is is_kept


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1234567.8, "1 234 568"), (60.0, "60"), (14.852, "14.85"), (0.0069041, "0.006904")],
)
def test_figures_are_written_with_the_digits_that_count(value, text):
    assert report.figure(value) == text


def test_json_lines_can_be_read_back():
    rows = Rows("x")
    rows.add("y", [1, 2, 3], "z", bound=Bound("below", 4), note="n")
    machine, line = report.json_lines(this_machine(), rows.rows).splitlines()
    assert msgspec.json.decode(line, type=Row) == rows.rows[0]
    assert msgspec.json.decode(machine)["cores"] > 0


@pytest.mark.parametrize(("value", "status"), [(1, 0), (3, 1)])
def test_the_command_fails_where_a_promised_bound_is_broken(monkeypatch, value, status):
    rows = Rows("tic")
    rows.add("size", value, "bytes", bound=Bound("below", 2))
    monkeypatch.setattr(command, "measure", lambda _name, _scale: rows.rows)
    run = CliRunner().invoke(command.bench, ["tic"])
    assert run.exit_code == status
    assert "size" in run.output


def test_the_command_gives_json_lines(monkeypatch):
    rows = Rows("tic")
    rows.add("size", 1, "bytes")
    monkeypatch.setattr(command, "measure", lambda _name, _scale: rows.rows)
    run = CliRunner().invoke(command.bench, ["tic", "--json"])
    lines = run.stdout.splitlines()
    assert len(lines) == 2
    assert msgspec.json.decode(lines[1], type=Row) == rows.rows[0]


def test_the_command_knows_its_benchmarks():
    assert CliRunner().invoke(command.bench, ["nonsense"]).exit_code == 2


def test_receipts_are_proven_and_the_peer_opens():
    rows = receipt.run(TINY)
    assert_sound(rows, "receipt")
    assert value_of(rows, "commitment, a day") == 32
    assert value_of(rows, "peer: commitments, a day") == 384


def test_the_receipts_benchmark_notices_a_proof_of_anything(monkeypatch):
    monkeypatch.setattr(receipt, "verify", lambda *_: None)
    with pytest.raises(AssertionError, match="lowered total"):
        receipt.run(TINY)
