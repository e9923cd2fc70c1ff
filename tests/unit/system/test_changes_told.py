"""A program that calls a command which may change something learns whether it did."""

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from cloud.registry.broker import current_user
from protocol.ids import public_key_text
from system.commands import Change, changing
from tests.support.broker import make_cloud
from volet.main import volet

# Run until they are stopped, or talk to a person meanwhile.
AT_LENGTH = {
    *("edge run", "edge simulate", "edge page", "edge panel test"),
    *(
        "cloud run",
        "cloud release run",
        "cloud release once",
        "cloud api run",
        "cloud audit capture",
    ),
    *("trustee run", "monitor run"),
}
# Show something, or write it where they are told.
SHOWING = {
    *("cloud catalogue show", "cloud roster groups", "cloud release export"),
    *("provider key", "provider tariff schema", "software check", "software verify"),
}
# A person's, at home or at a provider; no playbook calls them.
BY_HAND = {
    *("edge confirm", "edge move-out", "edge export", "edge import", "edge erase"),
    *("provider init", "provider offer", "provider withdraw", "provider publish"),
    *("provider accept", "provider collect", "provider letter", "provider tariff regulated"),
    *("provider tariff hphc", "provider tariff tempo", "provider tariff ejp"),
    *("provider tariff series", "software fetch", "software publish", "software remove"),
    *(f"{party} backup-key" for party in ("edge", "cloud", "cloud roster", "trustee", "provider")),
}


def commands(command=volet, path=()):
    """Yield (path, command) for each that is not hidden and no group."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from commands(command.get_command(context, name), (*path, name))
    elif not command.hidden:
        yield " ".join(path), command


def test_every_command_answers_a_program_but_those_that_are_a_persons():
    without = {
        path
        for path, each in commands()
        if not any("--json" in option.opts for option in each.params)
    }
    assert without == AT_LENGTH | SHOWING | BY_HAND


def asked(*arguments):
    done = CliRunner().invoke(volet, [*map(str, arguments), "--json"])
    assert done.exit_code == 0, done.output or done.exception
    return json.loads(done.stdout)


def test_what_was_done_is_one_object_beside_what_was_said():
    @click.command()
    @click.argument("number", type=int)
    @changing
    def add(number):
        """Add something."""
        click.echo(f"Added {number}.\nNext: more.")
        return Change(number > 0, {"sum": number + 1})

    done = CliRunner().invoke(add, ["2", "--json"])
    assert json.loads(done.stdout) == {
        "changed": True,
        "said": ["Added 2.", "Next: more."],
        "sum": 3,
    }
    assert CliRunner().invoke(add, ["2"]).stdout == "Added 2.\nNext: more.\n"


def again_and_again(tmp_path: Path):
    """Return commands that change something at the first call alone, in this order."""
    make_cloud(tmp_path / "other")
    cloud, keys = ("--dir", tmp_path / "cloud"), ("--registrar", tmp_path / "registrar")
    trustee, chip = ("--dir", tmp_path / "trustee"), ("--dir", tmp_path / "chip")
    codes = tmp_path / "codes.csv"
    codes.write_text("code,nom,departement,region\n38185,Grenoble,38,84\n")
    named = ("--collectivity", "ville", "--broker-host", "localhost")
    yield ("cloud", "init", *cloud, *named)
    yield ("cloud", "broker-config", *cloud, "--out", tmp_path / "broker", "--user", current_user())
    yield (
        "cloud",
        "provider",
        "add",
        *cloud,
        "edf",
        "--title",
        "EDF",
        "--key",
        public_key_text(bytes([7] * 32)),
    )
    yield ("cloud", "roster", "init", *keys)
    yield ("cloud", "roster", "codes", *cloud, codes)
    yield ("trustee", "init", *trustee, *named, "--name", "trustee-a", "--title", "A")
    yield ("monitor", "init", "--dir", tmp_path / "monitor", *named, "--name", "monitor-a")
    yield ("edge", "init", *chip)


@pytest.mark.parametrize("is_text", [False, True])
def test_a_second_call_says_that_nothing_was_changed(tmp_path, is_text):
    for arguments in again_and_again(tmp_path):
        if is_text:  # whoever typed it before: that counts too
            CliRunner().invoke(volet, [*map(str, arguments)], catch_exceptions=False)
        else:
            assert asked(*arguments)["changed"] is True, arguments
        assert asked(*arguments)["changed"] is False, arguments


def test_another_broker_configuration_is_a_change(tmp_path):
    own = ("--user", current_user())
    out = ("--dir", tmp_path / "cloud", "--out", tmp_path / "broker", *own)
    make_cloud(tmp_path / "cloud")
    assert asked("cloud", "broker-config", *out)["changed"]
    assert asked("cloud", "issue", "--dir", tmp_path / "cloud", "worker-2")["changed"]
    assert asked("cloud", "broker-config", *out)["changed"]
    assert not asked("cloud", "broker-config", *out)["changed"]
    assert not asked("cloud", "renew", "--dir", tmp_path / "cloud")["changed"]
    assert asked("cloud", "renew", "--dir", tmp_path / "cloud", "--force")["changed"]
    assert asked(
        "cloud", "revoke", "--dir", tmp_path / "cloud", "--broker", tmp_path / "broker", "worker-2"
    )["changed"]
