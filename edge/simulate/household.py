"""A simulated household: plausible load, drawn from a seed.

It has a base load with a fridge, peaks in the morning and evening, cooking and washing, a water
heater in off-peak hours, electric heating in some homes, and weeks away. This is enough for
demonstrations, but says nothing about the statistics of a real population.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from edge.simulate.curve import Curve
from protocol.calendar import day_start, days_between, quarter_hours

STEP_S = 900
QUARTERS_PER_HOUR = 4
CHANGE_OF_TIME_HOUR = 2
SATURDAY = 5
HEATING_BELOW_C = 17.0
MAX_SHARE_OF_CONTRACT = 0.9
PANEL_PEAK_W = 3_000
ELECTRIC_HEATING_SHARE = 0.4
WATER_HEATER_FROM_HOUR = 22.5
FRIDGE_W, FRIDGE_DUTY = 60, 0.3


@dataclass(frozen=True, slots=True)
class Habits:
    """The habits of a household, drawn once."""

    base_w: float
    morning_w: float
    evening_w: float
    heating_w_per_c: float
    water_heater_w: float
    spikes_a_day: float


def synthetic_curve(seed: int, start: date, end: date, kva: int = 6) -> Curve:
    """Return the load of the legal days [start, end) in steps of 15 minutes.

    A day depends only on `seed`, `kva` and its date: a longer period adds days and changes none.
    """
    habits = _habits(np.random.default_rng([seed, 0]))
    limit_w = kva * 1_000 * MAX_SHARE_OF_CONTRACT
    days = [_day_load(habits, seed, day, limit_w) for day in days_between(start, end)]
    return Curve(int(day_start(start).timestamp()), STEP_S, np.concatenate(days))


def surplus_curve(drawn: Curve, seed: int, peak_w: int = PANEL_PEAK_W) -> Curve:
    """Return the power that solar panels on the roof inject beyond the household's own load.

    Simplification: the panels do not reduce the drawn curve, which stays as given.
    """
    begins_s = drawn.edges_s[:-1]
    hour = (begins_s % 86_400) / 3_600
    day_number = begins_s // 86_400
    season = np.cos(2 * np.pi * (day_number % 365.25 - 172) / 365.25)
    height = np.clip(np.cos(np.pi * (hour - 11.8) / (12 + 4 * season)), 0, None)
    height[np.abs(hour - 11.8) > 6 + 2 * season] = 0
    days, which = np.unique(day_number, return_inverse=True)
    clear = np.array(
        [np.random.default_rng([seed, 1, int(day)]).beta(2, 1.5) for day in days.tolist()]
    )
    panels_w = peak_w * (0.6 + 0.3 * season) * height * clear[which]
    surplus_w = np.clip(panels_w - drawn.power_w, 0, None).astype(np.int64)
    return Curve(drawn.start_s, drawn.step_s, surplus_w)


def _habits(rng: np.random.Generator) -> Habits:
    is_heated_by_electricity = rng.random() < ELECTRIC_HEATING_SHARE
    return Habits(
        base_w=rng.uniform(60, 160),
        morning_w=rng.uniform(150, 600),
        evening_w=rng.uniform(300, 900),
        heating_w_per_c=rng.uniform(40, 140) if is_heated_by_electricity else rng.uniform(0, 8),
        water_heater_w=rng.choice([0.0, 1_500.0, 2_200.0]),
        spikes_a_day=rng.uniform(2, 6),
    )


def _day_load(habits: Habits, seed: int, day: date, limit_w: float) -> NDArray[np.int64]:
    rng = np.random.default_rng([seed, 2, day.toordinal()])
    count = quarter_hours(day)
    hour = _clock_hours(count)
    season = np.cos(2 * np.pi * (day.timetuple().tm_yday - 20) / 365.25)
    outside_c = 12.5 - 8 * season + rng.normal(0, 2.5) + 3 * np.sin(np.pi * (hour - 9) / 12)
    is_cooling = np.sin(hour * 2.9 + rng.uniform(0, 6)) > FRIDGE_DUTY
    load_w = np.full(count, habits.base_w) + FRIDGE_W * is_cooling
    is_away = _is_away(seed, day)
    comfort_c = HEATING_BELOW_C - (6 if is_away else 0)
    load_w += habits.heating_w_per_c * np.clip(comfort_c - outside_c, 0, None)
    if not is_away:
        late = 1.5 if day.weekday() >= SATURDAY else 0.0
        load_w += habits.morning_w * _bump(hour, 7.2 + late + rng.normal(0, 0.3), 0.8)
        load_w += habits.evening_w * (1.1 + 0.3 * season) * _bump(hour, 19.8, 1.6)
        load_w += 0.4 * habits.morning_w * _bump(hour, 12.6, 0.9) * (2 if late else 1)
        heating_hours = rng.uniform(1.2, 2.2) + 0.6 * season
        evening = hour - WATER_HEATER_FROM_HOUR
        load_w += habits.water_heater_w * ((evening >= 0) & (evening < heating_hours))
        load_w += habits.water_heater_w * (hour < max(heating_hours - 1.5, 0))
        for _ in range(rng.poisson(habits.spikes_a_day)):
            at = int(np.clip(rng.choice([7.5, 12.3, 19.2, 20.5]) + rng.normal(0, 1.2), 0, 23.5) * 4)
            load_w[at : at + rng.integers(1, 5)] += rng.uniform(600, 2_400)
    load_w *= rng.uniform(0.9, 1.1, count)
    return np.asarray(np.clip(load_w, 0, limit_w), dtype=np.int64)


def _clock_hours(count: int) -> NDArray[np.float64]:
    """Return the local clock time at the start of each quarter-hour, float64[count] in hours."""
    hour = np.arange(count) / QUARTERS_PER_HOUR
    shift = (24 * QUARTERS_PER_HOUR - count) / QUARTERS_PER_HOUR
    return np.where(hour >= CHANGE_OF_TIME_HOUR, hour + shift, hour)


def _bump(hour: NDArray[np.float64], centre: float, width: float) -> NDArray[np.float64]:
    return np.exp(-(((hour - centre) / width) ** 2))


def _is_away(seed: int, day: date) -> bool:
    """Return whether the day lies in one of the year's two absences (summer, winter)."""
    rng = np.random.default_rng([seed, 3, day.year])
    summer = date(day.year, 7, 10) + timedelta(days=int(rng.integers(0, 35)))
    winter = date(day.year, 2, 8) + timedelta(days=int(rng.integers(0, 20)))
    return summer <= day < summer + timedelta(
        days=int(rng.integers(8, 20))
    ) or winter <= day < winter + timedelta(days=int(rng.integers(4, 8)))
