"""The area lane in `volet edge status`, and the size of the household's groups."""

import json

import msgspec
import pytest
from click.testing import CliRunner

from edge.area.report import OwnGroup
from edge.area.settings import AreaChoices, save_choices
from edge.area.words import group_in_words
from edge.commands import trustees as trustees_command
from edge.commands.table import edge
from edge.language.choice import Lang
from edge.privacy.ledger import Spend
from edge.vault.area import AreaState, ContributionRow
from edge.vault.vault import Vault
from protocol.calendar import day_number, day_of_number, legal_day
from tests.support.chip_area import AreaCloud
from tests.support.chip_bench import PLATFORM_KEY, instant, make_identity, signer_of
from tests.support.french import plain

TODAY = day_number(legal_day(instant(2026, 11, 24)))


def run(*args):
    result = CliRunner().invoke(edge, [str(each) for each in args], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def chip(tmp_path, monkeypatch):
    identity = make_identity()
    monkeypatch.setattr(trustees_command, "load_identity", lambda _: identity)
    vault = Vault.open(tmp_path, signer_of(identity))
    vault.directory, vault.cloud = tmp_path, AreaCloud(identity, PLATFORM_KEY)
    yield vault
    vault.close()


def test_status_says_when_was_last_contributed_and_what_is_left(chip, monkeypatch):
    monkeypatch.setattr("edge.status.report.day_number", lambda _: TODAY)
    before = json.loads(run("status", "--dir", chip.directory, "--json"))["area"]
    assert before == {
        "participation": "trustees_not_confirmed",
        "last_contribution": None,
        "budget_left": 1,
    }
    assert "you take no part" in run("status", "--dir", chip.directory, "--lang", "en")
    save_choices(chip.directory, AreaChoices(trustees="00" * 32))
    with chip.area_change() as area:
        for day in (TODAY - 3, TODAY - 2, TODAY - 1):
            spend = Spend(day, "curve", 1.0)
            area.put_contribution(ContributionRow(day, 2**31, b"sealed", (spend,)))
        area.finish(TODAY - 2, AreaState.STORED)
        area.finish(TODAY - 1, AreaState.MISSED, "late")
    found = json.loads(run("status", "--dir", chip.directory, "--json"))["area"]
    last = day_of_number(TODAY - 2)
    assert found == {
        "participation": "on",
        "last_contribution": str(last),
        "budget_left": pytest.approx(7.7 / 10.7),
    }
    words = f"last contribution: {last}; 72% of this year's privacy budget left"
    assert words in run("status", "--dir", chip.directory, "--lang", "en")
    words = f"dernière contribution : {last:%d/%m/%Y} ; il reste 72 % du budget de vie privée de l'année"
    assert words in plain(run("status", "--dir", chip.directory, "--lang", "fr"))


def test_trustees_shows_how_large_the_households_groups_are(chip):
    cloud, directory = chip.cloud, chip.directory
    assert json.loads(run("trustees", "--dir", directory, "--json"))["groups"] == []
    save_choices(directory, AreaChoices(trustees=cloud.signed_set.hash.hex()))
    with chip.area_change() as area:
        for name, kind in ((cloud.sets[0], "TrusteeSet"), (cloud.measures_list[0], "Measures")):
            area.put_document(name, kind, cloud.documents[name], 0)
        area.put_entry(3, cloud.entry)
    groups = json.loads(run("trustees", "--dir", directory, "--json"))["groups"]
    curve = cloud.measures.measure("curve").groups[0]
    assert groups[0] == {
        "measure": "curve",
        "code": curve.code,
        "households": curve.roster,
        "crowd": curve.crowd,
        "threshold": curve.threshold,
    }
    words = f"{curve.code}: {curve.roster} households, noise for {curve.crowd} of them"
    assert words in run("trustees", "--dir", directory)
    assert msgspec.json.decode(run("trustees", "--dir", directory, "--json"))


@pytest.mark.parametrize(("measure", "shown"), [("curve", "courbe"), ("noise", "noise")])
def test_a_group_names_its_measure_in_the_households_language(measure, shown):
    group = OwnGroup(measure, "75101", 500, 400, 20)
    assert group_in_words(group, Lang.FR).startswith(f"{shown:<14}75101")
    assert group_in_words(group, Lang.EN).startswith(f"{measure:<14}75101:")
