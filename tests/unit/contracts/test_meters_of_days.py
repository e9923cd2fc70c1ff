"""Every day that a statement bills was counted by the meter that its contract names, or it is refused."""

from datetime import UTC, date, datetime, timedelta
from unittest.mock import patch

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.bills import judge as judge_module
from edge.bills.judge import judge
from edge.bills.judgement import Finding, Verdict
from edge.bills.readings import MeterUnknown
from edge.bills.remarks import remarks
from edge.contracts.meter import Fit, Meters
from edge.language.choice import Lang
from edge.metering.events import DayPart
from edge.vault.rows import Metered
from tests.support.household import METER_SALT, METER_SERIAL, Household, closed_day
from tests.support.tariffs import simple_tariff
from tests.support.victim import Victim

START, END = date(2026, 9, 1), date(2026, 10, 1)
LENGTH = (END - START).days
OTHER = "041234567891"
MASKED = "XXXXXXXXXXXX"
ONE_DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def home():
    return Household((simple_tariff(),), START, END, np.random.default_rng(31))


@pytest.fixture(scope="module")
def billed(home):
    """A contract of the household and the statement of its month."""
    provider = Victim(home)
    deal = provider.sign(simple_tariff())
    return deal, provider.statement(deal, provider.request(deal, START, END))


def judged(home, billed, meters):
    """Judge the month where these days had these meters."""
    deal, statement = billed
    days = [
        msgspec.structs.replace(row, meter_serial=meters.get(row.day, row.meter_serial))
        for row in home.days
    ]
    books = msgspec.structs.replace(home.books, days=days)
    return judge(statement, deal.agreement, home.listed_documents, books)


@given(
    days=st.dictionaries(st.integers(0, LENGTH - 1), st.sampled_from([OTHER, MASKED]), min_size=1)
)
def test_one_day_of_another_meter_is_enough(home, billed, days):
    meters = {START + timedelta(days=number): serial for number, serial in days.items()}
    judgement = judged(home, billed, meters)
    assert (judgement.verdict, judgement.findings) == (Verdict.REFUSED, (Finding.METER_DIFFERS,))
    assert (judgement.bill, judgement.other_meter) == (None, min(meters))


def test_another_meter_before_and_after_the_days_that_are_billed_refuses_nothing(home):
    provider = Victim(home)
    deal = provider.sign(simple_tariff())
    first, end = START + 10 * ONE_DAY, END - 10 * ONE_DAY
    statement = provider.statement(deal, provider.request(deal, first, end))
    meters = {first - ONE_DAY: OTHER, end: MASKED}
    assert judged(home, (deal, statement), meters).verdict is Verdict.CORRECT
    judgement = judged(home, (deal, statement), meters | {first: OTHER})
    assert judgement.findings == (Finding.METER_DIFFERS,)


def test_without_the_comparison_a_statement_of_another_meter_would_be_correct(home, billed):
    with patch.object(judge_module, "_check_meter"):
        judgement = judged(home, billed, {START: OTHER})
    assert judgement.verdict is Verdict.CORRECT


def test_the_household_is_told_from_when_on_and_what_to_do(home, billed):
    judgement = judged(home, billed, {END - ONE_DAY: OTHER})
    french, english = (remarks(judgement, lang)[0] for lang in (Lang.FR, Lang.EN))
    assert "30/09/2026" in french
    assert "2026-09-30" in english
    assert OTHER not in french + english


def test_days_that_came_back_from_the_cloud_without_a_meter_are_not_judged_yet(home, billed):
    deal, statement = billed
    days = [msgspec.structs.replace(row, meter_serial="") for row in home.days]
    unknown = Meters(METER_SALT, Metered(tuple((day, 0) for day in days)), fingerprint)
    books = msgspec.structs.replace(home.books, days=days, meters=unknown)
    with pytest.raises(MeterUnknown):
        judge(statement, deal.agreement, home.listed_documents, books)


def fingerprint(serial, calendar):
    return hash((serial, calendar))


@pytest.mark.parametrize(
    ("on_the_line", "counted", "expected"),
    [
        (METER_SERIAL, METER_SERIAL, Fit.SAME),
        (METER_SERIAL, OTHER, Fit.ANOTHER),
        (OTHER, METER_SERIAL, Fit.UNKNOWN),
        ("", METER_SERIAL, Fit.UNKNOWN),
    ],
)
def test_a_day_without_a_name_is_told_by_its_fingerprint(home, on_the_line, counted, expected):
    day = closed_day(START, (), meter_serial="")
    metered = Metered(((day, fingerprint(counted, "BASE")),), on_the_line, "BASE")
    meters = Meters(METER_SALT, metered, fingerprint)
    assert meters.fit(home.agreement.contract, day) is expected


def test_a_day_without_a_name_is_told_over_a_switch_of_the_tic_mode(home):
    day = closed_day(START, (), meter_serial="")
    metered = Metered(((day, fingerprint(METER_SERIAL, "HC")),), METER_SERIAL, "H PLEINE/CREUSE")
    meters = Meters(METER_SALT, metered, fingerprint)
    assert meters.fit(home.agreement.contract, day) is Fit.SAME


def mixed(number, *serials):
    noon = datetime(2026, 9, 15, 10, tzinfo=UTC)
    parts = tuple(DayPart(each, "BASE", noon, (1,) * 10, (0,) * 10) for each in serials)
    day = START + timedelta(days=number)
    return closed_day(day, (2,), meter_serial=serials[-1], parts=parts if serials[1:] else ())


def fits(home, days):
    meters = Meters(METER_SALT, Metered(tuple((day, 0) for day in days)), fingerprint)
    return [meters.fit(home.agreement.contract, day) for day in days]


@given(before=st.integers(0, 3), after=st.integers(0, 3), is_new=st.booleans())
def test_the_one_day_of_a_replacement_fits_the_contract_of_either_meter(
    home, before, after, is_new
):
    old, new = (OTHER, METER_SERIAL) if is_new else (METER_SERIAL, OTHER)
    serials = [(old,)] * before + [(old, new)] + [(new,)] * after
    found = fits(home, [mixed(number, *each) for number, each in enumerate(serials)])
    sides = (Fit.ANOTHER, Fit.SAME) if is_new else (Fit.SAME, Fit.ANOTHER)
    assert found == [sides[0]] * before + [Fit.SAME] + [sides[1]] * after


@pytest.mark.parametrize(
    "serials",
    [
        [(METER_SERIAL, OTHER)] * 2,
        [(OTHER,), (METER_SERIAL, OTHER)],
        [(METER_SERIAL, OTHER), (METER_SERIAL,)],
        [(METER_SERIAL, OTHER, METER_SERIAL)],
        [(METER_SERIAL, OTHER), (OTHER, METER_SERIAL)],
    ],
)
def test_meters_that_take_turns_fit_no_contract(home, serials):
    days = [mixed(number, *each) for number, each in enumerate(serials)]
    found = fits(home, days)
    assert [fit for fit, each in zip(found, serials, strict=True) if each[1:]] == [
        Fit.ANOTHER
    ] * sum(bool(each[1:]) for each in serials)
