"""`volet edge decode` as the tool for a bug report: record, mask, live view and hints."""

import json
import os
import pty
import select
import signal
import subprocess
import time
from pathlib import Path

import pytest

from edge.simulate.link import PtyLink
from system.patience import Patience
from tests.integration.test_tic_cli import TIMEOUT_S, VOLET, decode, lines
from tests.support.spoiled_line import invert
from tests.support.sweeps import swept
from tests.unit.tic.test_masking import Home, left

FRENCH = os.environ | {"LC_ALL": "fr_FR.UTF-8"}


@pytest.fixture
def home():
    return Home(11, frames=30)


def summary(done: subprocess.CompletedProcess[bytes]) -> dict:
    return json.loads(done.stdout.splitlines()[-1])["summary"]


def test_a_masked_record_holds_nothing_of_the_home_and_decodes_again(tmp_path, home):
    capture, record = tmp_path / "capture", tmp_path / "record"
    capture.write_bytes(home.stream)
    printed = decode(capture, "--masked", "--json", "--record", record)
    played = decode(record, "--json")
    assert printed.returncode == played.returncode == 0
    assert printed.stdout == played.stdout
    assert left(home, printed.stdout) == left(home, played.stdout) == set()
    plain = summary(decode(capture, "--json"))
    assert summary(played) == plain
    assert plain["complete"] == 30
    assert json.loads(record.read_text().splitlines()[0])["is_masked"]


def test_a_record_plays_the_same_bytes_again(tmp_path, home):
    capture, record, again = tmp_path / "capture", tmp_path / "record", tmp_path / "again"
    capture.write_bytes(home.stream)
    first = decode(capture, "--json", "--record", record)
    assert (
        decode("-", "--json", "--record", again, stream=record.read_bytes()).stdout == first.stdout
    )
    assert again.read_text().splitlines()[1:] == record.read_text().splitlines()[1:]


def test_a_record_is_not_overwritten(tmp_path, home):
    record = tmp_path / "record"
    record.write_text("mine")
    done = decode("-", "--record", record, stream=home.stream)
    assert done.returncode == 5
    assert b"nothing is overwritten" in done.stderr
    assert record.read_text() == "mine"


def test_a_limit_without_a_record_is_wrong_usage():
    assert decode("-", "--record-limit", "5", stream=b"").returncode == 2


def test_at_its_limit_the_record_ends_and_decoding_goes_on(tmp_path):
    home, record = Home(3, frames=2500), tmp_path / "record"
    done = decode("-", "--record", record, "--record-limit", "1", "--json", stream=home.stream)
    assert summary(done)["complete"] == 2500
    assert record.stat().st_size <= 1_000_000
    assert b"has reached 1 MB" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_loses_nothing_that_came(tmp_path, home, number):
    link, record = tmp_path / "tic", tmp_path / "record"
    command = [*VOLET, "--device", link, "--json", "--masked", "--record", record]
    with PtyLink(link) as line:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        line.wait_for_reader()
        for at in range(0, len(home.stream), 200):
            line.send(home.stream[at : at + 200])
        line.drain()
        time.sleep(0.5)
        process.send_signal(number)
        output, _ = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 0
    assert json.loads(output.splitlines()[-1])["summary"]["complete"] == 30
    again = lines(decode(record, "--json"))
    assert again[-1]["summary"]["complete"] == 30
    assert left(home, record.read_bytes()) == set()


