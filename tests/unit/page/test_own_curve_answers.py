"""What the chip answers on its own curve: days that it keeps, in spans that fit, by legal days."""

from datetime import date, timedelta

import pytest

from edge.household.messages import ANSWER_BYTES_MAX, encode
from edge.household.requests import AskOwnCurve, AskQuarters, KeepCurve
from edge.household.shown import SPAN_DAYS_MAX, NotDone, OwnCurve, Quarters
from edge.household.visitors import VisitorRole, household_name
from edge.language.choice import Lang
from edge.metering.events import QuarterHourClosed
from edge.metering.state import MeterState
from edge.vault.kept_curve import FILE_NAME, LENGTHS_MONTHS, KeptCurve, load_kept_curve
from protocol.calendar import days_between, quarter_hours
from tests.support.billing_home import BillingHome
from tests.support.lived_home import answers_of

# Over the change of the clock in October, and longer than one answer.
FIRST, LAST = date(2026, 10, 20), date(2026, 12, 5)
BACK = date(2026, 10, 25)
HOLE = (date(2026, 11, 3), 7)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = BillingHome(tmp_path_factory.mktemp("town") / "home")
    home.start()
    quarters = [
        QuarterHourClosed(day, j, 9_000, is_estimated=day == FIRST)
        for day in days_between(FIRST, LAST + timedelta(days=1))
        for j in range(quarter_hours(day))
        if (day, j) != HOLE
    ]
    home.vault.record(quarters, MeterState())
    return home


def ask(home, question, **fields):
    household = household_name(home.identity.household_key)
    return answers_of(home).answer(question(household=household, role=VisitorRole.OWNER, **fields))


def test_it_tells_what_is_known_estimated_and_missing(home):
    told = ask(home, AskOwnCurve, lang=Lang.EN)
    assert isinstance(told, OwnCurve)
    days = days_between(FIRST, LAST + timedelta(days=1))
    assert (told.first, told.last) == (FIRST, LAST)
    assert (told.estimated, told.missing) == (96, 1)
    assert told.known == sum(map(quarter_hours, days)) - 1
    assert told.lengths == LENGTHS_MONTHS == tuple(range(1, 13))
    assert any("missing since the first: 1." in text for text in told.texts)


def test_the_largest_answer_fits(home):
    last = BACK + timedelta(days=SPAN_DAYS_MAX - 1)
    answer = ask(home, AskQuarters, first=BACK, last=last)
    assert isinstance(answer, Quarters)
    assert len(answer.quarters) == SPAN_DAYS_MAX * 96 + 4
    assert len(encode(answer)) < ANSWER_BYTES_MAX
    assert [each.energy_wh for each in answer.quarters].count(None) == 1
    gaps = {b.start - a.start for a, b in zip(answer.quarters, answer.quarters[1:], strict=False)}
    assert gaps == {timedelta(minutes=15)}


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (FIRST - timedelta(days=1), FIRST),
        (LAST, LAST + timedelta(days=1)),
        (FIRST, FIRST + timedelta(days=SPAN_DAYS_MAX)),
        (LAST, FIRST),
        (date.min, date.max),
        (date.max, date.max),
        (date.min, date.min),
    ],
)
def test_days_that_are_not_kept_or_too_many_are_refused(home, first, last):
    assert isinstance(ask(home, AskQuarters, first=first, last=last), NotDone)


@pytest.mark.parametrize("months", [0, 13, 99])
def test_other_numbers_of_months_are_not_stored(home, months):
    assert isinstance(ask(home, KeepCurve, months=months), NotDone)
    assert not (home.directory / FILE_NAME).exists()


def test_a_choice_is_stored_and_told(home):
    done = ask(home, KeepCurve, months=12)
    assert "12" in done.texts[Lang.EN]
    assert ask(home, AskOwnCurve).months == 12
    assert load_kept_curve(home.directory) == KeptCurve(12)
    (home.directory / FILE_NAME).unlink()
