"""Root, by `sudo` mostly, leaves nothing in a chip's directory that its user could not read."""

import os
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from click.testing import CliRunner

from edge.commands.table import edge
from edge.contracts.enrolling import draw_keys
from protocol.errors import ConfigError

COMMANDS = (
    *(("init",), ("request",), ("status",), ("bills",), ("run",), ("erase",)),
    *(("backup", "--draw", "--out", "chip.backup"), ("enrol", "answer.json")),
)


@pytest.fixture
def theirs(tmp_path, monkeypatch):
    """Return a directory of another user than root."""
    chip = tmp_path / "chip"
    chip.mkdir()
    if os.geteuid() == 0:
        os.chown(chip, 65_500, 65_500)  # of no name
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return chip


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_command_of_the_household_is_typed_without_sudo(theirs, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "answer.json").write_text("{}")
    done = CliRunner().invoke(edge, ["--lang", "en", *command, "--dir", str(theirs)])
    assert isinstance(done.exception, ConfigError), done.output
    assert str(done.exception).endswith(", without `sudo`.")
    assert list(theirs.iterdir()) == []


def test_the_boards_set_up_needs_root_and_is_not_refused_for_it(theirs):
    done = CliRunner().invoke(edge, ["--lang", "en", "setup", "--dir", str(theirs)])
    assert "without `sudo`" not in str(done.exception)


def test_a_directory_of_roots_own_is_roots(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root has such a directory")
    done = CliRunner().invoke(edge, ["init", "--dir", str(tmp_path / "chip")])
    assert done.exit_code == 0, done.output


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
@pytest.mark.parametrize(
    ("lang", "next_step"),
    [("en", "it is #65500's: type this as #65500"), ("fr", "tapez ceci sous le nom de #65500")],
)
@pytest.mark.parametrize("is_whole", [True, False])
def test_one_to_whom_a_chip_is_closed_is_told_whose_it_is(at_large, lang, next_step, is_whole):
    """Whether its directory is closed or what is in it."""
    chip = at_large / "chip"
    draw_keys(chip)
    for path in (chip, *chip.rglob("*")):
        os.chown(path, 65_500, 65_500)
    chip.chmod(0o700 if is_whole else 0o755)
    arguments = ["--lang", lang, "status", "--dir", str(chip)]
    with another_user():
        done = CliRunner().invoke(edge, arguments)
    assert isinstance(done.exception, ConfigError), done.output
    assert str(done.exception).replace("\u202f", " ").endswith(f"{next_step}.")


@pytest.fixture
def at_large():
    """Return a directory to which everybody gets; pytest's own are closed to others."""
    with TemporaryDirectory() as path:
        Path(path).chmod(0o755)
        yield Path(path)


@contextmanager
def another_user():
    """Be a plain user who owns nothing."""
    os.seteuid(65_501)
    try:
        yield
    finally:
        os.seteuid(0)