def screen(command: list[object], line: PtyLink, home: Home, environment: dict[str, str]) -> str:
    """Return what a program shows on a terminal while the home's line is sent to it."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True
    )
    os.close(slave)
    line.wait_for_reader()
    shown = b""
    patience = Patience(TIMEOUT_S)
    line.send(home.stream)
    while b"30 " not in shown and patience.lasts(shown):
        if select.select([master], [], [], 0.2)[0]:
            shown += os.read(master, 65_536)
    process.send_signal(signal.SIGINT)
    try:
        while part := os.read(master, 65_536):
            shown += part
    except OSError:  # the program has closed its terminal
        pass
    os.close(master)
    assert process.wait(TIMEOUT_S) == 0
    return shown.decode()


@pytest.mark.parametrize(
    ("environment", "word"), [(os.environ, "complete"), (FRENCH, "complètes")], ids=["en", "fr"]
)
def test_a_terminal_shows_the_present_values(tmp_path, home, environment, word):
    link = tmp_path / "tic"
    size = {"COLUMNS": "120", "LINES": "70", "TERM": "xterm"}
    with PtyLink(link) as line:
        shown = screen([*VOLET, "--device", link, "--masked"], line, home, environment | size)
    assert word in shown
    assert "\x1b[" in shown
    assert left(home, shown.encode()) == set()
    assert "XXXXXX" in shown


def test_a_short_terminal_shows_values_in_columns(tmp_path, home):
    link = tmp_path / "tic"
    size = os.environ | {"COLUMNS": "80", "LINES": "12", "TERM": "xterm"}
    with PtyLink(link) as line:
        shown = screen([*VOLET, "--device", link], line, home, size)
    last = shown.rpartition("30 ")[2]
    assert last.count("\n") < 12


def test_a_device_that_is_not_there_is_named_with_those_that_are(tmp_path):
    done = decode("--device", tmp_path / "ttyUSB7", "--lang", "fr")
    assert done.returncode == 5
    assert "ce port n'existe pas" in done.stderr.decode()


def test_a_silent_device_is_hinted_while_it_is_read(tmp_path):
    link = tmp_path / "tic"
    with PtyLink(link) as line:
        process = subprocess.Popen(
            [*VOLET, "--device", link], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        line.wait_for_reader()
        while b"Nothing arrives" not in process.stderr.readline():
            pass
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 0
    assert b"Nothing was received." in output


def test_records_of_others_cannot_write_to_the_terminal(tmp_path):
    path = Path(tmp_path / "record")
    path.write_bytes(b'{"volet_line_record":1,"software":"\\u001b[2J"}\n')
    done = decode(path)
    assert done.returncode == 5
    assert b"\x1b" not in done.stderr + done.stdout


def test_a_masked_record_of_an_unreadable_line_gives_the_hint_of_the_line(tmp_path, home):
    capture, record = tmp_path / "capture", tmp_path / "record"
    capture.write_bytes(invert(home.stream, home.mode))
    shown = [
        decode(capture, "--json"),
        decode(capture, "--json", "--masked", "--record", record),
        decode(record, "--json"),
    ]
    assert [summary(done)["faults"] for done in shown] == [["inverted"]] * 3
    assert [done.returncode for done in shown] == [5, 5, 5]
    assert left(home, record.read_bytes()) == set()


def test_a_record_is_replayed_as_it_was_read(tmp_path, home):
    capture, record = tmp_path / "capture", tmp_path / "record"
    capture.write_bytes(home.stream)
    first = decode(capture, "--json", "--record", record)
    assert decode(record, "--replay", "--json").stdout == first.stdout
    done = decode(capture, "--replay")
    assert (done.returncode, done.stderr.count(b"\n")) == (5, 1)
    assert b"no times to play by" in done.stderr
    assert decode("--device", "/dev/null", "--replay").returncode == 2


def test_a_terminal_shows_a_replay_as_it_showed_the_line(tmp_path, home):
    capture, record = tmp_path / "capture", tmp_path / "record"
    capture.write_bytes(home.stream)
    decode(capture, "--masked", "--record", record)
    size = os.environ | {"COLUMNS": "120", "LINES": "70", "TERM": "xterm"}
    with PtyLink(tmp_path / "tic") as line:
        line.wait_for_reader = lambda: None
        shown = screen([*VOLET, record, "--replay"], line, home, size)
    assert "complete" in shown
    assert "\x1b[" in shown
    assert "XXXXXX" in shown


@pytest.mark.parametrize(
    "device", swept(["/dev/null", "/dev/zero", "/dev/tty", "/dev/ptmx", "/dev/random", "/dev"], 3)
)
def test_what_is_no_serial_device_is_refused_at_once(device):
    done = decode("--device", device, "--lang", "fr")
    assert (done.returncode, done.stderr.count(b"\n")) == (5, 1)
    assert f"{device} n'est pas un port série" in done.stderr.decode()
