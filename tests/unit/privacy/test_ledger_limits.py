"""The ledger at its limits, and the account that a household is shown."""

from datetime import date

import msgspec
import pytest

from edge.privacy.ledger import (
    DELTA,
    EVERYTHING_RHO,
    ROUNDING,
    Caps,
    Ledger,
    Limit,
    Spend,
    budget,
    oldest_needed,
)
from protocol.calendar import day_number
from protocol.privacy import epsilon_of_rho

DAY = day_number(date(2026, 5, 11))
CAPS = Caps(day_rho=1.0, month_rho=2.0, year_rho=3.0, profile_days=2)


def spend(rho, day=DAY, *, is_profile=False, measure="curve") -> Spend:
    return Spend(day, measure, rho, is_profile)


def test_promises_are_at_these_constants():
    assert (DELTA, EVERYTHING_RHO, ROUNDING) == (1e-6, 1_000.0, 1e-9)


def test_reasons_have_the_names_that_status_and_logs_give():
    assert [each.value for each in Limit] == [
        *("day_spent_already", "day_cap", "month_cap", "year_cap", "profile_cap")
    ]


@pytest.mark.parametrize("rho", [0, 0.5, 1_000])
def test_a_cap_may_be_from_nothing_to_everything(rho):
    assert msgspec.convert({"day_rho": rho}, Caps).day_rho == rho


@pytest.mark.parametrize("rho", [-0.001, 1_000.5])
def test_a_cap_beyond_everything_is_refused(rho):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"month_rho": rho}, Caps)


@pytest.mark.parametrize("over", [0.0, 0.95 * ROUNDING, ROUNDING])
def test_a_cap_may_be_met_to_the_rounding_of_a_float(over):
    assert Ledger().refusal([spend(1.0 + over)], CAPS) is None


@pytest.mark.parametrize(
    ("spent", "limit"),
    [
        ([], Limit.DAY),
        ([(date(2026, 5, 2), 1.0)], Limit.MONTH),
        ([(date(2026, 1, 2), 1.0), (date(2026, 2, 2), 1.0)], Limit.YEAR),
    ],
)
def test_a_millionth_over_a_cap_is_refused_by_its_name(spent, limit):
    ledger = Ledger([spend(rho, day_number(day)) for day, rho in spent])
    over = 1.0 + 1e-6
    caps = CAPS if limit is Limit.DAY else msgspec.structs.replace(CAPS, day_rho=2.0)
    assert ledger.refusal([spend(1.0)], caps) is None
    assert ledger.refusal([spend(over)], caps) is limit


def test_only_days_with_a_profile_count_as_such():
    ledger = Ledger(
        [
            spend(0.1, day_number(date(2026, 3, 1)), is_profile=True, measure="profile"),
            spend(0.1, day_number(date(2026, 3, 1))),
            spend(0.1, day_number(date(2026, 3, 2))),
            spend(0.1, day_number(date(2025, 3, 2)), is_profile=True, measure="profile"),
        ]
    )
    assert ledger.balance(DAY).profile_days == 1


def test_one_profile_among_measures_is_enough_for_its_cap():
    ledger = Ledger(
        spend(0.1, day_number(date(2026, 3, n)), is_profile=True, measure="profile") for n in (1, 2)
    )
    both = [spend(0.1), spend(0.1, is_profile=True, measure="profile")]
    assert ledger.refusal(both, CAPS) is Limit.PROFILE
    assert ledger.refusal(both[:1], CAPS) is None


def test_the_account_says_what_taking_part_and_being_at_home_give_away():
    """To be replaced by another is twice the distance, so four times the cost."""
    shown = budget(Ledger([spend(0.25)]), CAPS, DAY)
    assert (shown.day, shown.delta) == ("2026-05-11", 1e-6)
    assert shown.today.epsilon == epsilon_of_rho(0.25, 1e-6)
    assert shown.today.epsilon_replaced == epsilon_of_rho(1.0, 1e-6)


def test_what_is_left_is_a_fraction_of_the_cap():
    caps = msgspec.structs.replace(CAPS, day_rho=0.5, month_rho=0.1, year_rho=0.0)
    shown = budget(Ledger([spend(0.125)]), caps, DAY)
    assert (shown.today.left, shown.month.left, shown.year.left) == (0.75, 0.0, 0.0)


@pytest.mark.parametrize(
    ("day", "first"),
    [
        (date(2026, 1, 1), date(2024, 12, 31)),
        (date(2026, 12, 31), date(2024, 12, 31)),
        (date(2025, 5, 11), date(2024, 1, 1)),
    ],
)
def test_entries_are_kept_for_this_year_and_the_one_before(day, first):
    assert oldest_needed(day_number(day)) == day_number(first)
