"""`volet edge curve`: what it shows and writes, and that nothing is deleted unasked."""

import json
import stat
from datetime import timedelta

import pytest
from click.testing import CliRunner

from edge.commands.table import edge
from edge.simulate.curve_files import load_curve
from edge.vault.kept_curve import FILE_NAME, KeptCurve, load_kept_curve, save_kept_curve
from protocol.errors import ConfigError
from tests.support.billing_home import FIRST, BillingHome
from tests.support.french import plain

DAYS = 3


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = BillingHome(tmp_path_factory.mktemp("town") / "home")
    home.start()
    home.live(DAYS)
    return home


@pytest.fixture(autouse=True)
def chosen(home):
    """Begin each test with the default."""
    yield
    (home.directory / FILE_NAME).unlink(missing_ok=True)


def run(home, *options, lang="en", **given):
    words = ["--lang", lang, "curve", "--dir", str(home.directory), *map(str, options)]
    return CliRunner().invoke(edge, words, **given)


def test_it_shows_what_is_kept(home):
    shown = run(home)
    assert shown.exit_code == 0
    assert "keeps: 3, and a week." in shown.output
    assert f"from {FIRST} to " in shown.output
    french = plain(run(home, lang="fr").output)
    assert "que ce boîtier garde : 3, et une semaine." in french
    told = json.loads(run(home, "--json").output)
    assert (told["months"], told["first"]) == (3, str(FIRST))
    assert told["known"] + told["missing"] >= DAYS * 96


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_the_file_is_the_households_alone_and_holds_the_days_asked_for(home, tmp_path, kind):
    out = tmp_path / f"curve.{kind}"
    day = FIRST + timedelta(days=1)
    done = run(home, "--out", out, "--from", day, "--to", day)
    assert (
        done.output.split()
        == f"Wrote {day} to {day} to {out}, as Enedis lays out a load curve.".split()
    )
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    curve = load_curve(out)
    stored = home.vault.values.intervals(day, day + timedelta(days=1))
    assert curve.power_w.tolist() == [4 * each.energy_wh for each in stored]
    again = run(home, "--out", out)
    assert isinstance(again.exception, ConfigError)
    assert "nothing is overwritten" in str(again.exception)
    assert load_curve(out).power_w.tolist() == curve.power_w.tolist()


def test_days_beyond_those_that_are_kept_are_left_out(home, tmp_path):
    run(home, "--out", tmp_path / "all.csv")
    run(home, "--out", tmp_path / "wide.csv", "--from", "0001-01-01", "--to", "9999-12-31")
    assert (tmp_path / "all.csv").read_bytes() == (tmp_path / "wide.csv").read_bytes()


@pytest.mark.parametrize("days", [("--from", "9999-12-31"), ("--to", "0001-01-01")])
def test_days_that_are_not_kept_are_named(home, tmp_path, days):
    done = run(home, "--out", tmp_path / "curve.csv", *days)
    assert f"it keeps {FIRST} to" in str(done.exception)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--from", "2026-03-01"], "go with --out"),
        (["--out", "curve.txt"], "ends in .csv or .json"),
        (["--out", "curve.csv", "--json"], "not both"),
        (["--out", "curve.csv", "--from", "2026-03-02", "--to", "2026-03-01"], "lies before"),
        (["--out", "curve.csv", "--from", "yesterday"], "does not match the format"),
        (["--keep", "0"], "is not in the range"),
        (["--keep", "13"], "is not in the range"),
    ],
)
def test_what_does_not_go_together_is_refused(home, options, why):
    done = run(home, *options)
    assert done.exit_code == 2
    assert why in " ".join(done.output.replace("│", " ").split())
    assert not (home.directory / FILE_NAME).exists()


def test_fewer_months_need_a_yes_and_more_do_not(home):
    assert run(home, "--keep", 12).exit_code == 0
    assert load_kept_curve(home.directory) == KeptCurve(12)
    refused = run(home, "--keep", 1, input="n\n")
    assert refused.exit_code == 1
    assert "Months that stay: 1" in refused.output
    assert load_kept_curve(home.directory) == KeptCurve(12)
    agreed = run(home, "--keep", 2, input="oui\n", lang="fr")
    assert "Mois qui restent : 2" in plain(agreed.output)
    assert load_kept_curve(home.directory) == KeptCurve(2)
    assert run(home, "--keep", 1, "--yes").exit_code == 0
    assert load_kept_curve(home.directory) == KeptCurve(1)


def test_a_damaged_choice_is_told_and_made_again(home):
    save_kept_curve(home.directory, KeptCurve(1))
    (home.directory / FILE_NAME).write_text("{")
    shown = run(home)
    assert "is damaged" in shown.output
    assert "keeps: 12, and a week." in shown.output
    assert run(home, "--keep", 6, input="n\n").exit_code == 1, "12 are kept until then"
    assert run(home, "--keep", 6, "--yes").exit_code == 0
    assert load_kept_curve(home.directory) == KeptCurve(6)


def test_a_chip_without_a_vault_is_named(tmp_path):
    done = CliRunner().invoke(
        edge, ["--lang", "en", "curve", "--dir", str(tmp_path), "--keep", "1"]
    )
    assert isinstance(done.exception, ConfigError)
    assert not (tmp_path / FILE_NAME).exists()
