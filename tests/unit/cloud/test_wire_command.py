"""`volet cloud wire` counts chips by what they read, and asks before there is no way back."""

import json

import pytest
from click.testing import CliRunner

from cloud.commands.status import _rows
from cloud.commands.wire import wire
from cloud.config import CloudConfig, config_toml
from cloud.store import Count
from cloud.store.fleet import LastHeard
from cloud.store.sqlite.store import SqliteStore
from protocol import versions
from tests.support.fake_chip import FakeChip
from tests.support.household import NOW
from tests.support.next_version import NEXT


def run(directory, *options, typed=""):
    return CliRunner().invoke(wire, ["--dir", str(directory), *options], input=typed)


def in_use(directory):
    return json.loads(run(directory, "--json").stdout)["in_use"]


@pytest.fixture
def cloud(tmp_path, monkeypatch):
    """A collectivity with a chip of version 2, two of version 1, and three that were never heard."""
    monkeypatch.setattr(versions, "VERSIONS", NEXT)
    (tmp_path / "cloud.toml").write_bytes(config_toml(CloudConfig("ville", "broker.example")))
    store = SqliteStore.open(tmp_path)
    for reads in (2, 1, 1, None, None, None):
        chip = FakeChip()
        store.enrol(chip.enrolment)
        if reads:
            store.fleet.put_heard([LastHeard(chip.device, NOW)])
            store.versions.put_read(chip.device, reads)
    yield tmp_path
    store.close()


def test_chips_that_were_never_heard_are_counted_apart(cloud):
    shown = run(cloud).output
    assert "1 chip reads version 2." in shown
    assert "2 chips read version 1." in shown
    assert "3 chips were never heard." in shown
    chips = json.loads(run(cloud, "--json").output)["chips"]
    counts = {each["word"]: each["count"] for each in chips}
    assert counts == {"2": 1, "1": 2, "": 3}


def test_status_names_them_too(cloud):
    store = SqliteStore.open_existing(cloud)
    try:
        rows = dict(_rows(store.figures()))
        assert store.versions.counts()[-1] == Count("2", 1)
    finally:
        store.close()
    assert rows["chips that were never heard"] == "3"
    assert rows["chips that read version 1"] == "2"


@pytest.mark.parametrize("typed", ["n\n", ""])
def test_nothing_is_put_in_use_unless_it_is_confirmed(cloud, typed):
    asked = run(cloud, "--newest", typed=typed)
    assert asked.exit_code == 1
    assert "2 chips do not read version 2, and 3 chips were never heard" in asked.output
    assert "Trustees and providers are not counted" in asked.output
    assert in_use(cloud) == 1


@pytest.mark.parametrize(("options", "typed"), [((), "y\n"), (("--yes",), "")])
def test_the_newest_is_put_in_use_once_it_is_confirmed(cloud, options, typed):
    done = run(cloud, "--newest", *options, typed=typed)
    assert done.exit_code == 0
    assert "Version 2 of the wire is in use" in done.output
    assert in_use(cloud) == 2


def test_the_question_is_no_part_of_the_json(cloud):
    done = run(cloud, "--newest", "--json", typed="y\n")
    assert json.loads(done.stdout)["changed"]


def test_what_is_in_use_already_is_not_asked_for_again(cloud):
    run(cloud, "--newest", "--yes")
    again = run(cloud, "--newest")
    assert again.exit_code == 0
    assert "is in use already" in again.output
    assert "There is no way back" not in again.output
