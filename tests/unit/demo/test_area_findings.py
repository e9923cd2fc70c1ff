"""The demo's days and sums: which days are played, and what the homes drew in them."""

from datetime import date, timedelta

import numpy as np
import pytest

from edge.simulate.home import build_home
from protocol.calendar import days_between, quarter_hours
from protocol.ids import DeviceId
from volet.demo.__main__ import last_march
from volet.demo.area_findings import ReleasedDay, energies_wh, quiet_days
from volet.demo.commune import CELLS, DemoCommune, DemoHome
from volet.demo.neighbours import curve_of, frame_at
from volet.demo.picture import Day
from volet.demo.town import home_settings


@pytest.mark.parametrize("today", [date(2026, 1, 1) + timedelta(days=n) for n in range(0, 366, 3)])
def test_the_days_played_are_over_and_of_one_length(today):
    first, end = quiet_days(today, 14)
    assert (end - first).days == 14
    assert end <= today
    assert today - end < timedelta(days=14)
    assert {quarter_hours(day) for day in days_between(first, end)} == {96}


@pytest.mark.parametrize(
    ("today", "month"),
    [
        (date(2026, 11, 24), date(2026, 3, 1)),
        (date(2027, 3, 31), date(2026, 3, 1)),
        (date(2027, 4, 1), date(2027, 3, 1)),
    ],
)
def test_the_month_billed_is_the_last_march_that_is_over(today, month):
    assert last_march(today) == month
    assert today - month < timedelta(days=400)  # keys live 14 months


def test_a_home_draws_what_its_meter_shows(tmp_path):
    first = date(2026, 10, 24)  # the next day has 100 quarter-hours
    commune = DemoCommune(tmp_path, tmp_path, first, first + timedelta(days=3))
    place = DemoHome(tmp_path, 7, CELLS[0], DeviceId("d"))
    drawn = energies_wh(commune, place)
    assert [len(each) for each in drawn] == [96, 100, 96]
    curve = curve_of(7, commune.begin, commune.end)
    assert np.concatenate(drawn).sum() == pytest.approx(curve.power_w[96:].sum() / 4)


def test_a_frame_names_meter_time_and_every_register(home):
    frame = frame_at(home, home.start + timedelta(days=1))
    registers = [int(frame.groups[f"EASF{n:02}"].value) for n in range(1, 11)]
    assert int(frame.groups["EAST"].value) == sum(registers)
    assert frame.groups["DATE"].at == home.start + timedelta(days=1)
    assert frame.groups["ADSC"].value == home.meter_at(home.start).profile.serial


def test_the_band_holds_what_lies_within_it():
    plain = np.array([10.0, 20.0, 30.0])
    day = Day("x", date(2026, 3, 1), plain, plain + 5, np.array([4.0, 5.0, 6.0]), plain, plain)
    assert ReleasedDay(day, None, plain).is_in_band.tolist() == [False, True, True]


@pytest.fixture
def home():
    return build_home(curve_of(7, date(2026, 3, 1), date(2026, 3, 4)), home_settings(7))
