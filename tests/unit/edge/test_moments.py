"""When a household's wishes leave: drawn within their bounds, and the same after a restart."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.mqtt.moments import after_wish, at_once, in_month, in_next_day
from protocol.calendar import legal_day, month_of
from protocol.keys import HouseholdSecret

MOMENTS = st.integers(1_700_000_000, 1_900_000_000).map(lambda s: datetime.fromtimestamp(s, UTC))
HOUSEHOLDS = [HouseholdSecret.generate() for _ in range(200)]


@given(MOMENTS)
def test_a_receipt_leaves_on_the_day_after_it_was_made(now):
    leaves_at = in_next_day(now)
    assert leaves_at.date() == now.date() + timedelta(days=1)
    assert leaves_at.microsecond == 0


@given(MOMENTS)
def test_a_wish_leaves_2_to_12_hours_later(now):
    assert timedelta(hours=2) <= after_wish(now) - now < timedelta(hours=12)
    assert at_once(now) == now


@given(st.sampled_from(HOUSEHOLDS), st.dates(date(2024, 1, 1), date(2030, 1, 1)))
def test_a_households_moment_of_a_month_lies_in_it_and_stays_the_same(household, day):
    month = month_of(day)
    moment = in_month(household, month, "quotes")
    assert month_of(legal_day(moment)) == month
    again = HouseholdSecret.from_bytes(household.to_bytes())
    assert in_month(again, month, "quotes") == moment


@pytest.mark.parametrize(
    "draw",
    [
        lambda household: in_month(household, date(2026, 12, 1), "quotes"),
        lambda _: in_next_day(datetime(2026, 12, 1, 8, tzinfo=UTC)),
        lambda _: after_wish(datetime(2026, 12, 1, 8, tzinfo=UTC)),
    ],
    ids=["month", "day", "wish"],
)
def test_moments_fill_their_whole_range(draw):
    """Of 200 draws, each tenth of the range gets some: one that stays empty has odds of 1 in 10^8."""
    moments = sorted(draw(household) for household in HOUSEHOLDS)
    first, last = moments[0], moments[-1]
    tenths = {int((moment - first) / (last - first) * 9.999) for moment in moments}
    assert tenths == set(range(10))
    assert len(set(moments)) > 190
