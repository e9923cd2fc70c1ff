"""`volet cloud devices`: the operator's list of chips, with the last word of each."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.cli import cloud
from cloud.ingest import Ingest
from cloud.store.fleet import DeviceWord
from cloud.store.sqlite import SqliteStore
from protocol.status import State, whole_hour
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
    store.fleet.hear(
        [
            DeviceWord(ids[0], whole_hour(NOW), State.READY, "0.2.0", end),
            DeviceWord(ids[1], whole_hour(NOW - timedelta(days=5)), State.READY, "0.1.0", end),
            DeviceWord(ids[1], None, State.LOST, "0.1.0", None),
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
    assert "3 of 4 chips." in shown


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
