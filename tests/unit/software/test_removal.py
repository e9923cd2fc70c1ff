"""What `volet software remove` takes off a machine, and what it leaves."""

import os
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from edge.contracts.enrolling import draw_keys
from edge.page.names import CERTIFICATE, CERTIFICATE_KEY
from edge.page.sessions import FILE_NAME as SESSIONS
from edge.tic.board.machine import CONFIG
from edge.vault.lock import hold_vault
from protocol.errors import ConfigError, VoletError
from tests.unit.software.test_switching import WELL
from volet.software.cli import software
from volet.software.places import Places, Trial
from volet.software.removal import Removal, remove

UNIT = "volet-edge@pi.service"
UNITS = (
    *("volet-edge-page.service", "volet-edge-page.socket"),
    *("volet-edge@.service", "volet-software-boot.service"),
)


class Machine:
    """A machine's files; the programs that a removal runs are noted."""

    def __init__(self, root):
        self.root = root
        self.ran = []
        self.units = root / "etc/systemd/system"
        self.places = Places(root / "opt/volet")
        self.chip = root / "var/lib/volet"
        for folder in (self.units / "multi-user.target.wants", root / "usr/local/bin"):
            folder.mkdir(parents=True)
        (root / "usr/local/bin/other").write_text("x")
        (self.units / "other.service").write_text("x")
        (root / "boot/firmware").mkdir(parents=True)
        (root / CONFIG).write_text("[all]\n")
        self.chip.parent.mkdir(parents=True)
        self.places.root.parent.mkdir()

    def install(self):
        """Put there what the installer does, and a household."""
        units = self.places.release("0.1.0") / "units"
        units.mkdir(parents=True)
        self.places.link("current", "0.1.0")
        for name in UNITS:
            (units / name).write_text("x")
            (self.units / name).symlink_to(self.places.root / "current/units" / name)
        wants = self.units / "multi-user.target.wants"
        (wants / UNIT).symlink_to(self.units / "volet-edge@.service")
        (self.units / f"{UNIT}.d").mkdir()
        (self.units / f"{UNIT}.d/override.conf").write_text("x")
        (self.root / "usr/local/bin/volet").symlink_to(self.places.root / "current/venv/bin/volet")
        (self.places.root / "installed").write_text(
            "package fonts-dejavu-core\ngroup dialout pi\nuser volet-page\n"
        )
        draw_keys(self.chip)
        page = self.root / "var/lib/volet-page"
        page.mkdir()
        for name in (CERTIFICATE, CERTIFICATE_KEY, SESSIONS):
            (page / name).write_text("x")
        (self.root / "etc/volet").mkdir()
        (self.root / "etc/volet/household.key.cred").write_text("x")

    def run(self, *command):
        self.ran.append(command)
        if command[:2] == ("systemctl", "disable"):
            for name in command[2:]:
                (self.units / "multi-user.target.wants" / name).unlink(missing_ok=True)
                if "@" not in name:
                    (self.units / name).unlink()
        return f"{UNIT} loaded active running Volet\n" if "list-units" in command else ""

    def removal(self):
        return Removal(self.places, self.chip, self.root, self.run)

    def everything(self):
        return sorted(str(path.relative_to(self.root)) for path in self.root.rglob("*"))


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path / "machine")


def test_nothing_is_left_of_what_was_installed(machine):
    before = machine.everything()
    machine.install()
    assert machine.everything() != before
    removed = machine.removal().remove(is_erased=True)
    assert machine.everything() == before
    assert removed.packages == ("fonts-dejavu-core",)
    ran = [command for command in machine.ran if UNIT in command]
    units = (*UNITS[:2], UNIT, UNITS[3])
    assert ran == [("systemctl", "stop", *units), ("systemctl", "disable", *units)]
    assert ("gpasswd", "--delete", "pi", "dialout") in machine.ran
    assert ("userdel", "volet-page") in machine.ran


def test_the_household_is_kept_where_it_is_to_be(machine):
    machine.install()
    kept = {path: path.read_bytes() for path in machine.chip.rglob("*") if path.is_file()}
    machine.removal().remove(is_erased=False)
    assert not machine.places.root.exists()
    assert not (machine.root / "var/lib/volet-page").exists(), "whoever was let in is not kept"
    assert {path: path.read_bytes() for path in kept} == kept
    assert (machine.root / "etc/volet/household.key.cred").exists()


def test_keys_are_overwritten_before_they_go(machine, monkeypatch):
    machine.install()
    destroyed = []

    def destroy(path):
        destroyed.append(path.name)
        path.unlink()

    monkeypatch.setattr("volet.software.removal.destroy", destroy)
    machine.removal().remove(is_erased=True)
    assert {"household.key", "signing.key", "tls.key", "household.key.cred"} <= set(destroyed)
    assert {CERTIFICATE_KEY, SESSIONS} <= set(destroyed)


def test_a_chip_that_runs_by_hand_is_not_erased_under_its_feet(machine):
    machine.install()
    with hold_vault(machine.chip), pytest.raises(ConfigError, match="in use"):
        machine.removal().remove(is_erased=True)
    assert (machine.chip / "keys/household.key").exists()
    machine.removal().remove(is_erased=True)
    assert not machine.chip.exists()


