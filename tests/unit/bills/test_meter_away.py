"""When another meter was taken for the home's, as its closed days tell."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from edge.bills.meter_away import times_away
from edge.metering.events import DayClosed, DayPart
from tests.unit.contracts.test_wrong_meter_confirmed import NEW, OLD

FIRST = date(2026, 3, 1)
DAYS = st.lists(
    st.sampled_from([(OLD,), (NEW,), (OLD, NEW), (NEW, OLD), (OLD, NEW, OLD)]), max_size=12
)


def closed(number, serials, index_kwh):
    until = datetime(2026, 3, 1, tzinfo=UTC)
    parts = tuple(
        DayPart(serial, "BASE", until, (0,) * 10, (index_kwh,) * 10, 0, 0) for serial in serials
    )
    return DayClosed(
        FIRST + timedelta(days=number),
        (0,) * 10,
        0,
        0,
        (index_kwh,) * 10,
        0,
        0,
        0,
        serials[-1],
        "BASE",
        0,
        True,
        parts if len(serials) > 1 else (),
    )


@given(days=DAYS, first_kwh=st.sampled_from([0, 999_995]))
def test_each_day_of_another_meter_is_in_one_time_if_the_own_was_read_before_and_after(
    days, first_kwh
):
    index_kwh = [(first_kwh + n) % 1_000_000 for n in range(len(days))]
    rows = [closed(n, serials, index_kwh[n]) for n, serials in enumerate(days)]
    times = list(times_away(reversed(rows), lambda serial: serial == OLD))
    told = [day for time in times for day in sorted(time.days)]
    assert len(told) == len(set(told))
    own = [n for n, serials in enumerate(days) if serials[-1] == OLD]
    expected = {
        n
        for n, serials in enumerate(days)
        if set(serials) != {OLD} and own and own[0] < n <= own[-1]
    }
    assert {FIRST + timedelta(days=n) for n in expected} == set(told)
    for time in times:
        is_back = days[(time.last - FIRST).days][-1] == OLD
        apart_kwh = (time.last - time.first).days + 1 if is_back else 0
        assert time.register_kwh == (apart_kwh,) * 10


def test_a_meter_that_stays_has_replaced_the_one_before():
    days = [(OLD,), (OLD, NEW), (NEW,), (NEW,)]
    rows = [closed(n, serials, n) for n, serials in enumerate(days)]
    for own in (OLD, NEW):
        assert list(times_away(rows, lambda serial, own=own: serial == own)) == []
