"""Bills in plain arithmetic, against the rules that worked bills state."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.bill import Line, months, periods, price_bill, register_energies, to_cent
from tests.support.tariffs import simple_tariff

DAY = date(2026, 3, 1)
DAYS = st.dates(date(2024, 1, 1), date(2027, 12, 31))


@given(DAYS, st.integers(1, 500), st.integers(1, 500))
def test_months_of_two_periods_add_up(start, first, second):
    middle = start + timedelta(days=first)
    end = middle + timedelta(days=second)
    assert months(start, middle) + months(middle, end) == months(start, end)


def test_whole_calendar_months_count_one_and_others_by_their_days():
    assert months(date(2026, 2, 10), date(2026, 4, 10)) == Fraction(19, 28) + 1 + Fraction(9, 30)


@given(st.fractions(min_value=-1000, max_value=1000))
def test_rounding_goes_to_the_nearest_cent(amount):
    assert abs(Fraction(to_cent(amount)) - amount) <= Fraction(1, 200)


@pytest.mark.parametrize(
    ("amount", "cents"), [("0.005", "0.01"), ("-0.005", "-0.01"), ("1.0049", "1.00")]
)
def test_half_a_cent_rounds_away_from_zero(amount, cents):
    assert to_cent(Fraction(amount)) == Decimal(cents)


def test_a_period_across_two_grids_is_cut_where_the_second_begins():
    old = simple_tariff(name="old", valid_to=date(2026, 2, 1))
    new = simple_tariff(name="new", valid_from=date(2026, 2, 1))
    assert periods([new, old], date(2026, 1, 15), date(2026, 3, 1)) == [
        (1, date(2026, 1, 15), date(2026, 2, 1)),
        (0, date(2026, 2, 1), date(2026, 3, 1)),
    ]


def test_a_day_without_tariff_or_with_two_is_named():
    tariff = simple_tariff(valid_from=date(2026, 1, 10))
    with pytest.raises(ValueError, match="2026-01-01 has no tariff"):
        periods([tariff], date(2026, 1, 1), date(2026, 2, 1))
    with pytest.raises(ValueError, match="2026-01-31 has no tariff"):
        periods([simple_tariff(valid_to=date(2026, 1, 31))], date(2026, 1, 1), date(2026, 2, 1))
    with pytest.raises(ValueError, match="two tariffs"):
        periods([tariff, tariff], date(2026, 1, 10), date(2026, 2, 1))


def test_vat_is_taken_once_per_rate_on_the_sum_of_its_lines():
    bill = price_bill(
        [simple_tariff()],
        date(2026, 3, 1),
        date(2026, 4, 1),
        register_energies(0, simple_tariff(), [date(2026, 3, 1)], [101, 202, *[0] * 8]),
    )
    assert [str(line.ht) for line in bill.lines] == ["12.34", "14.71", "38.18", "9.35"]
    assert (str(bill.total_ht), str(bill.vat[0].amount), str(bill.total_ttc)) == (
        "74.58",
        "14.92",
        "89.50",
    )


def test_the_quantity_of_a_line_is_in_kwh_whatever_counted_it():
    def quantity(**counted):
        return Line("line", "T", DAY, DAY, Decimal(1), Decimal(0), **counted).quantity_kwh

    assert quantity(kwh=7) == 7
    assert str(quantity(wh=7_250)) == "7.250"
    assert quantity() is None
