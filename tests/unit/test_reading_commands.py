"""A command that is pointed at a wrong directory makes nothing there and says so in one sentence."""

import click
import pytest
from click.testing import CliRunner

from cloud.store.sqlite.store import FILE_NAME
from protocol.errors import VoletError
from provider.service import draw_key
from tests.support.broker import make_cloud
from volet.main import exit_code, volet

CONFIGURATION = 5
# Commands whose work it is to make something in a directory that has nothing yet.
MAKING = {
    *("edge init", "edge setup", "cloud init", "provider init", "trustee init"),
    "monitor init",
}
# A worker brings a store to its version, and begins the first one.
MAKING_A_STORE = {"cloud run", "cloud new-store"}
# Commands that hear the broker until they are stopped, and have no store.
LISTENING = {"cloud audit capture"}
# Commands that work on files alone, or find out what to do from them first.
FILES_FIRST = {
    "cloud catalogue add",
    "cloud enrol",
    "cloud roster import",
    "edge import",
    "provider offer",
}
# Run by Volet itself: a unit would start the first again if it failed, so it logs what is wrong; the
# second is for machines without a chip too.
RUN_BY_ITSELF = {"software try-out", "software rehearse"}
# What a parameter is given; "x" where nothing is said.
VALUES = {
    "start": "2026-01-01",
    "end": "2026-02-01",
    "until": "2026-01-01",
    "name": "trustee-x",
    "role": "worker",
    "statement": "ab" * 16,
    "contract": "ab" * 32,
}


def commands(names=(), command=volet):
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from commands((*names, name), command.get_command(context, name))
    else:
        yield " ".join(names), command


ALL = dict(commands())
AT_A_DIRECTORY = sorted(
    name
    for name, command in ALL.items()
    if {"directory", "cloud"} & {parameter.name for parameter in command.params}
)


def arguments(command):
    """Give every parameter that a command needs something that it can parse."""
    for parameter in command.params:
        if not parameter.required:
            continue
        if isinstance(parameter, click.Option):
            yield parameter.opts[0]
        if isinstance(parameter.type, click.Choice):
            yield str(parameter.type.choices[0])
        elif isinstance(parameter.type, click.types.IntParamType):
            yield "1"
        else:
            yield VALUES.get(parameter.name, "x")


def pointed(command, directory, tmp_path):
    """Point a command at `directory`, as its own or as the cloud's; a provider has its keys."""
    names = {parameter.name: parameter.opts[0] for parameter in command.params}
    if "cloud" in names:
        yield from (names["cloud"], str(directory))
        if "directory" in names:
            keys = tmp_path / "provider"
            draw_key(keys)
            yield from (names["directory"], str(keys))
    else:
        yield from (names["directory"], str(directory))


@pytest.mark.parametrize("kind", ["empty", "missing", "another's"])
@pytest.mark.parametrize("name", [each for each in AT_A_DIRECTORY if each not in MAKING])
def test_a_command_makes_nothing_in_a_wrong_directory(name, kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    directory, command = tmp_path / "there", ALL[name]
    if kind == "empty":
        directory.mkdir()
    elif kind == "another's":
        directory.mkdir()
        (directory / "notes.txt").write_text("Nothing of Volet's.")
    given = [*pointed(command, directory, tmp_path), *arguments(command)]
    before = sorted(tmp_path.rglob("*"))
    done = CliRunner().invoke(volet, [*name.split(), *given], input="y\n" * 3)
    assert sorted(tmp_path.rglob("*")) == before
    error = done.exception
    if name in RUN_BY_ITSELF:
        assert error is None
        return
    assert isinstance(error, VoletError), (done.output, error)
    assert "\n" not in str(error)
    if name not in FILES_FIRST:
        assert exit_code(error) == CONFIGURATION, error


@pytest.mark.parametrize(
    "name",
    [
        each
        for each in AT_A_DIRECTORY
        if each not in MAKING | MAKING_A_STORE | LISTENING
        and each.split()[0] in {"cloud", "provider"}
    ],
)
def test_no_command_makes_a_store_where_it_was_lost(name, tmp_path, monkeypatch):
    """An empty store would stand in the way of the one that is to be put back."""
    monkeypatch.chdir(tmp_path)
    directory, command = tmp_path / "there", ALL[name]
    make_cloud(directory)
    for path in directory.glob(f"{FILE_NAME}*"):
        path.unlink()
    given = [*pointed(command, directory, tmp_path), *arguments(command)]
    CliRunner().invoke(volet, [*name.split(), *given], input="y\n" * 3)
    assert list(tmp_path.rglob(f"{FILE_NAME}*")) == []
