"""`volet cloud devices`: the operator's list of chips, with the last status report of each."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime, timedelta

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud.commands.table import cloud
from cloud.ingest.pipeline import Ingest
from cloud.registry.key_files import pki_path
from cloud.registry.places import KEY
from cloud.store import Device
from cloud.store.fleet import LastHeard
from cloud.store.moving import SupplyPoint
from cloud.store.sqlite.store import FILE_NAME, SqliteStore
from protocol.status import State, whole_hour
from protocol.topics import Kind
from system.mqtt.message import Incoming
from tests.support.broker import make_cloud
from tests.support.fake_chip import FakeChip

NOW = datetime.now(UTC)
DAY = date(2026, 10, 5)


def run(*args, code=0):
    done = CliRunner().invoke(cloud, [str(each) for each in args], catch_exceptions=code != 0)
    if code == 0:
        assert done.exit_code == 0, done.output
    return done


def listed(directory, *args):
    told = run("devices", "--dir", directory, "--json", *args).output
    return {each["device"]: each for each in json.loads(told)["devices"]}


@pytest.fixture
def town(tmp_path):
    """A directory with four chips: heard now, heard long ago, never heard, revoked."""
    directory = tmp_path / "cloud"
    make_cloud(directory)
    store = SqliteStore.open(directory)
    chips = [FakeChip() for _ in range(4)]
    ids = [chip.device for chip in chips]
    for chip in chips:
        store.enrol(chip.enrolment)
    ingest = Ingest(store, "testville", Ed25519PrivateKey.generate(), lambda: NOW)
    ingest.process([chips[0].epoch(DAY), chips[0].block(DAY, 1)])
    end = whole_hour(NOW + timedelta(days=900))
    store.fleet.put_heard(
        [
            LastHeard(ids[0], whole_hour(NOW), State.READY, "0.2.0", end),
            LastHeard(ids[1], whole_hour(NOW - timedelta(days=5)), State.READY, "0.1.0", end),
            LastHeard(ids[1], None, State.LOST, "0.1.0", None),
        ]
    )
    store.revoke(ids[3])
    store.close()
    return directory, ids


def test_the_operator_can_list_the_chips(town):
    directory, ids = town
    told = listed(directory)
    assert set(told) == set(ids[:3])
    assert told[ids[0]]["state"] == "ready"
    assert told[ids[0]]["last_day"] == str(DAY)
    assert told[ids[1]]["last_day"] is None
    assert told[ids[1]]["state"] == "lost"
    assert told[ids[1]]["not_after"] is not None
    assert told[ids[2]]["heard_at"] is None
    shown = run("devices", "--dir", directory).output
    assert all(each in shown for each in ids[:3])
    assert "3 of 4 chips" in shown


def test_filters_narrow_the_list(town):
    directory, ids = town
    assert set(listed(directory, "--silent-for", "2d")) == {ids[1], ids[2]}
    assert set(listed(directory, "--silent-for", "1w")) == {ids[2]}
    assert set(listed(directory, "--software", "0.2.0")) == {ids[0]}
    assert set(listed(directory, "--state", "lost")) == {ids[1]}
    assert set(listed(directory, "--revoked")) == {ids[3]}
    for wrong in ("2", "0d", "2y", "-1d"):
        assert run("devices", "--dir", directory, "--silent-for", wrong, code=2).exit_code == 2


def test_a_place_has_a_name_that_the_store_alone_does_not_tell(town):
    directory, ids = town
    run("name", "--dir", directory, ids[0], "12 rue de la Paix")
    run("name", "--dir", directory, ids[0], "14 rue de la Paix")
    assert listed(directory)[ids[0]]["name"] == "14 rue de la Paix"
    for path in directory.glob("store.db*"):
        assert b"rue de la Paix" not in path.read_bytes()
    run("name", "--dir", directory, ids[0], "")
    assert listed(directory)[ids[0]]["name"] == ""
    for device, name in (("a" * 26, "x"), (ids[0], "x" * 65), (ids[0], "two\nlines")):
        assert run("name", "--dir", directory, device, name, code=1).exit_code != 0


@pytest.mark.parametrize(
    "said",
    [
        {"not_after": "9999-12-31T23:59:59-14:00"},
        {"not_after": "0001-01-01T00:00:00+14:00"},
        {"at": "2101-01-01T00:00:00Z"},
    ],
)
def test_a_time_of_another_century_is_refused_and_breaks_no_list(town, said):
    directory, ids = town
    store, chip = SqliteStore.open(directory), FakeChip()
    store.enrol(chip.enrolment)
    ingest = Ingest(store, "testville", Ed25519PrivateKey.generate(), lambda: NOW)
    payload = json.dumps({"state": "ready", **said}).encode()
    processed = ingest.process([Incoming(chip.topic(Kind.STATUS), payload)])
    store.close()
    assert [each.label for each in processed.refused] == ["malformed"]
    assert set(listed(directory)) == {*ids[:3], chip.device}


def test_a_row_that_cannot_be_read_says_so_and_hides_no_other(town):
    directory, ids = town
    with closing(sqlite3.connect(directory / FILE_NAME)) as store, store:
        store.execute("UPDATE device_word SET not_after = ? WHERE device = ?", [2**60, ids[0]])
    shown = run("devices", "--dir", directory).output
    assert all(device in shown for device in ids[:3])
    assert f"The store's row of chip {ids[0]} cannot be read" in shown
    assert listed(directory)[ids[0]]["unread"]
    assert listed(directory)[ids[1]]["software"] == "0.1.0"


@pytest.mark.parametrize("text", ["[/red]", "[/]", "[bold]mill", "[link=x]", ":warning:"])
def test_what_others_wrote_stands_in_the_list_as_it_is(town, text):
    directory, ids = town
    run("name", "--dir", directory, ids[0], text)
    store = SqliteStore.open(directory)
    store.fleet.put_heard([LastHeard(ids[1], whole_hour(NOW), State.READY, text)])
    store.close()
    assert run("devices", "--dir", directory).output.count(text) == 2


def test_a_missing_key_leaves_the_names_out_and_nothing_else(town):
    directory, ids = town
    run("name", "--dir", directory, ids[0], "The old mill")
    (directory / KEY).unlink()
    shown = run("devices", "--dir", directory).output
    assert "0.2.0" in shown
    assert shown.count("Names are left out") == 1
    assert not (directory / KEY).exists()


def test_a_damaged_certificate_leaves_its_end_out_and_nothing_else(town):
    directory, ids = town
    path = pki_path(directory, f"issued/{ids[2]}.pem")
    path.write_bytes(b"half a certificate")
    shown = run("devices", "--dir", directory).output
    assert "0.2.0" in shown
    assert f"{path} is damaged" in shown.replace("\n", "")


def test_the_total_names_those_that_are_hidden_and_hours_have_their_zone(town):
    directory, _ = town
    shown = run("devices", "--dir", directory).output
    assert "3 of 4 chips; 1 revoked: --revoked." in shown
    assert "heard (UTC)" in shown
    assert "1 of 4 chips." in run("devices", "--dir", directory, "--revoked").output


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["enrol", "revoke"]), st.integers(0, 2), st.integers(0, 2)),
        max_size=12,
    )
)
def test_whoever_was_revoked_is_listed_and_counted_for_good(tmp_path_factory, steps):
    """`steps`: chip and household by number; a chip that is revoked is enrolled no more."""
    directory = tmp_path_factory.mktemp("cloud")
    store = SqliteStore.open(directory)
    chips = [FakeChip() for _ in range(3)]
    homes = [chip.household_key for chip in chips]
    enrolled, revoked = set(), set()
    for number, (what, chip, home) in enumerate(steps):
        device, at = chips[chip].device, NOW + timedelta(seconds=number)
        if what == "revoke":
            revoked |= {device} & enrolled
            store.revoke(device)
        elif device not in revoked:
            enrolled.add(device)
            store.enrol(Device(device, chips[chip].enrolment.signing_key, homes[home], since=at))
            store.put_place(SupplyPoint(homes[home], device, None, at))
    listed = [each.device for each in store.fleet.devices() if each.is_revoked]
    assert listed == sorted(revoked)
    assert store.figures().revoked == len(revoked)
    assert store.fleet.known() == enrolled
    store.close()


def test_the_status_names_the_list_of_chips_unbroken_and_init_leaves_a_stick_in_place(tmp_path):
    where = ("--dir", tmp_path / "cloud", "--collectivity", "town", "--broker-host", "town.example")
    said = run("init", *where, "--root", tmp_path / "stick").output
    assert "If that is a stick, copy the directory to a second one" in said
    assert "two sticks" not in said
    assert "`volet cloud devices`" in run("status", "--dir", tmp_path / "cloud").output
