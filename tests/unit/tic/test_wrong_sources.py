"""A file that is no capture is an error of the configuration, in one sentence."""

import errno
import os
import pty
import subprocess
import sys

import pytest
from click.testing import CliRunner

from edge.commands.table import edge
from tests.support.broker import enrol_chip, make_cloud
from tests.support.sweeps import swept
from volet import main as main_module

CONFIGURATION = 5


def volet(monkeypatch, capsys, *arguments):
    """Run the command in this process; returns exit code and standard error."""
    monkeypatch.setattr("sys.argv", ["volet", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main_module.main()
    return ended.value.code, capsys.readouterr().err


def wrong(tmp_path, kind):
    """Make what is no capture."""
    path = tmp_path / "capture"
    if kind == "a directory":
        path.mkdir()
    elif kind != "missing":
        path.write_bytes({"empty": b"", "text": b"hello, world\n" * 100, "noise": bytes(999)}[kind])
    return path


@pytest.mark.parametrize("kind", ["empty", "text", "noise", "a directory", "missing"])
def test_what_is_no_capture_is_refused_by_decode(tmp_path, monkeypatch, capsys, kind):
    path = wrong(tmp_path, kind)
    code, said = volet(monkeypatch, capsys, "edge", "decode", path)
    assert code == CONFIGURATION
    assert said.startswith("volet: ")
    assert said.count("\n") == 1


@pytest.mark.parametrize("kind", ["empty", "text", "noise", "a directory", "missing"])
def test_what_is_no_curve_is_refused_by_simulate(tmp_path, monkeypatch, capsys, kind):
    path = wrong(tmp_path, kind)
    code, said = volet(monkeypatch, capsys, "edge", "simulate", "--curve", path)
    assert code == CONFIGURATION
    assert said.startswith(f"volet: {path}")
    assert said.count("\n") == 1


def test_what_is_no_capture_is_refused_from_standard_input():
    done = subprocess.run(
        [sys.executable, "-m", "volet.main", "edge", "decode"],
        input=b"hello, world\n",
        capture_output=True,
        check=False,
    )
    assert done.returncode == CONFIGURATION
    assert done.stderr.startswith(b"volet: Standard input is no capture")


def test_a_terminal_is_no_capture():
    """It would wait for ever for what nobody types."""
    ours, terminal = pty.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "volet.main", "edge", "decode"],
            stdin=terminal,
            capture_output=True,
            check=False,
        )
    finally:
        os.close(ours)
        os.close(terminal)
    assert done.returncode == CONFIGURATION
    assert done.stderr.startswith(b"volet: Standard input is this terminal")
    assert b"--device" in done.stderr


@pytest.mark.parametrize("kind", swept(["noise", "empty", "text", "a directory", "missing"], 5))
def test_a_chip_does_not_start_on_what_is_no_source(tmp_path, kind):
    chip = tmp_path / "chip"
    make_cloud(tmp_path / "cloud")
    enrol_chip(tmp_path / "cloud", chip)
    path = wrong(tmp_path, kind)
    command = (sys.executable, "-m", "volet.main", "edge", "run", "--dir", chip, "--source", path)
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert done.returncode == CONFIGURATION
    assert done.stderr.splitlines()[-1].startswith(f"volet: {path}")


def test_a_capture_without_permission_is_refused(tmp_path, monkeypatch, capsys):
    path = wrong(tmp_path, "text")

    def denied(*_args, **_more):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr("os.open", denied)
    code, said = volet(monkeypatch, capsys, "edge", "decode", path)
    assert (code, said.count("\n")) == (CONFIGURATION, 1)
    assert "permission denied" in said


def test_a_file_is_no_device(tmp_path):
    path = tmp_path / "capture"
    path.write_bytes(b"\x02")
    done = CliRunner().invoke(edge, ["--lang", "en", "decode", "--device", str(path)])
    assert str(done.exception) == f"{path} is a file, not a device; give it without --device."
