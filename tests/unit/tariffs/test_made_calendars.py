"""Calendars made from windows, colours and peaks: legal time, its two odd nights, known days."""

import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.calendar import PARIS, days_between
from protocol.errors import DocumentRefused
from protocol.schedule import Schedules, quarter_number
from protocol.tariff import CalendarLine
from tariffs.calendars import (
    EJP_CLASSES,
    HPHC_CLASSES,
    TEMPO_CLASSES,
    Season,
    Windows,
    ejp_calendar,
    hphc_calendar,
    read_windows,
    tempo_calendar,
)
from tariffs.days import Colour, read_peak_days, read_tempo_days, tempo_days
from tariffs.grids import REGISTERS, GridOption
from tests.support.tariffs import SHARED

KEY = bytes(32)
NIGHT = Windows((Season(("22:30-06:30",)),))
REFORMED = Windows(
    (
        Season(("22:30-06:30",), "11-01", "04-01"),
        Season(("02:00-07:00", "13:00-16:00"), "04-01", "11-01"),
    )
)
FACTS = SHARED / "tariffs" / "tempo_calendar.csv"


def class_at(calendar, at):
    """Return the class at a legal time."""
    number = calendar.values()[
        quarter_number(datetime.fromisoformat(at).replace(tzinfo=PARIS)) - calendar.start
    ]
    return calendar.classes[number]


def hours_by_class(calendar, day):
    line = [CalendarLine(name, KEY, calendar.name, (name,), 0, 0) for name in calendar.classes]
    schedules = Schedules([calendar])
    return {each.name: schedules.members(each, day).sum() / 4 for each in line}


def test_classes_stand_in_the_order_of_the_meters_registers():
    for classes, option in (
        (HPHC_CLASSES, GridOption.HPHC),
        (TEMPO_CLASSES, GridOption.TEMPO),
        (EJP_CLASSES, GridOption.EJP),
    ):
        assert {name: number for number, name in enumerate(classes, 1)} == REGISTERS[option]


def test_off_peak_windows_follow_legal_time_and_the_season():
    calendar = hphc_calendar(KEY, "m", REFORMED, date(2025, 10, 1), date(2026, 10, 1))
    for at, expected in (
        ("2025-10-31T13:00", "hc"),
        ("2025-10-31T15:45", "hc"),
        ("2025-10-31T16:00", "hp"),
        ("2025-10-31T23:00", "hp"),
        ("2025-11-01T00:00", "hc"),  # the winter's window, from its first midnight
        ("2025-11-01T13:00", "hp"),
        ("2025-11-01T22:15", "hp"),
        ("2025-11-01T22:30", "hc"),
        ("2026-02-28T06:15", "hc"),
        ("2026-02-28T06:30", "hp"),
        ("2026-04-01T06:45", "hc"),
    ):
        assert class_at(calendar, at) == expected, at
    assert hours_by_class(calendar, date(2026, 1, 15)) == {"hc": 8, "hp": 16}
    assert hours_by_class(calendar, date(2026, 7, 15)) == {"hc": 8, "hp": 16}


def test_the_nights_on_which_clocks_change_are_an_hour_longer_and_shorter():
    calendar = hphc_calendar(KEY, "m", NIGHT, date(2025, 10, 1), date(2026, 5, 1))
    assert hours_by_class(calendar, date(2025, 10, 26)) == {"hc": 9, "hp": 16}
    assert hours_by_class(calendar, date(2026, 3, 29)) == {"hc": 7, "hp": 16}


@settings(max_examples=25, deadline=None)
@given(st.dates(date(2024, 1, 1), date(2027, 12, 31)), st.integers(1, 40))
def test_documents_that_follow_each_other_say_what_one_would(start, days):
    middle, end = start + timedelta(days=days), start + timedelta(days=2 * days)
    one = hphc_calendar(KEY, "m", REFORMED, start, end)
    parts = [hphc_calendar(KEY, "m", REFORMED, *span) for span in ((start, middle), (middle, end))]
    assert parts[0].end == parts[1].start
    assert np.concatenate([part.values() for part in parts]).tolist() == one.values().tolist()


@pytest.mark.parametrize(
    ("seasons", "said"),
    [
        ([{"off_peak": ["22:30-06:00"]}], "7.5 hours"),
        ([{"off_peak": ["22:35-06:35"]}], "quarter-hours"),
        ([{"off_peak": ["22-6 h"]}], "no window"),
        ([{"off_peak": ["00:00-06:00", "05:00-07:00"]}], "overlap"),
        ([{"off_peak": ["22:30-06:30"], "from": "11-01", "to": "04-01"}], "lies in 0 seasons"),
        ([{"off_peak": ["22:30-06:30"]}, {"off_peak": ["22:30-06:30"]}], "lies in 2 seasons"),
        ([{"off_peak": ["22:30-06:30"], "from": "13-01", "to": "04-01"}], "no day of a year"),
        ([{"off_peak": "22:30-06:30"}], "Expected `array`"),
        ([], "lies in 0 seasons"),
    ],
)
def test_windows_that_cannot_be_are_refused(seasons, said):
    with pytest.raises(DocumentRefused, match=said):
        read_windows(json.dumps({"seasons": seasons}).encode(), "windows.json")


