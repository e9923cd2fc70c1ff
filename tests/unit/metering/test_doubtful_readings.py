"""Readings that are believed although nobody can vouch for them, and lines that keep failing."""

from datetime import date, timedelta

from edge.metering.events import Event, NoticeKind
from edge.metering.meter import Meter
from edge.metering.reopening import Undone
from tests.unit.metering.test_meter import begun, days, kinds, local, quarters, see, see_twice

MINUTE = timedelta(minutes=1)


def doubts(events: list[Event]) -> dict[date, list[str]]:
    return {closed.day: [*map(str, closed.doubts)] for closed in days(events)}


def through(meter: Meter, start, end, *registers_wh: int, **kwargs) -> list[Event]:
    """Read every ten minutes, nothing drawn."""
    events: list[Event] = []
    while start <= end:
        events += see(meter, start, *registers_wh, **kwargs)
        start += 10 * MINUTE
    return events


def test_a_line_that_keeps_failing_is_told_once_and_counted_at_its_end():
    meter, events = begun(local("2025-06-10T10:00"), 1_000_000), []
    for n in range(1, 13):
        events += see(meter, local("2025-06-10T10:00") + n * 20 * MINUTE, 1_000_000 + n)
    assert kinds(events) == [NoticeKind.GAP]
    events = through(meter, local("2025-06-10T14:01"), local("2025-06-10T16:00"), 1_000_012)
    assert [(each.kind, each.detail) for each in events if hasattr(each, "kind")] == [
        ("gaps_ended", "12")
    ]
    events = see_twice(meter, local("2025-06-10T18:00"), 1_000_012)
    assert kinds(events) == [NoticeKind.GAP]


def test_days_that_rest_on_a_jump_say_so_and_the_next_one_does_not():
    meter = begun(local("2025-06-10T22:00"), 1_000_000)
    events = see_twice(meter, local("2025-06-12T01:00"), 1_990_000)
    assert [str(kind) for kind in kinds(events)] == ["gap", "index_jumped", "energy_unplaced"]
    events += through(meter, local("2025-06-12T01:10"), local("2025-06-14T00:00"), 1_990_000)
    assert doubts(events) == {
        date(2025, 6, 10): ["index_jumped"],
        date(2025, 6, 11): ["index_jumped"],
        date(2025, 6, 12): ["index_jumped"],
        date(2025, 6, 13): [],
    }


def test_a_day_that_still_places_a_jump_in_its_quarter_hours_rests_on_it():
    meter = begun(local("2025-06-10T22:00"), 1_000_000)
    events = see_twice(meter, local("2025-06-10T22:20"), 1_990_000)
    events += through(meter, local("2025-06-10T22:30"), local("2025-06-14T00:00"), 1_990_000)
    assert doubts(events) == {
        date(2025, 6, 10): ["index_jumped"],
        date(2025, 6, 11): ["index_jumped"],
        date(2025, 6, 12): ["index_jumped"],
        date(2025, 6, 13): [],
    }


def test_a_gap_within_what_can_be_drawn_leaves_no_doubt():
    meter = begun(local("2025-06-10T22:00"), 1_000_000)
    events = see_twice(meter, local("2025-06-12T01:00"), 1_600_000)
    assert kinds(events) == [NoticeKind.GAP]
    assert not any(closed.doubts for closed in days(events))


def test_registers_that_began_anew_in_silence_say_so():
    meter = begun(local("2025-06-10T10:00"), 3_000_900, 1_000_900)
    events = see_twice(meter, local("2025-06-10T12:00"), 100_000, 4_000_000, calendar="HC")
    assert "index_began_anew" in kinds(events)
    (closed,) = days(see_twice(meter, local("2025-06-11T00:00"), 100_000, 4_000_000, calendar="HC"))
    assert closed.doubts == ("index_began_anew",)


def test_a_confirmed_index_marks_its_day_and_nothing_else():
    meter = begun(local("2025-06-10T10:00"), 9_000_000, 8_000_000)
    see_twice(meter, local("2025-06-10T12:00"), 500, 8_000_000)
    events = meter.confirm_index()
    assert kinds(events) == ["gap", "index_began_anew"]
    events += see(meter, local("2025-06-10T12:01"), 500, 8_000_000)
    events += through(meter, local("2025-06-10T12:10"), local("2025-06-12T00:00"), 1_500, 8_000_000)
    assert doubts(events) == {
        date(2025, 6, 10): ["index_began_anew"],
        date(2025, 6, 11): [],
    }
    assert sum(sum(closed.register_steps_kwh) for closed in days(events)) == 1


def test_a_quarantine_that_ends_by_itself_is_told():
    meter = begun(local("2025-06-10T10:00"), 1_000_000)
    see_twice(meter, local("2025-06-10T10:01"), 2_000)
    assert kinds(see(meter, local("2025-06-10T10:02"), 1_000_001)) == ["quarantine_ended"]


def test_days_that_are_opened_again_keep_their_doubts():
    meter = begun(local("2025-06-10T22:00"), 1_000_000)
    see_twice(meter, local("2025-06-10T22:20"), 1_100_000)
    events = through(meter, local("2025-06-10T22:30"), local("2025-06-11T06:00"), 1_100_000)
    first = quarters(events)[0]
    undone = Undone((first.day, first.j), tuple(quarters(events)), tuple(days(events)))
    meter.reopen(undone)
    events = through(meter, local("2025-06-11T06:10"), local("2025-06-13T00:00"), 1_100_000)
    assert doubts(events) == {
        date(2025, 6, 10): ["index_jumped"],
        date(2025, 6, 11): ["index_jumped"],
        date(2025, 6, 12): [],
    }
