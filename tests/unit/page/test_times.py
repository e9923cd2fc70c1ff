"""Times on the page are told apart, also in the hour that comes twice."""

from datetime import date, datetime

import pytest

from edge.household.shown import Quarter
from edge.language.choice import Lang
from edge.language.numbers import clock_text, time_text
from edge.page.views import curve
from protocol.calendar import PARIS, quarter_hour_start, quarter_hours

CHANGES = {date(2026, 10, 25): 100, date(2027, 3, 28): 92, date(2026, 11, 30): 96}


@pytest.mark.parametrize("lang", list(Lang))
@pytest.mark.parametrize("day", CHANGES)
def test_each_quarter_hour_of_a_day_has_a_row_of_its_own(day, lang):
    quarters = [Quarter(quarter_hour_start(day, j), 250) for j in range(quarter_hours(day))]
    rows = curve(day, quarters, lang).rows
    assert len({(first, last) for first, last, _ in rows}) == len(rows) == CHANGES[day]
    assert [last for _, last, _ in rows[:-1]] == [first for first, _, _ in rows[1:]]


def test_the_hour_that_comes_twice_says_which_it_is():
    first = datetime(2026, 10, 25, 2, 15, tzinfo=PARIS)
    second = first.replace(fold=1)
    assert clock_text(first, Lang.EN) == "02:15 (summer time)"
    assert time_text(second, Lang.FR) == "25/10/2026 à 02:15 (hiver)"
    assert clock_text(first.replace(hour=1), Lang.EN) == "01:15"
    assert clock_text(second.replace(hour=3), Lang.EN) == "03:15"