def test_a_window_may_end_at_midnight_and_the_29_february_has_one_too():
    data = json.dumps({"seasons": [{"off_peak": ["20:00-24:00", "00:00-04:00"]}]}).encode()
    calendar = hphc_calendar(KEY, "m", read_windows(data, "w"), date(2028, 2, 28), date(2028, 3, 2))
    assert hours_by_class(calendar, date(2028, 2, 29)) == {"hc": 8, "hp": 16}


@pytest.fixture(scope="module")
def tempo():
    return tempo_calendar(KEY, "tempo", tempo_days(), date(2024, 9, 1), date(2026, 5, 18))


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2025-01-02T05:45", "bleu_hc"),  # the night of New Year's Day
        ("2025-01-02T06:00", "rouge_hp"),
        ("2025-01-02T21:45", "rouge_hp"),
        ("2025-01-02T22:00", "rouge_hc"),
        ("2025-01-03T05:45", "rouge_hc"),
        ("2025-01-04T06:00", "blanc_hp"),
        ("2025-01-05T03:00", "blanc_hc"),
        ("2025-01-05T06:00", "bleu_hp"),
        ("2026-03-31T12:00", "rouge_hp"),
        ("2026-04-01T05:00", "rouge_hc"),
    ],
)
def test_tempo_classes_of_given_times(tempo, at, expected):
    assert class_at(tempo, at) == expected


def test_a_tempo_day_begins_and_ends_at_six(tempo):
    assert tempo.start == quarter_number(datetime(2024, 9, 1, 4, tzinfo=UTC))
    assert tempo.end == quarter_number(datetime(2026, 5, 18, 4, tzinfo=UTC))
    hours = Counter(tempo.classes[number] for number in tempo.values().tolist())
    assert hours["rouge_hp"] == 44 * 16 * 4
    assert hours["rouge_hc"] == 44 * 8 * 4


def test_a_season_has_22_red_and_43_white_days_none_red_at_the_week_end():
    days = tempo_days()
    assert sorted(days) == days_between(min(days), max(days) + timedelta(days=1))
    season = [colour for day, colour in days.items() if day < date(2025, 9, 1)]
    assert Counter(season) == {Colour.BLUE: 300, Colour.WHITE: 43, Colour.RED: 22}
    red = [day for day, colour in days.items() if colour is Colour.RED]
    assert len(red) == 44
    assert all(day.weekday() < 5 and day.month in {11, 12, 1, 2, 3} for day in red)
    white = [day for day, colour in days.items() if colour is Colour.WHITE]
    assert all(day.weekday() < 6 for day in white)


@pytest.mark.skipif(not FACTS.exists(), reason="no Tempo days beside the project")
def test_the_shipped_colours_are_those_of_the_facts():
    facts = read_tempo_days(FACTS.read_text(), "facts")
    assert tempo_days() == {day: c for day, c in facts.items() if day >= date(2024, 9, 1)}


def test_a_day_without_a_colour_is_refused():
    with pytest.raises(DocumentRefused, match="colour of 2026-05-18"):
        tempo_calendar(KEY, "tempo", tempo_days(), date(2026, 5, 1), date(2026, 5, 19))


def test_an_ejp_peak_lasts_from_seven_to_one():
    peaks = {date(2026, 1, 6), date(2026, 1, 7)}
    calendar = ejp_calendar(KEY, "ejp", peaks, date(2026, 1, 1), date(2026, 2, 1))
    for at, expected in (
        ("2026-01-06T06:45", "normale"),
        ("2026-01-06T07:00", "pointe"),
        ("2026-01-07T00:45", "pointe"),
        ("2026-01-07T01:00", "normale"),
        ("2026-01-07T07:00", "pointe"),
        ("2026-01-08T00:45", "pointe"),
        ("2026-01-08T01:00", "normale"),
        ("2026-01-08T12:00", "normale"),
    ):
        assert class_at(calendar, at) == expected, at
    assert Counter(calendar.values().tolist())[1] == 2 * 18 * 4


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("date,colour\n2026-01-01,vert\n", "line 2 is no day and colour"),
        ("2026-01-01,bleu\n2026-13-01,bleu\n", "line 2 is no day"),
        ("2026-01-01\n", "line 1 is no day"),
        ("2026-01-01,bleu\n2026-01-01,rouge\n", "line 2: 2026-01-01 stands twice"),
    ],
)
def test_a_bad_list_of_colours_is_refused_with_its_line(text, said):
    with pytest.raises(DocumentRefused, match=said):
        read_tempo_days(text, "days.csv")


def test_peak_days_are_the_first_column():
    assert read_peak_days("date\n2026-01-06\n2026-01-07,x\n", "d") == {
        date(2026, 1, 6),
        date(2026, 1, 7),
    }
    with pytest.raises(DocumentRefused, match="line 1 does not begin with a day"):
        read_peak_days("lundi\n", "d")


def test_days_that_are_none_are_refused():
    with pytest.raises(DocumentRefused, match="are none"):
        hphc_calendar(KEY, "m", NIGHT, date(2026, 1, 2), date(2026, 1, 2))
