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
from edge.bills.remarks import remarks
from edge.bills.words import Lang
from edge.contracts.meter import Fit, fit_of
from edge.metering.events import DayPart
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
    return judge(statement, deal.agreement, home.shelf, books, home.secret.seal)


@given(
    days=st.dictionaries(st.integers(0, LENGTH - 1), st.sampled_from([OTHER, MASKED]), min_size=1)
)
def test_one_day_of_another_meter_is_enough(home, billed, days):
    meters = {START + timedelta(days=number): serial for number, serial in days.items()}
    judgement = judged(home, billed, meters)
    assert (judgement.verdict, judgement.findings) == (Verdict.REFUSED, (Finding.METER_DIFFERS,))
    assert (judgement.bill, judgement.other_meter) == (None, min(meters))


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


def test_days_that_came_back_from_the_cloud_without_a_meter_are_opened_and_said(home, billed):
    judgement = judged(home, billed, {START: ""})
    assert judgement.verdict is Verdict.CORRECT
    assert judgement.findings == (Finding.METER_UNKNOWN,)


def test_the_day_of_a_replacement_fits_the_contract_of_either_meter(home):
    contract = home.agreement.contract
    noon = datetime(2026, 9, 15, 10, tzinfo=UTC)
    parts = tuple(
        DayPart(serial, "BASE", noon, (1,) * 10, (0,) * 10) for serial in (METER_SERIAL, OTHER)
    )
    for serial, others in ((OTHER, parts), (METER_SERIAL, parts[::-1])):
        day = closed_day(START, (2,), meter_serial=serial, parts=others)
        assert fit_of(contract, METER_SALT, day) is Fit.SAME
    assert fit_of(contract, METER_SALT, closed_day(START, (), meter_serial=OTHER)) is Fit.ANOTHER
    assert fit_of(contract, bytes(32), closed_day(START, ())) is Fit.ANOTHER
