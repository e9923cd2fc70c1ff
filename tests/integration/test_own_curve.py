"""The page of the household's own data: what it keeps, takes along and deletes, and who may ask."""

from contextlib import contextmanager
from datetime import timedelta

import httpx
import pytest
from click.testing import CliRunner

from edge.commands.table import edge
from edge.household.call import door_in
from edge.household.door import open_door
from edge.household.panel_questions import PanelQuestions
from edge.household.requests import AskQuarters
from edge.household.visitors import VisitorRole
from edge.metering.events import QuarterHourClosed
from edge.metering.state import MeterState
from edge.simulate.curve_files import load_curve
from edge.vault.kept_curve import FILE_NAME, KeptCurve, load_kept_curve, save_kept_curve
from tests.support.billing_home import FIRST, BillingHome
from tests.support.lived_home import LivedHome, answers_of, lived_home, window_of
from tests.support.page_process import PageProcess, sent_patiently

PLACE = "/donnees"
# Further back than one answer of the chip reaches.
LONG_AGO = FIRST - timedelta(days=70)
DAYS = 3


@pytest.fixture(scope="module")
def chip(tmp_path_factory):
    """A chip of three days, which were read at midnight alone, and some quarter-hours of long ago."""
    chip = BillingHome(tmp_path_factory.mktemp("town") / "home")
    chip.start()
    chip.live(DAYS)
    long_ago = [QuarterHourClosed(LONG_AGO, j, 100 + j) for j in (0, 5, 6, 95)]
    chip.vault.record(long_ago, MeterState())
    return chip


@pytest.fixture(scope="module")
def home(chip):
    with lived_home(chip) as home:
        yield home


@pytest.fixture
def owner(home):
    with home.visitor() as visitor:
        yield visitor


@pytest.fixture(autouse=True)
def chosen(chip):
    """Begin each test with the default."""
    yield
    (chip.directory / FILE_NAME).unlink(missing_ok=True)


def written(chip, out, *options):
    """Write the curve as the command does, and return the file's bytes."""
    done = CliRunner().invoke(
        edge, ["--lang", "en", "curve", "--dir", str(chip.directory), "--out", str(out), *options]
    )
    assert done.exit_code == 0, done.output
    return out.read_bytes()


def form_of(visitor):
    return visitor.get(PLACE).text.split('name="form" value="')[1].split('"')[0]


def choose(home, visitor, months, **fields):
    data = {"form": form_of(visitor), "months": months, **fields}
    return sent_patiently(
        visitor,
        lambda: visitor.post(f"{PLACE}/garder", data=data, headers=home.page.origin),
    )


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_the_page_gives_the_file_that_the_command_writes(chip, owner, tmp_path, kind):
    sent = owner.get(f"{PLACE}/courbe.{kind}")
    assert sent.status_code == 200
    assert sent.content == written(chip, tmp_path / f"curve.{kind}")
    assert f'filename="load-curve_{LONG_AGO}_' in sent.headers["content-disposition"]
    assert sent.headers["cache-control"] == "no-store"
    curve = load_curve(tmp_path / f"curve.{kind}")
    assert curve.start.date() == LONG_AGO - timedelta(days=1), "midnight in Paris"
    stored = chip.vault.values.intervals(LONG_AGO, FIRST + timedelta(days=DAYS + 1))
    assert int(curve.power_w.sum()) == sum(4 * each.energy_wh for each in stored)
    some = owner.get(f"{PLACE}/courbe.{kind}", params={"du": str(FIRST), "au": "9999-12-31"})
    assert some.content == written(chip, tmp_path / f"some.{kind}", "--from", str(FIRST))


def test_the_page_says_what_is_kept_and_what_it_shows_a_thief(owner):
    shown = owner.get(PLACE).text
    for text in ("keeps: 3, and a week", "steals its card", "market prices", "courbe.csv"):
        assert text in shown
    told = owner.get("/api/v1/own-curve").json()
    assert (told["months"], told["first"]) == (3, str(LONG_AGO))
    assert told["known"] > told["estimated"] > 0
    assert told["missing"] > 60 * 96


