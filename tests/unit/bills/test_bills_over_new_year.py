"""Bills whose days were encrypted under the keys of two years: late days, corrections, keys gone."""

from datetime import date, timedelta
from decimal import Decimal

import msgspec
import numpy as np
import pytest

from edge.bills.judge import judge
from edge.bills.judgement import Finding, Verdict
from edge.vault.keyring import Keyring
from edge.vault.sums import SumOpener
from protocol.calendar import days_between
from tests.support.household import Household
from tests.support.listing import Provider, Publisher, register_line
from tests.support.quoting import Oracle, catalogue_of, quoted
from tests.support.tariffs import simple_tariff
from tests.support.victim import Victim

START, NEW_YEAR, END = date(2026, 11, 25), date(2027, 1, 1), date(2027, 2, 20)
LATE = [date(2026, 12, 5), date(2026, 12, 30), date(2026, 12, 31)]


@pytest.fixture(scope="module")
def home():
    return Household((simple_tariff(),), START, END, np.random.default_rng(12))


@pytest.fixture
def chip(home):
    return Victim(home)


@pytest.fixture
def deal(chip):
    return chip.sign(simple_tariff())


def test_a_bill_of_both_years_is_the_sum_of_their_days(home, chip, deal):
    chip.ask(deal, START, END)
    judgement = chip.judgements[-1]
    assert (judgement.verdict, judgement.findings) == (Verdict.CORRECT, ())
    assert home.keyring.years == {2026, 2027}
    low, high, both = judgement.opened
    assert low.quantity == chip.kwh(days_between(START, END))
    assert low.quantity + high.quantity == both.quantity


def test_days_of_december_are_billed_late_in_january(chip, deal):
    chip.ask(deal, START, NEW_YEAR, without=LATE)
    chip.ask(deal, NEW_YEAR, NEW_YEAR + timedelta(days=30), late=LATE)
    judgement = chip.judgements[-1]
    assert (judgement.verdict, judgement.late) == (Verdict.CORRECT, tuple(LATE))
    (late, *_) = [line for line in judgement.bill.lines if line.is_late]
    assert late.kwh > 0


def test_a_bill_over_new_year_is_corrected(chip, deal):
    request = chip.request(deal, START, END)
    chip.answer(deal, chip.statement(deal, request))
    former = chip.judgements[-1].bill.total_ttc
    cheaper = msgspec.structs.replace(
        simple_tariff(),
        name="baisse",
        valid_from=date(2026, 12, 20),
        energy=tuple(
            msgspec.structs.replace(line, eur_per_kwh=Decimal("0.01"))
            for line in simple_tariff().energy
        ),
    )
    again = chip.request(deal, START, END, offer=chip.extend(deal, cheaper), corrects=request.id)
    chip.answer(deal, chip.statement(deal, again))
    judgement = chip.judgements[-1]
    assert judgement.verdict is Verdict.CORRECT
    assert judgement.credit.total == former + judgement.credit.difference < former


@pytest.mark.parametrize(
    ("start", "end", "findings"),
    [
        (START, NEW_YEAR, (Finding.KEYS_GONE,)),
        (START, END, (Finding.KEYS_GONE,)),
        (NEW_YEAR, END, ()),
    ],
)
def test_days_whose_keys_are_destroyed_are_not_called_wrong(home, chip, deal, start, end, findings):
    left = Keyring(home.secret, [home.keyring.of_year(2027)])
    books = msgspec.structs.replace(home.books, sums=SumOpener(home.epoch, left))
    statement = chip.statement(deal, chip.request(deal, start, end))
    judgement = judge(statement, deal.agreement, home.listed_documents, books)
    assert judgement.findings == findings
    assert judgement.verdict is (Verdict.REFUSED if findings else Verdict.CORRECT)


def test_a_years_quotes_over_new_year_are_what_plain_arithmetic_gives():
    start, end = date(2026, 6, 15), date(2027, 6, 15)
    rng = np.random.default_rng(13)
    household = Household((simple_tariff(valid_to=None),), start, end, rng, restart_chance=0.02)
    publisher, provider = Publisher(), Provider()
    calendar, series = publisher.calendar(start, end), publisher.series(start, end)
    tariff = provider.tariff(energy=(register_line((1,), "0.2"), register_line((2,), "0.3")))
    catalogue = catalogue_of(
        publisher.sign(calendar), publisher.sign(series), provider.offer(tariff)
    )
    (quote,) = quoted(household, catalogue, start, end).quotes
    assert household.keyring.years == {2026, 2027}
    assert quote.total_ttc == Oracle(household, start, end).total(tariff, series)