def test_a_removal_that_was_interrupted_goes_on(machine, monkeypatch):
    before = machine.everything()
    machine.install()
    monkeypatch.setattr("volet.software.removal.take_back", _interrupt)
    with pytest.raises(KeyboardInterrupt):
        machine.removal().remove(is_erased=True)
    monkeypatch.undo()
    machine.removal().remove(is_erased=True)
    assert machine.everything() == before


def _interrupt(_root):
    raise KeyboardInterrupt


def test_a_release_on_trial_is_waited_for(machine):
    machine.install()
    trial = Trial("0.2.0", "0.1.0", None, UNIT, str(machine.chip), "boot", WELL, 120.0, 300.0)
    machine.places.keep_trial(trial)
    with pytest.raises(ConfigError, match="on trial"):
        machine.removal().remove(is_erased=True)


@pytest.mark.parametrize(
    ("options", "typed", "is_erased"),
    [
        ((), "\n", False),
        ((), "erase\n", True),
        (("--keep",), None, False),
        (("--erase", "erase"), None, True),
    ],
)
def test_only_the_word_erases(machine, monkeypatch, options, typed, is_erased):
    machine.install()
    made = []

    def new(places, _directory):
        made.append(places)
        return machine.removal()

    monkeypatch.setattr("volet.software.removal.Removal", new)
    arguments = ["--root", str(machine.places.root), "--dir", str(machine.chip), *options]
    done = CliRunner().invoke(remove, arguments, input=typed)
    assert done.exit_code == 0, done.output
    assert made
    assert machine.chip.exists() is not is_erased
    assert ("volet edge export" in done.output) == (typed is not None)
    assert "fonts-dejavu-core; `sudo apt-get purge`" in done.output


@pytest.mark.parametrize("typed", ["yes\n", "ERASE\n"])
def test_another_word_changes_nothing(machine, typed):
    machine.install()
    before = machine.everything()
    arguments = ["--root", str(machine.places.root), "--dir", str(machine.chip)]
    done = CliRunner().invoke(remove, arguments, input=typed)
    assert isinstance(done.exception, VoletError)
    assert machine.everything() == before


@pytest.mark.parametrize("options", [(), ("--erase", "erase")])
def test_a_directory_that_is_no_chips_is_never_erased(machine, options):
    machine.install()
    (machine.root / "home").mkdir()
    before = machine.everything()
    arguments = ["--root", str(machine.places.root), "--dir", str(machine.root / "home")]
    done = CliRunner().invoke(remove, [*arguments, *options], input="erase\n")
    assert isinstance(done.exception, ConfigError)
    assert machine.everything() == before


def remove_default(machine, monkeypatch, *options):
    """Type the removal without naming the chip's directory."""
    monkeypatch.setattr("volet.software.removal.Removal", lambda *_: machine.removal())
    arguments = ["--root", str(machine.places.root), *options]
    given = {"directory": str(machine.chip)}
    return CliRunner().invoke(remove, arguments, default_map=given, input="")


@pytest.mark.parametrize("options", [(), ("--erase", "erase")])
@pytest.mark.parametrize("there", [None, (), ("edge.toml", "edge.toml.before-volet")])
def test_a_chip_that_was_never_begun_is_removed_without_a_question(
    machine, monkeypatch, options, there
):
    before = machine.everything()
    machine.install()
    shutil.rmtree(machine.chip)
    shutil.rmtree(machine.root / "etc/volet")
    if there is not None:
        machine.chip.mkdir()
        for name in there:
            (machine.chip / name).write_text("x")
    done = remove_default(machine, monkeypatch, *options)
    assert done.exit_code == 0, done.output
    assert done.output.startswith("Volet is removed.\n")
    assert machine.everything() == before


def test_what_a_directory_without_keys_holds_is_not_destroyed(machine, monkeypatch):
    machine.install()
    shutil.rmtree(machine.chip / "keys")
    (machine.chip / "vault.db").write_text("x")
    before = machine.everything()
    done = remove_default(machine, monkeypatch, "--erase", "erase")
    assert isinstance(done.exception, ConfigError)
    assert machine.everything() == before


def test_a_directory_that_holds_something_else_is_never_taken_for_the_releases(machine):
    machine.install()
    (machine.places.root / "photos").mkdir()
    before = machine.everything()
    for root in (machine.places.root, machine.places.root.parent, machine.root):
        done = CliRunner().invoke(remove, ["--root", str(root), "--keep"])
        assert "is no part of Volet" in str(done.exception)
    assert machine.everything() == before


def test_only_root_changes_the_software(machine, monkeypatch):
    machine.install()
    monkeypatch.setattr(os, "access", lambda _, how, **_more: how != os.W_OK)
    for command in (
        *(("install", str(machine.root)), ("activate", "0.1.0"), ("rollback",)),
        *(("forgive", "0.1.0"), ("update",), ("follow", "--off"), ("remove", "--keep")),
    ):
        done = CliRunner().invoke(software, [*command, "--root", str(machine.places.root)])
        assert str(done.exception).endswith("may only be changed by root; put `sudo` before this.")


def test_where_nothing_is_installed_it_says_so(tmp_path):
    done = CliRunner().invoke(remove, ["--root", str(tmp_path / "none"), "--keep"])
    assert isinstance(done.exception, ConfigError)
    assert not Path(tmp_path / "none").exists()
