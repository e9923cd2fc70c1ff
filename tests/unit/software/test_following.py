"""Nothing is fetched by itself until the household says so, and what was fetched is verified anew."""

import os
from pathlib import Path
from subprocess import CompletedProcess
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from protocol.errors import ConfigError, DocumentRefused, VoletError
from tests.unit.software.test_receiving import Archive, everything
from tests.unit.software.test_removal import Machine
from tests.unit.software.test_switching import UNIT, made
from volet.software import following, receiving, trying
from volet.software.cli import software
from volet.software.fetching import TRIES_MAX
from volet.software.following import CHAIN, TIMER, Follower, following_of
from volet.software.health import Health
from volet.software.manifest import MANIFEST, SIGNATURE, sign
from volet.software.places import Pulled, VersionsSeen

ADDRESS = "https://releases.example/volet"


class FollowingMachine(Machine):
    """A machine whose releases have the units that fetch newer ones."""

    def install(self):
        super().install()
        for name in (TIMER, *CHAIN):
            (self.places.release("0.1.0") / "units" / name).write_text("x")

    def run(self, *command):
        wanted = self.units / "timers.target.wants" / TIMER
        if command[:2] == ("systemctl", "disable") and TIMER in command:
            wanted.unlink(missing_ok=True)
        if command[:2] == ("systemctl", "is-active"):
            return "active\n" if ("systemctl", "start", TIMER) in self.ran else "inactive\n"
        return super().run(*command)

    def follower(self):
        return Follower(self.places, self.root, self.run)

    def fetch(self):
        """Do what the units leave behind."""
        private = self.root / "var/cache/private/volet-update"
        private.mkdir(parents=True)
        (private / MANIFEST).write_text("x")
        (self.root / "var/cache/volet-update").symlink_to("private/volet-update")
        stamps = self.root / "var/lib/systemd/timers"
        stamps.mkdir(parents=True)
        (stamps / "stamp-volet-update.timer").write_text("")


@pytest.fixture
def machine(tmp_path):
    return FollowingMachine(tmp_path / "machine")


@pytest.fixture
def chip(places, monkeypatch):
    """Return a machine with 0.1.0 on it, whose chip runs."""
    machine = made(places, monkeypatch)
    places.remove("0.2.0")
    monkeypatch.setattr(following, "running_unit", lambda: UNIT)
    return machine


def unpacked(folder, archive=None):
    """Lay a release out as `fetch` does."""
    archive = archive or Archive()
    data, signature = sign(archive.manifest(), archive.signer)
    for path, content in {**archive.files, MANIFEST: data, SIGNATURE: signature}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def test_a_household_follows_and_stops(machine):
    machine.install()
    before = machine.everything()
    machine.follower().follow(f"{ADDRESS}/", is_daily=True)
    assert machine.places.following() == following_of(ADDRESS, is_daily=True)
    assert (machine.units / "timers.target.wants" / TIMER).is_symlink()
    for name in CHAIN:
        assert (machine.units / name).readlink() == machine.places.root / "current/units" / name
    machine.follower().follow(ADDRESS, is_daily=False)
    assert not (machine.units / "timers.target.wants" / TIMER).is_symlink()
    assert (machine.units / TIMER).is_symlink()
    machine.fetch()
    machine.follower().stop()
    machine.follower().stop()
    assert set(machine.everything()) - set(before) <= {
        *("etc/systemd/system/timers.target.wants", "var/cache", "var/cache/private"),
        *("var/lib/systemd", "var/lib/systemd/timers"),
    }


def test_removal_takes_it_back(machine):
    before = machine.everything()
    machine.install()
    machine.follower().follow(ADDRESS, is_daily=True)
    machine.fetch()
    machine.removal().remove(is_erased=True)
    assert set(machine.everything()) - set(before) <= {
        *("etc/systemd/system/timers.target.wants", "var/cache", "var/cache/private"),
        *("var/lib/systemd", "var/lib/systemd/timers"),
    }


def test_a_release_without_the_units_changes_nothing(machine):
    Machine.install(machine)
    before = machine.everything()
    with pytest.raises(ConfigError, match=r"has no volet-update\.timer"):
        machine.follower().follow(ADDRESS, is_daily=True)
    assert machine.everything() == before


