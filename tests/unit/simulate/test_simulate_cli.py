"""`volet edge simulate` as a person uses it: standard output, a pty, and errors."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from edge.commands.simulate import simulate
from edge.tic.decoder import Decoder
from edge.tic.frame import Mode
from system.patience import Patience

COMMAND = [sys.executable, "-m", "volet.main", "edge", "simulate"]
DEADLINE_S = 30


def output(*arguments: str) -> bytes:
    done = CliRunner().invoke(simulate, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout_bytes


def failure(*arguments: str) -> tuple[int, str]:
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False)
    assert done.stdout == ""
    return done.returncode, done.stderr


def read_all(path: Path, process: subprocess.Popen) -> bytes:
    patience = Patience(DEADLINE_S)
    while not path.is_symlink():
        assert patience.lasts(), "no link appeared"
        assert process.poll() is None
        select.select([], [], [], 0.02)
    line = os.open(path, os.O_RDONLY | os.O_NOCTTY)
    received = b""
    try:
        while patience.lasts(len(received)):
            ready, _, _ = select.select([line], [], [], 1.0)
            if not ready:
                continue
            try:
                data = os.read(line, 65_536)
            except OSError:  # the other end has gone
                return received
            if not data:
                return received
            received += data
    finally:
        os.close(line)
    pytest.fail("the line did not end")


@pytest.mark.parametrize("mode", list(Mode))
def test_standard_output_carries_decodable_frames(mode):
    data = output("--mode", mode.value, "--option", "tempo", "--speed", "max", "--to", "2025-01-02")
    frames = Decoder().feed(data)
    assert len(frames) == 24 * 60 + 1
    assert all(frame.is_complete and frame.mode is mode for frame in frames)


def test_curve_file_is_played_from_its_start_to_its_end(tmp_path):
    curve = tmp_path / "curve.csv"
    rows = [f"2025-01-01T{hour:02}:{minute}:00Z,900" for hour in (0, 1) for minute in ("00", "30")]
    curve.write_text("\n".join(["start_utc,energy_wh", *rows]) + "\n")
    frames = Decoder().feed(output("--curve", str(curve), "--speed", "max"))
    assert len(frames) == 121
    shown_wh = [int(frames[at].groups["EAST"].value) for at in (0, 60, 120)]
    assert [index_wh - shown_wh[0] for index_wh in shown_wh] == [0, 1_800, 3_600]


def test_same_seed_sends_the_same_bytes():
    arguments = ("--speed", "max", "--frame-step", "300", "--to", "2025-01-03", "--producer")
    spoilt = (*arguments, "--faults", "flips=0.01,drops=0.01", "--seed")
    assert output(*spoilt, "4") == output(*spoilt, "4")
    assert output(*spoilt, "4") != output(*spoilt, "5")


def test_pty_carries_every_byte_to_its_reader_and_goes_away(tmp_path):
    link = tmp_path / "tic"
    period = ("--speed", "500000", "--to", "2025-01-03")
    with subprocess.Popen(
        [*COMMAND, "--link", str(link), *period], stderr=subprocess.PIPE
    ) as process:
        received = read_all(link, process)
        assert process.wait(DEADLINE_S) == 0
    assert received == output("--speed", "max", "--frame-step", "900", "--to", "2025-01-03")
    assert not link.is_symlink()


def test_stopped_while_waiting_it_takes_its_link_away(tmp_path):
    link = tmp_path / "tic"
    with subprocess.Popen([*COMMAND, "--link", str(link)], stderr=subprocess.PIPE) as process:
        assert b"starts when it is opened" in process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE_S) == 0
    assert not link.is_symlink()


def test_errors_are_one_sentence_on_standard_error(tmp_path):
    bad = tmp_path / "bad.csv"
    bad.write_text("start_utc,energy_wh\n2025-01-01T00:00:00Z,12\nyesterday,3\n")
    code, text = failure("--curve", str(bad))
    assert code == 5
    assert text == f"volet: {bad}, line 3: start_utc 'yesterday' is not an ISO 8601 instant\n"
    code, text = failure("--kva", "18")
    assert (code, text.count("\n")) == (5, 1)
    assert "--phases 3" in text
    code, text = failure("--faults", "rain=0.1")
    assert (code, text.count("\n")) == (5, 1)
    code, text = failure("--from", "2025-01-05", "--to", "2025-01-02")
    assert (code, text.count("\n")) == (5, 1)
    code, text = failure("--link", str(bad))
    assert code == 5
    assert "choose another path" in text
    assert bad.read_text().startswith("start_utc")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--speed", "0"),
        ("--from", "soon"),
        ("--from", "0001-01-01"),
        ("--to", "9999-12-31"),
        ("--option", "gold"),
    ],
)
def test_wrong_usage_has_its_own_exit_code(arguments):
    assert failure(*arguments)[0] == 2


def test_list_of_tempo_days_is_followed(tmp_path):
    days = tmp_path / "days.csv"
    days.write_text("date,colour\n2025-01-01,rouge\n2025-01-02,blanc\n")
    period = ("--from", "2025-01-01T12:00", "--to", "2025-01-02T12:00", "--frame-step", "900")
    data = output("--option", "tempo", "--tempo-days", str(days), "--speed", "max", *period)
    names = {frame.groups["LTARF"].value.split()[1] for frame in Decoder().feed(data)}
    assert names == {"ROUGE", "BLANC"}
    days.write_text("date,colour\n2025-01-01,vert\n")
    code, text = failure("--option", "tempo", "--tempo-days", str(days))
    assert code == 5
    assert "line 2: expected a date and bleu, blanc or rouge" in text
