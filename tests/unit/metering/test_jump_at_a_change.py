"""An index that jumps exactly where something changes is marked as any other that jumps."""

from datetime import date, timedelta

import pytest

from edge.metering.events import NoticeKind
from edge.metering.unconfirmed import quarantine_in
from tests.unit.metering.test_doubtful_readings import doubts, through
from tests.unit.metering.test_meter import (
    begun,
    days,
    kinds,
    local,
    quarters,
    see_twice,
)

BEGUN, CHANGED = local("2025-06-10T22:00"), local("2025-06-10T22:20")
NEXT = local("2025-06-10T22:30")


@pytest.mark.parametrize("minutes", [1, 20])
def test_a_jump_at_a_change_of_calendar_is_counted_and_its_days_are_marked(minutes):
    meter = begun(BEGUN, 1_000_000)
    at = BEGUN + timedelta(minutes=minutes)
    events = see_twice(meter, at, 1_990_000, calendar="HC")
    assert kinds(events) == [
        *([NoticeKind.GAP] if minutes == 20 else []),
        NoticeKind.CALENDAR_CHANGED,
        NoticeKind.INDEX_JUMPED,
        *([NoticeKind.ENERGY_UNPLACED] if minutes == 20 else []),
    ]
    events += through(meter, NEXT, local("2025-06-14T00:00"), 1_990_000, calendar="HC")
    assert doubts(events) == {
        date(2025, 6, 10): ["index_jumped"],
        date(2025, 6, 11): ["index_jumped"],
        date(2025, 6, 12): ["index_jumped"],
        date(2025, 6, 13): [],
    }
    assert sum(sum(closed.register_steps_kwh) for closed in days(events)) == 990
    assert sum(each.energy_wh for each in quarters(events)) == 990_000


def test_an_injection_that_jumps_at_a_change_is_marked_also_where_registers_begin_anew():
    for registers_wh in (1_000_000, 500):
        meter = begun(BEGUN, 1_000_000, injected_wh=2_000)
        events = see_twice(meter, CHANGED, registers_wh, injected_wh=900_000, calendar="HC")
        assert NoticeKind.INDEX_JUMPED in kinds(events)


def test_a_leap_at_a_change_of_calendar_waits_for_a_person_as_any_other():
    meter = begun(BEGUN, 1_000_000)
    assert kinds(see_twice(meter, CHANGED, 3_000_000, calendar="HC")) == [
        NoticeKind.INDEX_QUARANTINED,
    ]
    assert quarantine_in(meter.state) is not None
    events = meter.confirm_index()
    assert kinds(events) == [NoticeKind.GAP, NoticeKind.INDEX_BEGAN_ANEW]
    events += through(meter, NEXT, local("2025-06-12T00:00"), 3_000_000, calendar="HC")
    assert doubts(events) == {date(2025, 6, 10): ["index_began_anew"], date(2025, 6, 11): []}
    assert not any(sum(closed.register_steps_kwh) for closed in days(events))


def test_the_end_of_a_quarantine_at_a_change_of_calendar_is_told():
    meter = begun(BEGUN, 1_000_000)
    see_twice(meter, CHANGED, 3_000_000)
    events = see_twice(meter, NEXT, 1_000_100, calendar="HC")
    assert NoticeKind.QUARANTINE_ENDED in kinds(events)
    assert meter.state.quarantined is None


def test_a_meter_that_comes_back_with_a_jump_says_so():
    meter = begun(BEGUN, 1_000_000, serial="021661000001", named="021661000002")
    see_twice(meter, BEGUN + timedelta(minutes=1), 5_000, serial="021661000002")
    meter._is_named = lambda _: True
    events = see_twice(meter, BEGUN + timedelta(minutes=2), 1_500_000)
    assert kinds(events) == [NoticeKind.METER_REPLACED, NoticeKind.INDEX_JUMPED]
    events += through(meter, NEXT, local("2025-06-14T00:00"), 1_500_000)
    assert doubts(events)[date(2025, 6, 10)] == ["index_jumped"]
    assert sum(each.energy_wh for each in quarters(events)) == 500_000