def test_who_sees_the_curve_only_gets_no_file_and_chooses_nothing(chip, home):
    with home.visitor(VisitorRole.VIEWER) as viewer:
        for place in (PLACE, f"{PLACE}/courbe.csv", f"{PLACE}/courbe.json", "/api/v1/own-curve"):
            refused = viewer.get(place)
            assert refused.status_code == 403, place
            assert "Horodate" not in refused.text
        form = viewer.get("/etat").text.split('name="form" value="')[1].split('"')[0]
        data = {"form": form, "months": "12"}
        assert (
            viewer.post(f"{PLACE}/garder", data=data, headers=home.page.origin).status_code == 403
        )
    assert load_kept_curve(chip.directory) == KeptCurve()


@pytest.mark.parametrize(
    "days",
    [
        {"du": "9999-12-31"},
        {"au": "0001-01-01"},
        {"du": "9999-12-31", "au": "0001-01-01"},
        {"du": "2026-02-30"},
        {"au": "yesterday"},
        {"du": "\x00"},
        {"du": "2026-W01-1", "au": "0001-01-01"},
    ],
)
def test_days_that_are_not_there_give_no_file(owner, days):
    assert owner.get(f"{PLACE}/courbe.csv", params=days).status_code == 404
    assert owner.get(f"{PLACE}/courbe.csv", params={"du": "0001-01-01"}).status_code == 200


@pytest.mark.parametrize("kind", ["pdf", "csv.json", "CSV", "..%2fvault.db"])
def test_other_kinds_of_file_are_not_there(owner, kind):
    assert owner.get(f"{PLACE}/courbe.{kind}").status_code == 404


def test_a_choice_that_cannot_be_read_is_told_and_made_again(chip, home, owner):
    save_kept_curve(chip.directory, KeptCurve(1))
    (chip.directory / FILE_NAME).write_bytes(b"{")
    shown = owner.get(PLACE).text
    assert "is damaged" in shown
    assert "keeps: 12, and a week" in shown
    choose(home, owner, "4", sure="yes")
    assert (chip.directory / FILE_NAME).read_bytes() == b"{", "fewer than all need the button"
    choose(home, owner, "12", sure="yes")
    assert load_kept_curve(chip.directory) == KeptCurve(12)


@contextmanager
def page_of_a_chip_that_stops(chip):
    """Open a page whose chip is gone once it has sent the first days."""
    window, door = window_of(chip), door_in(chip.directory)
    answers = answers_of(chip, window)

    def answer(request):
        found = answers.answer(request)
        if isinstance(request, AskQuarters):
            door.unlink(missing_ok=True)
        return found

    with open_door(chip.directory, answer), PageProcess(chip.directory) as page:
        yield LivedHome(chip, page, window, PanelQuestions(chip.clock))


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_a_file_is_cut_off_when_the_chip_stops(chip, kind):
    """A shorter file that looked whole would be taken for all that is kept."""
    with page_of_a_chip_that_stops(chip) as home, home.visitor() as visitor:
        with pytest.raises(httpx.RemoteProtocolError, match="incomplete"):
            visitor.get(f"{PLACE}/courbe.{kind}")
        assert visitor.get(PLACE).status_code == 503


def test_a_chip_that_has_metered_nothing_has_no_file(tmp_path):
    empty = BillingHome(tmp_path / "home")
    empty.start()
    with lived_home(empty) as home, home.visitor() as visitor:
        shown = visitor.get(PLACE).text
        assert "It has no quarter-hour yet." in shown
        assert "courbe.csv" not in shown
        assert visitor.get(f"{PLACE}/courbe.csv").status_code == 404
        choose(home, visitor, "12", sure="yes")
        assert load_kept_curve(empty.directory) == KeptCurve(12)


def test_a_household_that_has_moved_out_still_takes_its_curve(tmp_path):
    gone = BillingHome(tmp_path / "home")
    gone.start()
    gone.live(2)
    gone.move_out()
    save_kept_curve(gone.directory, KeptCurve(12))
    with lived_home(gone) as home, home.visitor() as visitor:
        assert visitor.get(PLACE).status_code == 200
        assert visitor.get(f"{PLACE}/courbe.csv").text.startswith("Horodate;Valeur\n")
