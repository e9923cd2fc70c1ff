"""A server's release: its programs are one target, and each party's directory is read before."""

import sqlite3
from contextlib import closing

import pytest
from click.testing import CliRunner

from protocol.errors import ConfigError, StoreError
from tests.support.broker import make_cloud
from tests.support.trustee_area import COLLECTIVITY
from tests.unit.software.test_receiving import Archive, refused
from tests.unit.software.test_switching import Machine
from tests.unit.software.test_units import MOSQUITTO, UNITS
from trustee.commands.table import trustee as trustee_command
from trustee.database import FILE_NAME as TRUSTEE_STORE
from trustee.log import TrusteeLog
from volet.software import health
from volet.software.health import SERVER, Health, health_of, problem
from volet.software.places import LINKED_UNITS, Places
from volet.software.server_rehearsal import rehearse


@pytest.fixture
def cloud(tmp_path):
    make_cloud(tmp_path / "cloud")
    return tmp_path / "cloud"


@pytest.fixture
def trustee(tmp_path):
    directory = tmp_path / "trustee"
    names = ("--collectivity", COLLECTIVITY, "--name", "trustee-a", "--title", "Trustee A")
    options = ("init", "--dir", str(directory), *names, "--broker-host", "localhost")
    assert CliRunner().invoke(trustee_command, options).exit_code == 0
    TrusteeLog.open(directory).close()
    return directory


def of_version(path, version):
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA user_version = {version}")


def test_what_servers_have_can_be_read(cloud, trustee, tmp_path):
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for directory in (cloud, trustee, tmp_path):
        rehearse(directory)
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize("version", [0, 100])
def test_a_store_of_another_version_is_refused(cloud, version):
    of_version(cloud / "store.db", version)
    with pytest.raises(StoreError, match="version"):
        rehearse(cloud)


def test_a_trustees_database_of_another_version_is_refused(trustee):
    of_version(trustee / TRUSTEE_STORE, 100)
    with pytest.raises(StoreError, match="version"):
        rehearse(trustee)


def test_what_is_missing_is_named(cloud, trustee):
    for directory, name in ((cloud, "platform.key"), (trustee, "signing.key")):
        (directory / name).unlink()
        with pytest.raises(ConfigError, match=name):
            rehearse(directory)


@pytest.mark.parametrize(
    ("units", "why"),
    [
        ({"a": ("active", "0"), "b": ("active", "0")}, None),
        ({"a": ("active", "0"), "stopped by hand": ("inactive", "0")}, None),
        ({"a": ("active", "0"), "b": ("failed", "0")}, "does not run"),
        ({"a": ("active", "0"), "b": ("activating", "3")}, "does not run"),
        ({"a": ("active", "2"), "b": ("active", "1")}, "started again 3 times"),
    ],
)
def test_a_server_does_as_well_as_its_programs(monkeypatch, tmp_path, units, why):
    def show(unit, *_names):
        if unit == SERVER:
            return {"ConsistsOf": " ".join(name.replace(" ", "-") for name in units)}
        state, restarts = units[unit.replace("-", " ")]
        return {"ActiveState": state, "NRestarts": restarts}

    monkeypatch.setattr(health, "show", show)
    before = Health(is_active=True, is_enrolled=False)
    told = problem(before, health_of(SERVER, tmp_path, tmp_path))
    assert told is None if why is None else why in told


def test_a_server_takes_no_chips_release(places, tmp_path, monkeypatch):
    machine = Machine(places, monkeypatch)
    machine.install("0.1.0")
    places.link("current", "0.1.0")
    assert places.extra() == "edge"
    refused(places, Archive(changes={"extra": "cloud"}), tmp_path, "is for a server")


def test_a_servers_units_are_linked_and_none_of_a_chips(tmp_path, places, monkeypatch):
    monkeypatch.setattr(Places, "extra", lambda _self: "cloud")
    machine = Machine(Places(places.root, tmp_path / "units"), monkeypatch)
    machine.install("0.1.0")
    machine.places.link("current", "0.1.0")
    inside = places.root / "current/units"
    inside.mkdir()
    for name in ("volet.target", "volet-worker.service", "volet-edge@.service", "x.service"):
        (inside / name).write_text("")
    machine.places.units.mkdir()
    (machine.places.units / "volet.target").symlink_to(inside / "volet.target")
    machine.places.link_units()
    linked = {path.name for path in machine.places.units.iterdir()}
    assert linked == {"volet.target", "volet-worker.service"}


def test_every_unit_is_a_chips_or_a_servers():
    """But those that are copied: the broker's drop-in, and what fetches releases."""
    linked = {
        path.name
        for patterns in LINKED_UNITS.values()
        for pattern in patterns
        for path in UNITS.glob(pattern)
    }
    left = {path.name for path in UNITS.iterdir()} - linked
    assert {name for name in left if not name.startswith("volet-update")} == {MOSQUITTO.name}


@pytest.mark.parametrize(
    "name", ["volet-worker", "volet-api", "volet-release", "volet-trustee", "volet-monitor"]
)
def test_a_servers_programs_start_anew_with_its_target(name):
    text = (UNITS / f"{name}.service").read_text()
    assert f"\nPartOf={SERVER}\n" in text
    assert f"\nWantedBy={SERVER}\n" in text
