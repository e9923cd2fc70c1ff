"""What the household sees and says of the area lane, on the command line."""

import json
import sqlite3
import threading
from datetime import UTC, date, datetime

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner

from edge.area.settings import (
    AreaChoices,
    change_choices,
    load_choices,
    save_choices,
    watched_choices,
)
from edge.commands import trustees as trustees_command
from edge.commands.table import edge
from edge.contracts.enrolling import draw_keys
from edge.privacy.ledger import Spend
from edge.simulate.curve import Curve
from edge.simulate.curve_files import save_curve
from edge.vault.area import ContributionRow
from edge.vault.database import SCHEMA_VERSION, open_database
from edge.vault.reader import read_vault
from edge.vault.vault import Vault
from protocol.calendar import day_number, day_of_number, day_start, legal_day, quarter_hours
from protocol.errors import ConfigError, DocumentRefused, StoreError, VoletError
from protocol.governance import fingerprint
from protocol.transform import CLOCK_SLOTS
from tests.support.chip_area import Trustees, small_transform
from tests.support.chip_bench import PLATFORM_KEY, make_identity, signer_of

TODAY = day_number(legal_day(datetime.now(UTC)))


def run(*args):
    result = CliRunner().invoke(edge, [str(each) for each in args])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def chip(tmp_path, monkeypatch):
    identity = make_identity()
    monkeypatch.setattr(trustees_command, "load_identity", lambda _: identity)
    vault = Vault.open(tmp_path, signer_of(identity))
    vault.directory = tmp_path
    yield vault
    vault.close()


def test_the_budget_is_told_while_the_chip_runs(chip):
    with chip.area_change() as area:
        spends = (Spend(TODAY, "curve", 0.07), Spend(TODAY, "profile", 0.03, is_profile=True))
        area.put_contribution(ContributionRow(TODAY, 2**31, b"sealed", spends))
    told = json.loads(run("budget", "--dir", chip.directory, "--json"))
    assert told["today"]["rho"] == pytest.approx(0.1)
    assert told["year"]["cap_rho"] == 10.7
    assert told["profile_days"] == 1
    assert "█" in run("budget", "--dir", chip.directory, "--lang", "en")
    assert "factures" in run("budget", "--dir", chip.directory, "--lang", "fr")


def test_a_cap_can_be_lowered_and_not_raised(chip):
    told = json.loads(run("budget", "--dir", chip.directory, "--cap", 3, "--json"))
    assert told["year"]["cap_rho"] == 3
    result = CliRunner().invoke(edge, ["budget", "--dir", str(chip.directory), "--cap", "11"])
    assert isinstance(result.exception, DocumentRefused)
    assert load_choices(chip.directory).year_cap_rho == 3


def test_a_profile_is_set_shown_and_forgotten(chip):
    directory = chip.directory
    draw_keys(directory)
    assert json.loads(run("profile", "--dir", directory, "--json")) is None
    run("profile", "--dir", directory, "--ages", "1,0,2,0,0,0", "--employed", 2)
    shown = json.loads(run("profile", "--dir", directory, "--json"))
    assert shown == {"ages": [1, 0, 2, 0, 0, 0], "employed": 2}
    assert "30-44" in run("profile", "--dir", directory, "--lang", "en")
    assert (directory / "area.json").stat().st_mode & 0o777 == 0o600
    with pytest.raises(DocumentRefused):
        run("profile", "--dir", directory, "--ages", "1,0,2,0,0,0", "--employed", 4)
    bad = ["profile", "--dir", str(directory), "--ages", "1,2", "--employed", "1"]
    assert CliRunner().invoke(edge, bad).exit_code == 2
    run("profile", "--dir", directory, "--forget")
    assert load_choices(directory).profile is None


def test_trustees_are_confirmed_by_their_fingerprint_only(chip):
    directory = chip.directory
    trustees = Trustees(PLATFORM_KEY)
    cosigned = trustees.sign(trustees.set())
    assert "No set" in run("trustees", "--dir", directory)
    with chip.area_change() as area:
        area.put_document(cosigned.hash, "TrusteeSet", msgspec.msgpack.encode(cosigned), TODAY)
    said = run("trustees", "--dir", directory)
    assert "NOT CONFIRMED" in said
    assert "3 of them and the collectivity can open your contribution of a single day" in said
    assert (
        "If trustees lie, or give away the key with which they sign, it takes only 2 of them."
        in said
    )
    with pytest.raises(DocumentRefused, match="fingerprint"):
        run("trustees", "--dir", directory, "--confirm", "AAAA BBBB CCCC DDDD EEEE FFFF")
    assert load_choices(directory).trustees == ""
    words = fingerprint(cosigned).lower()
    shown = json.loads(run("trustees", "--dir", directory, "--confirm", words, "--json"))
    assert shown["sets"][0]["is_confirmed"]
    assert shown["sets"][0]["shape"] == "3 of 4"
    assert load_choices(directory).trustees == cosigned.hash.hex()


def test_a_household_sees_the_trustees_of_later_sets(chip):
    first = Trustees(PLATFORM_KEY)
    signed = first.sign(first.set())
    following = Trustees(PLATFORM_KEY)
    following.registrar_key = first.registrar_key
    document = following.set(version=2, previous=signed.hash, effective=TODAY)
    later = first.sign(document)
    with chip.area_change() as area:
        for each in (signed, later):
            area.put_document(each.hash, "TrusteeSet", msgspec.msgpack.encode(each), TODAY)
    at = ("--dir", chip.directory, "--lang", "en")
    assert fingerprint(later) not in run("trustees", *at)
    said = run("trustees", *at, "--confirm", fingerprint(signed))
    assert said.startswith("From now on this home takes part in the figures of its area; ")
    assert f"Fingerprint   {fingerprint(signed)}   (confirmed)" in said
    assert f"Fingerprint   {fingerprint(later)}   (signed by the set before it)" in said
    sets = json.loads(run("trustees", *at, "--json"))["sets"]
    # Three days' notice after it has arrived.
    assert sets[1]["effective"] == day_of_number(TODAY + 3).isoformat()
    assert [each["is_later"] for each in sets] == [False, True]


