"""Root, by `sudo` mostly, leaves nothing in a chip's directory that its user could not read."""

import os

import pytest
from click.testing import CliRunner

from edge.commands.table import edge
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
