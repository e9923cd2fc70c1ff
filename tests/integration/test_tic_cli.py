"""`volet edge decode` as a program that others call."""

import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edge.simulate.link import PtyLink
from edge.tic.frame import Mode
from edge.tic.serial_line import SerialSource
from tests.unit.tic.tic_streams import PROFILE, frame_bytes

TIMEOUT_S = 60
STANDARD = frame_bytes(
    Mode.STANDARD,
    [
        ("ADSC", "041876543210", None),
        ("DATE", "", "e260714182030"),
        ("EAST", "011887649", None),
        ("DPM1", "01", " 260715060000"),
        ("STGE", "013A0401", None),
        ("RELAIS", "140", None),
        ("PJOURF+1", PROFILE, None),
    ],
)
VOLET = [sys.executable, "-m", "volet.main", "edge", "decode"]


def decode(*arguments: str | Path, stream: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [*VOLET, *map(str, arguments)]
    return subprocess.run(
        command, input=stream, capture_output=True, timeout=TIMEOUT_S, check=False
    )


def lines(done: subprocess.CompletedProcess[bytes]) -> list[dict]:
    assert done.returncode == 0, done.stderr
    assert done.stderr == b""
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_frames_and_summary_have_the_fields_of_the_contract(tmp_path):
    path = tmp_path / "capture.bin"
    path.write_bytes(STANDARD + STANDARD.replace(b"011887649", b"011887640")[:-1])
    whole, cut, last = lines(decode(path, "--json"))
    fields = [
        "mode",
        "start",
        "end",
        "opened_by",
        "closed_by",
        "complete",
        "values",
        "rejected",
        "unknown",
        "decoded",
    ]
    assert list(whole) == list(cut) == fields
    assert (whole["mode"], whole["start"], whole["end"]) == ("standard", 0, len(STANDARD))
    assert (whole["opened_by"], whole["closed_by"], whole["complete"]) == ("STX", "ETX", True)
    assert whole["values"]["EAST"] == {
        "value": "011887649",
        "timestamp": None,
        "timestamp_iso": None,
    }
    assert whole["values"]["DATE"] == {
        "value": "",
        "timestamp": "e260714182030",
        "timestamp_iso": "2026-07-14T18:20:30+02:00",
    }
    assert whole["values"]["DPM1"]["timestamp_iso"] == "2026-07-15T06:00:00"
    assert whole["decoded"]["STGE"]["supplier_index"] == 2
    assert whole["decoded"]["RELAIS"] == [0, 0, 1, 1, 0, 0, 0, 1]
    assert [slot["start"] for slot in whole["decoded"]["PJOURF+1"]] == ["00:00", "06:00", "22:00"]
    assert (cut["closed_by"], cut["complete"]) == ("EOF", False)
    assert [list(rejected) for rejected in cut["rejected"]] == [["raw", "reason"]]
    assert last == {
        "summary": {
            "mode": "standard",
            "frames": 2,
            "complete": 1,
            "groups": 13,
            "rejected": 1,
            "line_quality": 0.9286,
            "faults": [],
        }
    }


@pytest.mark.parametrize("arguments", [("--json",), ("-", "--json")])
def test_standard_input_is_the_default(arguments):
    frame, last = lines(decode(*arguments, stream=STANDARD))
    assert frame["complete"]
    assert last["summary"]["line_quality"] == 1.0


@pytest.mark.parametrize("garbage", [b"", bytes(3000), b"\xf0\x87\x02\x03\r\n" * 500])
def test_garbage_gives_no_frame_and_is_an_error(garbage):
    done = decode("-", "--json", stream=garbage)
    assert done.returncode == 5
    assert done.stderr.startswith(b"volet: Standard input is no capture")
    (last,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert last["summary"]["mode"] is None
    assert (last["summary"]["frames"], last["summary"]["groups"]) == (0, 0)
    assert last["summary"]["line_quality"] == (0.0 if garbage else None)


def test_people_read_names_units_and_what_was_refused():
    stream = STANDARD + STANDARD.replace(b"011887649", b"011887640")
    done = decode("-", stream=stream)
    text = done.stdout.decode()
    assert done.returncode == 0
    assert "11887649 Wh" in text
    assert "energy drawn, total" in text
    assert "2026-07-14T18:20:30+02:00 (clock degraded)" in text
    assert "refused: 'EAST" in text
    assert "2 frames, 1 complete" in text


def test_frames_of_every_kind_are_shown_to_people():
    historique = frame_bytes(Mode.HISTORIQUE, [("PTEC", "HP..", None), ("IINST", "009", None)])
    text = decode("-", stream=historique * 2 + STANDARD).stdout.decode()
    assert "9 A" in text
    assert "3 frames, 3 complete" in text


def test_a_standard_input_that_is_closed_is_one_sentence():
    command = shlex.join([*VOLET, "--json"]) + " <&-"
    done = subprocess.run(command, shell=True, capture_output=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 5
    assert done.stderr == b"volet: Standard input is closed; give the path of a capture.\n"


def test_garbage_is_explained_to_people():
    assert b"the input is stuck" in decode("-", stream=bytes(3000)).stdout
    text = decode("-", "--lang", "fr", stream=bytes(3000)).stdout.decode()
    assert "Aucun groupe TIC dans 3000 octets." in text
    assert "l'entrée est bloquée" in text


@pytest.mark.parametrize(
    "arguments", [("/nonexistent/capture",), ("/",), ("--device", "/nonexistent/tty")]
)
def test_what_cannot_be_read_is_one_sentence(arguments):
    done = decode(*arguments)
    assert done.returncode == 5
    assert done.stdout == b""
    assert done.stderr.startswith(b"volet: ")
    assert done.stderr.count(b"\n") == 1


def test_a_file_and_a_device_together_are_wrong_usage(tmp_path):
    assert decode(tmp_path, "--device", tmp_path).returncode == 2


def test_a_reader_that_goes_away_causes_no_complaint():
    command = [*VOLET, "-", "--json"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(STANDARD * 2000)
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        assert process.stderr.read() == b""
        process.wait(TIMEOUT_S)


def test_a_device_is_followed_frame_by_frame_until_interrupted():
    controller, device = os.openpty()
    command = [*VOLET, "--device", os.ttyname(device), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        assert b"serial_line_opened" in process.stderr.readline()
        os.write(controller, STANDARD)
        assert json.loads(process.stdout.readline())["complete"]
        process.send_signal(signal.SIGINT)
        last = json.loads(process.stdout.readline())
        assert last["summary"]["frames"] == 1
        assert process.wait(TIMEOUT_S) == 0
    os.close(device)
    os.close(controller)


def test_a_device_that_a_chip_holds_is_named_at_once(tmp_path):
    link = tmp_path / "tic"
    with PtyLink(link):
        chip = SerialSource(link, lambda: 0)
        chip.read(0.0)
        done = decode("--device", link)
        chip.close()
    assert done.returncode == 5
    assert b"is held by another program" in done.stderr
    assert b"volet edge status" in done.stderr
