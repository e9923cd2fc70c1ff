"""A household ends with all that it has here, in one command that can be typed again."""

import json
from contextlib import closing
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from cloud.commands.table import cloud as cloud_command
from cloud.registry.broker import DEFAULT_NAME, write_broker
from cloud.registry.enrolment import enrol
from cloud.roster.editor import is_in_a_cell
from cloud.store.sqlite.store import SqliteStore
from edge.contracts.enrolling import draw_keys, make_request
from edge.identity.keys import load_keys
from edge.stage import HOUSEHOLD_KEY
from protocol.errors import DocumentRefused, StoreError
from tests.support.broker import current_user, enrol_chip, make_cloud

CELL, POINT = "751010101", "21500000000001"


class Town:
    """A collectivity with one enrolled chip, which stands in a cell of its roster."""

    def __init__(self, folder):
        self.cloud, self.keys, self.chip = folder / "cloud", folder / "registrar", folder / "chip"
        make_cloud(self.cloud)
        write_broker(self.cloud, self.cloud / DEFAULT_NAME, current_user())
        self.device = enrol_chip(self.cloud, self.chip).device
        self.type("roster", "init", "--registrar", self.keys)
        where = (self.device, "--cell", CELL, "--point", POINT)
        self.type("roster", "add", "--dir", self.cloud, "--registrar", self.keys, *where)

    def type(self, *command):
        """Type a command of the collectivity; return what it answers."""
        done = CliRunner().invoke(cloud_command, [*map(str, command), "--json"])
        if done.exception:
            raise done.exception
        return json.loads(done.stdout)

    def end(self, keys=None):
        at = ("--dir", self.cloud, "--registrar", keys or self.keys)
        return self.type("end", self.device, *at)

    def other_chip(self):
        """Return the keys of another chip that the household goes to."""
        folder = self.chip.with_name("other")
        draw_keys(folder)
        kept = (self.chip / "keys" / HOUSEHOLD_KEY).read_bytes()
        (folder / "keys" / HOUSEHOLD_KEY).write_bytes(kept)
        return load_keys(folder)

    def enrol(self, request):
        with closing(SqliteStore.open(self.cloud)) as store:
            return enrol(self.cloud, store, request, datetime.now(UTC)).device

    @property
    def left(self):
        """What of the household is still there."""
        with closing(SqliteStore.open(self.cloud)) as store:
            (device,), (place,) = store.devices(), store.places()
            parts = {
                "certificate": not device.is_revoked,
                "place": place.until is None,
                "cell": is_in_a_cell(store, self.device),
            }
        return {name for name, is_left in parts.items() if is_left}


@pytest.fixture
def town(tmp_path):
    return Town(tmp_path)


def test_all_of_a_household_ends_and_ends_once(town):
    assert town.left == {"certificate", "place", "cell"}
    answer = town.end()
    assert answer["changed"]
    assert answer["said"] == [
        f"{town.device} leaves its cell of the roster.",
        (
            f"The household of {town.device} has ended: its chip is shut out, and what was mandated "
            "before counts no more."
        ),
        "Nothing of it was stored, and so there is nothing to bill.",
    ]
    assert town.left == set()
    again = town.end()
    assert not again["changed"]
    assert again["said"] == answer["said"][1:]


def test_what_was_mandated_before_counts_no_more_and_a_later_word_does(town):
    other = town.other_chip()
    before = make_request(other, None, None)
    town.end()
    with pytest.raises(DocumentRefused, match="mandated a chip after it made this request"):
        town.enrol(before)
    with pytest.raises(DocumentRefused, match="revoked"):
        town.enrol(make_request(load_keys(town.chip), None, None))
    assert town.enrol(make_request(other, None, None)) != town.device


@pytest.mark.parametrize("step", ["end_place", "put_identity", "revoke", "last_block_day"])
def test_one_that_was_interrupted_is_completed_by_typing_it_again(town, step, monkeypatch):
    def interrupted(*_):
        raise StoreError("interrupted")

    with monkeypatch.context() as broken:
        broken.setattr(SqliteStore, step, interrupted)
        with pytest.raises(StoreError, match="interrupted"):
            town.end()
    town.end()
    assert town.left == set()


def test_a_registrar_who_is_elsewhere_is_told_what_to_type(town, tmp_path):
    answer = town.end(keys=tmp_path / "elsewhere")
    assert answer["said"][0] == (
        f"{town.device} stands in a cell of the roster; where the registrar's keys are, type "
        f"`volet cloud roster leave {town.device}`."
    )
    assert town.left == {"cell"}


def test_a_chip_that_its_household_left_is_not_taken_for_the_household(town):
    town.enrol(make_request(town.other_chip(), None, None))
    with pytest.raises(DocumentRefused, match="is no household's chip, or no more"):
        town.end()
    with pytest.raises(DocumentRefused, match="is no household's chip"):
        town.type("end", "nobody", "--dir", town.cloud, "--registrar", town.keys)