@pytest.mark.parametrize(
    "address",
    [
        "http://releases.example/volet",
        "ftp://releases.example/volet",
        "releases.example/volet",
        "https://",
        "https://me:secret@releases.example/volet",
        "https://releases.example/volet?x=1",
        "https://releases.example/volet#x",
        "https://releases.example/../etc",
        "https://releases.example/a//b",
        "https://releases.example:99999999/volet",
        "https://releases.example:65536/volet",
        "https://releases..example/volet",
        "https://releases.example./volet",
        "https://-releases.example/volet",
        "https://" + "a" * 64 + ".example/volet",
        "https://rel eases.example/volet",
        "https://releases.example/volet\nX: y",
        "https://" + "a" * 500,
    ],
)
def test_what_is_no_address_of_a_folder_is_refused(machine, address):
    machine.install()
    before = machine.everything()
    with pytest.raises(ConfigError, match="no address to fetch from"):
        machine.follower().follow(address, is_daily=True)
    assert machine.everything() == before


@pytest.mark.parametrize(
    "address",
    [
        *("https://a.example", "https://a.example:8443/b/c_d-1.2", "https://localhost/v"),
        *("https://192.168.1.7:65535/v", "https://a-b.example"),
    ],
)
def test_an_address_of_a_folder_is_taken(address):
    assert following_of(address, is_daily=True).address == address


def take(places, folder):
    arguments = ["take-fetched", "--root", str(places.root), "--fetched", str(folder)]
    return CliRunner().invoke(software, arguments)


def test_what_was_fetched_is_installed_and_noted(chip, tmp_path, monkeypatch):
    built = []
    monkeypatch.setattr(following.building, "build", lambda _, manifest: built.append(manifest))
    done = take(chip.places, unpacked(tmp_path / "fetched"))
    assert done.exit_code == 0, done.output
    assert [manifest.version for manifest in built] == ["0.2.0"]
    assert chip.places.pulled() == Pulled("0.2.0", 0)
    chip.places.keep_pulled(Pulled("0.2.0", 2))
    assert take(chip.places, tmp_path / "fetched").exit_code == 0
    assert chip.places.pulled() == Pulled("0.2.0", 2), "it is not tried for ever"


@pytest.mark.parametrize(
    "state",
    [VersionsSeen(highest="0.2.0"), VersionsSeen(highest="0.1.0", condemned=("0.2.0",))],
)
def test_what_is_not_to_be_tried_is_not_even_built(chip, tmp_path, state):
    chip.places.keep_state(state)
    before = kept(chip.places)
    done = take(chip.places, unpacked(tmp_path / "fetched"))
    assert isinstance(done.exception, DocumentRefused)
    assert kept(chip.places) == before


def kept(places):
    return {name: data for name, data in everything(places).items() if name != ".lock"}


def spoil(folder, how):
    numpy = folder / "wheels/numpy-2.4.6-cp311.whl"
    if how == "link":
        numpy.unlink()
        numpy.symlink_to("/etc/passwd")
    elif how == "link to the same":
        numpy.rename(folder / "elsewhere")
        numpy.symlink_to(folder / "elsewhere")
    elif how == "pipe":
        numpy.unlink()
        os.mkfifo(numpy)
    elif how == "pipe for the manifest":
        (folder / MANIFEST).unlink()
        os.mkfifo(folder / MANIFEST)
    elif how == "directory":
        numpy.unlink()
        numpy.mkdir()
    elif how == "endless":
        numpy.unlink()
        with numpy.open("wb") as file:
            file.truncate(1 << 40)
    elif how == "huge manifest":
        with (folder / MANIFEST).open("ab") as file:
            file.truncate(1 << 40)
    elif how == "other folder":
        (folder / "wheels").rename(folder / "w")
        (folder / "wheels").symlink_to("/etc")


@pytest.mark.parametrize(
    "how",
    [
        *("link", "link to the same", "pipe", "pipe for the manifest", "directory", "endless"),
        *("huge manifest", "other folder"),
    ],
)
def test_whoever_owns_the_directory_gets_nothing_in(chip, tmp_path, how):
    """The unit that fetches may have been taken over; root reads what it has left."""
    folder = unpacked(tmp_path / "fetched")
    spoil(folder, how)
    before = kept(chip.places)
    done = take(chip.places, folder)
    assert isinstance(done.exception, DocumentRefused), done.output
    assert kept(chip.places) == before