def test_the_lane_is_turned_off_and_on(chip):
    directory = chip.directory
    assert not json.loads(run("area", "off", "--dir", directory, "--json"))["is_on"]
    assert "no" in run("area", "--dir", directory)
    assert json.loads(run("area", "on", "--dir", directory, "--json"))["is_on"]


def test_choices_are_read_again_when_they_have_changed(tmp_path):
    choices = watched_choices(tmp_path)
    assert choices() == AreaChoices()
    save_choices(tmp_path, AreaChoices(is_on=False))
    assert not choices().is_on
    save_choices(tmp_path, AreaChoices())
    (tmp_path / "area.json").write_text("{}x")
    assert not choices().is_on, "what the household has chosen is not known"
    with pytest.raises(ConfigError, match="damaged"):
        load_choices(tmp_path)
    (tmp_path / "area.json").unlink()
    assert choices() == AreaChoices()


def test_page_and_console_may_change_choices_at_the_same_moment(tmp_path):
    """A home that says no at the console must not be put back by a change on the page."""
    lost = []

    def change(name, values):
        for value in values:
            change_choices(tmp_path, **{name: value})
            lost.extend([name] * (getattr(load_choices(tmp_path), name) != value))

    console = threading.Thread(target=change, args=("is_on", [True, False] * 150))
    console.start()
    change("year_cap_rho", [rho / 10 for rho in range(300)])
    console.join()
    assert lost == []


# The mechanism on one day.


def plain(tmp_path, values, name="day.csv"):
    path = tmp_path / name
    text = json.dumps(values) if name.endswith("json") else ",".join(map(str, values))
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", ["day.csv", "day.json"])
def test_a_day_through_the_mechanism(tmp_path, name):
    path = plain(tmp_path, [250] * 96, name)
    told = json.loads(run("noise", "--curve", path, "--json", "--draws", 400))
    assert told["epsilon"] == 2
    assert told["crowd"] == 140
    clipped, draws = np.array(told["clipped"]), np.array(told["draws"])
    assert draws.shape == (400, 24)
    assert np.linalg.norm(clipped) <= told["grid"]
    noise = (draws - clipped) / told["std_units"]
    assert abs(noise.mean()) < 6 / np.sqrt(noise.size)
    assert abs(noise.var() - 1) < 6 * np.sqrt(2 / noise.size)
    assert "norm after the clip" in run("noise", "--curve", path)


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25), date(2026, 6, 1)])
def test_the_first_whole_day_of_a_curve_is_taken(tmp_path, day):
    start = int(day_start(day).timestamp()) - 7_200
    steps = (7_200 + 900 * quarter_hours(day)) // 1_800 + 3
    save_curve(tmp_path / "c.csv", Curve(start, 1_800, np.full(steps, 1_000)))
    told = json.loads(run("noise", "--curve", tmp_path / "c.csv", "--json"))
    assert told["day"] == day.isoformat()


def test_a_collectivitys_transform_is_taken(tmp_path):
    (tmp_path / "t").write_bytes(msgspec.msgpack.encode(small_transform()))
    path = plain(tmp_path, [0] * CLOCK_SLOTS)
    told = json.loads(
        run("noise", "--curve", path, "--json", "--transform", tmp_path / "t", "--epsilon", 1)
    )
    assert len(told["clipped"]) == 6


def test_what_is_no_day_or_no_terms_is_refused(tmp_path):
    with pytest.raises(VoletError, match="96 values"):
        run("noise", "--curve", plain(tmp_path, [1] * 95))
    with pytest.raises(VoletError, match="out of bounds"):
        run("noise", "--curve", plain(tmp_path, [1] * 96), "--epsilon", 5)
    start = int(day_start(date(2026, 6, 1)).timestamp())
    save_curve(tmp_path / "c.csv", Curve(start, 900, np.full(90, 1_000)))
    with pytest.raises(VoletError, match="no complete day"):
        run("noise", "--curve", tmp_path / "c.csv")


# Versions of the vault.


def as_version_one(directory):
    """Take out of a vault what version 1 did not have."""
    connection = sqlite3.connect(directory / "vault.db")
    first = {"meter", "intervals", "days", "epochs", "blocks", "notices", "statements"}
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    for name in {name for (name,) in names} - first:
        connection.execute(f"DROP TABLE {name}")
    connection.execute("PRAGMA user_version = 1")
    connection.commit()
    connection.close()


def test_a_vault_of_version_1_is_upgraded_in_place(chip):
    made = chip.begin(date(2026, 5, 1))
    chip.close()
    as_version_one(chip.directory)
    with pytest.raises(StoreError, match="start the chip"), read_vault(chip.directory):
        pass
    identity = make_identity()
    again = Vault.open(chip.directory, signer_of(identity))
    assert again.payload(made[0]) is not None
    assert again.area.spends(0) == []
    assert again.billed() == []
    again.close()
    database = open_database(chip.directory / "vault.db")
    assert database.execute("PRAGMA user_version").fetchone()[0] == SCHEMA_VERSION
    assert database.execute("PRAGMA quick_check").fetchone()[0] == "ok"
    database.close()
