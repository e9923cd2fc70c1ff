"""Who and what takes part in a day's contribution, at the limits of each rule."""

from datetime import date

import msgspec
import numpy as np
import pytest

from edge.privacy.contribution import ContributionInputs, DayValues, Seeds, contribute
from edge.privacy.ledger import Caps, Ledger
from protocol.area_cipher import SHAPES
from protocol.calendar import day_number, quarter_hours
from protocol.roster import RosterEntry
from protocol.seeds import draw_seeds
from protocol.socio import Profile
from tests.support.chip_area import CELL, make_measures, small_transform

DAY = date(2026, 5, 11)
ENTRY = RosterEntry(3, bytes(32), bytes(16), "a" * 26, bytes(32), bytes(32), CELL, "edf", 0)
SEEDS = Seeds(7, bytes(32), draw_seeds(SHAPES[0]), 20_454)
VALUES = DayValues(DAY, [100] * quarter_hours(DAY), profile=Profile((0, 0, 2, 0, 0, 0), 1))


def no_noise(slots, _std_units):
    return np.zeros(slots, np.int64)


def measures_of(day_values=VALUES, *, entry=ENTRY, order=None, **changes):
    """Return the names of the measures that a contribution has, None where there is none."""
    document = make_measures(bytes(32), b"t" * 32, **changes)
    if order is not None:
        document = msgspec.structs.replace(document, measures=order(document.measures))
    transforms = {b"t" * 32: small_transform()}
    inputs = ContributionInputs(document, b"m" * 32, transforms, entry, SEEDS)
    made = contribute(day_values, inputs, Ledger(), Caps(), sampler=no_noise)
    return None if made is None else [part.measure for part in made.contribution.parts]


def reverse(measures):
    return tuple(reversed(measures))


def test_a_day_has_a_part_in_each_measure():
    assert measures_of(profile_days_a_year=366) == ["curve", "classes", "profile"]


@pytest.mark.parametrize("order", [tuple, reverse])
def test_the_profile_alone_stays_away_on_days_that_do_not_count_it(order):
    assert set(measures_of(order=order, profile_days_a_year=0)) == {"curve", "classes"}


@pytest.mark.parametrize("order", [tuple, reverse])
def test_a_household_without_a_profile_sends_the_same_parts(order):
    """Otherwise the collectivity would see who has disclosed one."""
    without = msgspec.structs.replace(VALUES, profile=None)
    assert measures_of(without, order=order) == measures_of(order=order)
    assert "profile" in measures_of(without, order=order)


def test_a_household_takes_part_from_the_day_of_its_entry_on():
    entry = msgspec.structs.replace(ENTRY, start=day_number(DAY))
    assert measures_of(entry=entry)
    later = msgspec.structs.replace(ENTRY, start=day_number(DAY) + 1)
    assert measures_of(entry=later) is None


def test_a_household_without_a_cell_takes_no_part():
    assert measures_of(entry=msgspec.structs.replace(ENTRY, cell=None)) is None


@pytest.mark.parametrize("order", [tuple, reverse])
def test_a_measure_without_a_group_for_the_cell_leaves_the_others(order):
    def without_groups(measures):
        curve, classes, profile = measures
        return order((curve, msgspec.structs.replace(classes, groups=()), profile))

    assert set(measures_of(order=without_groups)) == {"curve", "profile"}


def test_what_a_household_does_not_say_is_nothing():
    bare = DayValues(DAY, VALUES.energies_wh)
    assert (bare.injected_wh, bare.cost_cents, bare.profile) == (0, 0, None)
    assert tuple(bare.priced_wh) == (0,) * 16
