"""A file that is no capture is an error of the configuration, in one sentence."""

import pytest

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


@pytest.mark.xfail(reason="what is no capture ends in silence, or with another code")
@pytest.mark.parametrize("kind", ["empty", "text", "noise", "a directory", "missing"])
def test_what_is_no_capture_is_refused_by_decode(tmp_path, monkeypatch, capsys, kind):
    path = wrong(tmp_path, kind)
    code, said = volet(monkeypatch, capsys, "edge", "decode", path)
    assert code == CONFIGURATION
    assert said.startswith("volet: ")
    assert said.count("\n") == 1


@pytest.mark.xfail(reason="what is no curve has another code")
@pytest.mark.parametrize("kind", ["empty", "text", "noise", "a directory", "missing"])
def test_what_is_no_curve_is_refused_by_simulate(tmp_path, monkeypatch, capsys, kind):
    path = wrong(tmp_path, kind)
    code, said = volet(monkeypatch, capsys, "edge", "simulate", "--curve", path)
    assert code == CONFIGURATION
    assert said.startswith(f"volet: {path}")
    assert said.count("\n") == 1
