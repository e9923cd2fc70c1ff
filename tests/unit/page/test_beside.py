"""The neighbourhood's curve beside the home's own: the picture, the words, and why there is none."""

import re
from datetime import date, timedelta

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edge.area.figure import DAYS_KEPT, read_figure
from edge.area.neighbourhood import Following, Neighbourhood
from edge.area.report import OwnGroup
from edge.household.neighbourhood import beside, last_beside
from edge.household.requests import AskShared, AskToday
from edge.household.shown import Quarter, Shared
from edge.household.visitors import VisitorRole, household_name
from edge.language.choice import Lang
from edge.page import views
from edge.page.charts import HEIGHT, WIDTH, MeanLine, day_bars
from protocol.calendar import legal_day, quarter_hour_start, quarter_hours
from tests.support.billing_home import BillingHome
from tests.support.figures import CODE, HOUSEHOLDS, curve_payload
from tests.support.lived_home import answers_of

DAY = date(2026, 3, 28)
SHORT, LONG = date(2026, 3, 29), date(2025, 10, 26)
GROUP = OwnGroup("curve", CODE, 300, 200, 210)


def known(*days, following=Following.ON, group=GROUP, **changes):
    """Return what a chip knows that has curves of these days."""
    figures = tuple(read_figure(curve_payload(day, **changes), CODE, day) for day in days)
    return Neighbourhood(following, group, 2, figures)


def shared(day, curves, *, gaps=()):
    """Return the answer for a day of 100 Wh in each quarter-hour that is known."""
    slots = range(quarter_hours(day))
    quarters = tuple(Quarter(quarter_hour_start(day, j), None if j in gaps else 100) for j in slots)
    stands = beside(curves, day, day - timedelta(days=40), Lang.EN)
    energy_wh = sum(each.energy_wh or 0 for each in quarters)
    return Shared(day, (day, day), quarters, energy_wh, (), None, "", stands)


def points(picture, name):
    (found,) = re.findall(rf'class="{name}" points="([^"]*)"', picture)
    return [tuple(map(float, each.split(","))) for each in found.split()]


@pytest.mark.parametrize("day", [DAY, SHORT, LONG])
def test_the_mean_is_a_line_within_its_band_over_the_whole_day(day):
    figure = known(day).days[0]
    picture = day_bars([None] * quarter_hours(day), "", Lang.EN, MeanLine(*_line(figure)))
    mean, band = points(picture, "mean"), points(picture, "band")
    assert len(mean) == 2 * quarter_hours(day)
    assert len(band) == 2 * len(mean)
    assert mean[0][0] == band[0][0] == band[-1][0]
    for (x, y), (high_x, high), (low_x, low) in zip(mean, band, reversed(band), strict=False):
        assert x == high_x == low_x
        assert high <= y <= low


def _line(figure):
    return figure.mean_wh, figure.band_wh


@pytest.mark.parametrize("value_wh", [-9_000.0, -0.1, 0.0, 9_000.0])
def test_whatever_the_mean_nothing_is_drawn_outside_the_picture(value_wh):
    picture = day_bars([0] * 96, "", Lang.EN, MeanLine((value_wh,) * 96, (9_000.0,) * 96))
    for x, y in points(picture, "mean") + points(picture, "band"):
        assert 0 <= x <= WIDTH
        assert 0 <= y <= HEIGHT


@given(power_kw=st.floats(0, 36))
@example(power_kw=0)
def test_no_label_of_the_power_is_longer_than_a_narrow_window_has_room_for(power_kw):
    picture = day_bars([round(power_kw * 250)] * 96, "", Lang.FR)
    labels = re.findall(r'text-anchor="end" dominant-baseline="central">([^<]+)<', picture)
    assert len(labels) == 3
    assert max(map(len, labels)) <= 3


def test_a_day_is_compared_in_kwh_and_in_each_quarter_hour():
    view = views.beside(shared(DAY, known(DAY)), Lang.EN)
    mean_kwh = sum(50 + j for j in range(96)) / 1_000
    assert view.sums == f"Your home 9.600 kWh, on average {mean_kwh:.3f} kWh"
    assert f"{HOUSEHOLDS} households" in view.how
    assert len(view.rows) == 96
    assert view.rows[1] == ("00:15", "00:30", "100 Wh", "51.0 Wh", "± 5.0 Wh")
    assert view.svg.count('class="bar"') == 96


def test_a_day_with_gaps_is_not_summed_up_beside_a_whole_one():
    view = views.beside(shared(DAY, known(DAY), gaps={3}), Lang.EN)
    assert view.sums.startswith("On average ")
    assert view.rows[3][2] == "not known"


@pytest.mark.parametrize(("day", "count"), [(SHORT, 92), (LONG, 100)])
def test_a_day_on_which_clocks_change_has_as_many_rows_as_quarter_hours(day, count):
    view = views.beside(shared(day, known(day)), Lang.FR)
    assert len(view.rows) == count
    assert "250" in view.how


def test_other_days_are_offered_and_the_last_is_linked():
    curves = known(DAY - timedelta(days=3), DAY)
    answer = shared(DAY, curves)
    assert [day for day, _ in views.beside_days(answer, Lang.EN)] == [DAY - timedelta(days=3)]
    assert last_beside(curves, DAY - timedelta(days=1)) == DAY
    assert last_beside(curves, DAY + timedelta(days=1)) is None
    assert last_beside(Neighbourhood(), DAY) is None
    assert beside(curves, DAY, DAY, Lang.EN).days == (DAY,)


@pytest.mark.parametrize("lang", list(Lang))
def test_each_reason_why_there_is_none_is_said_in_words_of_its_own(lang):
    why = {
        following: beside(known(following=following, group=None), DAY, DAY, lang).why_none
        for following in Following
        if following is not Following.ON
    }
    why["none yet"] = beside(known(), DAY, DAY, lang).why_none
    why["another day"] = beside(known(SHORT), DAY, DAY, lang).why_none
    assert all(why.values())
    assert len(set(why.values())) == len(Following) + 1
    assert "210" in why["none yet"]
    assert beside(known(DAY), DAY, DAY, lang).why_none == ""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = BillingHome(tmp_path_factory.mktemp("town") / "town")
    home.begin()
    home.live(3)
    yield home
    home.kill()


@pytest.mark.parametrize("role", list(VisitorRole))
def test_owner_and_viewer_see_it_beside_the_day_that_they_ask_for(home, role):
    today = legal_day(home.clock.now())
    day = today - timedelta(days=2)
    curves = known(day)
    answers = answers_of(home, neighbourhood=lambda: curves)
    asked = {"household": household_name(home.identity.household_key), "role": role}
    told = answers.answer(AskShared(day=day, **asked))
    assert told.beside.curve.mean_wh == curves.days[0].mean_wh
    assert answers.answer(AskShared(day=today, **asked)).beside.curve is None
    assert answers.answer(AskToday(**asked)).beside == day


def test_an_answer_with_a_month_of_curves_stays_small(home):
    today = legal_day(home.clock.now())
    curves = known(*(today - timedelta(days=n) for n in reversed(range(DAYS_KEPT))))
    answers = answers_of(home, neighbourhood=lambda: curves)
    asked = {
        "household": household_name(home.identity.household_key),
        "role": VisitorRole.OWNER,
    }
    answer = answers.answer(AskShared(day=today, **asked))
    assert len(msgspec.json.encode(answer.beside)) < 4_000