def test_what_is_changed_after_it_was_verified_is_refused(places, tmp_path, monkeypatch):
    folder = unpacked(tmp_path / "fetched")
    verified = receiving._verified

    def change(*given):
        manifest = verified(*given)
        (folder / "wheels/numpy-2.4.6-cp311.whl").write_bytes(b"X" * 5_000)
        (folder / MANIFEST).write_bytes(b"another")
        return manifest

    monkeypatch.setattr(receiving, "_verified", change)
    with pytest.raises(DocumentRefused, match="not what"):
        receiving.receive(places, folder)
    assert not places.release("0.2.0").exists()


def test_the_manifest_that_is_kept_is_the_one_that_was_verified(places, tmp_path, monkeypatch):
    folder = unpacked(tmp_path / "fetched")
    signed = (folder / MANIFEST).read_bytes()
    verified = receiving._verified

    def change(*given):
        manifest = verified(*given)
        (folder / MANIFEST).write_bytes(b"another")
        return manifest

    monkeypatch.setattr(receiving, "_verified", change)
    receiving.receive(places, folder)
    assert (places.release("0.2.0") / MANIFEST).read_bytes() == signed


def attempt(chip, monkeypatch):
    started = []

    def run(command, **_):
        started.append(command)
        return CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(trying.subprocess, "run", run)
    arguments = ["try-fetched", "--root", str(chip.places.root), "--dir", "/nowhere"]
    return CliRunner().invoke(software, arguments), started


def test_it_is_tried_in_the_unit_that_judges_every_release(chip, monkeypatch):
    chip.install("0.2.0")
    chip.places.keep_pulled(Pulled("0.2.0"))
    done, (command,) = attempt(chip, monkeypatch)
    assert done.exit_code == 0, done.output
    assert command[0] == "systemd-run"
    assert f"--unit={trying.TRIAL_UNIT}" in command
    assert "--rehearse" in command
    assert str(chip.places.program("0.1.0")) in command
    assert chip.places.pulled() == Pulled("0.2.0", 1)
    assert chip.places.linked("current") == "0.1.0"


def test_a_release_whose_trials_were_all_cut_short_is_left(chip, monkeypatch):
    chip.install("0.2.0")
    chip.places.keep_pulled(Pulled("0.2.0"))
    for _ in range(TRIES_MAX):
        assert attempt(chip, monkeypatch)[0].exit_code == 0
    done, started = attempt(chip, monkeypatch)
    assert isinstance(done.exception, DocumentRefused)
    assert started == []


def test_without_a_chip_that_runs_nothing_is_switched(chip, monkeypatch):
    chip.install("0.2.0")
    chip.places.keep_pulled(Pulled("0.2.0"))
    monkeypatch.setattr(following, "running_unit", lambda: None)
    done, started = attempt(chip, monkeypatch)
    assert "waits" in done.output
    assert started == []
    assert chip.places.linked("current") == "0.1.0"
    assert chip.places.pulled() == Pulled("0.2.0", 0)


def test_a_release_that_fails_its_rehearsal_in_the_trial_unit_is_not_switched_to(chip, monkeypatch):
    chip.install("0.2.0")

    def refuse(*_):
        raise DocumentRefused("The vault is of version 1100.")

    monkeypatch.setattr("volet.software.cli.check_release", refuse)
    monkeypatch.setattr("volet.software.cli.Switch", lambda _: chip.switch())
    arguments = ["try-out", "--rehearse", "0.2.0", UNIT, "--root", str(chip.places.root)]
    done = CliRunner().invoke(software, arguments)
    assert done.exit_code == 0, "or systemd would start it again"
    assert chip.places.linked("current") == "0.1.0"
    assert chip.places.trial() is None


