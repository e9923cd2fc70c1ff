"""The budget: what adds up, what it stops, and how it is told."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.area.words import budget_in_words
from edge.privacy.ledger import DAY_RHO_MAX, Caps, Ledger, Limit, Spend, budget, oldest_needed
from protocol.calendar import day_number, day_of_number
from protocol.privacy import gaussian_sigma, rho_of_sigma

DAY = day_number(date(2026, 5, 10))
TWO = rho_of_sigma(gaussian_sigma(2.0, 1e-6))

spends = st.lists(
    st.builds(
        Spend,
        st.integers(DAY - 400, DAY + 400),
        st.sampled_from(["curve", "classes", "profile"]),
        st.floats(0.001, 0.3),
        st.booleans(),
    ),
    max_size=200,
)


def test_106_days_of_epsilon_two_fill_a_year():
    assert pytest.approx(0.1005, abs=1e-4) == TWO
    taken = Ledger()
    caps = Caps(month_rho=100)
    first = day_number(date(2026, 1, 1))
    for day in range(first, first + 365):
        spend = Spend(day, "curve", TWO)
        if taken.refusal([spend], caps) is None:
            taken = Ledger([*taken.spends, spend])
    assert len(taken.spends) == 106
    assert taken.refusal([Spend(first + 364, "curve", TWO)], caps) is Limit.YEAR
    assert taken.refusal([Spend(first + 365, "curve", TWO)], caps) is None


@given(st.lists(st.tuples(st.integers(0, 800), st.floats(0.01, 0.6)), max_size=120))
def test_no_sequence_of_days_exceeds_a_cap(days):
    caps = Caps(month_rho=1.0, year_rho=3.0)
    ledger = Ledger()
    for offset, rho in days:
        wanted = [Spend(DAY + offset, "curve", rho / 2), Spend(DAY + offset, "classes", rho / 2)]
        if ledger.refusal(wanted, caps) is None:
            ledger = Ledger([*ledger.spends, *wanted])
    for offset in range(0, 801, 10):
        balance = ledger.balance(DAY + offset)
        assert balance.month_rho <= 1.0 + 1e-6
        assert balance.year_rho <= 3.0 + 1e-6
        assert balance.day_rho <= DAY_RHO_MAX + 1e-6
    assert len({(each.day, each.measure) for each in ledger.spends}) == len(ledger.spends)


@given(spends)
def test_a_day_with_an_entry_is_never_paid_twice(entries):
    ledger = Ledger(entries)
    for each in entries:
        again = [Spend(each.day, "another", 0.0)]
        assert ledger.refusal(again, Caps(year_rho=1_000, month_rho=1_000)) is Limit.SPENT


@given(spends)
def test_what_is_pruned_is_not_needed(entries):
    kept = [each for each in entries if each.day >= oldest_needed(DAY)]
    assert Ledger(entries).balance(DAY) == Ledger(kept).balance(DAY)


def test_months_and_years_are_those_of_the_calendar():
    last = day_number(date(2026, 4, 30))
    ledger = Ledger([Spend(last, "curve", 3.95)])
    assert ledger.refusal([Spend(last - 1, "curve", 0.1)], Caps()) is Limit.MONTH
    assert ledger.refusal([Spend(last + 1, "curve", 0.1)], Caps()) is None


def test_a_day_beyond_epsilon_four_is_refused():
    wanted = [Spend(DAY, "curve", DAY_RHO_MAX * 0.6), Spend(DAY, "classes", DAY_RHO_MAX * 0.6)]
    assert Ledger().refusal(wanted, Caps()) is Limit.DAY


def test_the_profile_has_a_cap_of_its_own():
    entries = [Spend(DAY - 10 * n, "profile", 0.01, is_profile=True) for n in range(1, 5)]
    ledger = Ledger(entries)
    assert ledger.refusal([Spend(DAY, "profile", 0.01, is_profile=True)], Caps()) is Limit.PROFILE
    assert ledger.refusal([Spend(DAY, "curve", 0.01)], Caps()) is None


def test_the_account_is_what_the_design_promises():
    month = [Spend(DAY + n, "curve", TWO) for n in range(-9, 21)]
    account = budget(Ledger(month), Caps(), DAY)
    assert account.today.epsilon == pytest.approx(2.1, abs=0.2)
    assert 14 <= account.month.epsilon <= 16
    assert account.month.left == pytest.approx(1 - 30 * TWO / 4)
    assert account.day == "2026-05-10"


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_the_account_in_words(lang):
    text = budget_in_words(budget(Ledger([Spend(DAY, "curve", TWO)]), Caps(), DAY), lang)
    assert text.count("░") + text.count("█") == 90
    assert ("Cette année" if lang == "fr" else "This year") in text
    empty = budget_in_words(budget(Ledger(), Caps(year_rho=0), DAY), lang)
    assert "100" in empty  # a cap of nothing is spent


def test_one_more_day_costs_what_the_last_one_did():
    spends = [Spend(DAY - 3, "curve", 0.5), Spend(DAY - 1, "curve", 0.2), Spend(DAY - 1, "b", 0.1)]
    account = budget(Ledger(spends), Caps(day_rho=1.0, month_rho=2.0, year_rho=10.0), DAY)
    assert account.next_day.rho == pytest.approx(0.3)
    assert account.days_left == 4, "1.2 of the month's 2.0 are left"
    assert budget(Ledger(spends), Caps(month_rho=0.1), DAY).days_left == 0
    never = budget(Ledger(), Caps(), DAY)
    assert (never.next_day, never.days_left) == (None, None)
    assert "No day has cost" in budget_in_words(never, "en")


def test_the_oldest_day_that_counts_lies_before_the_year():
    assert day_of_number(oldest_needed(DAY)) < date(2026, 1, 1) - timedelta(days=300)