@pytest.fixture
def units(chip, monkeypatch):
    """Stand for the units: what each prints, and what the last one comes to."""
    chip.places.keep_following(following_of(ADDRESS, is_daily=False))
    told = SimpleNamespace(printed={}, failed=None, trial=lambda: None, ran=[], substate="dead")

    def run(command, **_):
        told.ran.append(command)
        if command[:2] == ("systemctl", "start"):
            told.trial()
            return CompletedProcess(command, int(told.failed == command[2]), "", "")
        unit = command[command.index("--unit") + 1] if "--unit" in command else None
        return CompletedProcess(command, 0, told.printed.get(unit, ""), "")

    monkeypatch.setattr(following.subprocess, "run", run)
    monkeypatch.setattr(
        following,
        "show",
        lambda unit, *_: {
            "ActiveState": "failed" if unit == told.failed else "inactive",
            "SubState": told.substate,
            "Job": "",
        },
    )
    return told


def look(chip):
    return CliRunner().invoke(software, ["update", "--root", str(chip.places.root)])


def test_a_look_says_what_each_unit_said_and_how_the_release_does(chip, units):
    chip.install("0.2.0")
    units.printed = {CHAIN[0]: "a line\nRelease 0.2.0 is fetched: 1.5 MB.\n"}
    units.trial = lambda: chip.upgrade("0.2.0")
    done = look(chip)
    assert done.output.endswith("Release 0.2.0 is fetched: 1.5 MB.\nRelease 0.2.0 does well.\n")
    assert "a line" not in done.output
    assert units.ran[0][:2] == ("systemctl", "reset-failed"), "or a person may look four times only"


def test_a_look_says_that_a_release_was_taken_back(chip, units):
    chip.install("0.2.0")
    chip.health["0.2.0"] = Health(is_active=False)
    chip.places.keep_pulled(Pulled("0.2.0"))
    units.trial = lambda: chip.upgrade("0.2.0")
    done = look(chip)
    assert "0.2.0 did not do well and was taken back; 0.1.0 runs" in str(done.exception)


def test_a_look_that_finds_nothing_newer_says_so_alone(chip, units):
    chip.places.keep_pulled(Pulled("0.0.9", 1))
    chip.places.keep_state(VersionsSeen(highest="0.1.0", condemned=("0.0.9",)))
    units.printed = {CHAIN[0]: "Release 0.0.9 is the newest there, and stays there.\n"}
    done = look(chip)
    assert done.exit_code == 0, "what was taken back long ago is no news"
    assert done.output == units.printed[CHAIN[0]]


def test_a_look_does_not_wait_for_a_fetch_that_waits_for_the_network(chip, units):
    units.substate = "auto-restart"
    look(chip)
    commands = [command[:3] for command in units.ran]
    stopped = commands.index(("systemctl", "stop", CHAIN[0]))
    assert stopped < commands.index(("systemctl", "start", CHAIN[0]))


@pytest.mark.parametrize("unit", CHAIN)
@pytest.mark.parametrize("said", ["volet: The server is in trouble.\n", ""])
def test_a_look_says_why_a_unit_failed(chip, units, unit, said):
    units.failed, units.printed = unit, {unit: said}
    done = look(chip)
    assert isinstance(done.exception, VoletError)
    expected = "The server is in trouble." if said else f"`journalctl -u {unit}` says why."
    assert str(done.exception).endswith(expected)


def test_status_says_from_where_releases_come(chip):
    def said():
        return CliRunner().invoke(software, ["status", "--root", str(chip.places.root)]).output

    assert "fetched" not in said()
    chip.places.keep_following(following_of(ADDRESS, is_daily=True))
    assert f"from {ADDRESS}, each day" in said()


@pytest.mark.parametrize("command", [["update"], ["fetch", "--into", "x"]])
def test_without_an_address_nothing_is_fetched(chip, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(software, [*command, "--root", str(chip.places.root)])
    assert isinstance(done.exception, ConfigError)
    assert "volet software follow" in str(done.exception)
    assert not Path("x").exists()


@pytest.mark.parametrize("arguments", [[], [ADDRESS, "--off"]])
def test_follow_needs_an_address_or_off(chip, arguments):
    done = CliRunner().invoke(software, ["follow", *arguments, "--root", str(chip.places.root)])
    assert done.exit_code == 2
    assert chip.places.following() is None
